// What cut-site.test.ts runs in a network namespace of its own, as root: three instances, of which the third runs as a
// user of its own, whose packets to the MTAs and to its canary can be led nowhere (a route by user, into a link that
// never read from). That is silence, as of a broken path; Redis and all other hosts stay in its reach.
// Prints one line of JSON.

import { execFileSync } from 'node:child_process'

import { until } from '../support/wait.ts'
import { type Instance, eachInstance, startFleet, targets } from './fleet.ts'
import {
  allAreBack,
  leavesAllAnswers,
  lastNamedAfterMs,
  mustHaveAnswered,
  total,
} from './instance-state.ts'

export interface CutSiteReport {
  readonly suspectAfterMs: number
  readonly downsWhileCut: readonly number[]
  readonly namedAllWhileCut: readonly boolean[]
  readonly said: readonly string[]
  /** A target that dies meanwhile: for instances that reach it, and where it is for those that do not. */
  readonly deadAfterMs: number
  readonly stateAtCut: string | undefined
  readonly healedAfterMs: number
}

const network = '10.9.0'
const canary = `${network}.200`
const uid = 4242
const table = '100'
const link = 'nowhere'

const ip = (line: string): void => void execFileSync('ip', line.split(' '), { stdio: 'pipe' })

function prepare(): void {
  ip('link set lo up')
  for (const address of [...targets.map((_, i) => `${network}.${i + 1}`), canary])
    ip(`addr add ${address}/32 dev lo`)
  ip(`link add ${link} type veth peer name ${link}-end`)
  for (const name of [link, `${link}-end`]) ip(`link set ${name} up`)
  // Or the table of local addresses goes before every rule.
  ip('rule add pref 10 lookup local')
  ip('rule del pref 0')
  ip(`rule add pref 5 uidrange ${uid}-${uid} lookup ${table}`)
}

const readsEverything = '+dac_override,+dac_read_search'
const asUser = [
  'setpriv',
  `--reuid=${uid}`,
  '--clear-groups',
  `--inh-caps=${readsEverything}`,
  `--ambient-caps=${readsEverything}`,
]

const downs = (instances: readonly Instance[]): Promise<readonly number[]> =>
  Promise.all(instances.map((one) => total(one, 'mxsteer_target_transitions_total{to="down"}')))

/** What it says of the third in its heartbeat. */
async function peerState({ server }: Instance): Promise<string | undefined> {
  const { peers } = JSON.parse((await server.http('/status')).body) as {
    readonly peers: readonly { readonly instance: string; readonly state: string }[]
  }
  return peers.find(({ instance }) => instance === 'i3')?.state
}

async function run(): Promise<CutSiteReport> {
  prepare()
  const fleet = await startFleet(3, {
    network,
    probe: 'connect_timeout: 500ms',
    only: { i3: { through: asUser, settings: [`canaries: ${canary}:9`] } },
  })
  const [first, second, third] = fleet.instances as [Instance, Instance, Instance]
  const cutMs = performance.now()
  ip(`route add ${network}.0/24 dev ${link} table ${table}`)
  await until(async () => (await third.server.metric('mxsteer_prober_isolated')) === 1, {
    what: 'it knows that it is cut off',
    withinMs: 45_000,
    everyMs: 50,
  })
  const others = { instances: [first, second] }
  await eachInstance(others, 'has that', async (one) => {
    return (await peerState(one)) === 'suspect'
  })
  const suspectAfterMs = performance.now() - cutMs
  const downsWhileCut = await downs(fleet.instances)
  const namedAllWhileCut = fleet.instances.map(({ watch }) =>
    targets.every((one) => watch.names(one)),
  )

  const killedMs = performance.now()
  await fleet.mtas.mx1.die()
  await leavesAllAnswers(others, 'mx1')
  const deadAfterMs = lastNamedAfterMs(others, 'mx1', killedMs)
  // What it cannot see it leaves where it was, behind those that it knows to be well: at most for the two minutes of the
  // brake.
  const stateAtCut = (await third.server.targets()).find(({ target }) => target === 'mx1')?.state
  await fleet.mtas.mx1.revive()

  const healMs = performance.now()
  ip(`route flush table ${table}`)
  await allAreBack(fleet, 60_000)
  await until(async () => (await peerState(first)) === 'ok', {
    what: 'the others take its word again',
    withinMs: 30_000,
  })
  const healedAfterMs = performance.now() - healMs
  const said = third.server
    .logs()
    .flatMap(({ event = '' }) => (event.startsWith('prober.isolated') ? [event] : []))
  mustHaveAnswered(fleet)
  await fleet.stop()
  const times = { suspectAfterMs, deadAfterMs, healedAfterMs }
  return { ...times, downsWhileCut, namedAllWhileCut, said, stateAtCut }
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await run())}\n`)
  process.exit(0)
}
