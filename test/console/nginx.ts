// nginx in front of an admin server: `/mxsteer/` is taken away, `/whole/` is left.

import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../support/free-ports.ts'
import { stopChild, temporaryFolder, watchChild } from '../support/server.ts'
import { isListening, until } from '../support/wait.ts'

export interface Nginx {
  readonly port: number
  stop(): Promise<void>
}

export async function startNginx(adminPort: number): Promise<Nginx> {
  const folder = temporaryFolder()
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  mkdirSync(join(folder, 'temp'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/temp/${name};`)
    .join(' ')
  const proxy = `proxy_set_header Host $http_host; proxy_http_version 1.1; proxy_buffering off;`
  writeFileSync(
    file,
    `user root; daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events {}
http {
  access_log off; ${temporary}
  server {
    listen 127.0.0.1:${port};
    location /mxsteer/ { proxy_pass http://127.0.0.1:${adminPort}/; ${proxy} }
    location /whole/ { proxy_pass http://127.0.0.1:${adminPort}; ${proxy} }
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
  return { port, stop: async () => void (await stopChild(child, 5000)) }
}
