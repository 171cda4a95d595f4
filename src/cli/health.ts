// `mxsteer health`: whether the server of these settings is alive, for whoever restarts it when it is not (the image's
// HEALTHCHECK, a supervisor). It finds the server as `serve` would have it: by its admin HTTP, or by a question over DNS
// where that is off. Not readiness: a server whose targets are all down is healthy.

import { request } from 'node:http'

import { type Endpoint, destinationOf } from '../lib/ip.ts'
import { query } from '../resolver/query.ts'
import { readSettings } from './command-settings.ts'
import { fail, noWords, parseFlags } from './commands/flags.ts'
import { printJson } from './text/output.ts'

const timeoutMs = 2000

const healthFlags = ['admin', 'config'] as const

export async function health(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('health', argv)
  if (flags.kind === 'bad') return fail('health', flags.why)
  if (flags.words.length > 0) return fail('health', noWords('health', flags.words))
  const read = await readSettings(flags.values, [...healthFlags, 'listen'])
  if (read.kind === 'bad') return fail('health', read.why)
  const { admin, listen } = read.settings
  const ailment = admin === null ? await ailmentOfDns(listen) : await ailmentOfAdmin(admin)
  if (flags.values['json'] !== undefined)
    printJson({ alive: ailment === null, by: admin === null ? 'dns' : 'admin', why: ailment })
  return ailment === null ? 0 : fail('health', ailment, 1)
}

/** What is wrong; null: nothing. */
const ailmentOfAdmin = ({ address, port }: Endpoint): Promise<string | null> =>
  new Promise((resolve) => {
    const host = destinationOf(address)
    const where = `the admin server at ${host} port ${port}`
    const options = { host, port, path: '/livez', timeout: timeoutMs, agent: false }
    const outgoing = request(options, ({ statusCode }) => {
      resolve(statusCode === 200 ? null : `${where} says ${statusCode}`)
      outgoing.destroy()
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error(`none within ${timeoutMs} ms`)))
    outgoing.on('error', (error) => resolve(`no answer from ${where}: ${error.message}`))
    outgoing.end()
  })

/** Any response is a sign of life, REFUSED too: of the name that is asked for, no server has anything (RFC 6761 §6.4). */
async function ailmentOfDns(listen: readonly Endpoint[]): Promise<string | null> {
  for (const { address, port } of listen) {
    const server = { address: destinationOf(address), port }
    const question = { name: 'health.invalid', type: 'SOA' } as const
    const response = await query(server, question, { timeoutMs, isRecursive: false })
    if (response.kind === 'failed')
      return `no answer from ${server.address} port ${port}: ${response.why}`
  }
  return null
}
