// Fetches the policy of MTA-STS that a domain hosts, as a sender does (RFC 8461 §3.3): by HTTPS at its policy host, whose
// certificate has to be valid for that name, without following redirects, within bounds of time and octets.

import { type IncomingMessage } from 'node:http'
import { request } from 'node:https'

import type { DomainPolicy } from '../../zone/mta-sts/compile-mta-sts.ts'
import {
  idOfTxt,
  type MtaStsPolicy,
  parsePolicy,
  policyHost,
  policyPath,
  policyTxt,
} from '../../zone/mta-sts/policy.ts'
import type { StubResolver } from '../../resolver/stub-resolver.ts'

/** What a sender finds. */
export interface HostedPolicy {
  /** The id in the TXT record; null: there is none that counts, `txtWhy` says so. */
  readonly id: string | null
  readonly txtWhy: string
  readonly fetched: FetchedPolicy
}

type FetchedPolicy =
  | { readonly kind: 'policy'; readonly policy: MtaStsPolicy }
  | { readonly kind: 'failed'; readonly why: string }

/** What senders should accept at least is 64 kB (§3.3). */
const maxOctets = 65_536

const timeoutMs = 10_000

export async function fetchHostedPolicy(
  resolver: StubResolver,
  domain: string,
  port: number,
): Promise<HostedPolicy> {
  const txt = await readTxt(resolver, domain)
  return { ...txt, fetched: await fetchPolicy(resolver, domain, port) }
}

async function readTxt(
  resolver: StubResolver,
  domain: string,
): Promise<Pick<HostedPolicy, 'id' | 'txtWhy'>> {
  const answer = await resolver.resolve({ name: `_mta-sts.${domain}`, type: 'TXT' })
  if (answer.kind !== 'found') return { id: null, txtWhy: answer.why }
  const texts = answer.records.filter(({ data }) => data.startsWith('v=STSv1;'))
  if (texts.length > 1) return { id: null, txtWhy: `${texts.length} records of MTA-STS` }
  const id = idOfTxt(texts[0]?.data ?? '')
  return { id, txtWhy: id === null ? 'no record of MTA-STS' : '' }
}

async function fetchPolicy(
  resolver: StubResolver,
  domain: string,
  port: number,
): Promise<FetchedPolicy> {
  const name = policyHost(domain)
  const answers = await Promise.all([
    resolver.resolve({ name, type: 'A' }),
    resolver.resolve({ name, type: 'AAAA' }),
  ])
  const [address] = answers.flatMap((one) => (one.kind === 'found' ? one.records : []))
  if (address === undefined) return { kind: 'failed', why: `${name} has no address` }
  return get(name, address.data, port)
}

function get(name: string, address: string, port: number): Promise<FetchedPolicy> {
  return new Promise((resolve) => {
    const fail = (why: string): void => resolve({ kind: 'failed', why })
    const outgoing = request({
      host: address,
      servername: name,
      port,
      path: policyPath,
      headers: { host: name, accept: 'text/plain' },
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) =>
      fail(error.name === 'TimeoutError' ? `no answer within ${timeoutMs} ms` : whyOf(error)),
    )
    outgoing.on('response', (incoming) => readBody(incoming, resolve))
    outgoing.end()
  })
}

const whyOf = ({ code, message }: NodeJS.ErrnoException): string =>
  code === undefined || code === 'ABORT_ERR' ? message : `${code}: ${message}`

function readBody(incoming: IncomingMessage, done: (fetched: FetchedPolicy) => void): void {
  const fail = (why: string): void => {
    incoming.destroy()
    done({ kind: 'failed', why })
  }
  const { statusCode = 0 } = incoming
  if (statusCode !== 200)
    return fail(`it answers ${statusCode}, and senders follow no redirect: expected 200`)
  let text = ''
  incoming.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (text.length > maxOctets) fail(`more than ${maxOctets} octets`)
  })
  incoming.on('error', (error) => done({ kind: 'failed', why: error.message }))
  incoming.on('end', () => {
    const read = parsePolicy(text)
    done(read.kind === 'policy' ? read : { kind: 'failed', why: read.why })
  })
}

/** What is wrong with what is hosted, beside what the zone file says; empty: nothing. */
export function comparePolicies(
  expected: DomainPolicy,
  { id, txtWhy, fetched }: HostedPolicy,
): readonly string[] {
  const { domain } = expected
  const txt =
    id === expected.id
      ? []
      : [
          id === null
            ? `_mta-sts.${domain}: ${txtWhy}, expected "${policyTxt(expected.id)}"`
            : `_mta-sts.${domain} has id ${id}, expected ${expected.id}: senders do not learn of the policy here`,
        ]
  const where = `https://${policyHost(domain)}${policyPath}`
  if (fetched.kind === 'failed') return [...txt, `${where}: ${fetched.why}`]
  const { policy } = fetched
  const differences = [
    policy.mode === expected.mode ? '' : `mode ${policy.mode}, expected ${expected.mode}`,
    policy.maxAgeSeconds === expected.maxAgeSeconds
      ? ''
      : `max_age ${policy.maxAgeSeconds}, expected ${expected.maxAgeSeconds}`,
    listOf(policy.patterns) === listOf(expected.patterns)
      ? ''
      : `mx ${listOf(policy.patterns)}, expected ${listOf(expected.patterns)}`,
  ].filter((text) => text !== '')
  return [...txt, ...differences.map((text) => `${where} has ${text}`)]
}

const listOf = (patterns: readonly string[]): string => [...new Set(patterns)].sort().join(' ')
