// `mxsteer probe HOST[:PORT]`: makes one probe, as the server would, and prints its dialogue as it
// goes.

import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'

import { bareName } from '../lib/bare-name.ts'
import { systemClock } from '../lib/clock.ts'
import { parseAddress } from '../lib/ip.ts'
import type { DialogueLine, Outcome } from '../health/outcome.ts'
import {
  type ProbeProfile,
  probeLevels,
  profileDefaults,
  proxyVersions,
} from '../probe/smtp/profile.ts'
import { probeAddress } from '../probe/smtp/smtp-probe.ts'
import { fail, type FlagValues, parseFlags } from './commands/flags.ts'
import { printJson, printLines } from './text/output.ts'

const smtpPort = 25
const smtpsPort = 465

export async function probe(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('probe', argv)
  if (flags.kind === 'bad') return fail('probe', flags.why)
  const target = flags.words.length === 1 ? splitTarget(flags.words[0] as string) : null
  if (!target)
    return fail(
      'probe',
      `${given(flags.words)}give one HOST[:PORT], for example 192.0.2.25 or [2001:db8::25]:25`,
    )
  const why = checkFlags(flags.values)
  if (why !== null) return fail('probe', why)
  const address = await resolve(target.host)
  if (address === null)
    return fail('probe', `${target.host} has no address: give one, or another name`)

  const profile = profileOf(target, flags.values)
  const asJson = flags.values['json'] !== undefined
  const onLine = asJson ? () => {} : print
  const outcome = await probeAddress({ address, profile, onLine }, systemClock)
  if (asJson) printJson(reportOf(outcome, target.host, { address, port: profile.port }))
  else {
    noteOtherName(outcome, flags.values['name'])
    printLines([summaryText(outcome)])
  }
  return outcome.kind === 'ok' || outcome.kind === 'slow' ? 0 : 1
}

const reportOf = (
  { kind, reason, code, durationMs, tls, dialogue }: Outcome,
  host: string,
  endpoint: { readonly address: string; readonly port: number },
): object => ({
  host,
  ...endpoint,
  healthy: kind === 'ok' || kind === 'slow',
  kind,
  reason,
  code,
  durationMs: Math.round(durationMs),
  tls: tls ? { version: tls.version, dane: tls.dane, daysLeft: tls.daysLeft } : null,
  dialogue: dialogue.map(({ atMs, from, text }) => ({ atMs: Math.round(atMs), from, text })),
})

function summaryText({ kind, reason, code, durationMs, tls }: Outcome): string {
  const words = [`kind=${kind}`, `reason=${reason}`]
  if (code !== null) words.push(`code=${code}`)
  if (tls?.version) words.push(`tls=${tls.version}`, `dane=${tls.dane}`)
  if (tls && tls.daysLeft !== null) words.push(`days=${tls.daysLeft}`)
  return [...words, `ms=${Math.round(durationMs)}`].join(' ')
}

/** Returns what is wrong with the flags; null: nothing. */
function checkFlags(values: FlagValues): string | null {
  const allowed = {
    level: probeLevels,
    tls: ['starttls', 'implicit'],
    proxy: proxyVersions,
  } as const
  for (const [flag, words] of Object.entries(allowed)) {
    const word = values[flag]
    if (word !== undefined && !(words as readonly string[]).includes(String(word)))
      return `--${flag} is "${String(word)}", expected ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  }
  const hasRecipient = values['level'] === 'rcpt'
  if (hasRecipient && values['recipient'] === undefined)
    return '--level rcpt needs a --recipient, such as --recipient postmaster@example.com'
  for (const flag of ['recipient', 'sender']) {
    const mailbox = values[flag]
    if (mailbox === undefined) continue
    if (!hasRecipient)
      return `--${flag} is asked at --level rcpt only, expected that level, or none`
    if (/[\s<>]/.test(String(mailbox)))
      return `--${flag} is "${String(mailbox)}", expected a mailbox such as probe@example.com, without < and >`
  }
  const { source } = values
  return source === undefined || parseAddress(String(source))
    ? null
    : `--source is "${String(source)}", expected an address of this host`
}

const print = (line: DialogueLine): void =>
  printLines([`${String(Math.round(line.atMs)).padStart(6)} ms ${line.from} ${line.text}`])

const given = (words: readonly string[]): string =>
  words.length === 1 ? `${JSON.stringify(words[0])} is none, ` : ''

interface ProbeTarget {
  readonly host: string
  /** null: the port was not given. */
  readonly port: number | null
}

/** Splits `HOST`, `HOST:PORT` or `[IPv6]:PORT`; null: it is none of these. */
function splitTarget(word: string): ProbeTarget | null {
  if (parseAddress(word)) return { host: word, port: null }
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(word)
  const host = parts?.[1] ?? parts?.[2]
  const port = parts?.[3] === undefined ? null : Number(parts[3])
  const isPort = port === null || (port >= 1 && port <= 65_535)
  return host !== undefined && isPort ? { host, port } : null
}

/** Returns the first address of a host; null: it has none, or cannot be resolved. */
async function resolve(host: string): Promise<string | null> {
  if (parseAddress(host)) return host
  try {
    return (await lookup(host)).address
  } catch {
    return null
  }
}

function profileOf({ host, port }: ProbeTarget, values: FlagValues): ProbeProfile {
  const value = (flag: string): string | null => values[flag]?.toString() ?? null
  const isImplicit = value('tls') === 'implicit' || (value('tls') === null && port === smtpsPort)
  const source = value('source')
  const isHostName = parseAddress(host) === null
  return {
    ...profileDefaults,
    name: 'command line',
    port: port ?? (isImplicit ? smtpsPort : smtpPort),
    level: (value('level') ?? 'ehlo') as ProbeProfile['level'],
    ehlo: value('ehlo') ?? hostname(),
    proxy: (value('proxy') ?? 'none') as ProbeProfile['proxy'],
    source: source?.includes(':') ? { ipv4: null, ipv6: source } : { ipv4: source, ipv6: null },
    recipient: value('recipient'),
    sender: value('sender') ?? '',
    tls: {
      ...profileDefaults.tls,
      mode: isImplicit ? 'implicit' : 'starttls',
      serverName: value('name')?.replace(/\.$/, '') ?? (isHostName ? host : null),
    },
  }
}

/**
 * Prints a note if the host greets with another name: senders accept that, but the address may be
 * wrong.
 */
function noteOtherName(outcome: Outcome, name: string | string[] | undefined): void {
  if (typeof name !== 'string' || outcome.kind !== 'ok') return
  const expected = bareName(name)
  const greeting = outcome.dialogue.findLast(
    ({ from, text }) => from === '<' && text.startsWith('220'),
  )
  const greetedName = greeting?.text.slice(4).split(' ')[0]?.toLowerCase() ?? ''
  if (greetedName !== expected)
    printLines([`note: it greets as "${greetedName}", not as ${expected}`])
}
