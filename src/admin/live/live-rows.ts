// The rows of the console as they were last looked at, and what has changed since the look before.
//
// Rows whose steady part is as before are compared no further, and get the part that moves all the time (latency, shares,
// exposure) anew every ten seconds or so, at most a hundred rows a look: otherwise each query would change each row.

import type { LiveVote } from '../../health/consensus.ts'
import type { OverrideControl } from '../../metrics/override-metrics.ts'
import type { PoolShares } from '../../metrics/pool-shares.ts'
import type { ServerProblem } from '../../problems/problem-table.ts'
import type { WatchedState } from '../../watch/watched-state.ts'
import type { MemberState } from '../../weights/member-state.ts'
import type { MeasuredPool } from '../../weights/pool-availability.ts'
import { overrideViews } from '../override-view.ts'
import { type ClusterStatus, poolViews, problemView } from '../views/status-view.ts'
import { departedView, statesBySlot, type ZoneDepartedName } from '../views/targets-view.ts'
import {
  fleetOf,
  handedOf,
  latencyOf,
  type LocalFaults,
  memberRow,
  type MemberRow,
  type Overview,
  type OverviewSections,
  type OverviewTables,
  peerRow,
  poolRow,
  type SelfFacts,
  selfRow,
  storeRow,
  targetRow,
  type TargetRow,
  type ZoneRow,
} from './overview-rows.ts'

export interface RowSources {
  readonly facts: SelfFacts
  readonly states: () => readonly WatchedState[]
  readonly votesOn: (slot: number) => readonly LiveVote[]
  readonly overrides: OverrideControl
  readonly shares: PoolShares
  readonly availability: () => readonly MeasuredPool[]
  readonly clusterStatus: () => ClusterStatus
  readonly problems: () => readonly ServerProblem[]
  /** Why this instance is not ready, as far as that is known at once. */
  readonly notReady: () => readonly string[]
  readonly localFaults: () => LocalFaults
  readonly zones: () => readonly ZoneRow[]
  readonly departed: () => readonly ZoneDepartedName[]
}

/** What a look has found changed: whole rows and whole sections. */
export type RowChanges = Partial<OverviewSections & OverviewTables>

export type Look =
  | { readonly kind: 'same' }
  | { readonly kind: 'changed'; readonly changes: RowChanges }
  /** Rows came, went or have another order: all is to be taken anew. */
  | { readonly kind: 'other-rows' }

export interface LiveState extends OverviewSections, OverviewTables {}

const movingEveryMs = 10_000
/** With more rows each has its turn later: a hundred of them in half a second. */
const movingRowMs = 5

export class LiveRows {
  readonly #sources: RowSources
  #state: LiveState | null = null
  #lookedMs = 0

  constructor(sources: RowSources) {
    this.#sources = sources
  }

  /** As of the last look; null before the first. Values do not change. */
  get state(): LiveState | null {
    return this.#state
  }

  look(wallMs: number): Look {
    const before = this.#state
    const next = this.#read(before, wallMs)
    this.#lookedMs = wallMs
    this.#state = next
    if (before === null) return { kind: 'other-rows' }
    const changes: Record<string, unknown> = {}
    for (const table of ['targets', 'members', 'pools'] as const) {
      const rows = changedRows<RowName>(before[table], next[table])
      if (rows === null) return { kind: 'other-rows' }
      if (rows.length > 0) changes[table] = rows
    }
    for (const section of sections)
      if (!isSame(before[section], next[section])) changes[section] = next[section]
    return Object.keys(changes).length === 0 ? { kind: 'same' } : { kind: 'changed', changes }
  }

  #read(before: LiveState | null, wallMs: number): LiveState {
    const { facts, overrides } = this.#sources
    const states = this.#sources.states()
    const members = overrides.watch.states()
    const status = this.#sources.clusterStatus()
    const reasons = this.#sources.notReady()
    return {
      self: selfRow(facts, { ready: reasons.length === 0, reasons }, this.#sources.localFaults()),
      state: storeRow(status, wallMs),
      config: status.config,
      peers: status.peers.map(peerRow),
      problems: this.#sources.problems().map(problemView),
      zones: this.#sources.zones(),
      overrides: overrideViews(overrides),
      departed: this.#sources.departed().map(departedView),
      targets: this.#targets(states, before?.targets ?? [], wallMs),
      members: this.#members({ states, members }, before?.members ?? [], wallMs),
      pools: this.#pools(members),
    }
  }

