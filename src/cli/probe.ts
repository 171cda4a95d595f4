// `mxsteer probe HOST:PORT`: one dialogue as the server would hold it, printed as it goes.

import { lookup } from 'node:dns/promises'
import { hostname } from 'node:os'

import { systemClock } from '../lib/clock.ts'
import { parseAddress } from '../lib/ip.ts'
import type { DialogueLine, Outcome } from '../probe/outcome.ts'
import { type ProbeLevel, type ProbeProfile, probeLevels } from '../probe/profile.ts'
import { probeAddress } from '../probe/smtp-probe.ts'
import { type FlagValues, parseFlags } from './flags.ts'

export async function probe(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv, ['level', 'name', 'ehlo'])
  if (flags.kind === 'bad') return usage(flags.why)
  const target = flags.words.length === 1 ? splitTarget(flags.words[0] as string) : null
  if (!target) return usage('give one HOST:PORT, for example 192.0.2.25:25 or [2001:db8::25]:25')
  const level = (flags.values['level'] ?? 'ehlo') as ProbeLevel
  if (!probeLevels.includes(level))
    return usage(`--level is "${level}", expected ${probeLevels.join(' or ')}`)
  const address = await resolve(target.host)
  if (address === null) return usage(`${target.host} has no address`)

  const profile = profileOf(target.port, level, flags.values)
  const outcome = await probeAddress({ address, profile, onLine: print }, systemClock)
  pointOutName(outcome, flags.values['name'])
  const code = outcome.code === null ? '' : ` code=${outcome.code}`
  process.stdout.write(
    `kind=${outcome.kind} reason=${outcome.reason}${code} ms=${Math.round(outcome.durationMs)}\n`,
  )
  return outcome.kind === 'ok' ? 0 : 1
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

function splitTarget(word: string): { host: string; port: number } | null {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(word)
  const port = Number(parts?.[3])
  const host = parts?.[1] ?? parts?.[2]
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : null
}

async function resolve(host: string): Promise<string | null> {
  if (parseAddress(host)) return host
  try {
    return (await lookup(host)).address
  } catch {
    return null
  }
}

const profileOf = (port: number, level: ProbeLevel, values: FlagValues): ProbeProfile => ({
  name: 'command line',
  port,
  level,
  ehlo: String(values['ehlo'] ?? hostname()),
  intervalMs: 20_000,
  fastIntervalMs: 5000,
  connectTimeoutMs: 5000,
  bannerTimeoutMs: 10_000,
  commandTimeoutMs: 5000,
  fall: 1,
  rise: 1,
  slowStartSeconds: 0,
})

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
