// Writes beside the bundles of the build what V8 makes of them, so that a start compiles next to nothing:
// node deploy/cache-code.ts [dist]. Runs the server as built, on loopback, asks it some questions and ends it.
//
// The code is for the Node that runs this, and for the one that npm runs on where that is another: in an image it is the
// one that will run the server.

import { execFileSync, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const dist = resolve(process.argv[2] ?? new URL('../dist', import.meta.url).pathname)

const steered = `
zone: code.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  eu: { addresses: [192.0.2.1, 2001:db8::1] }
  us: { addresses: [192.0.2.2] }
pools:
  eu: { targets: { eu: 1 } }
  us: { targets: { us: 1 } }
steering:
  inbound:
    - { when: { continent: EU }, pools: [eu] }
    - { pools: [us, eu] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  mail: { address: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`

/** Each is served once. A small folder is read in the control thread, one with a master file in a thread of its own. */
const folders: readonly Readonly<Record<string, string>>[] = [
  { 'code.yaml': steered },
  { 'code.yaml': `${steered}records_file: code.zone\n`, 'code.zone': 'host A 192.0.2.1\n' },
]

const questions = ['code.test', 'mail.code.test'].flatMap((name) =>
  [1, 15, 16].map((type) => questionOf(name, type)),
)

function questionOf(name: string, type: number): Buffer {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
  const head = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, type, 0, 1])])
}

/** Below the range that the kernel gives connections ports from: there one may be taken for TCP that is free for UDP. */
const somePort = (): number => randomInt(10_000, 30_000)

const limitMs = 120_000

/** What the server ends with where it cannot listen. */
const cannotListen = 3
const mostTries = 10

/** Serves the folder by the Node until all questions are answered; at other ports where one is taken. */
async function serveOnce(node: string, folder: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    const code = await serve(node, folder, { port: somePort(), adminPort: somePort() })
    if (code === 0) return
    if (code !== cannotListen || tries === mostTries)
      throw new Error(`the server that was to make code by ${node} ended with ${code}`)
  }
}

interface Ports {
  readonly port: number
  readonly adminPort: number
}

/** Resolves to its exit code; null: it was killed. */
async function serve(
  node: string,
  folder: string,
  { port, adminPort }: Ports,
): Promise<number | null> {
  const server = spawn(
    node,
    [
      `--import=${new URL('record-code.js', import.meta.url).href}`,
      join(dist, 'main.js'),
      'serve',
      `--zones=${folder}`,
      `--listen=127.0.0.1:${port}`,
      `--admin=127.0.0.1:${adminPort}`,
      '--workers=1',
      '--lameduck=0s',
      '--log-level=error',
    ],
    // The settings and flags of whoever builds are not those of who runs it.
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env['PATH'], TMPDIR: tmpdir() },
    },
  )
  const ended = once(server, 'exit') as Promise<[number | null]>
  const overdue = setTimeout(() => server.kill('SIGKILL'), limitMs)
  const over = new AbortController()
  void ended.then(() => over.abort())
  await Promise.race([allAnswered(port, over.signal), ended])
  server.kill('SIGTERM')
  const [code] = await ended
  clearTimeout(overdue)
  return code
}

/** Resolves when there is an answer for each question. Rejects where the server is over before that, and asks no more. */
async function allAnswered(port: number, over: AbortSignal): Promise<void> {
  const socket = createSocket('udp4')
  over.addEventListener('abort', () => socket.close(), { once: true })
  for (const question of questions) {
    const ask = (): void => socket.send(question, port, '127.0.0.1')
    ask()
    const again = setInterval(ask, 100)
    await once(socket, 'message', { signal: over }).finally(() => clearInterval(again))
  }
}

/** The server needs 24 or newer. */
const isUsable = (node: string): boolean =>
  Number(execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'])) >= 24

const nodes = new Set([process.execPath, process.env['npm_node_execpath'] ?? process.execPath])
for (const node of [...nodes].filter(isUsable))
  for (const files of folders) {
    const folder = mkdtempSync(join(tmpdir(), 'mxsteer-code-'))
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      await serveOnce(node, folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