  #targets(
    states: readonly WatchedState[],
    before: readonly TargetRow[],
    wallMs: number,
  ): readonly TargetRow[] {
    const isDue = this.#turns(states.length, wallMs)
    return states.map((one, i) => {
      const row = targetRow(one, this.#sources.votesOn(one.slot))
      const known = before[i]
      return known !== undefined && !isDue(i) && hasPart(known, row)
        ? known
        : { ...row, ...latencyOf(one) }
    })
  }

  #members(
    { states, members }: MembersSeen,
    before: readonly MemberRow[],
    wallMs: number,
  ): readonly MemberRow[] {
    const { overrides, shares } = this.#sources
    const isDue = this.#turns(members.length, wallMs)
    const bySlot = statesBySlot(states)
    const weights = poolWeights(members)
    const overridden = new Set(overrides.watch.overrides().map(targetKey))
    const exposureOf = overrides.fleetExposure()
    const read = shares.read()
    return members.map((state, i) => {
      const { member } = state
      const row = memberRow(state, bySlot, weights.get(poolKey(member)) ?? 0)
      const isTakenOut = state.out === 'drained' || state.out === 'disabled'
      const isAsked = isTakenOut || overridden.has(targetKey(member))
      const fleet = fleetOf(isAsked ? exposureOf(member) : null)
      const known = before[i]
      const isSteady = known !== undefined && hasPart(known, row) && hasPart(known, fleet)
      if (isSteady && !isDue(i)) return known
      // Both are in the order of the members, but for a load between the two.
      const share = read[i]?.target === member.target ? read[i] : undefined
      const handed = handedOf(share, overrides.exposedUntilMs(member.targetIndex))
      return { ...row, ...handed, ...fleet }
    })
  }

  #pools(members: readonly MemberState[]): OverviewTables['pools'] {
    const measured = new Map(this.#sources.availability().map((one) => [poolKey(one), one]))
    return poolViews(members).map((pool) => poolRow(pool, measured.get(poolKey(pool))))
  }

  /** Says of which rows the moving part is to be read at this look. */
  #turns(rows: number, wallMs: number): (index: number) => boolean {
    const everyMs = Math.max(movingEveryMs, rows * movingRowMs)
    const lookedMs = this.#lookedMs
    return (index) => {
      const phaseMs = (index * 997) % everyMs
      return Math.floor((wallMs + phaseMs) / everyMs) !== Math.floor((lookedMs + phaseMs) / everyMs)
    }
  }
}

const sections = [
  'self',
  'state',
  'config',
  'peers',
  'problems',
  'zones',
  'overrides',
  'departed',
] as const satisfies readonly (keyof OverviewSections)[]

interface MembersSeen {
  readonly states: readonly WatchedState[]
  readonly members: readonly MemberState[]
}

const poolKey = ({ zone, pool }: { readonly zone: string; readonly pool: string }): string =>
  `${zone} ${pool}`

const targetKey = ({ zone, target }: { readonly zone: string; readonly target: string }): string =>
  `${zone} ${target}`

function poolWeights(members: readonly MemberState[]): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  for (const { member, effective } of members) {
    const key = poolKey(member)
    weights.set(key, (weights.get(key) ?? 0) + effective)
  }
  return weights
}

/** Rows that differ; null: they are not rows of the same things in the same order. */
function changedRows<Row extends RowName>(
  before: readonly Row[],
  next: readonly Row[],
): readonly Row[] | null {
  if (before.length !== next.length) return null
  const changed: Row[] = []
  for (const [i, row] of next.entries()) {
    const known = before[i] as Row
    if (known === row) continue
    if (!isSameName(known, row)) return null
    if (!isSame(known, row)) changed.push(row)
  }
  return changed
}

interface RowName {
  readonly zone: string
  readonly pool?: string
  readonly target?: string
  readonly address?: string
  readonly port?: number
}

const isSameName = (a: RowName, b: RowName): boolean =>
  a.zone === b.zone &&
  a.pool === b.pool &&
  a.target === b.target &&
  a.address === b.address &&
  a.port === b.port

/** Whether `row` has everything that is in `part`. */
function hasPart(row: object, part: object): boolean {
  for (const key in part) if (!isSame(fieldOf(row, key), fieldOf(part, key))) return false
  return true
}

const fieldOf = (value: object, key: string): unknown => (value as Record<string, unknown>)[key]

/** Equality of values as JSON has them. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  let fields = 0
  for (const key in a) {
    if (!isSame(fieldOf(a, key), fieldOf(b, key))) return false
    fields++
  }
  return fields === Object.keys(b).length
}

/** The JSON of rows, most of which are the same for many looks. */
const rowTexts = new WeakMap<object, string>()

function rowText(row: object): string {
  const known = rowTexts.get(row)
  if (known !== undefined) return known
  const made = JSON.stringify(row)
  rowTexts.set(row, made)
  return made
}

/** The JSON of an overview, row by row. */
export function* overviewPieces(overview: Overview): Generator<string> {
  yield* fieldPieces(overview)
  yield '\n'
}

/** The JSON of what has changed; null: it is longer than `longest`. */
export function changesText(changes: RowChanges, longest: number): string | null {
  let text = ''
  for (const piece of fieldPieces(changes)) {
    text += piece
    if (text.length > longest) return null
  }
  return text
}

/** What there is little of comes first. */
function* fieldPieces({ members, targets, ...rest }: Partial<Overview>): Generator<string> {
  const fields = JSON.stringify(rest).slice(0, -1)
  yield fields
  let comma = fields === '{' ? '' : ','
  for (const [name, rows] of Object.entries({ members, targets })) {
    if (rows === undefined) continue
    yield `${comma}"${name}":[`
    for (const [i, row] of rows.entries()) yield `${i === 0 ? '' : ','}${rowText(row)}`
    yield ']'
    comma = ','
  }
  yield '}'
}
