// dig, from BIND's client tools, as a client that we did not write; one question, one try, bounded in time.

import { execFile } from 'node:child_process'

export interface DigRecord {
  readonly owner: string
  readonly ttl: number
  readonly type: string
  /** Presentation form, as dig prints it. */
  readonly rdata: string
}

export interface DigAnswer {
  /** NOERROR, NXDOMAIN… */
  readonly status: string
  /** Lower case: qr, aa, tc, rd, ra, ad, cd. */
  readonly flags: ReadonlySet<string>
  /** UDP size of the server's OPT record; null where it sent none. */
  readonly ednsOctets: number | null
  readonly answer: readonly DigRecord[]
  readonly authority: readonly DigRecord[]
  readonly additional: readonly DigRecord[]
  readonly text: string
}

/** Asks 127.0.0.1:`port`; `question` is what stands on dig's command line, e.g. `['example.test', 'MX', '+tcp']`. */
export async function dig(port: number, ...question: string[]): Promise<DigAnswer> {
  const shown = ['+noall', '+comments', '+answer', '+authority', '+additional', '+nocrypto']
  const limits = ['+tries=1', '+time=2', '+norecurse', '+nocookie']
  const text = await run(['@127.0.0.1', '-p', String(port), ...limits, ...shown, ...question])
  return parseDig(text)
}

const run = (args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile('dig', args, { timeout: 8000, killSignal: 'SIGKILL' }, (error, stdout) => {
      if (error) reject(new Error(`dig ${args.join(' ')}: ${error.message}\n${stdout}`))
      else resolve(stdout)
    })
  })

/** What dig printed, as values. */
export function parseDig(text: string): DigAnswer {
  const sections = { ANSWER: [], AUTHORITY: [], ADDITIONAL: [] } as Record<string, DigRecord[]>
  let section: DigRecord[] | undefined
  for (const line of text.split('\n')) {
    const heading = /^;; (\w+) SECTION:/.exec(line)
    if (heading) section = sections[heading[1] as string]
    else if (line !== '' && !line.startsWith(';')) section?.push(parseRecord(line))
  }
  const octets = /^; EDNS: .*udp: (\d+)/m.exec(text)?.[1]
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? 'none',
    flags: new Set((/^;; flags:([a-z ]*);/m.exec(text)?.[1] ?? '').trim().split(' ')),
    ednsOctets: octets === undefined ? null : Number(octets),
    answer: sections['ANSWER'] ?? [],
    authority: sections['AUTHORITY'] ?? [],
    additional: sections['ADDITIONAL'] ?? [],
    text,
  }
}

function parseRecord(line: string): DigRecord {
  const [owner = '', ttl = '', , type = '', ...rdata] = line.split(/\s+/)
  return { owner, ttl: Number(ttl), type, rdata: rdata.join(' ') }
}

/** The rdata of `records`, of one type where given, sorted. */
export const rdataOf = (records: readonly DigRecord[], type?: string): string[] =>
  records
    .filter((record) => type === undefined || record.type === type)
    .map((record) => record.rdata)
    .sort()
