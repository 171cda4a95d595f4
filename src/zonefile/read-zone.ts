// One zone file → its source, or every mistake of its shape.
//
// A mistake of the shape does not end the reading: it is repaired with a harmless value and the checks of
// zone/compile/compile.ts go on, so that the operator sees everything in one run. What is repaired is never served.

import type { DocumentPath, Problem } from '../zone/compile/problem.ts'
import type { ZoneSource } from '../zone/compile/zone-source.ts'
import { type ConfigDocument, parseDocument } from './document.ts'
import type { Mistake } from './mistake.ts'
import { type ShapeProblem, applyRepairs, shapeProblems } from './schema-problems.ts'
import { isRecordData, zoneSchema } from './zone-schema.ts'

export interface ZoneFile {
  readonly file: string
  readonly document: ConfigDocument | null
  /** null: nothing further can be checked. */
  readonly source: ZoneSource | null
  readonly mistakes: readonly Mistake[]
  /** Whether a mistake about this path follows from one that is reported already. */
  readonly isRepaired: (problem: Problem) => boolean
}

const repairRounds = 4

/** Sections whose absence would make every name in the others unknown. */
const essential = ['zone', 'targets', 'probes', 'pools', 'steering', 'records']

export function readZone(file: string, octets: Uint8Array): ZoneFile {
  const parsed = parseDocument(file, octets, isRecordData)
  const unreadable = { file, source: null, document: null, isRepaired: () => false }
  if (parsed.kind === 'bad') return { ...unreadable, mistakes: parsed.mistakes }
  const { document, mistakes } = parsed
  const { source, problems } = readSource(document.value)
  const repaired = problems.map((problem) => problem.path)
  return {
    file,
    document,
    source,
    mistakes: [...mistakes, ...problems.map((problem) => document.toMistake(problem))],
    isRepaired: ({ severity, path }) =>
      repaired.length > 0 &&
      (severity === 'warning' || repaired.some((other) => areRelated(path, other))),
  }
}

function readSource(value: unknown): { source: ZoneSource | null; problems: readonly Problem[] } {
  let problems: readonly Problem[] = []
  for (let round = 0; round < repairRounds; round++) {
    const parsed = zoneSchema.safeParse(value)
    if (parsed.success) return { source: parsed.data, problems }
    const found = shapeProblems(parsed.error.issues, value)
    // What later rounds find, their repairs brought in.
    if (round === 0) problems = found.map(({ problem }) => problem)
    if (round === 0 && found.some(isFatal)) return { source: null, problems }
    if (!applyRepairs(value, found)) return { source: null, problems }
  }
  return { source: null, problems }
}

const isFatal = ({ problem: { path, code }, repair }: ShapeProblem): boolean =>
  path.length === 0 ||
  (path.length === 1 &&
    (code === 'unknown-key' ? repair.kind !== 'rename' : essential.includes(String(path[0]))))

/** Whether one path leads to, or is part of, the other. */
const areRelated = (a: DocumentPath, b: DocumentPath): boolean =>
  a.slice(0, b.length).every((step, i) => step === b[i])
