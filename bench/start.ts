// From the command to the first answer, and what 100,000 records cost, of the server as it is built (`dist/`) and of its
// sources, as `npm run bench -- --rows start` prints it.
//
// Memory is what the process has resident more for each further worker, a record; measured when all of them answer.

import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../test/support/free-ports.ts'
import { buildQuery } from '../test/support/packet-builder.ts'
import { mainFile, projectFolder, rssOctets, stopChild } from '../test/support/server.ts'
import { temporaryFolder } from '../test/support/server.ts'
import { watchChild } from '../test/support/server.ts'
import { pause } from '../test/support/wait.ts'
import { median } from './measure.ts'

const limitMs = 60_000

interface Start {
  readonly firstAnswerMs: number
  readonly residentOctets: number
}

const zone = `
zone: bench.test
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
records_file: bench.zone
`

const masterOf = (records: number): string =>
  Array.from({ length: records }, (_, i) => `host${i} A 10.0.${(i >> 8) & 255}.${i & 255}\n`).join(
    '',
  )

/** Asks every 5 ms until an answer comes. */
function firstAnswer(port: number, sinceMs: number): Promise<number> {
  const socket = createSocket('udp4')
  const query = buildQuery({ name: 'ns1.bench.test', type: 1 })
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      if (performance.now() - sinceMs < limitMs) return socket.send(query, port, '127.0.0.1')
      clearInterval(timer)
      socket.close()
      reject(new Error(`no answer within ${limitMs} ms`))
    }, 5)
    socket.on('message', () => {
      clearInterval(timer)
      socket.close()
      resolve(performance.now() - sinceMs)
    })
  })
}

async function startOnce(main: string, folder: string, workers: number): Promise<Start> {
  const port = await freePort()
  const sinceMs = performance.now()
  const child = watchChild(
    spawn(
      process.execPath,
      [
        main,
        'serve',
        `--zones=${folder}`,
        '--admin=off',
        `--listen=127.0.0.1:${port}`,
        `--workers=${workers}`,
        '--lameduck=0s',
        '--log-level=error',
      ],
      // As in the image and in the unit (docs/operations.md#memory).
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, MALLOC_ARENA_MAX: '2' } },
    ),
  )
  try {
    const firstAnswerMs = await firstAnswer(port, sinceMs)
    await pause(3000)
    return { firstAnswerMs, residentOctets: rssOctets(child.pid) }
  } finally {
    await stopChild(child, 5000)
  }
}

/** What is in the image: as `npm run build` makes it, in a folder of its own. */
function built(): string {
  const folder = temporaryFolder()
  const outDir = join(folder, 'dist')
  const bundler = join(projectFolder, 'node_modules', '.bin', 'rolldown')
  execFileSync(bundler, ['--config', join(projectFolder, 'rolldown.config.ts'), '--dir', outDir])
  cpSync(join(projectFolder, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(projectFolder, 'node_modules'), join(folder, 'node_modules'))
  execFileSync(process.execPath, [join(projectFolder, 'deploy/cache-code.ts'), outDir])
  return join(outDir, 'main.js')
}

const mib = (octets: number): string => (octets / 2 ** 20).toFixed(0)

interface Measured {
  readonly cells: readonly string[]
  /** Octets of each further worker. */
  readonly each: number
}

/** A row of the table; `bare`: octets of each further worker without any records. */
async function measured(
  main: string,
  records: number,
  rounds: number,
  bare: number,
): Promise<Measured> {
  const folder = temporaryFolder()
  const isBare = records === 0
  writeFileSync(join(folder, 'bench.yaml'), isBare ? zone.replace(/^records_file.*$/m, '') : zone)
  if (!isBare) writeFileSync(join(folder, 'bench.zone'), masterOf(records))
  const one: Start[] = []
  const three: Start[] = []
  for (let i = 0; i < rounds; i++) {
    one.push(await startOnce(main, folder, 1))
    three.push(await startOnce(main, folder, 3))
  }
  const resident = (starts: readonly Start[]): number =>
    median(starts.map(({ residentOctets }) => residentOctets))
  const each = (resident(three) - resident(one)) / 2
  const ms = one.map(({ firstAnswerMs }) => firstAnswerMs)
  const cells = [
    String(Math.round(median(ms))),
    `${Math.round(Math.min(...ms))}–${Math.round(Math.max(...ms))}`,
    mib(resident(one)),
    mib(each),
    records > 0 ? String(Math.round((each - bare) / records)) : '–',
  ]
  return { cells, each }
}

export async function reportStart(rounds: number): Promise<void> {
  console.log('\n### start: from the command to the first answer\n')
  console.log(
    '| | records | first answer ms | least–most | MiB, one worker | MiB each more | octets a record |',
  )
  console.log('|---|---|---|---|---|---|---|')
  const mains = [
    ['built', built()],
    ['sources', mainFile],
  ] as const
  const bare = new Map<string, number>()
  for (const records of [0, 100_000])
    for (const [name, main] of mains) {
      const { cells, each } = await measured(main, records, rounds, bare.get(name) ?? 0)
      bare.set(name, each)
      console.log(`| ${[name, records.toLocaleString('en'), ...cells].join(' | ')} |`)
    }
}
