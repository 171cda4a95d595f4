// What a cache that answers by NSEC records (RFC 8198) could come to believe: all denials that were ever sent, held
// against all that was ever answered. A denial of what exists at any other time takes it away for as long as it is kept.

import type { Verdict } from '../dnssec-validator.ts'
import { type Denial, covers } from './denial.ts'
import { type Labels, isBelow, isSameName, nameText } from './names.ts'

interface Seen {
  readonly name: Labels
  readonly type: number
}

/** One zone's, for as long as its names do not change. */
export class DenialLedger {
  readonly #denials = new Map<string, Denial>()
  readonly #answered = new Map<string, Seen>()
  readonly #contradictions = new Set<string>()

  note(verdict: Verdict): void {
    if (verdict.kind !== 'secure') return
    for (const denial of verdict.denials) this.#noteDenial(denial)
    // A name that was expanded from a wildcard is denied rightly: it is the wildcard that exists.
    for (const { source, type } of verdict.verified) this.#noteAnswer({ name: source, type })
  }

  /** Each names the denial and what it denies. */
  contradictions(): readonly string[] {
    return [...this.#contradictions]
  }

  /** How many different denials and sets there were. */
  counts(): { readonly denials: number; readonly sets: number } {
    return { denials: this.#denials.size, sets: this.#answered.size }
  }

  #noteDenial(denial: Denial): void {
    const types = [...denial.types].sort((a, b) => a - b).join(' ')
    const key = `${nameText(denial.owner)} ${nameText(denial.next)} ${types}`
    if (this.#denials.has(key)) return
    this.#denials.set(key, denial)
    for (const seen of this.#answered.values()) this.#compare(denial, seen)
  }

  #noteAnswer(seen: Seen): void {
    const key = `${nameText(seen.name)} ${seen.type}`
    if (this.#answered.has(key)) return
    this.#answered.set(key, seen)
    for (const denial of this.#denials.values()) this.#compare(denial, seen)
  }

  #compare(denial: Denial, { name, type }: Seen): void {
    const deniesType = isSameName(denial.owner, name) && !denial.types.has(type)
    const deniesName = covers(denial, name) && !isBelow(denial.next, name)
    // An NSEC whose next name lies below denies every type of the name in between.
    const deniesTypes = covers(denial, name) && isBelow(denial.next, name)
    if (deniesType || deniesName || deniesTypes)
      this.#contradictions.add(
        `${nameText(denial.owner)} NSEC ${nameText(denial.next)} denies ${nameText(name)} TYPE${type}`,
      )
  }
}
