// A primary, its replicas and three Sentinels that watch them: real processes on free ports of loopback.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from './free-ports.ts'
import { type RedisServer, startRedis, startSentinelOf } from './redis.ts'
import { type Launched, stopChild, temporaryFolder } from './server.ts'
import { until } from './wait.ts'

export interface WatchedStore {
  readonly nodes: readonly RedisServer[]
  /** For settings. */
  readonly url: string
  /** The node that most Sentinels take for the primary now. */
  primary(): Promise<RedisServer>
  /** Waits until one node is the primary for all Sentinels, and all others follow it. */
  settled(withinMs: number): Promise<RedisServer>
  stop(): Promise<void>
}

const name = 'mail'
const sentinelCount = 3

/** What they notice, they notice within `downAfterMs`. */
export async function startWatchedStore(
  nodeCount: number,
  downAfterMs: number,
): Promise<WatchedStore> {
  const first = await startRedis()
  const replicas = await Promise.all(
    Array.from({ length: nodeCount - 1 }, () =>
      startRedis({ config: [`replicaof 127.0.0.1 ${first.port}`] }),
    ),
  )
  const nodes = [first, ...replicas]
  const ports: number[] = []
  const sentinels: Launched[] = []
  for (let i = 0; i < sentinelCount; i++) {
    const port = await freePort()
    ports.push(port)
    sentinels.push(startSentinel(port, first.port, downAfterMs))
  }
  const asked = async (port: number): Promise<RedisServer | null> => {
    const said = await ask(port, 'sentinel', 'get-master-addr-by-name', name)
    const found = Number(said.trim().split('\n').at(-1))
    return nodes.find((node) => node.port === found) ?? null
  }
  const primary = async (): Promise<RedisServer> => {
    const named = await Promise.all(ports.map(asked))
    return named.find((one) => one !== null && named.filter((o) => o === one).length >= 2) ?? first
  }
  const settled = (withinMs: number): Promise<RedisServer> =>
    until(
      async () => {
        const named = new Set(await Promise.all(ports.map(asked)))
        const [one] = named
        if (named.size > 1 || !one) return null
        return (await isFollowed(one, nodeCount)) && (await knowsAll(ports, nodeCount)) ? one : null
      },
      { what: 'a primary, followed by all others', withinMs, everyMs: 100 },
    )
  const store: WatchedStore = {
    nodes,
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${name}`,
    primary,
    settled,
    async stop() {
      await Promise.all(sentinels.map((one) => stopChild(one, 5000)))
      await Promise.all(nodes.map((node) => node.kill()))
    },
  }
  await settled(30_000)
  return store
}

async function isFollowed(primary: RedisServer, nodeCount: number): Promise<boolean> {
  const said = await primary.command('INFO', 'replication').catch(() => '')
  return said.includes('role:master') && said.match(/state=online/g)?.length === nodeCount - 1
}

/** Whether each Sentinel knows the others and all replicas. */
async function knowsAll(ports: readonly number[], nodeCount: number): Promise<boolean> {
  const said = await Promise.all(ports.map((port) => ask(port, 'info', 'sentinel')))
  const wanted = new RegExp(`status=ok,.*,slaves=${nodeCount - 1},sentinels=${ports.length}\\b`)
  return said.every((text) => wanted.test(text))
}

/** What a Sentinel says, as redis-cli prints it; empty where it says nothing. */
const ask = (port: number, ...words: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile('redis-cli', ['-p', String(port), ...words], { timeout: 5000 }, (error, stdout) =>
      resolve(error ? '' : stdout),
    )
  })

function startSentinel(port: number, primaryPort: number, downAfterMs: number): Launched {
  const folder = temporaryFolder()
  const file = join(folder, 'sentinel.conf')
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 2`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 3000`,
    `sentinel parallel-syncs ${name} 2`,
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return startSentinelOf(file)
}
