// Commands that set and end overrides of a running server.
//
//   drain, disable, up TARGET            weight TARGET 50% | 3 | --share 10%
//   extend TARGET|ID --for 2h            gives it another end
//   undrain TARGET                       ends drain and disable
//   undo TARGET|ID                       ends every override of a target, or the one with this ID
//
// With --dry-run what it would come to is printed, and nothing is set.

import { hostname, userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'

import { readDurationMs } from '../zonefile/leaf.ts'
import { type AdminResponse, findAdminClient } from './admin-client.ts'
import { fail, type FlagValues, parseFlags } from './commands/flags.ts'
import { tableLines } from './text/columns.ts'
import { printJson, printLines } from './text/output.ts'
import { cachesText, type ExposureReport } from './text/status-text.ts'

type Command = (argv: readonly string[]) => Promise<number>

/** The request that a command line stands for, or what is wrong with the command line. */
type RequestRead =
  | {
      readonly kind: 'request'
      readonly method: 'POST' | 'PATCH' | 'DELETE'
      readonly path: string
      readonly body?: object
    }
  | { readonly kind: 'bad'; readonly why: string }

const command =
  (
    name: string,
    readRequest: (words: readonly string[], values: FlagValues) => RequestRead,
  ): Command =>
  async (argv) => {
    const flags = parseFlags(name, argv)
    if (flags.kind === 'bad') return fail(name, flags.why)
    const request = readRequest(flags.words, flags.values)
    if (request.kind === 'bad') return fail(name, request.why)
    const admin = await findAdminClient(flags.values)
    if (admin.kind === 'bad') return fail(name, admin.why)
    const send = (path: string): Promise<AdminResponse> =>
      admin.client.request(request.method, path, request.body)
    const asJson = flags.values['json'] !== undefined
    if (request.method === 'POST' && flags.values['dry-run'] !== undefined)
      return showPreview(name, await send(`${request.path}?dry_run`), asJson)
    // A parameter, since a server of an older version ignores those.
    const isAsking = request.method === 'POST' && flags.values['yes'] === undefined
    const response = await send(isAsking ? `${request.path}?ask=yes` : request.path)
    const isConfirmed = isAsking && !asJson && (await confirms(name, response))
    return show(name, isConfirmed ? await send(request.path) : response, asJson)
  }

/**
 * Whether an operator at a terminal wants what the server refuses only because it would take a pool below its
 * `min_healthy`.
 */
async function confirms(name: string, response: AdminResponse): Promise<boolean> {
  if (response.kind === 'failed') return false
  const { error } = response.body as OverrideResponse
  const { stdin: input, stderr: output } = process
  if (error?.code !== 'below-min-healthy' || !input.isTTY || !output.isTTY) return false
  fail(name, error.message)
  const lines = createInterface({ input, output })
  const answer = await lines.question('Set it nevertheless? [y/N] ')
  lines.close()
  return /^y(es)?$/i.test(answer.trim())
}

const setCommand = (kind: 'drain' | 'disable' | 'up'): Command =>
  command(kind, ([target, ...rest], values) => {
    if (target === undefined || rest.length > 0) return bad('give one target, such as mx3')
    return setRequest(target, { kind }, values)
  })

export const drain: Command = setCommand('drain')
export const disable: Command = setCommand('disable')
export const up: Command = setCommand('up')

export const weight: Command = command('weight', ([target, amount, ...rest], values) => {
  const share = values['share']
  if (target === undefined || rest.length > 0 || (amount === undefined) === (share === undefined))
    return bad('give one target and one weight: 50%, 3, or --share 10%')
  const fields = share === undefined ? readWeight(amount ?? '') : readShare(String(share))
  if (fields === null && share !== undefined)
    return bad(`--share is "${String(share)}", expected a percentage such as 10%`)
  if (fields === null)
    return bad(
      `"${amount ?? ''}" is no weight, expected a percentage of the configured one (50%), or a number`,
    )
  return setRequest(target, { kind: 'weight', ...fields }, values)
})

/** `kinds`: the kinds of override that it ends, separated by commas; null: all. */
const endCommand = (name: string, kinds: string | null): Command =>
  command(name, ([target, ...rest], { zone, pool }) => {
    if (target === undefined || rest.length > 0) return bad('give one target, such as mx3')
    const parameters = new URLSearchParams({ by: userAtHost() })
    if (kinds !== null) parameters.set('kind', kinds)
    if (zone !== undefined) parameters.set('zone', String(zone))
    if (pool !== undefined) parameters.set('pool', String(pool))
    const path = `/overrides/${encodeURIComponent(target)}?${parameters.toString()}`
    return { kind: 'request', method: 'DELETE', path }
  })

export const extend: Command = command('extend', ([target, ...rest], values) => {
  if (target === undefined || rest.length > 0)
    return bad('give one target, or the id of an override')
  const end = readEnd(values)
  if (end.kind === 'bad') return end
  const { zone, pool, why } = values
  if (end.seconds === undefined && end.until === undefined && why === undefined)
    return bad('say what to change: --for 2h, --until 2026-12-01T08:00:00Z, or --why')
  const parameters = new URLSearchParams()
  if (zone !== undefined) parameters.set('zone', String(zone))
  if (pool !== undefined) parameters.set('pool', String(pool))
  const path = `/overrides/${encodeURIComponent(target)}?${parameters.toString()}`
  const { seconds, until } = end
  return { kind: 'request', method: 'PATCH', path, body: { seconds, until, why, by: userAtHost() } }
})

export const undrain: Command = endCommand('undrain', 'drain,disable')
export const undo: Command = endCommand('undo', null)

const bad = (why: string): Extract<RequestRead, { kind: 'bad' }> => ({ kind: 'bad', why })

/** `action`: the fields of the body that say what to set. */
function setRequest(
  target: string,
  action: { readonly kind: string },
  values: FlagValues,
): RequestRead {
  const { zone, pool, why, force } = values
  const end = readEnd(values)
  if (end.kind === 'bad') return end
  const { seconds, until } = end
  if (seconds === undefined && until === undefined && action.kind !== 'disable')
    return bad('say how long: --for 2h, or --until 2026-12-01T08:00:00Z')
  const body = {
    target,
    ...action,
    zone,
    pool,
    why,
    until,
    by: userAtHost(),
    seconds,
    force: force !== undefined,
  }
  return { kind: 'request', method: 'POST', path: '/overrides', body }
}

type EndRead =
  | {
      readonly kind: 'end'
      readonly seconds: number | undefined
      readonly until: FlagValues[string]
    }
  | Extract<RequestRead, { kind: 'bad' }>

function readEnd({ until, for: duration }: FlagValues): EndRead {
  const ms = duration === undefined ? null : readDurationMs(duration)
  if (duration !== undefined && ms === null)
    return bad(`--for is "${String(duration)}", expected a time such as 30m, 2h, 1d`)
  return { kind: 'end', seconds: ms === null ? undefined : ms / 1000, until }
}

const readPercent = (text: string): number | null => {
  const digits = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1]
  return digits === undefined ? null : Number(digits) / 100
}

