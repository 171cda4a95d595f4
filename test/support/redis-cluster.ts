// Six real redis-server processes that are one Redis Cluster: three primaries with a replica each, on free ports of
// loopback, made by redis-cli as operators make them.

import { execFile } from 'node:child_process'

import { freePort } from './free-ports.ts'
import { type RedisServer, startRedis } from './redis.ts'
import { until } from './wait.ts'

export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** The slot of all keys of the namespace `default`. */
  readonly slot: number
  /** For settings: with all nodes, or with these. */
  url(nodes?: readonly RedisServer[]): string
  /** The primary of the slot, as most nodes see it; null: they do not agree on one that is alive. */
  owner(): Promise<RedisServer | null>
  /** The port that it has in URLs. */
  portOf(node: RedisServer): number
  /** The node's own id. */
  idOf(node: RedisServer): Promise<string>
  /** The keys of the slot that the node has. */
  keysAt(node: RedisServer): Promise<readonly string[]>
  /** Waits until each slot has a primary for all nodes, and each primary a replica. */
  settled(): Promise<RedisServer>
  stop(): Promise<void>
}

/** How to speak TLS, which then is all that nodes and instances speak. */
export interface ClusterTls {
  /** Lines of the configuration of every node. */
  readonly config: readonly string[]
  readonly cliArguments: readonly string[]
}

const nodeCount = 6
/** A primary that is silent for so long is replaced. */
const nodeTimeoutMs = 2000

export async function startRedisCluster(tls: ClusterTls | null = null): Promise<RedisCluster> {
  const tlsPorts: number[] = []
  const nodes: RedisServer[] = []
  for (let i = 0; i < nodeCount; i++) {
    const tlsPort = await freePort()
    tlsPorts.push(tlsPort)
    const config = [
      'cluster-enabled yes',
      `cluster-port ${await freePort()}`,
      `cluster-node-timeout ${nodeTimeoutMs}`,
      // A replica that has been alone for long may still take over.
      'cluster-replica-validity-factor 0',
      'repl-diskless-sync-delay 0',
      ...(tls ? [`tls-port ${tlsPort}`, 'tls-cluster yes', 'tls-replication yes'] : []),
      ...(tls?.config ?? []),
    ]
    nodes.push(await startRedis({ config }))
  }
  const ports = nodes.map(({ port }, i) => (tls ? (tlsPorts[i] as number) : port))
  const portOf = (node: RedisServer): number => ports[nodes.indexOf(node)] as number
  await create(ports, tls?.cliArguments ?? [])
  const slot = Number((await must(nodes[0], 'CLUSTER', 'KEYSLOT', '{default}')).slice(1))
  const viewOf = async (node: RedisServer): Promise<View | null> => {
    const said = await node.command('CLUSTER', 'NODES').catch(() => null)
    const ranges = await node.command('CLUSTER', 'SLOTS').catch(() => null)
    return said === null || ranges === null ? null : viewIn(said, ranges, slot)
  }
  const owner = async (): Promise<RedisServer | null> => {
    const named = (await Promise.all(nodes.map(viewOf))).flatMap((view) => view?.ownerPort ?? [])
    const most = named.find((port) => named.filter((one) => one === port).length > nodeCount / 2)
    // Over a connection without TLS nodes are told with their ports without it.
    return nodes.find((node) => node.port === most) ?? null
  }
  const cluster: RedisCluster = {
    nodes,
    slot,
    url: (some = nodes) =>
      `redis${tls ? 's' : ''}+cluster://${some.map((node) => `127.0.0.1:${portOf(node)}`).join(',')}`,
    owner,
    portOf,
    idOf: async (node) => (await must(node, 'CLUSTER', 'MYID')).split('\r\n')[1] ?? '',
    async keysAt(node) {
      const said = await must(node, 'CLUSTER', 'GETKEYSINSLOT', String(slot), '1000')
      return said.split('\r\n').filter((line) => !/^[*$]/.test(line))
    },
    settled: () =>
      until(
        async () => {
          const views = await Promise.all(nodes.map(viewOf))
          return views.every((view) => view?.isWhole) ? owner() : null
        },
        { what: 'six nodes of one mind', withinMs: 60_000, everyMs: 100 },
      ),
    async stop() {
      await Promise.all(nodes.map((node) => node.kill()))
    },
  }
  await cluster.settled()
  return cluster
}

const must = async (
  node: RedisServer | undefined,
  ...words: readonly string[]
): Promise<string> => {
  const said = (await node?.command(...words)) ?? '-'
  if (said.startsWith('-')) throw new Error(`${words.join(' ')}: ${said}`)
  return said
}

interface View {
  readonly ownerPort: number | null
  /** All six are linked, every primary has slots and a replica, and clients that ask for the slots are told all six. */
  readonly isWhole: boolean
}

/**
 * @param said `ID HOST:PORT@BUS FLAGS PRIMARY PING PONG EPOCH LINK [SLOTS…]`, a line for each node
 * @param ranges the reply to CLUSTER SLOTS: it leaves a replica out until the node has heard of data that it has
 */
function viewIn(said: string, ranges: string, slot: number): View {
  const rows = said
    .split(/\r?\n/)
    .filter((line) => /^[0-9a-f]{40} /.test(line))
    .map((line) => line.split(' '))
    .map(([id, address = '', flags = '', primary, , , , link, ...slots]) => ({
      id,
      port: Number(/:(\d+)@/.exec(address)?.[1]),
      isPrimary: flags.includes('master') && !flags.includes('fail'),
      isWell: link === 'connected' && !/fail|handshake|noaddr/.test(flags),
      primary,
      slots: slots.filter((one) => !one.startsWith('[')),
    }))
  const has = (ranges: readonly string[]): boolean =>
    ranges.some((range) => {
      const [first = NaN, last = first] = range.split('-').map(Number)
      return first <= slot && slot <= last
    })
  const primaries = rows.filter(({ isPrimary, slots }) => isPrimary && slots.length > 0)
  const told = new Set(ranges.split('\r\n').filter((line) => /^[0-9a-f]{40}$/.test(line)))
  return {
    ownerPort: primaries.find(({ slots }) => has(slots))?.port ?? null,
    isWhole:
      rows.length === nodeCount &&
      told.size === nodeCount &&
      rows.every(({ isWell }) => isWell) &&
      primaries.length === nodeCount / 2 &&
      primaries.every(({ id }) => rows.some(({ primary }) => primary === id)),
  }
}

const create = (ports: readonly number[], more: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const addresses = ports.map((port) => `127.0.0.1:${port}`)
    const words = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']
    execFile('redis-cli', [...more, ...words], { timeout: 120_000 }, (error, stdout) =>
      error ? reject(new Error(`redis-cli: ${stdout}`)) : resolve(),
    )
  })
