// What others say of what is signed: delv, drill, resolvers that validate, and the checkers of whole zones of BIND and ldns.
// They ask 127.0.0.1 alone.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { askOverTcp } from '../differential/ask.ts'
import { labelsOf, wireOf } from './dnssec/names.ts'
import type { Question } from './dnssec-validator.ts'
import { foreignPath } from './foreign-server.ts'
import { buildQuery } from './packet-builder.ts'
import { temporaryFolder } from './server.ts'

/** `why`: what the program printed. `error`: it came to no verdict. */
export type ForeignVerdict =
  | { readonly kind: 'secure' }
  | { readonly kind: 'insecure' }
  | { readonly kind: 'bogus'; readonly why: string }
  | { readonly kind: 'error'; readonly why: string }

/** A zone, where it is served, and its DNSKEY records that are trusted, a line each. */
export interface Anchor {
  readonly apex: string
  readonly port: number
  readonly keys: string
}

interface Run {
  readonly code: number | null
  readonly text: string
}

/** One question by delv; an alias that leads out of what is served counts by the signatures that it has. */
export async function delv(
  { apex, port, keys }: Anchor,
  question: Question,
): Promise<ForeignVerdict> {
  const file = join(temporaryFolder(), 'anchors')
  writeFileSync(file, bindAnchors(apex, keys))
  const server = ['@127.0.0.1', '-p', String(port), '-4', '-a', file, `+root=${apex}`]
  const asked = ['-q', question.qname, '-t', typeText(question.qtype)]
  const { text } = await run('delv', [...server, ...asked])
  if (/no valid|broken trust|verify|insecurity proof|not .*validat|bad cache hit/.test(text))
    return { kind: 'bogus', why: text }
  if (/fully validated/.test(text)) return { kind: 'secure' }
  return /unsigned answer/.test(text) ? { kind: 'insecure' } : { kind: 'error', why: text }
}

/** One question by drill, which follows the signatures up to a key that is trusted. */
export async function drill({ port, keys }: Anchor, question: Question): Promise<ForeignVerdict> {
  const file = join(temporaryFolder(), 'anchors')
  writeFileSync(file, sepKeys(keys))
  const flags = ['-S', '-t', '-4', '-k', file, '-p', String(port)]
  const { code, text } = await run('drill', [
    ...flags,
    question.qname,
    '@127.0.0.1',
    typeText(question.qtype),
  ])
  if (code === 0 && /Chase successful/.test(text)) return { kind: 'secure' }
  return /Chase failed|Bogus/.test(text)
    ? { kind: 'bogus', why: text }
    : { kind: 'error', why: text }
}

/**
 * What drill finds bogus, whoever serves it (test/dnssec/foreign-validators.e2e.test.ts): a CNAME that is made of a DNAME of the zone,
 * at `tree`, and that an empty non-terminal, `ent`, has no data.
 */
export const isDrillFault = ({ qname }: Question): boolean =>
  /\.tree\./i.test(qname) || /^ent\./i.test(qname)

/** A transferred zone by ldns-verify-zone: every set, the chain, and what is occluded. */
export const verifyByLdns = (text: string, keys: string): Promise<ForeignVerdict> =>
  verifyFile(text, (file) => {
    const anchors = `${file}.anchors`
    writeFileSync(anchors, sepKeys(keys))
    return ['ldns-verify-zone', '-V', '2', '-k', anchors, file]
  })

/** A transferred zone by dnssec-verify; `isSplit` where one key signs the others. */
export const verifyByBind = (
  apex: string,
  text: string,
  isSplit: boolean,
): Promise<ForeignVerdict> =>
  verifyFile(text, (file) => ['dnssec-verify', '-q', ...(isSplit ? [] : ['-z']), '-o', apex, file])

async function verifyFile(
  text: string,
  commandFor: (file: string) => readonly string[],
): Promise<ForeignVerdict> {
  const file = join(temporaryFolder(), 'zone')
  writeFileSync(file, text)
  const [command = '', ...args] = commandFor(file)
  const { code, text: printed } = await run(command, args)
  if (code === 0) return { kind: 'secure' }
  return code === null ? { kind: 'error', why: printed } : { kind: 'bogus', why: printed }
}

/**
 * What a validating resolver makes of questions: AD is secure, NOERROR and NXDOMAIN without it insecure, and SERVFAIL
 * bogus where the same question with CD (checking disabled) is answered. They are asked over TCP, for whole answers.
 */
export async function resolverVerdicts(
  port: number,
  questions: readonly Question[],
): Promise<ForeignVerdict[]> {
  const replies = await askOverTcp(
    port,
    questions.map((one) => resolverQuery(one, false)),
  )
  const failed = questions.filter((_, i) => (replies[i] as Buffer).readUInt8(3) % 16 === 2)
  const unchecked = await askOverTcp(
    port,
    failed.map((one) => resolverQuery(one, true)),
  )
  return questions.map((question, i) => {
    const bits = (replies[i] as Buffer).readUInt16BE(2)
    const rcode = bits % 16
    if (rcode === 0 || rcode === 3 || rcode === 6)
      return { kind: (bits & 0x20) === 0 ? 'insecure' : 'secure' }
    const second = unchecked[failed.indexOf(question)]?.readUInt8(3) ?? 2
    const why = `RCODE ${rcode}, and ${second % 16} without checks`
    return { kind: second % 16 === 2 ? 'error' : 'bogus', why }
  })
}

const resolverQuery = ({ qname, qtype }: Question, isCheckingDisabled: boolean): Buffer =>
  Buffer.from(
    buildQuery({
      rawName: [...wireOf(labelsOf(qname))],
      type: qtype,
      flags: isCheckingDisabled ? 0x0110 : 0x0100,
      opts: [{ dnssecOk: true }],
    }),
  )

/** Trust anchors in named.conf's form; keys with the SEP flag alone. */
export const bindAnchors = (apex: string, keys: string): string =>
  sepKeys(keys).replaceAll(
    /^.*DNSKEY\s+(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/gm,
    (_, flags: string, protocol: string, algorithm: string, key: string) =>
      `trust-anchors { "${apex}" static-key ${flags} ${protocol} ${algorithm} "${key}"; };`,
  )

/** Those of the keys that carry the SEP flag. */
export const sepKeys = (keys: string): string =>
  keys
    .split('\n')
    .filter((line) => /DNSKEY\s+257\s/.test(line))
    .map((line) => `${line}\n`)
    .join('')

const typeText = (type: number): string => (type === 255 ? 'ANY' : `TYPE${type}`)

const run = (command: string, args: readonly string[]): Promise<Run> =>
  new Promise((resolve) => {
    const env = { ...process.env, PATH: foreignPath }
    const limits = { timeout: 60_000, killSignal: 'SIGKILL', maxBuffer: 1 << 26, env } as const
    execFile(command, args, limits, (error, stdout, stderr) => {
      const text = `${stdout}${stderr}`
      if (error === null) return resolve({ code: 0, text })
      const code = typeof error.code === 'number' ? error.code : null
      resolve({ code, text: code === null ? `${error.message}\n${text}` : text })
    })
  })