/** `50%` of the configured weight, or the weight `3`; null: neither. */
function readWeight(text: string): object | null {
  const factor = readPercent(text)
  if (factor !== null) return { factor }
  return /^\d+(\.\d+)?$/.test(text) ? { weight: Number(text) } : null
}

function readShare(text: string): object | null {
  const share = readPercent(text)
  return share === null ? null : { share }
}

/** The author of an override, for the log and for other operators. The server does not verify it. */
function userAtHost(): string {
  try {
    return `${userInfo().username}@${hostname()}`.slice(0, 100)
  } catch {
    return hostname().slice(0, 100)
  }
}

interface OverrideView {
  readonly id: string
  readonly zone: string
  readonly target: string
  /** null: every pool of the target. */
  readonly pool: string | null
  readonly kind: string
  /** null: until it is undone. */
  readonly until: string | null
  /** null: of a kind that takes nothing out; absent: the server is older than this command. */
  readonly exposure?: ExposureReport | null
}

/** What the admin server answers to a POST or a DELETE of overrides. */
interface OverrideResponse {
  readonly error?: { readonly code: string; readonly message: string }
  readonly override?: OverrideView
  readonly undone?: readonly OverrideView[]
  readonly exposedUntil?: string | null
  readonly lasting?: boolean
  readonly warnings?: readonly { readonly code: string; readonly message: string }[]
}

/** Warnings that an override is in force here and now alone. */
const isUnkept = ({ code }: { readonly code: string }): boolean =>
  code === 'not-kept' || code === 'not-shared'

function show(name: string, response: AdminResponse, asJson: boolean): number {
  if (response.kind === 'failed') return fail(name, response.why, 1)
  const body = response.body as OverrideResponse
  if (asJson) printJson(body)
  else if (body.error) fail(name, errorText(body.error))
  else {
    printLines(linesOf(body))
    for (const { message } of body.warnings ?? []) fail(name, message)
  }
  return response.status < 300 && !body.warnings?.some(isUnkept) ? 0 : 1
}

