// The names around the mail as files alone tell of them: the matrix of targets and names, reverse names that are among the
// files, and with --state FILE what a server had handed out, which judges the files as a reload of it would.

import { factsOfFiles, ptrIncoherences } from '../../coherence/file-facts.ts'
import { judgeZones } from '../../coherence/guard.ts'
import { type HandedOut, handOut, nothingHanded } from '../../coherence/handed-out.ts'
import { matrixOf } from '../../coherence/matrix.ts'
import { incoherenceAt } from '../../coherence/name-keeper.ts'
import { systemClock } from '../../lib/clock.ts'
import { readStateFile } from '../../persistence/state-file.ts'
import type { Diagnostic } from '../../zonefile/diagnostic.ts'
import type { ZonesLoaded } from '../../zonefile/run-load.ts'
import type { TargetReport } from './coherence.ts'

export type FileNames =
  | {
      readonly kind: 'names'
      readonly rows: readonly Omit<TargetReport, 'tlsa'>[]
      readonly diagnostics: readonly Diagnostic[]
    }
  | { readonly kind: 'bad'; readonly why: string }

/** `state`: path of the state file of a server; undefined: nothing counts as handed out. */
export async function checkNames(
  loads: readonly ZonesLoaded[],
  state: string | string[] | undefined,
): Promise<FileNames> {
  const known = await handedIn(state)
  if (typeof known === 'string') return { kind: 'bad', why: known }
  const nowMs = systemClock.wallMs()
  const found = loads.flatMap((load) =>
    load.kind === 'loaded' ? [namesOf(load, known, nowMs)] : [],
  )
  return {
    kind: 'names',
    rows: found.flatMap(({ rows }) => rows),
    diagnostics: found.flatMap(({ diagnostics }) => diagnostics),
  }
}

/** What is wrong, where there is no such file. */
async function handedIn(state: string | string[] | undefined): Promise<HandedOut | string> {
  if (state === undefined) return nothingHanded
  const read = await readStateFile(String(state))
  switch (read.kind) {
    case 'state':
      return read.state.handed
    case 'none':
      return `--state ${String(state)}: there is no such file, expected the one in state_dir of a server`
    case 'bad':
      return `--state ${String(state)}: ${read.why}, expected the state file of a server`
    default:
      return read satisfies never
  }
}

function namesOf(
  { mail, catalog, places }: Extract<ZonesLoaded, { kind: 'loaded' }>,
  known: HandedOut,
  nowMs: number,
): Pick<Extract<FileNames, { kind: 'names' }>, 'rows' | 'diagnostics'> {
  const handed = handOut(known, mail, nowMs)
  const factsOf = (_zone: string, _target: string, address: string) =>
    factsOfFiles(catalog, address)
  const incoherences = [
    ...judgeZones(known, mail, { presentedOf: () => [], nowMs }),
    ...mail.flatMap((one) => ptrIncoherences(one, catalog)),
  ]
  return {
    rows: matrixOf(mail, { handed, factsOf, nowMs }).map(({ cells, ...row }) => ({
      ...row,
      names: cells,
    })),
    diagnostics: incoherences.map((one) => incoherenceAt(one, places)),
  }
}
