// Requests for the admin server, valid ones and others, as octets: for a number, always the same.

import type { Random } from '../../src/lib/clock.ts'

export interface Sending {
  readonly kind: string
  readonly octets: Buffer
  /** How many requests it is, or would be if it were whole. */
  readonly requests: number
  /** The connection is given up instead of waiting for what comes back. */
  readonly isAbandoned: boolean
}

type Kind = (random: Random) => Omit<Sending, 'kind'>

const pick = <Item>(random: Random, items: readonly Item[]): Item =>
  items[Math.floor(random() * items.length)] as Item

const paths = [
  '/livez',
  '/readyz',
  '/status',
  '/metrics',
  '/targets',
  '/overrides',
  '/explain?name=smtp.example.test',
  '/explain?name=smtp.example.test&type=MX&client=198.51.100.7&ecs=203.0.113.0/24',
  '/explain?name=relay.smtp.example.test&type=A&client=2001:db8::1',
  '/explain?name=%1b%5b31m&type=MX',
  '/explain?nom=1',
  '/nothing',
  '/targets/../../etc/passwd',
  '/%00',
  '//evil.example/status',
  'http://evil.example/status',
  'http://localhost/livez',
] as const
const hosts = ['localhost', '127.0.0.1:8053', '[::1]', 'evil.example', 'a', ''] as const
const extras = [
  '',
  'Origin: http://evil.example',
  'Sec-Fetch-Site: cross-site',
  'Expect: 100-continue',
] as const

function get(random: Random): string {
  const method = random() < 0.9 ? 'GET' : pick(random, ['HEAD', 'OPTIONS', 'PATCH', 'TRACE', 'GOT'])
  const host = random() < 0.8 ? 'localhost' : pick(random, hosts)
  const extra = random() < 0.8 ? '' : pick(random, extras)
  const lines = [`${method} ${pick(random, paths)} HTTP/1.1`, `Host: ${host}`, extra]
  return `${lines.filter((line) => line !== '').join('\r\n')}\r\n\r\n`
}

const bodies = [
  { target: 'mx0', kind: 'weight', factor: 0.9, seconds: 60 },
  { target: 'mx0', kind: 'up', seconds: 60, why: 'a test', by: 'nobody' },
  { target: 'nobody', kind: 'drain', seconds: 60 },
  { target: 'mx0', kind: 'drain', seconds: 1e99 },
  { target: 'mx0\u0085', kind: 'drain', seconds: 1 },
  { target: { a: [1, { b: null }] }, kind: [], why: 7 },
  { load: 0.1, for: '2s' },
  [],
  'text',
] as const

function write(random: Random): string {
  const [method, path] = pick(random, [
    ['POST', '/overrides'],
    ['PUT', '/targets/mx0/load'],
    ['DELETE', '/overrides/mx0'],
    ['DELETE', '/overrides/nobody?kind=drain&by=%9b'],
    ['DELETE', '/targets/mx0/load'],
  ])
  const body = method === 'DELETE' ? '' : JSON.stringify(pick(random, bodies))
  const type = random() < 0.9 ? 'application/json' : 'text/plain'
  return [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

const whole = (text: string, requests = 1): Omit<Sending, 'kind'> => ({
  octets: Buffer.from(text, 'latin1'),
  requests,
  isAbandoned: false,
})

/** Some octets changed, taken out, doubled or put in. */
function mutated(random: Random, text: string): Buffer {
  const octets = [...Buffer.from(text)]
  const changes = 1 + Math.floor(random() * 5)
  for (let i = 0; i < changes; i++) {
    const at = Math.floor(random() * octets.length)
    const octet = random() < 0.5 ? Math.floor(random() * 256) : pick(random, [0, 10, 13, 32, 58])
    const removed = random() < 0.6 ? 1 : 0
    octets.splice(at, removed, ...(random() < 0.7 ? [octet] : []))
  }
  return Buffer.from(octets)
}

const kinds: Readonly<Record<string, Kind>> = {
  read: (random) => whole(get(random)),
  write: (random) => whole(write(random)),
  mutated: (random) => ({
    ...whole(''),
    octets: mutated(random, random() < 0.6 ? get(random) : write(random)),
    isAbandoned: random() < 0.5,
  }),
  pipelined(random) {
    const count = 2 + Math.floor(random() * 60)
    const text = Array.from({ length: count }, () => (random() < 0.8 ? get(random) : write(random)))
    return { ...whole(text.join(''), count), isAbandoned: random() < 0.3 }
  },
  half(random) {
    const text = get(random)
    return {
      ...whole(text.slice(0, 1 + Math.floor(random() * (text.length - 4)))),
      isAbandoned: true,
    }
  },
  'huge headers': (random) =>
    whole(
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(4000 + Math.floor(random() * 60_000))}\r\n\r\n`,
    ),
  'many headers': (random) =>
    whole(
      `GET /livez HTTP/1.1\r\nHost: localhost\r\n${'a: b\r\n'.repeat(Math.floor(random() * 3000))}\r\n`,
    ),
  'huge body'(random) {
    const size = Math.floor(random() * 200_000)
    const head = `POST /overrides HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
    const isChunked = random() < 0.5
    const body = `"${'x'.repeat(size)}"`
    return whole(
      isChunked
        ? `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
        : `${head}Content-Length: ${body.length}\r\n\r\n${body}`,
    )
  },
  noise: (random) => ({
    ...whole(''),
    octets: Buffer.from(
      Array.from({ length: 1 + Math.floor(random() * 300) }, () => random() * 256),
    ),
    isAbandoned: random() < 0.5,
  }),
}

/** Of each hundred, roughly; the rest are reads. */
const shares: Readonly<Record<string, number>> = {
  pipelined: 6,
  write: 12,
  mutated: 25,
  half: 8,
  'huge headers': 2,
  'many headers': 2,
  'huge body': 2,
  noise: 8,
}

export function nextSending(random: Random): Sending {
  let place = random() * 100
  for (const [kind, share] of Object.entries(shares)) {
    place -= share
    if (place < 0) return { kind, ...(kinds[kind] as Kind)(random) }
  }
  return { kind: 'read', ...(kinds['read'] as Kind)(random) }
}
