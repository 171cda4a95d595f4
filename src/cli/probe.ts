// `mxsteer probe HOST[:PORT]`: one dialogue as the server would hold it, printed as it goes.

import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'

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
import { type FlagValues, parseFlags } from './flags.ts'

const flagNames = ['level', 'name', 'ehlo', 'tls', 'proxy', 'source', 'recipient', 'sender']
const smtpPort = 25
const smtpsPort = 465

export async function probe(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, flagNames)
  if (flags.kind === 'bad') return usage(flags.why)
  const target = flags.words.length === 1 ? splitTarget(flags.words[0] as string) : null
  if (!target) return usage('give one HOST[:PORT], for example 192.0.2.25 or [2001:db8::25]:25')
  const why = complainOf(flags.values)
  if (why !== null) return usage(why)
  const address = await resolve(target.host)
  if (address === null) return usage(`${target.host} has no address`)

  const profile = profileOf(target, flags.values)
  const outcome = await probeAddress({ address, profile, onLine: print }, systemClock)
  pointOutName(outcome, flags.values['name'])
  process.stdout.write(`${summaryOf(outcome)}\n`)
  return outcome.kind === 'ok' || outcome.kind === 'slow' ? 0 : 1
}

function summaryOf({ kind, reason, code, durationMs, tls }: Outcome): string {
  const words = [`kind=${kind}`, `reason=${reason}`]
  if (code !== null) words.push(`code=${code}`)
  if (tls?.version) words.push(`tls=${tls.version}`, `dane=${tls.dane}`)
  if (tls && tls.daysLeft !== null) words.push(`days=${tls.daysLeft}`)
  return [...words, `ms=${Math.round(durationMs)}`].join(' ')
}

/** What is wrong with the flags; null: nothing. */
function complainOf(values: FlagValues): string | null {
  const choices = {
    level: probeLevels,
    tls: ['starttls', 'implicit'],
    proxy: proxyVersions,
  } as const
  for (const [flag, words] of Object.entries(choices)) {
    const word = values[flag]
    if (word !== undefined && !(words as readonly string[]).includes(String(word)))
      return `--${flag} is "${String(word)}", expected ${words.join(' or ')}`
  }
  const isCanary = values['level'] === 'rcpt'
  if (isCanary && values['recipient'] === undefined) return '--level rcpt needs a --recipient'
  for (const flag of ['recipient', 'sender']) {
    const mailbox = values[flag]
    if (mailbox === undefined) continue
    if (!isCanary) return `--${flag} is asked at --level rcpt only`
    if (/[\s<>]/.test(String(mailbox))) return `--${flag} is no mailbox`
  }
  const { source } = values
  return source === undefined || parseAddress(String(source)) ? null : '--source is no address'
}

function usage(why: string): number {
  process.stderr.write(`mxsteer probe: ${why}\n`)
  return 2
}

const print = (line: DialogueLine): void => {
  process.stdout.write(
    `${String(Math.round(line.atMs)).padStart(6)} ms ${line.from} ${line.text}\n`,
  )
}

interface Place {
  readonly host: string
  readonly port: number | null
}

function splitTarget(word: string): Place | null {
  if (parseAddress(word)) return { host: word, port: null }
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(word)
  const host = parts?.[1] ?? parts?.[2]
  const port = parts?.[3] === undefined ? null : Number(parts[3])
  const isPort = port === null || (port >= 1 && port <= 65_535)
  return host !== undefined && isPort ? { host, port } : null
}

async function resolve(host: string): Promise<string | null> {
  if (parseAddress(host)) return host
  try {
    return (await lookup(host)).address
  } catch {
    return null
  }
}

function profileOf({ host, port }: Place, values: FlagValues): ProbeProfile {
  const given = (flag: string): string | null => values[flag]?.toString() ?? null
  const isImplicit = given('tls') === 'implicit' || (given('tls') === null && port === smtpsPort)
  const source = given('source')
  const isHostName = parseAddress(host) === null
  return {
    ...profileDefaults,
    name: 'command line',
    port: port ?? (isImplicit ? smtpsPort : smtpPort),
    level: (given('level') ?? 'ehlo') as ProbeProfile['level'],
    ehlo: given('ehlo') ?? hostname(),
    proxy: (given('proxy') ?? 'none') as ProbeProfile['proxy'],
    source: source?.includes(':') ? { ipv4: null, ipv6: source } : { ipv4: source, ipv6: null },
    recipient: given('recipient'),
    sender: given('sender') ?? '',
    tls: {
      ...profileDefaults.tls,
      mode: isImplicit ? 'implicit' : 'starttls',
      serverName: given('name')?.replace(/\.$/, '') ?? (isHostName ? host : null),
    },
  }
}

/** Senders do not mind, but a greeting in another name is often a wrong address. */
function pointOutName(outcome: Outcome, name: string | string[] | undefined): void {
  if (typeof name !== 'string' || outcome.kind !== 'ok') return
  const expected = name.replace(/\.$/, '').toLowerCase()
  const greeting = outcome.dialogue.findLast(
    ({ from, text }) => from === '<' && text.startsWith('220'),
  )
  const given = greeting?.text.slice(4).split(' ')[0]?.toLowerCase() ?? ''
  if (given !== expected)
    process.stdout.write(`note: it greets as "${given}", not as ${expected}\n`)
}
