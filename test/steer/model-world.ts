// A steered world as plain data, of which both the code under test and the slow reference are given: the first by way
// of policies and a health table, the second as it is.

import { createHealthTable, SlotState, Standing } from '../../src/health/table.ts'
import type { HealthWriter } from '../../src/health/table.ts'
import { hashText } from '../../src/lib/hash.ts'
import type { Member, OnAllDown, Policy, Pool, Spill, Target } from '../../src/steer/policy.ts'
import { newAddress, owner } from './arrange.ts'

export interface ModelAddress {
  readonly family: 4 | 6
  readonly state: keyof typeof SlotState
  readonly factor: number
  /** 0: never. */
  readonly fell: number
}

export interface ModelMember {
  readonly target: string
  readonly weight: number
  readonly standing: keyof typeof Standing
  readonly share: number
  readonly region: string | null
  readonly rack: string | null
  readonly addresses: readonly ModelAddress[]
}

export interface ModelPool {
  readonly name: string
  readonly panic: number
  readonly minHealthy: number
  readonly spill: Spill
  readonly spread: boolean
  readonly members: readonly ModelMember[]
}

export interface ModelWorld {
  readonly pools: readonly ModelPool[]
  readonly onAllDown: 'all' | 'last_good' | 'servfail' | 'backup'
  /** Of use to `backup` alone. */
  readonly backup: ModelPool
}

export interface Built {
  readonly policy: Policy
  readonly pools: readonly Pool[]
  readonly health: HealthWriter
}

/** The code's own view of it: what zone/compile-*.ts would have made. */
export function build(world: ModelWorld): Built {
  const health = createHealthTable(512, 128)
  const groups: string[] = []
  const groupOf = (key: string): number => {
    if (!groups.includes(key)) groups.push(key)
    return groups.indexOf(key)
  }
  let slot = 0
  let row = 0
  let index = 0
  const buildTarget = ({ target, region, rack, addresses }: ModelMember): Target => {
    const number = index++
    return {
      name: target,
      index: number,
      owner: owner(`${target}.smtp.example.com.`),
      region,
      rack,
      hash: hashText(target),
      warmup: null,
      regionGroup: groupOf(region === null ? `alone ${target}` : `region ${region}`),
      rackGroup: groupOf(rack === null ? `alone ${target}` : `rack ${region} ${rack}`),
      addresses: addresses.map(({ family }, i) => newAddress(family, number, i)),
    }
  }
  const buildMember = (member: ModelMember): Member => {
    const target = buildTarget(member)
    const slots = member.addresses.map(({ state, factor, fell }) => {
      health.set(++slot, SlotState[state], factor, Infinity)
      health.setFell(slot, fell)
      return slot
    })
    health.setRow(++row, Standing[member.standing], member.share)
    return { target, weight: member.weight, slots, row }
  }
  const buildPool = ({ name, panic, minHealthy, spill, spread, members }: ModelPool): Pool => ({
    name,
    panic,
    minHealthy,
    spill,
    isSpread: spread,
    members: members.map(buildMember),
  })
  const pools = world.pools.map(buildPool)
  const backup = buildPool(world.backup)
  const onAllDown: OnAllDown =
    world.onAllDown === 'backup' ? { kind: 'backup', pool: backup } : { kind: world.onAllDown }
  return {
    policy: { name: 'in', hash: hashText('in'), rules: [{ when: null, pools }], onAllDown },
    pools,
    health,
  }
}
