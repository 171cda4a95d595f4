// Looks at the matrix of all zones now and then, for the list of problems and for the log: what is shown there are the cells
// that exclude each other. The matrix of many targets costs too much to be made at every look at the problems.

import type { Facet, MatrixFacts, TargetRow } from './matrix.ts'
import { matrixOf } from './matrix.ts'
import type { ZoneMail } from './zone-mail.ts'

/** A cell of the matrix that excludes a target. */
export interface Exclusion {
  readonly zone: string
  readonly target: string
  readonly facet: Facet
  readonly text: string
}

export interface ExclusionChange extends Exclusion {
  readonly isOver: boolean
}

const lookEveryMs = 10_000

/** Of more exclusions the first ones are told. */
const exclusionsKept = 1000

export class CoherenceWatch {
  readonly #onChange: (change: ExclusionChange) => void
  #zones: readonly ZoneMail[] | null = null
  #lookedMs = -Infinity
  #found: ReadonlyMap<string, Exclusion> = new Map()

  constructor(onChange: (change: ExclusionChange) => void) {
    this.#onChange = onChange
  }

  /** How many exclusions there are, as of the last look. */
  count(): number {
    return this.#found.size
  }

  /** What is excluded; as of the last look, unless zones changed or it was ten seconds ago. `facts` is called for a look. */
  look(
    zones: readonly ZoneMail[],
    monotonicMs: number,
    facts: () => MatrixFacts,
  ): readonly Exclusion[] {
    const isDue = monotonicMs - this.#lookedMs >= lookEveryMs || zones !== this.#zones
    if (!isDue) return [...this.#found.values()]
    this.#lookedMs = monotonicMs
    this.#zones = zones
    const before = this.#found
    const known = facts()
    this.#found = new Map(
      matrixOf(zones, known)
        .flatMap(exclusionsOf)
        .slice(0, exclusionsKept)
        .map((one) => [`${one.zone} ${one.target} ${one.facet}`, one]),
    )
    for (const [key, one] of this.#found)
      if (!before.has(key)) this.#onChange({ ...one, isOver: false })
    for (const [key, one] of before)
      if (!this.#found.has(key)) this.#onChange({ ...one, isOver: true })
    return [...this.#found.values()]
  }
}

const exclusionsOf = ({ zone, target, cells }: TargetRow): readonly Exclusion[] =>
  cells.flatMap(({ facet, state, text }) =>
    state === 'excludes' ? [{ zone, target, facet, text }] : [],
  )

/** An exclusion for the list of problems. */
export function exclusionProblem({ zone, target, facet, text }: Exclusion): {
  readonly subject: string
  readonly text: string
} {
  const subject = `${facet} of ${target}.${zone}`
  const effect = 'Senders that go by it do not deliver there: see `mxsteer coherence`'
  return { subject, text: `${subject}: ${text}. ${effect}` }
}
