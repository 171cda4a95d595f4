// MTA-STS policies (RFC 8461): the text that is hosted, the id that tells senders of it, and which exchanges it allows.

import { hashText } from '../../lib/hash.ts'

export const mtaStsModes = ['enforce', 'testing', 'none'] as const
export type MtaStsMode = (typeof mtaStsModes)[number]

export interface MtaStsPolicy {
  readonly mode: MtaStsMode
  /** For how long a sender may keep it after it was fetched. */
  readonly maxAgeSeconds: number
  /** Exchange names in lower case without final dot, or `*.` and a name; empty only in mode none. */
  readonly patterns: readonly string[]
}

/** RFC 8461 §3.2. */
export const longestMaxAgeSeconds = 31_557_600

/** The octets to be hosted: lines end in CRLF. */
export function policyText({ mode, maxAgeSeconds, patterns }: MtaStsPolicy): string {
  const mx = patterns.map((pattern) => `mx: ${pattern}`)
  const lines = ['version: STSv1', `mode: ${mode}`, ...mx, `max_age: ${maxAgeSeconds}`]
  return lines.map((line) => `${line}\r\n`).join('')
}

const idParts = 4
const idPartLength = 7

/** A function of the content, so that every instance has the same one: 28 letters and digits (32 are allowed, §3.1). */
export function policyId(policy: MtaStsPolicy): string {
  const text = policyText(policy)
  const parts = Array.from({ length: idParts }, (_, i) => hashText(`${i} ${text}`))
  return parts.map((part) => part.toString(36).padStart(idPartLength, '0')).join('')
}

/** The text of the TXT record at `_mta-sts.<domain>` (§3.1). */
export const policyTxt = (id: string): string => `v=STSv1; id=${id};`

/** The id in the text of a TXT record; null: it is none of MTA-STS, or has no id. */
export function idOfTxt(text: string): string | null {
  const fields = text.split(';').map((field) => field.trim())
  if (fields[0] !== 'v=STSv1') return null
  const id = fields.find((field) => field.startsWith('id='))?.slice(3) ?? ''
  return /^[A-Za-z0-9]{1,32}$/.test(id) ? id : null
}

export const policyHost = (domain: string): string => `mta-sts.${domain}`

export const policyPath = '/.well-known/mta-sts.txt'

type PolicyRead =
  | { readonly kind: 'policy'; readonly policy: MtaStsPolicy }
  | { readonly kind: 'bad'; readonly why: string }

const bad = (why: string): PolicyRead => ({ kind: 'bad', why })

/** Reads a hosted text as senders do (§3.2): of a field that is there twice the first counts, unknown ones are left out. */
export function parsePolicy(text: string): PolicyRead {
  const fields = new Map<string, string>()
  const patterns: string[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    const [, key, value = ''] = /^([A-Za-z0-9][\w.-]*):[ \t]*(.*?)[ \t]*$/.exec(line) ?? []
    if (key === undefined) return bad('a line has no "key: value"')
    if (key === 'mx') patterns.push(value.toLowerCase())
    else if (!fields.has(key)) fields.set(key, value)
  }
  if (fields.get('version') !== 'STSv1') return bad('it has no "version: STSv1"')
  const mode = mtaStsModes.find((one) => one === fields.get('mode'))
  if (mode === undefined) return bad('its mode is none of enforce, testing and none')
  const age = fields.get('max_age') ?? ''
  if (!/^\d{1,10}$/.test(age) || Number(age) > longestMaxAgeSeconds)
    return bad(`its max_age is no number of seconds up to ${longestMaxAgeSeconds}`)
  if (mode !== 'none' && patterns.length === 0) return bad('it has no mx')
  return { kind: 'policy', policy: { mode, maxAgeSeconds: Number(age), patterns } }
}

/** Whether a policy with these patterns allows an exchange (§4.1): `*.` stands for one label. */
export const isAllowed = (patterns: readonly string[], exchange: string): boolean =>
  patterns.some((pattern) =>
    pattern.startsWith('*.')
      ? exchange.includes('.') && exchange.slice(exchange.indexOf('.')) === pattern.slice(1)
      : pattern === exchange,
  )

/**
 * The fewest patterns for these exchanges of a zone: names directly below it are one, and with them every target that it
 * ever has.
 */
export function patternsFor(exchanges: readonly string[], zone: string): readonly string[] {
  const below = `*.${zone}`
  const patterns = exchanges.map((name) => (isAllowed([below], name) ? below : name))
  return [...new Set(patterns)].sort()
}