function errorText({ code, message }: { readonly code: string; readonly message: string }): string {
  const how = code === 'below-min-healthy' ? '; --yes sets it' : ''
  return `${message}${how} (${code})`
}

function linesOf(response: OverrideResponse): readonly string[] {
  const { override, undone = [], exposedUntil = null, lasting, warnings = [] } = response
  if (!override) return undone.map((one) => `${nameOf(one)}: no longer ${one.kind} (${one.id})`)
  const { kind, until, id } = override
  const lines = [`${nameOf(override)}: ${kind} until ${until ?? 'undone'} (${id})`]
  if (kind === 'drain' || kind === 'disable')
    lines.push(exposureText(exposedUntil, Date.now()), ...fleetLines(override))
  if (lasting === false && !warnings.some(isUnkept))
    lines.push('a restart of the server forgets this: its state is memory')
  return lines
}

interface BeforeAfter {
  readonly before: number
  readonly after: number
}

/** What the admin server answers to a dry run. */
interface OverridePreview {
  readonly override: OverrideView
  readonly replaced: OverrideView | null
  readonly refusal: { readonly code: string; readonly message: string } | null
  readonly pools: readonly {
    readonly pool: string
    readonly members: readonly {
      readonly target: string
      readonly weight: BeforeAfter
      readonly share: BeforeAfter
    }[]
  }[]
  readonly short: readonly { readonly message: string }[]
  readonly exposedUntil: string | null
}

/** Exits with 1 where the override would be refused. */
function showPreview(name: string, response: AdminResponse, asJson: boolean): number {
  if (response.kind === 'failed') return fail(name, response.why, 1)
  const body = response.body as Partial<OverridePreview> & Pick<OverrideResponse, 'error'>
  if (asJson) printJson(body)
  else if (body.error) fail(name, errorText(body.error))
  else if (body.pools === undefined)
    fail(name, 'this server is of an older version that knows no dry run: it has set it; undo it')
  else {
    printLines(previewLines(body as OverridePreview))
    if (body.refusal) fail(name, errorText(body.refusal))
  }
  return response.status === 200 && body.refusal === null ? 0 : 1
}

function previewLines(preview: OverridePreview): readonly string[] {
  const { override, replaced, pools, exposedUntil, short, refusal } = preview
  const head = `${nameOf(override)} would be: ${override.kind} until ${override.until ?? 'undone'}; nothing is set`
  const instead = replaced === null ? [] : [`instead of: ${replaced.kind} (${replaced.id})`]
  const shares = pools.flatMap(({ pool, members }) => [
    '',
    ...tableLines([
      [`POOL ${pool}`, 'WEIGHT', 'SHARE'],
      ...members.map(({ target, weight, share }) => [
        target,
        changeText(weight, (value) => String(Number(value.toPrecision(3)))),
        changeText(share, (value) => `${(value * 100).toFixed(1)} %`),
      ]),
    ]),
  ])
  const takesOut = override.kind === 'drain' || override.kind === 'disable'
  const exposure = takesOut ? ['', exposureText(exposedUntil, Date.now())] : []
  // A refusal for these says the same.
  const falls = refusal?.code === 'below-min-healthy' ? [] : short.map(({ message }) => message)
  return [head, ...instead, ...shares, ...exposure, ...falls]
}

const changeText = ({ before, after }: BeforeAfter, text: (value: number) => string): string =>
  text(before) === text(after) ? text(before) : `${text(before)} → ${text(after)}`

/** What other instances answered they report after they have the override. */
function fleetLines({ exposure }: OverrideView): readonly string[] {
  if (!exposure || exposure.unknown === 0) return []
  const of = cachesText({ ...exposure, until: null }, 0)
  return [`${of} yet: mxsteer status tells when all have reported, and that it is safe to stop`]
}

/** How long caches may go on sending mail to a target that was taken out. */
export function exposureText(exposedUntil: string | null, nowMs: number): string {
  if (exposedUntil === null)
    return (
      'no answer has named it since the server started; ' +
      'of older ones caches may hold some for their TTL'
    )
  return Date.parse(exposedUntil) <= nowMs
    ? `the last answer of this server that names it expired at ${exposedUntil}`
    : `the last cached answer that names it expires at ${exposedUntil}`
}

const nameOf = ({ target, zone, pool }: Pick<OverrideView, 'target' | 'zone' | 'pool'>): string =>
  `${target}.${zone}${pool === null ? '' : ` in pool ${pool}`}`
