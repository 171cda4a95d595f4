// A stub resolver (RFC 9499 §6): asks one recursive resolver, and remembers what it said for as long as it may.
//
// Never rejects, and everything is bounded: questions in flight and waiting, answers kept. What fails is kept for a few
// seconds too, so that a resolver that is down is not asked once for every target.

import type { Clock } from '../lib/clock.ts'
import type { Address } from '../lib/ip.ts'
import { query } from './query.ts'
import type { Question, Response, ServerEndpoint, ResourceRecord } from './response.ts'

export type Answer =
  /** Records of the type asked for, at the name or where its aliases lead; at least one. */
  | { readonly kind: 'found'; readonly records: readonly ResourceRecord[] }
  | { readonly kind: 'none'; readonly why: 'nxdomain' | 'nodata' }
  /** `why`: a word such as `timeout`, `servfail`, `rcode-5`. */
  | { readonly kind: 'failed'; readonly why: string }

export interface StubResolver {
  readonly server: ServerEndpoint
  /** `isFresh`: not out of what is remembered here; the resolver has a cache of its own. */
  resolve(question: Question, isFresh?: boolean): Promise<Answer>
  counters(): ResolverCounters
}

export interface ResolverCounters {
  /** Answered by the resolver, whatever it said. */
  readonly answered: number
  readonly failed: number
  readonly fromCache: number
}

interface StubResolverOptions {
  readonly server: ServerEndpoint
  readonly clock: Clock
  readonly timeoutMs?: number
  readonly inFlightLimit?: number
  readonly cacheLimit?: number
  /** For tests. */
  readonly query?: typeof query
}

const limits = { inFlight: 32, waiting: 20_000, cached: 8192 }

const usualTimeoutMs = 2000

const longestMs = 3_600_000

const longestNegativeMs = 300_000

const failureMs = 5000

const aliasLimit = 8

interface CacheEntry {
  readonly answer: Answer
  readonly untilMs: number
}

export const createStubResolver = (options: StubResolverOptions): StubResolver =>
  new CachingStubResolver(options)

const failure = (why: string): CacheableAnswer => ({
  answer: { kind: 'failed', why },
  ttlMs: failureMs,
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
    const kept = this.#cache.get(key)
    if (!isFresh && kept && kept.untilMs > this.#options.clock.monotonicMs()) {
      this.#counters.fromCache++
      return Promise.resolve(kept.answer)
    }
    const pending = this.#pending.get(key)
    if (pending) return pending
    const asked = this.#queryServer(key, question).finally(() => this.#pending.delete(key))
    this.#pending.set(key, asked)
    return asked
  }

  counters(): ResolverCounters {
    return { ...this.#counters }
  }

  async #queryServer(key: string, question: Question): Promise<Answer> {
    const { server, clock, timeoutMs = usualTimeoutMs, query: ask = query } = this.#options
    const reply = await this.#limit.run(() =>
      ask(server, question, { timeoutMs, isRecursive: true }),
    )
    const { answer, ttlMs: keepMs } = reply === null ? queueFull : interpret(reply, question)
    this.#counters[answer.kind === 'failed' ? 'failed' : 'answered']++
    this.#store(key, { answer, untilMs: clock.monotonicMs() + keepMs })
    return answer
  }

  #store(key: string, kept: CacheEntry): void {
    this.#cache.delete(key)
    this.#cache.set(key, kept)
    const { cacheLimit = limits.cached } = this.#options
    // The oldest first: they stand in order of when they were asked.
    for (const old of this.#cache.keys()) {
      if (this.#cache.size <= cacheLimit) break
      this.#cache.delete(old)
    }
  }
}

interface CacheableAnswer {
  readonly answer: Answer
  readonly ttlMs: number
}

function interpret(reply: Response, question: Question): CacheableAnswer {
  if (reply.kind === 'failed') return failure(reply.why)
  if (reply.isTruncated) return failure('truncated')
  const { rcode, answers, authority } = reply
  if (rcode === 2) return failure('servfail')
  if (rcode === 5) return failure('refused')
  if (rcode !== 0 && rcode !== 3) return failure(`rcode-${rcode}`)
  const chain = followAliases(answers, question)
  const ttlSeconds = Math.min(...chain.map((record) => record.ttlSeconds))
  const records = chain.filter(({ type }) => type === question.type)
  if (records.length > 0)
    return { answer: { kind: 'found', records }, ttlMs: Math.min(longestMs, ttlSeconds * 1000) }
  const negativeSeconds = authority.find(({ type }) => type === 'SOA')?.negativeSeconds ?? 0
  const why = rcode === 3 ? 'nxdomain' : 'nodata'
  const keepMs = Math.min(longestNegativeMs, Math.min(negativeSeconds, ttlSeconds) * 1000)
  return { answer: { kind: 'none', why }, ttlMs: keepMs }
}

/** The aliases from the name on, and the records that they lead to. */
function followAliases(
  answers: readonly ResourceRecord[],
  { name, type }: Question,
): readonly ResourceRecord[] {
  const chain: ResourceRecord[] = []
  let owner = name.toLowerCase()
  for (let steps = 0; steps < aliasLimit; steps++) {
    const here = answers.filter((record) => record.owner === owner)
    const wanted = here.filter((record) => record.type === type)
    const alias = here.find((record) => record.type === 'CNAME')
    if (wanted.length > 0 || !alias) return [...chain, ...wanted]
    chain.push(alias)
    owner = alias.data
  }
  return chain
}

// The name under which an address is looked up in a tree of addresses: in-addr.arpa and ip6.arpa (RFC 1035 §3.5,
// RFC 3596 §2.5), or a DNS list (RFC 5782 §2.1, §2.4).

export const reverseName = (address: Address): string =>
  address.family === 4 ? nameBelow(address, 'in-addr.arpa') : nameBelow(address, 'ip6.arpa')

export function nameBelow({ family, octets }: Address, tree: string): string {
  const labels =
    family === 4
      ? [...octets].map(String)
      : [...octets].flatMap((octet) => [(octet >> 4).toString(16), (octet & 15).toString(16)])
  return [...labels.toReversed(), tree].join('.')
}

// Lets so many at once through, the others in the order they came, and none beyond a bound.

interface ConcurrencyLimit {
  /** null: too many wait already. */
  run<T>(work: () => Promise<T>): Promise<T | null>
}

export function createConcurrencyLimit(inside: number, waiting: number): ConcurrencyLimit {
  const queue: (() => void)[] = []
  let free = inside
  let head = 0
  const leave = (): void => {
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
        if (queue.length - head >= waiting) return null
        await new Promise<void>((resolve) => void queue.push(resolve))
      }
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
