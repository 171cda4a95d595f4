// `mxsteer drain mx3 --for 2h --why "…"` and its kin: overrides of a running server.
//
//   drain, disable, up TARGET            weight TARGET 50% | 3 | --share 10%
//   undrain TARGET                       the end of drain and disable
//   undo TARGET|ID                       the end of every override of it

import { hostname, userInfo } from 'node:os'

import { readDurationMs } from '../zonefile/leaf.ts'
import { type AdminAnswer, adminFlags, findAdmin } from './admin-client.ts'
import { type FlagValues, parseFlags } from './flags.ts'

type Command = (argv: readonly string[]) => Promise<number>

/** What is asked of the admin server, or what is wrong with the command line. */
type Asked =
  | {
      readonly kind: 'ask'
      readonly method: 'POST' | 'DELETE'
      readonly path: string
      readonly body?: object
    }
  | { readonly kind: 'bad'; readonly why: string }

const single = [...adminFlags, 'zone', 'pool', 'for', 'until', 'why', 'share']

const command =
  (name: string, asked: (words: readonly string[], values: FlagValues) => Asked): Command =>
  async (argv) => {
    const flags = parseFlags(argv, single, [], ['force', 'json'])
    if (flags.kind === 'bad') return usage(name, flags.why)
    const ask = asked(flags.words, flags.values)
    if (ask.kind === 'bad') return usage(name, ask.why)
    const found = await findAdmin(flags.values)
    if (found.kind === 'bad') return usage(name, found.why)
    const answer = await found.client.ask(ask.method, ask.path, ask.body)
    return tell(name, answer, flags.values['json'] !== undefined)
  }

const setting = (kind: 'drain' | 'disable' | 'up'): Command =>
  command(kind, ([target, ...rest], values) => {
    if (target === undefined || rest.length > 0) return bad('give one target, such as mx3')
    return post(target, { kind }, values)
  })

export const drain: Command = setting('drain')
export const disable: Command = setting('disable')
export const up: Command = setting('up')

export const weight: Command = command('weight', ([target, amount, ...rest], values) => {
  const share = values['share']
  if (target === undefined || rest.length > 0 || (amount === undefined) === (share === undefined))
    return bad('give one target and one weight: 50%, 3, or --share 10%')
  const given = share === undefined ? weightOf(amount ?? '') : shareOf(String(share))
  if (given === null)
    return bad('a weight is a percentage of the configured one (50%), or a number')
  return post(target, { kind: 'weight', ...given }, values)
})

const undoing = (name: string, kinds: string | null): Command =>
  command(name, ([target, ...rest], { zone, pool }) => {
    if (target === undefined || rest.length > 0) return bad('give one target, such as mx3')
    const parameters = new URLSearchParams({ by: whoami() })
    if (kinds !== null) parameters.set('kind', kinds)
    if (zone !== undefined) parameters.set('zone', String(zone))
    if (pool !== undefined) parameters.set('pool', String(pool))
    const path = `/overrides/${encodeURIComponent(target)}?${parameters.toString()}`
    return { kind: 'ask', method: 'DELETE', path }
  })

export const undrain: Command = undoing('undrain', 'drain,disable')
export const undo: Command = undoing('undo', null)

const bad = (why: string): Asked => ({ kind: 'bad', why })

function post(target: string, action: object, values: FlagValues): Asked {
  const { zone, pool, why, until, force } = values
  const lasts = values['for']
  const ms = lasts === undefined ? null : readDurationMs(lasts)
  if (lasts !== undefined && ms === null) return bad('--for: expected a time such as 30m, 2h, 1d')
  if (
    lasts === undefined &&
    until === undefined &&
    !('kind' in action && action.kind === 'disable')
  )
    return bad('say how long: --for 2h, or --until 2026-12-01T08:00:00Z')
  const body = {
    target,
    ...action,
    zone,
    pool,
    why,
    until,
    by: whoami(),
    seconds: ms === null ? undefined : ms / 1000,
    force: force !== undefined,
  }
  return { kind: 'ask', method: 'POST', path: '/overrides', body }
}

function weightOf(text: string): object | null {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  if (percent !== undefined) return { factor: Number(percent) / 100 }
  return /^\d+(\.\d+)?$/.test(text) ? { weight: Number(text) } : null
}

function shareOf(text: string): object | null {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  return percent === undefined ? null : { share: Number(percent) / 100 }
}

/** For the log; not believed any further. */
function whoami(): string {
  try {
    return `${userInfo().username}@${hostname()}`.slice(0, 100)
  } catch {
    return hostname().slice(0, 100)
  }
}

function usage(name: string, why: string): number {
  process.stderr.write(`mxsteer ${name}: ${why}\n`)
  return 2
}

interface OverrideView {
  readonly id: string
  readonly zone: string
  readonly target: string
  readonly pool: string | null
  readonly kind: string
  readonly until: string | null
}

interface Told {
  readonly error?: { readonly code: string; readonly message: string }
  readonly override?: OverrideView
  readonly undone?: readonly OverrideView[]
  readonly exposedUntil?: string | null
  readonly lasting?: boolean
}

function tell(name: string, answer: AdminAnswer, asJson: boolean): number {
  if (answer.kind === 'failed') {
    process.stderr.write(`mxsteer ${name}: ${answer.why}\n`)
    return 1
  }
  const told = answer.value as Told
  if (asJson) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`)
  else if (told.error)
    process.stderr.write(`mxsteer ${name}: ${told.error.message} (${told.error.code})\n`)
  else
    process.stdout.write(
      lines(told)
        .map((line) => `${line}\n`)
        .join(''),
    )
  return answer.status < 300 ? 0 : 1
}

function lines({ override, undone = [], exposedUntil, lasting }: Told): readonly string[] {
  if (!override) return undone.map((one) => `${nameOf(one)}: no longer ${one.kind} (${one.id})`)
  const { kind, until, id } = override
  const told = [`${nameOf(override)}: ${kind} until ${until ?? 'undone'} (${id})`]
  if (kind === 'drain' || kind === 'disable') {
    told.push(exposure(exposedUntil ?? null, Date.now()))
  }
  if (lasting === false) told.push('a restart of the server forgets this: its state is memory')
  return told
}

/** What caches may still hold of a target that is taken out. */
export function exposure(exposedUntil: string | null, nowMs: number): string {
  if (exposedUntil === null)
    return 'no answer has named it since the server started; of older ones caches may hold some for their TTL'
  return Date.parse(exposedUntil) <= nowMs
    ? `the last answer of this server that names it expired at ${exposedUntil}`
    : `the last cached answer that names it expires at ${exposedUntil}`
}

const nameOf = ({ target, zone, pool }: OverrideView): string =>
  `${target}.${zone}${pool === null ? '' : ` in pool ${pool}`}`
