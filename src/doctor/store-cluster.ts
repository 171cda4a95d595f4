// The part of check `state` about a Redis Cluster: where our keys are, whether their primary has a replica, and whether
// the URL is one for a cluster. All keys of a namespace are in one slot, so the rest of the cluster matters only where
// it takes the slot with it (`cluster-require-full-coverage`).

import { type Command, listOf, type Reply } from '../cluster/link/command.ts'
import type { StoreLink } from '../cluster/link/redis-link.ts'
import { fail, ok, type CheckResult, warn } from './report.ts'

const redisManual = 'docs/operations/redis.md#redis-cluster'

/** What a node says of the cluster that it is in. */
interface ClusterFacts {
  /** `cluster_state` of CLUSTER INFO; null: the ACL denies it. */
  readonly state: string | null
  /** The slot of our keys; null: the ACL denies CLUSTER KEYSLOT. */
  readonly slot: number | null
  /** The primary of that slot, as `HOST:PORT`, and how many replicas it has; null: CLUSTER SLOTS is denied, or has none. */
  readonly owner: { readonly name: string; readonly replicas: number } | null
  readonly isMapRefused: boolean
  /** The code of the error to a command about one of our keys; null: none. */
  readonly keyErrorCode: string | null
}

/** `isClusterUrl`: by the setting, the store is a cluster; `isCluster`: by what it says. */
interface ClusterQuestion {
  readonly isClusterUrl: boolean
  readonly isCluster: boolean
  /** One of our keys. */
  readonly key: string
}

/** Nothing where neither the setting nor the store speaks of a cluster. */
export async function checkCluster(
  link: StoreLink,
  { isClusterUrl, isCluster, key }: ClusterQuestion,
): Promise<readonly CheckResult[]> {
  if (!isCluster) return isClusterUrl ? [noCluster] : []
  const facts = await readClusterFacts(link, key)
  if (!isClusterUrl) return [nodeAlone(facts)]
  return [...stateResults(facts), ownerResult(facts)]
}

async function readClusterFacts(link: StoreLink, key: string): Promise<ClusterFacts> {
  const commands: readonly Command[] = [
    ['cluster', 'info'],
    ['cluster', 'keyslot', key],
    ['cluster', 'slots'],
  ]
  const [info, keyslot, slots] = (await link.run(commands)) ?? []
  const state =
    info?.kind === 'value' ? /^cluster_state:(\w{1,20})/m.exec(String(info.value)) : null
  const slot = keyslot?.kind === 'value' ? Number(keyslot.value) : null
  const asked = await link.run([['strlen', key]])
  return {
    state: state?.[1] ?? null,
    slot,
    owner: ownerIn(slots, slot),
    isMapRefused: slots?.kind === 'error',
    keyErrorCode: asked === null ? link.lastErrorCode() : null,
  }
}

/** The reply to CLUSTER SLOTS has `[first, last, primary, replica…]` for each range, a node being `[host, port, …]`. */
function ownerIn(slots: Reply | undefined, slot: number | null): ClusterFacts['owner'] {
  const range = listOf(slots).find(
    (one): one is unknown[] =>
      Array.isArray(one) && slot !== null && Number(one[0]) <= slot && slot <= Number(one[1]),
  )
  const [, , primary, ...replicas] = range ?? []
  if (!Array.isArray(primary)) return null
  const [host, port] = primary as unknown[]
  // A node that was never told how it is called says nothing.
  const named = typeof host === 'string' && host !== '' ? host : '?'
  const name = `${named}:${String(port)}`.replace(/[^\w.:?-]/g, '').slice(0, 80)
  return { name, replicas: replicas.length }
}

const noCluster: CheckResult = warn(
  'state',
  'it is no node of a cluster, or does not say so, while the setting state is redis+cluster://',
  'use redis:// with one host, or let the user use INFO',
)

const nodeAlone = ({ keyErrorCode }: ClusterFacts): CheckResult => {
  const advice = `use redis+cluster:// and name several nodes: ${redisManual}`
  if (keyErrorCode === null)
    return warn('state', 'it is a node of a cluster, and our keys are there only for now', advice)
  const where = keyErrorCode === 'MOVED' ? 'on another one' : `nowhere (${keyErrorCode})`
  return fail('state', `it is a node of a cluster, and our keys are ${where}`, advice)
}

function stateResults({ state }: ClusterFacts): readonly CheckResult[] {
  if (state === null || state === 'ok') return []
  return [
    fail(
      'state',
      `the cluster says that it is in state ${state}: it answers nothing, or will soon`,
      `see which slots have no primary (CLUSTER INFO); cluster-require-full-coverage no keeps ours: ${redisManual}`,
    ),
  ]
}

function ownerResult({ slot, owner, isMapRefused }: ClusterFacts): CheckResult {
  if (isMapRefused || slot === null || owner === null)
    return warn(
      'state',
      'it does not let us use CLUSTER KEYSLOT and CLUSTER SLOTS: instances know the nodes of the setting alone',
      `give the user the rights of a cluster in ${redisManual}`,
    )
  const where = `our keys are in slot ${slot}, at ${owner.name}`
  if (owner.replicas === 0)
    return warn(
      'state',
      `${where}, which has no replica: with it the store is lost`,
      'give every primary a replica',
    )
  return ok(
    'state',
    `${where}, with ${owner.replicas === 1 ? 'a replica' : `${owner.replicas} replicas`}`,
  )
}
