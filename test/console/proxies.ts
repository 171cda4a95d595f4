// Proxies in front of an admin server, by the lines of docs/operations/console.md.

import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../support/free-ports.ts'
import { startHaproxy } from '../support/haproxy.ts'
import { projectFolder, stopChild, temporaryFolder, watchChild } from '../support/server.ts'
import { isListening, until } from '../support/wait.ts'

export interface Proxy {
  /** Without a slash at its end. */
  readonly origin: string
  stop(): Promise<void>
}

/** The lines that the page gives for `/mxsteer/`, with the address of this admin server. */
function linesFor(language: 'nginx' | 'haproxy', adminPort: number): string {
  const page = readFileSync(join(projectFolder, 'docs/operations/console.md'), 'utf8')
  const [, lines] = new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(page) ?? []
  if (lines === undefined) throw new Error(`no lines for ${language}`)
  return lines.replace('127.0.0.1:8053', `127.0.0.1:${adminPort}`)
}

/** `/mxsteer/` is taken away, `/whole/` is left, and `/rewritten/` has no line for the Host header. */
export async function startNginx(adminPort: number): Promise<Proxy> {
  const folder = temporaryFolder()
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  mkdirSync(join(folder, 'temp'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/temp/${name};`)
    .join(' ')
  const lines = linesFor('nginx', adminPort)
  const whole = lines.replace('/mxsteer/', '/whole/').replace(`:${adminPort}/;`, `:${adminPort};`)
  const rewritten = lines.replace('/mxsteer/', '/rewritten/').replace(/^.*Host.*\n/m, '')
  writeFileSync(
    file,
    `user root; daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events {}
http {
  access_log off; ${temporary}
  server {
    listen 127.0.0.1:${port};
${lines}${whole}${rewritten}
  }
}
`,
  )
  const child = watchChild(
    spawn('nginx', ['-c', file, '-p', folder], {
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  await until(() => isListening('127.0.0.1', port), {
    what: `nginx: ${child.stderr()}`,
    withinMs: 10_000,
  })
  const origin = `http://127.0.0.1:${port}`
  return { origin, stop: async () => void (await stopChild(child, 5000)) }
}

/** `/mxsteer/` is taken away. */
export async function startHaproxyBefore(adminPort: number): Promise<Proxy> {
  const port = await freePort()
  const lines = linesFor('haproxy', adminPort).replace('192.0.2.80:80', `127.0.0.1:${port}`)
  const haproxy = await startHaproxy(lines.trimEnd().split('\n'))
  return { origin: `http://127.0.0.1:${port}`, stop: () => haproxy.stop() }
}
