// What a selection can come to: all its outcomes with their probabilities, or, where they are too many, a deck that was
// dealt from them. To draw one of them is to look up where one random number falls.
//
//   exact   every choice is branched into its options. The outcomes lie along the numbers from 0 to 1 as `RandomChooser` divides
//           them: both come to the same with the same random number
//   deck    cards dealt in several rounds that count alike. In a round choices by weight are branched, the first two of
//           them as far as `firstLeaves` goes, the others as far as `roundLeaves`: which pool leads, who comes first, where
//           a systematic sample begins. Other choices, and the order of a shuffle, are drawn. So first places, and
//           inclusion in a sample, have their exact shares in each deck; who is beside whom is as likely as ever over many

import { combineHashes } from '../../lib/hash.ts'
import { RandomChooser, type Chooser } from './chooser.ts'

export interface Outcomes<Selection> {
  /** Of each part of [0, 1): where it ends. Ascending; the last is 1. A single one leaves nothing to chance. */
  readonly ends: Float64Array
  /** Of each part: the index of its selection. */
  readonly indexes: Uint16Array
  /** Distinct. */
  readonly selections: readonly Selection[]
  /** Some of the selections that can be made are missing: to be dealt anew now and then. */
  readonly isDeck: boolean
  /** No choice by weight was drawn: how often a record is among those selected is exact. */
  readonly isInclusionExact: boolean
  /** By number times `ends.length`, rounded down: the first part that the number can be in. */
  readonly guide: Uint16Array
}

export interface OutcomeLimits {
  /** Where every choice is branched. */
  readonly parts: number
  /** Cards of a deck, about. */
  readonly cards: number
  /** Parts that one round of a deck is branched into, but for its first two choices. */
  readonly roundLeaves: number
  /** Parts that the first choice is branched into, and the first two. With more, a deck takes longer to deal than it saves. */
  readonly firstLeaves: number
}

/** Parts: all orders of five, or twice those of four with the places at which a sample of them can begin. */
const answerLimits: OutcomeLimits = { parts: 192, cards: 128, roundLeaves: 64, firstLeaves: 128 }

/** A selection whose outcomes are wanted: it leaves to the chooser whatever it leaves to chance. */
export interface Selecting<Selection> {
  /** null: there are to be no outcomes. */
  readonly select: (chooser: Chooser) => Selection | null
  /** The same for selections that are the same. */
  readonly keyOf: (selection: Selection) => string
}

/**
 * The outcomes of a selection, which is made once for each of them. null: it has choices of too many options, or
 * these changed meanwhile, or a selection was null.
 *
 * @param seed  decides what is drawn for a deck
 */
export function outcomesOf<Selection>(
  selecting: Selecting<Selection>,
  seed: number,
  limits: OutcomeLimits = answerLimits,
): Outcomes<Selection> | null {
  const parts = new Parts(selecting)
  const enumerator = new Enumerator(null, limits)
  do {
    if (!parts.add(enumerator)) return null
    if (enumerator.isGivenUp || parts.count > limits.parts) return deal(selecting, seed, limits)
  } while (enumerator.advance())
  return parts.close({ isDeck: false, isInclusionExact: true })
}

function deal<Selection>(
  selecting: Selecting<Selection>,
  seed: number,
  limits: OutcomeLimits,
): Outcomes<Selection> | null {
  const parts = new Parts(selecting)
  let isInclusionExact = true
  for (let rounds = 1, round = 0; round < rounds; round++) {
    const enumerator = new Enumerator(combineHashes(seed, round), limits)
    do {
      if (!parts.add(enumerator) || enumerator.isGivenUp) return null
    } while (enumerator.advance())
    isInclusionExact &&= enumerator.isInclusionExact
    if (round === 0) rounds = Math.max(1, Math.floor(limits.cards / parts.count))
  }
  return parts.close({ isDeck: true, isInclusionExact })
}

/** The parts of a range while they are made. */
class Parts<Selection> {
  readonly #selecting: Selecting<Selection>
  readonly #known = new Map<string, number>()
  readonly #selections: Selection[] = []
  readonly #lengths: number[] = []
  readonly #indexes: number[] = []

  constructor(selecting: Selecting<Selection>) {
    this.#selecting = selecting
  }

  get count(): number {
    return this.#lengths.length
  }

  /** Makes the selection by the choices that are under way; false: it is null. */
  add(enumerator: Enumerator): boolean {
    const selection = this.#selecting.select(enumerator)
    if (selection === null) return false
    const key = this.#selecting.keyOf(selection)
    let index = this.#known.get(key)
    if (index === undefined) {
      index = this.#selections.push(selection) - 1
      this.#known.set(key, index)
    }
    this.#lengths.push(enumerator.probability)
    this.#indexes.push(index)
    return true
  }

