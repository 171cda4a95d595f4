// Zone source → Zone: what the answering path reads, or every problem that stands in the way.
//
//   targets → pools → policies → records → nodes → checks across all of them
//
// Pure and independent of the order in the file: targets, members and nodes are sorted by name.

import { keyOfName, type Name } from '../../wire/name.ts'
import { RRType } from '../../wire/rrtype.ts'
import { checkAcross } from './check-across.ts'
import { checkUsage } from './check-usage.ts'
import { buildNodes } from './compile-nodes.ts'
import { type Compilation, type CompileInput, warnLowTtl } from './compilation.ts'
import { compilePools } from './compile-pools.ts'
import { compileRecords } from './compile-records.ts'
import { compileSoa } from './compile-soa.ts'
import { compileSteering } from './compile-steering.ts'
import { compileTargets } from './compile-targets.ts'
import { readName } from './names.ts'
import { type Problem, type Problems, createProblems } from './problem.ts'
import type { Member, Target } from '../../steer/policy.ts'
import type { RRset, Zone } from '../zone.ts'

export interface CompiledZone {
  /** null where any problem is an error. */
  readonly zone: Zone | null
  readonly targets: readonly CompiledTarget[]
  readonly problems: readonly Problem[]
}

export interface CompiledTarget {
  readonly target: Target
  readonly memberships: readonly { readonly pool: string; readonly member: Member }[]
}

const defaultMinTtlSeconds = 5

export function compileZone(input: CompileInput): CompiledZone {
  const problems = createProblems()
  const { source } = input
  const apex = readApex(source.zone, problems)
  if (!apex) return { zone: null, targets: [], problems: problems.list }
  const minTtl = source.minTtl ?? Math.min(defaultMinTtlSeconds, source.ttl)
  const compilation = { input, source, apex, apexKey: keyOfName(apex), minTtl, problems }
  checkTtls(compilation)
  const targets = compileTargets(compilation)
  const pools = compilePools(compilation, targets)
  const policies = compileSteering(compilation, pools)
  const soa = compileSoa(compilation)
  const owners = compileRecords(compilation, { targets, policies, soa })
  const nodes = buildNodes(owners, apex)
  checkAcross(compilation, owners, nodes)
  const compiled = [...targets.values()].map(({ target, memberships }) => ({ target, memberships }))
  const isRefused = problems.list.some((problem) => problem.severity === 'error')
  // After an error most of what seems unused is only what the error hides.
  if (!isRefused) checkUsage(compilation)
  return {
    zone: isRefused ? null : assemble(compilation, soa, nodes),
    targets: compiled,
    problems: problems.list,
  }
}

function readApex(text: string, problems: Problems): Name | null {
  const parsed = readName(text.endsWith('.') ? text : `${text}.`, Uint8Array.of(0))
  if (parsed.kind === 'bad') {
    problems.refuse('bad-name', ['zone'], `bad zone name: ${parsed.why}`)
    return null
  }
  if (parsed.name.length > 1) return parsed.name
  problems.refuse(
    'bad-name',
    ['zone'],
    'the root is no zone to steer, expected a name such as smtp.example.com',
  )
  return null
}

function checkTtls({ source, problems }: Compilation): void {
  const { ttl, minTtl } = source
  if (minTtl !== undefined && minTtl > ttl) {
    problems.refuse(
      'min-ttl-above-ttl',
      ['min_ttl'],
      `min_ttl is ${minTtl}, expected at most ttl, ${ttl}`,
    )
  }
  warnLowTtl(problems, ['ttl'], ttl)
}

function assemble({ apex, apexKey, input }: Compilation, soa: RRset, nodes: Zone['nodes']): Zone {
  let labelCount = 0
  for (let at = 0; apex[at]; at += 1 + (apex[at] ?? 0)) labelCount++
  const minimum = readMinimum(soa)
  const negativeSoa: RRset = { ...soa, type: RRType.SOA, ttl: Math.min(soa.ttl, minimum) }
  return { apex, apexKey, labelCount, serial: input.serial, negativeSoa, nodes }
}

function readMinimum(soa: RRset): number {
  const octets = soa.rdata[0]?.octets ?? new Uint8Array(4)
  return new DataView(octets.buffer, octets.byteOffset).getUint32(octets.length - 4)
}
