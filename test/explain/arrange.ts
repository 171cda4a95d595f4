// What tests of explain/ share: zones as an operator writes them, GeoIP databases of the test's own, and a responder on
// both.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createRespond } from '../../src/answer/respond.ts'
import type { Random } from '../../src/lib/clock.ts'
import { type Assumptions, assumeHealth } from '../../src/cli/assumed-health.ts'
import { loadFolder } from '../../src/cli/offline-data.ts'
import type { LoadedTarget } from '../../src/zonefile/load-zones.ts'
import { type ExplainContext, type Explanation, explain } from '../../src/explain/explain.ts'
import { type Question, questionPacket } from '../../src/explain/question.ts'
import { createLocate } from '../../src/geo/places.ts'
import type { HealthWriter } from '../../src/health/table.ts'
import { parseAddress, parseNetwork } from '../../src/lib/ip.ts'
import { type PlaceNetworks, noNetworks } from '../../src/steer/scope/place-networks.ts'
import { Scopes } from '../../src/steer/scope/scope-cache.ts'
import { parseName } from '../../src/wire/name.ts'
import { typeFromText } from '../../src/wire/rrtype.ts'
import { contextOf, fixedClock, peerOf, send } from '../support/ask-catalog.ts'
import { type View, viewOf } from '../support/foreign-view.ts'
import { seeded } from '../steer/arrange.ts'

type Asked = readonly [name: string, type?: string, client?: string, ecs?: string]

export interface ArrangedWorld {
  readonly world: ExplainContext
  readonly health: HealthWriter
  readonly targets: readonly LoadedTarget[]
  readonly explain: (...asked: Asked) => Explanation
  /** A real answer, octets and all, as a foreign decoder reads it; and the scope in it. */
  readonly answer: (...asked: Asked) => View & { readonly scope: number | null }
}

export interface WorldSpec {
  readonly zone: string
  readonly networks?: PlaceNetworks
  readonly assumptions?: Partial<Assumptions>
  readonly random?: Random
  /** Of explanations. */
  readonly draws?: number
}

export async function arrangeWorld(spec: WorldSpec): Promise<ArrangedWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'mxsteer-explain-'))
  writeFileSync(join(folder, 'zone.yaml'), spec.zone)
  const loaded = await loadFolder({ folder, filesMax: 1 })
  rmSync(folder, { recursive: true })
  if (loaded.kind === 'bad') throw new Error(loaded.why)
  const { catalog, targets } = loaded
  const nothing = { down: [], actions: [], atMs: Date.UTC(2026, 11, 3) }
  const assumed = assumeHealth(targets, { ...nothing, ...spec.assumptions })
  if (assumed.kind === 'bad') throw new Error(assumed.why)
  const { health } = assumed
  const { networks = noNetworks, random = seeded(1) } = spec
  const scopes = new Scopes()
  scopes.use(networks)
  const locate = createLocate(networks)
  const databases = [{ database: 'country', type: 'test', built: '2026-01-01T00:00:00.000Z' }]
  const beside = { memberOf: () => null, probeOf: () => null }
  const draws = spec.draws ?? 10_000
  const world = {
    draws,
    catalog,
    health,
    clock: fixedClock,
    locate,
    scopes,
    places: networks,
    databases,
    random,
    ...beside,
  }
  const respond = createRespond(contextOf(catalog, { health, locate, scopes, random }))
  return {
    world,
    health,
    targets,
    explain: (...asked) => explain(world, questionOf(...asked)),
    answer(...asked) {
      const question = questionOf(...asked)
      const octets = question.peer
      const peer = { ...peerOf('udp'), octets, family: octets.length === 4 ? 4 : 6 } as const
      const reply = send(respond, questionPacket(question), peer)
      if (!reply) throw new Error('no answer')
      return { ...viewOf(reply), scope: scopeIn(reply, question) }
    },
  }
}

// oxlint-disable-next-line max-params -- what a client asks
export function questionOf(
  name: string,
  type = 'MX',
  client = '192.0.2.1',
  ecs: string | null = null,
): Question {
  const parsed = parseName(name)
  const peer = parseAddress(client)
  const number = typeFromText(type)
  const subnet = ecs === null ? null : parseNetwork(ecs)
  if (parsed.kind === 'bad' || !peer || number === undefined || subnet?.kind === 'bad')
    throw new Error(`no question: ${name} ${type} ${client} ${ecs}`)
  return { name: parsed.name, type: number, peer: peer.octets, subnet }
}

/** SCOPE PREFIX-LENGTH of the option that comes back (RFC 7871 §6). */
function scopeIn(reply: Uint8Array, { subnet }: Question): number | null {
  if (subnet === null) return null
  const given = [...subnet.octets.subarray(0, Math.ceil(subnet.prefixLength / 8))]
  const family = subnet.octets.length === 4 ? 1 : 2
  const head = Buffer.from([0, 8, 0, 4 + given.length, 0, family, subnet.prefixLength])
  const at = Buffer.from(reply).lastIndexOf(head)
  if (at < 0) throw new Error('the client subnet did not come back')
  return reply[at + head.length] as number
}
