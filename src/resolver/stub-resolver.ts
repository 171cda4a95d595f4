// A stub resolver (RFC 9499 §6): sends questions to one recursive resolver and caches its answers for their TTL.
//
// Never rejects. Bounded are the questions in flight, those that wait, and the cached answers. Failures are cached for
// five seconds, so that a resolver that is down is not queried once for every target.

import type { Clock } from '../lib/clock.ts'
import type { query } from './query.ts'
import type { Question, Response, ServerEndpoint, ResourceRecord } from './response.ts'

export type Answer =
  /** Records of the type in question, at the name or at the end of its CNAME chain; at least one. */
  | { readonly kind: 'found'; readonly records: readonly ResourceRecord[] }
  | { readonly kind: 'none'; readonly why: 'nxdomain' | 'nodata' }
  /** `why`: `timeout`, `servfail`, `rcode-5`, `too-many-questions` and the like. */
  | { readonly kind: 'failed'; readonly why: string }

export interface StubResolver {
  readonly server: ServerEndpoint
  /** Never rejects. `isFresh` bypasses the cache of this stub; the resolver may still answer from its own. */
  resolve(question: Question, isFresh?: boolean): Promise<Answer>
  counters(): ResolverCounters
}

export interface ResolverCounters {
  /** Questions with an answer of the resolver, negative ones included. */
  readonly answered: number
  /** Questions without a usable answer. */
  readonly failed: number
  /** Questions answered from the cache of this stub. */
  readonly fromCache: number
}

interface StubResolverOptions {
  readonly server: ServerEndpoint
  readonly clock: Clock
  /** Deadline of one try; two seconds by default. */
  readonly timeoutMs?: number
  readonly inFlightLimit?: number
  readonly cacheLimit?: number
  /** Replaces the network in tests. */
  readonly query?: typeof query
}

const limits = { inFlight: 32, waiting: 20_000, cached: 8192 }

const defaultTimeoutMs = 2000

const maxTtlMs = 3_600_000

const maxNegativeTtlMs = 300_000

const failureTtlMs = 5000

const maxCnameSteps = 8

interface CacheableAnswer {
  readonly answer: Answer
  readonly ttlMs: number
}

interface CacheEntry {
  readonly answer: Answer
  readonly untilMs: number
}

export const createStubResolver = (options: StubResolverOptions): StubResolver =>
  new CachingStubResolver(options)

const failure = (why: string): CacheableAnswer => ({
  answer: { kind: 'failed', why },
  ttlMs: failureTtlMs,
})

const queueFull: CacheableAnswer = failure('too-many-questions')

class CachingStubResolver implements StubResolver {
  readonly server: ServerEndpoint
  readonly #options: StubResolverOptions
  readonly #limit: ReturnType<typeof createConcurrencyLimit>
  readonly #cache = new Map<string, CacheEntry>()
  readonly #pending = new Map<string, Promise<Answer>>()
  readonly #counters = { answered: 0, failed: 0, fromCache: 0 }

  constructor(options: StubResolverOptions) {
    this.server = options.server
    this.#options = options
    this.#limit = createConcurrencyLimit(options.inFlightLimit ?? limits.inFlight, limits.waiting)
  }

  resolve(question: Question, isFresh = false): Promise<Answer> {
    const key = `${question.type} ${question.name.toLowerCase()}`
    const cached = this.#cache.get(key)
    if (!isFresh && cached && cached.untilMs > this.#options.clock.monotonicMs()) {
      this.#counters.fromCache++
      return Promise.resolve(cached.answer)
    }
    const pending = this.#pending.get(key)
    if (pending) return pending
    const answer = this.#queryServer(key, question).finally(() => this.#pending.delete(key))
    this.#pending.set(key, answer)
    return answer
  }

  counters(): ResolverCounters {
    return { ...this.#counters }
  }

  async #queryServer(key: string, question: Question): Promise<Answer> {
    const { server, clock, timeoutMs = defaultTimeoutMs } = this.#options
    // Most servers never ask a resolver: dns2 is loaded with the first question.
    const send = this.#options.query ?? (await import('./query.ts')).query
    const response = await this.#limit.run(() =>
      send(server, question, { timeoutMs, isRecursive: true }),
    )
    const { answer, ttlMs } = response === null ? queueFull : interpret(response, question)
    this.#counters[answer.kind === 'failed' ? 'failed' : 'answered']++
    this.#store(key, { answer, untilMs: clock.monotonicMs() + ttlMs })
    return answer
  }

  #store(key: string, entry: CacheEntry): void {
    this.#cache.delete(key)
    this.#cache.set(key, entry)
    const { cacheLimit = limits.cached } = this.#options
    // A map iterates in order of insertion: the oldest entry goes first.
    for (const old of this.#cache.keys()) {
      if (this.#cache.size <= cacheLimit) break
      this.#cache.delete(old)
    }
  }
}

function interpret(response: Response, question: Question): CacheableAnswer {
  if (response.kind === 'failed') return failure(response.why)
  if (response.isTruncated) return failure('truncated')
  const { rcode, answers, authority } = response
  if (rcode === 2) return failure('servfail')
  if (rcode === 5) return failure('refused')
  if (rcode !== 0 && rcode !== 3) return failure(`rcode-${rcode}`)
  const chain = followCnames(answers, question)
  const ttlSeconds = Math.min(...chain.map((record) => record.ttlSeconds))
  const records = chain.filter(({ type }) => type === question.type)
  if (records.length > 0)
    return { answer: { kind: 'found', records }, ttlMs: Math.min(maxTtlMs, ttlSeconds * 1000) }
  const negativeSeconds = authority.find(({ type }) => type === 'SOA')?.negativeSeconds ?? 0
  const why = rcode === 3 ? 'nxdomain' : 'nodata'
  const ttlMs = Math.min(maxNegativeTtlMs, Math.min(negativeSeconds, ttlSeconds) * 1000)
  return { answer: { kind: 'none', why }, ttlMs }
}

/** Returns the CNAME chain from the name on, and the records of the type in question at its end. */
function followCnames(
  answers: readonly ResourceRecord[],
  { name, type }: Question,
): readonly ResourceRecord[] {
  const chain: ResourceRecord[] = []
  let owner = name.toLowerCase()
  for (let steps = 0; steps < maxCnameSteps; steps++) {
    const here = answers.filter((record) => record.owner === owner)
    const wanted = here.filter((record) => record.type === type)
    const cname = here.find((record) => record.type === 'CNAME')
    if (wanted.length > 0 || !cname) return [...chain, ...wanted]
    chain.push(cname)
    owner = cname.data
  }
  return chain
}

export interface ConcurrencyLimit {
  /** Runs the work at once or in its turn. Resolves with its result; null if too many wait already. Rejects as it does. */
  run<T>(work: () => Promise<T>): Promise<T | null>
}

/** Lets `maxRunning` works run at once and `maxWaiting` more wait, first come first served. */
export function createConcurrencyLimit(maxRunning: number, maxWaiting: number): ConcurrencyLimit {
  const queue: (() => void)[] = []
  let free = maxRunning
  let head = 0
  const release = (): void => {
    const next = queue[head]
    if (!next) {
      free++
      return
    }
    head++
    if (head > 1024) {
      queue.splice(0, head)
      head = 0
    }
    next()
  }
  return {
    async run(work) {
      if (free > 0) free--
      else {
        if (queue.length - head >= maxWaiting) return null
        await new Promise<void>((resolve) => void queue.push(resolve))
      }
      try {
        return await work()
      } finally {
        release()
      }
    },
  }
}