  close(kind: Pick<Outcomes<Selection>, 'isDeck' | 'isInclusionExact'>): Outcomes<Selection> {
    const total = this.#lengths.reduce((sum, length) => sum + length, 0)
    let along = 0
    const ends = Float64Array.from(this.#lengths, (length) => (along += length) / total)
    ends[ends.length - 1] = 1
    return {
      ends,
      indexes: Uint16Array.from(this.#indexes),
      selections: this.#selections,
      ...kind,
      guide: guideOf(ends),
    }
  }
}

/** One longer than there are parts, since a number next to 1 may be rounded up. */
function guideOf(ends: Float64Array): Uint16Array {
  const guide = new Uint16Array(ends.length + 1)
  let at = 0
  for (let i = 0; i < ends.length; i++) {
    while ((ends[at] as number) <= i / ends.length) at++
    guide[i] = at
  }
  guide[ends.length] = ends.length - 1
  return guide
}

/** The probability of each selection. */
export function probabilitiesOf({ ends, indexes, selections }: Outcomes<unknown>): Float64Array {
  const probabilities = new Float64Array(selections.length)
  let from = 0
  for (const [part, end] of ends.entries()) {
    const index = indexes[part] as number
    probabilities[index] = (probabilities[index] as number) + end - from
    from = end
  }
  return probabilities
}

/** A choice that the leaf under way has behind it. */
interface Branch {
  option: number
  /** 0: it is not branched but drawn. */
  readonly options: number
  /** Leaves that this branch and those before it multiply to. */
  readonly leaves: number
}

/** Goes through the tree of choices, leaf by leaf, in the order of their options. */
class Enumerator implements Chooser {
  /** null: everything is branched, and nothing drawn. */
  readonly #seed: number | null
  /** What is drawn follows from the seed and the branches taken: again the same until a branch is another. */
  #state = 0
  readonly #random = new RandomChooser(() => this.#nextNumber())
  readonly #branches: Branch[] = []
  #depth = 0
  choices = 0
  /** Of the leaf that was reached. */
  probability = 1
  /** There are too many outcomes, or options of a choice that is to be branched; or the choices are not what they were. */
  isGivenUp = false
  isInclusionExact = true
  readonly #limits: OutcomeLimits

  constructor(seed: number | null, limits: OutcomeLimits) {
    this.#seed = seed
    this.#limits = limits
  }

  begin(): void {
    this.#depth = 0
    this.probability = 1
    this.#draw(this.#seed ?? 0)
  }

  weighted(weights: Float64Array, from: number, to: number, sum: number): number {
    if (to - from === 1) return from
    const option = this.#branch(to - from)
    if (option < 0) return this.#random.weighted(weights, from, to, sum)
    this.probability *= (weights[from + option] as number) / sum
    return from + option
  }

  equal(count: number): number {
    if (count === 1) return 0
    if (this.#seed !== null) return this.#random.equal(count)
    this.probability /= count
    return this.#branch(count)
  }

  /** Goes on to the next leaf; false after the last one. */
  advance(): boolean {
    for (;;) {
      const last = this.#branches.at(-1)
      if (last === undefined) return false
      if (++last.option < last.options) return true
      this.#branches.pop()
    }
  }

  /** The option to take of the next choice; -1: it is to be drawn. */
  #branch(options: number): number {
    const branch = (this.#branches[this.#depth] ??= this.#newBranch(options))
    this.#depth++
    this.choices = (this.choices + 1) | 0
    if (branch.options === 0) return -1
    // What the selection goes by has changed meanwhile.
    if (branch.options !== options) this.isGivenUp = true
    if (this.#seed !== null) this.#draw(combineHashes(this.#state, branch.option))
    return Math.min(branch.option, options - 1)
  }

  #newBranch(options: number): Branch {
    const before = this.#branches.at(-1)?.leaves ?? 1
    const leaves = before * options
    const { parts, firstLeaves, roundLeaves } = this.#limits
    const depth = this.#branches.length
    const most = this.#seed === null ? parts : depth < 2 ? firstLeaves : roundLeaves
    if (leaves <= most) return { option: 0, options, leaves }
    if (this.#seed === null || depth === 0) this.isGivenUp = true
    this.isInclusionExact = false
    return { option: -1, options: 0, leaves: before }
  }

  #draw(state: number): void {
    this.#state = state
    this.#random.begin()
  }

  #nextNumber(): number {
    this.#state = combineHashes(this.#state, 1)
    return this.#state / 2 ** 32
  }
}
