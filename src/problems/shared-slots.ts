// Exchange slots that share a target now, since fewer targets are eligible than there are names. Pools are evaluated by the
// code that answers, as of members: where none is eligible that is another problem (empty-pools.ts).

import type { HealthReader } from '../health/table.ts'
import { listed } from '../lib/listed.ts'
import type { ExchangeSlot, Pool } from '../steer/policy.ts'
import { createPoolEvaluation, evaluatePool } from '../steer/select/eligibility.ts'
import { nameToBareText } from '../wire/name.ts'
import { RRType } from '../wire/rrtype.ts'
import type { Catalog } from '../zone/zone.ts'

/** Names of one ladder under a rule whose pools cannot fill it. */
export interface SharedSlots {
  readonly zone: string
  /** In the order of the rungs. */
  readonly names: readonly string[]
  readonly policy: string
  /** Number of the rule, from 1 as in the file. */
  readonly rule: number
  /** Targets that are eligible: at least one, fewer than names. */
  readonly eligible: readonly string[]
}

interface SlotNames {
  readonly zone: string
  readonly names: readonly string[]
  readonly set: ExchangeSlot
}

/** Finds them in a catalog. The names of the last catalog are kept. */
export class SharedSlotsFinder {
  readonly #health: HealthReader
  readonly #evaluation = createPoolEvaluation()
  #catalog: Catalog | null = null
  #slots: readonly SlotNames[] = []

  constructor(health: HealthReader) {
    this.#health = health
  }

  find(catalog: Catalog): readonly SharedSlots[] {
    if (catalog !== this.#catalog) this.#slots = slotsOf(catalog)
    this.#catalog = catalog
    return this.#slots.flatMap(({ zone, names, set: { policy } }) =>
      policy.rules.flatMap(({ pools }, i): readonly SharedSlots[] => {
        const eligible = this.#eligible(pools)
        if (eligible.length === 0 || eligible.length >= names.length) return []
        return [{ zone, names, policy: policy.name, rule: i + 1, eligible }]
      }),
    )
  }

  #eligible(pools: readonly Pool[]): readonly string[] {
    const targets = new Set<string>()
    for (const pool of pools) {
      evaluatePool(this.#evaluation, pool, null, this.#health)
      for (const { count, members } of [this.#evaluation.up, this.#evaluation.suspect])
        for (let i = 0; i < count; i++) {
          const name = pool.members[members[i] as number]?.target.name
          if (name !== undefined) targets.add(name)
        }
    }
    return [...targets]
  }
}

/** The ladders of all zones, each by its first name. */
function slotsOf({ zones }: Catalog): readonly SlotNames[] {
  return [...zones.values()].flatMap(({ apex, nodes, steered }) =>
    [...(steered ?? nodes).values()].flatMap(({ sets }): readonly SlotNames[] => {
      const set = sets.get(RRType.A) ?? sets.get(RRType.AAAA)
      if (set?.kind !== 'exchange-slot' || set.rung > 0) return []
      return [{ zone: nameToBareText(apex), names: set.names.map(nameToBareText), set }]
    }),
  )
}

interface SlotState {
  readonly sharedSlots: readonly SharedSlots[]
}

/** Rows of the table of problems. */
export const slotRows = {
  'slots-shared': {
    severity: 'warning',
    find: ({ sharedSlots }: SlotState): readonly SlotFinding[] => sharedSlots.map(findingOf),
  },
} as const

interface SlotFinding {
  readonly subject: string
  readonly text: string
}

const namesShown = 4

/** What an operator is told. */
export function findingOf({ names, policy, rule, eligible }: SharedSlots): SlotFinding {
  const targets = eligible.length === 1 ? 'one target is' : `${eligible.length} targets are`
  const text =
    `${targets} eligible by ${policy} rule ${rule} (${listed(eligible, namesShown)}) for the ${names.length} slots ` +
    `${listed(names, namesShown)}: some share a target, and an MX that lists them is less redundant than it looks. ` +
    '`mxsteer targets` says why the others are out'
  return { subject: `${names[0]} by ${policy} rule ${rule}`, text }
}
