// Puts one question to a running server with a tool that is not ours; what the tool prints, without what changes from
// run to run: IDs, times, ports, server cookies.

import { execFile } from 'node:child_process'

import { TCPClient, UDPClient } from 'dns2'

import { recordText } from '../support/foreign-view.ts'
import type { Inquiry, Tool } from './inquiries.ts'

export interface Ports {
  readonly dns: number
  readonly tls: number
}

/** As the reader of the documentation would type it. */
export function commandLine({ tool, question, tls }: Inquiry): string {
  if (tool === 'dns2') return `dns2 ${question}`
  const port = tls ? 8853 : 5300
  return tool === 'drill'
    ? `drill -p ${port} ${question.replace('@', '@127.0.0.1')}`
    : `${tool} @127.0.0.1 -p ${port} ${question}`
}

/** Given to every question of a tool, and left out of its command line. */
export const quiet: Readonly<Record<Tool, readonly string[]>> = {
  dig: ['+norecurse', '+nocookie', '+noquestion', '+tries=1', '+time=5'],
  kdig: ['+noquestion', '+retry=0', '+time=5'],
  drill: [],
  dns2: [],
}

export async function interrogate(inquiry: Inquiry, { dns, tls }: Ports): Promise<string> {
  const { tool, question } = inquiry
  if (tool === 'dns2') return askWithDns2(question, dns)
  const [, ...words] = commandLine(inquiry).split(' ')
  const given = words.map((word) => ({ '5300': String(dns), '8853': String(tls) })[word] ?? word)
  // After the server: what the question says counts more, since it comes last.
  const server = tool === 'drill' ? 0 : 3
  return steady(await run(tool, given.toSpliced(server, 0, ...quiet[tool])))
}

const run = (tool: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const limits = { timeout: 15_000, killSignal: 'SIGKILL' as const }
    execFile(tool, args, limits, (error, stdout, stderr) => {
      // dig ends with 9 or such where a transfer failed, and says so in what it prints.
      if (error && stdout === '') reject(new Error(`${tool} ${args.join(' ')}: ${stderr}`))
      else resolve(stdout)
    })
  })

const changing =
  /^(; <<>>|;; global options|; \(\d+ server|;; Got answer|;; Query time|;; SERVER|;; WHEN|;; MSG SIZE|;; Received|;; Time|;; From|;; rcvd|;; Sending|\s*$)/
const emptySections = /^;; (QUESTION|ANSWER|AUTHORITY|ADDITIONAL) SECTION:$/

function steady(printed: string): string {
  const lines = printed.split('\n').filter((line) => !changing.test(line))
  return lines
    .filter((line, i) => !emptySections.test(line) || !isHeading(lines[i + 1]))
    .map(steadyLine)
    .join('\n')
}

const isHeading = (line = ';; '): boolean => line.startsWith(';; ')

const steadyLine = (line: string): string =>
  line
    .replace(/[,;] id: \d+/, '')
    .replace(/^(; COOKIE: 0102030405060708)[\da-f]+/i, '$1…')
    .replace(/^(;; (SERVER )?COOKIE: (0102030405060708)?)[\da-f]+/i, '$1…')
    .replace(/\t+/g, ' ')
    .replace(/ {2,}/g, ' ')
    .trimEnd()

async function askWithDns2(question: string, port: number): Promise<string> {
  const [transport, name = '', type = ''] = question.split(' ')
  const client = transport === 'TCP' ? TCPClient : UDPClient
  const { header, answers } = await client({ dns: '127.0.0.1', port })(name, type)
  return [`rcode ${header.rcode}, authoritative ${header.aa}`, ...answers.map(recordText)].join(
    '\n',
  )
}
