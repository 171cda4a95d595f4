// A server with databases of its own: dig as a resolver that tells of its clients, and files replaced under load.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { beforeAll, describe, expect, test } from 'vitest'

import { type AnswerWatch, watchAnswers } from '../support/answer-watch.ts'
import { dig, rdataOf } from '../support/dig.ts'
import { asnOf, cityOf, countryOf, mmdbFile } from '../support/mmdb-writer.ts'
import { type LogLine, temporaryFolder } from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const domain = 'geo.example.test'
const zoneFile = `
zone: ${domain}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  eu: { addresses: [192.0.2.1] }
  us: { addresses: [192.0.2.2] }
  asn: { addresses: [192.0.2.3] }
  lan: { addresses: [192.0.2.4] }
pools:
  eu: { targets: { eu: 1 } }
  us: { targets: { us: 1 } }
  asn: { targets: { asn: 1 } }
  lan: { targets: { lan: 1 } }
steering:
  inbound:
    - { when: { network: [11.1.0.0/16, 127.0.0.0/8] }, pools: [lan] }
    - { when: { asn: 64500 }, pools: [asn] }
    - { when: { continent: EU }, pools: [eu] }
    - { pools: [us] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  relay: { address: { steer: inbound } }
`

const folder = temporaryFolder()
const files = { country: join(folder, 'db/country.mmdb'), asn: join(folder, 'db/asn.mmdb') }

/** Put in place as the tools of database vendors do it: written beside, then renamed. */
function replace(database: 'country' | 'asn', octets: Uint8Array): void {
  writeFileSync(`${files[database]}.new`, octets)
  renameSync(`${files[database]}.new`, files[database])
}

const germany = mmdbFile(
  [
    ['11.0.0.0/8', cityOf('DE', 'EU')],
    ['2a00::/12', cityOf('DE', 'EU')],
  ],
  { type: 'GeoLite2-City', recordSize: 28, buildSeconds: 1_600_000_000 },
)
const america = mmdbFile([['11.0.0.0/8', countryOf('US')]], { buildSeconds: 1_700_000_000 })
const numbers = mmdbFile([['11.7.0.0/16', asnOf(64_500)]], { type: 'GeoLite2-ASN', ipVersion: 4 })

const server = servedZone(async () => {
  mkdirSync(join(folder, 'db'))
  replace('country', germany)
  replace('asn', numbers)
  const config = join(folder, 'mxsteer.yaml')
  writeFileSync(config, `geoip: { country: ${files.country}, asn: ${files.asn} }\n`)
  return { zones: { 'geo.yaml': zoneFile }, flags: ['--config', config] }
})

/** The exchange, and dig's word for family, source and scope. */
async function asked(subnet: string, ...question: string[]): Promise<string> {
  const words = question.length > 0 ? question : [domain, 'MX']
  const { text, answer } = await dig(server.port, ...words, `+subnet=${subnet}`)
  const option = /^; CLIENT-SUBNET: (.*)$/m.exec(text)?.[1] ?? 'no option'
  const first = rdataOf(answer)[0]?.replace(/^10 |\.geo\.example\.test\.$/g, '') ?? 'nothing'
  return `${first} ${option}`
}

const events = (event: string): readonly LogLine[] =>
  server.logs().filter((line) => line.event === event)

describe('dig +subnet', () => {
  test.each([
    ['11.0.3.0/24', [], 'eu 11.0.3.0/24/16'],
    ['11.200.3.0/24', [], 'eu 11.200.3.0/24/9'],
    ['11.1.3.0/24', [], 'lan 11.1.3.0/24/16'],
    ['11.7.3.0/24', [], 'asn 11.7.3.0/24/16'],
    ['99.0.0.0/24', [], 'us 99.0.0.0/24/4'],
    ['11.200.3.77/32', [], 'eu 11.200.3.77/32/9'],
    ['11.0.0.0/8', [], 'eu 11.0.0.0/8/16'],
    ['2a00:1:2::/56', [], 'eu 2a00:1:2::/56/12'],
    ['2001:db8::/56', [], 'us 2001:db8::/56/5'],
    ['0.0.0.0/0', [], 'lan 0.0.0.0/0/0'],
    ['11.200.3.0/24', [`relay.${domain}`, 'A'], '192.0.2.1 11.200.3.0/24/9'],
    ['11.200.3.0/24', [`relay.${domain}`, 'A', '+tcp'], '192.0.2.1 11.200.3.0/24/9'],
    ['11.200.3.0/24', [domain, 'NS'], 'ns1 11.200.3.0/24/0'],
    ['11.200.3.0/24', [`missing.${domain}`, 'A'], 'nothing 11.200.3.0/24/0'],
  ])('%s %j: %s', async (subnet, question, wanted) => {
    expect(await asked(subnet, ...question)).toBe(wanted)
  })

  test('without the option the peer decides, and there is none in the answer', async () => {
    const { text, answer } = await dig(server.port, domain, 'MX')
    expect(rdataOf(answer)).toEqual([`10 lan.${domain}.`])
    expect(text).not.toContain('CLIENT-SUBNET')
  })
})

test('metrics tell which databases are in force', async () => {
  const built = 'mxsteer_geoip_build_timestamp_seconds'
  expect(await server.metric(`${built}{database="country"}`)).toBe(1_600_000_000)
  expect(await server.metric(`${built}{database="asn"}`)).toBe(1_700_000_000)
  const age = await server.metric('mxsteer_geoip_age_seconds{database="country"}')
  expect(Math.abs((age ?? 0) - (Date.now() / 1000 - 1_600_000_000))).toBeLessThan(60)
  const info = 'mxsteer_geoip_info{database="country",type="GeoLite2-City"}'
  expect(await server.metric(info)).toBe(1)
  expect(await server.metric('mxsteer_geoip_last_reload_successful{database="asn"}')).toBe(1)
  expect(await server.metric('mxsteer_geoip_loaded{database="asn"}')).toBe(1)
})

describe('files replaced under load', () => {
  const broken: readonly (readonly [what: string, octets: Uint8Array, why: RegExp])[] = [
    ['cut short', germany.subarray(0, germany.length >> 1), /no metadata/],
    ['of no octets', new Uint8Array(0), /is empty/],
    ['of ASNs', numbers, /"GeoLite2-ASN" and knows the country of no address/],
    ['damaged', Buffer.from(germany).fill(0xff, 0, 300), /damaged/],
    ['text', Buffer.from('<html>over quota</html>'), /no MaxMind database/],
  ]
  const successful = 'mxsteer_geoip_last_reload_successful{database="country"}'
  let watch: AnswerWatch
  beforeAll(() => {
    const exchanges = ['eu', 'us', 'asn', 'lan'].map((name) => `${name}.${domain}`)
    watch = watchAnswers(server.port, { domain, relay: `relay.${domain}`, exchanges })
  })

  /** Waits for one more event of the kind, and for what all workers then answer. */
  async function inForce(octets: Uint8Array, event: string, wanted: string): Promise<void> {
    const before = events(event).length
    replace('country', octets)
    await until(() => (events(event).length > before ? true : null), {
      what: event,
      withinMs: 60_000,
    })
    // Workers take it over within a turn; a refused file must not change anything at any time.
    if (event === 'geoip.loaded')
      await until(async () => ((await asked('11.200.3.0/24')) === wanted ? true : null), {
        what: wanted,
        withinMs: 60_000,
      })
    for (let i = 0; i < 5; i++) expect(await asked('11.200.3.0/24')).toBe(wanted)
  }

  test('20 times, a quarter of them broken: no query sees it, and each is reported', async () => {
    let wanted = 'eu 11.200.3.0/24/9'
    for (let round = 0; round < 20; round++) {
      const bad = round % 4 === 3 ? broken[round >> 2] : undefined
      if (bad) {
        await inForce(bad[1], 'geoip.rejected', wanted)
        expect(events('geoip.rejected').at(-1)?.['why']).toMatch(bad[2])
      } else {
        const isGermany = round % 2 === 1
        // The networks and ASNs of the rules are in 11.0.0.0/9 and still tell clients apart.
        wanted = `${isGermany ? 'eu' : 'us'} 11.200.3.0/24/9`
        await inForce(isGermany ? germany : america, 'geoip.loaded', wanted)
      }
      expect(await server.metric(successful)).toBe(bad ? 0 : 1)
    }
    expect(events('geoip.rejected').length).toBe(broken.length)
  }, 600_000)

  test('a file that is overwritten in place', async () => {
    const before = events('geoip.loaded').length
    expect(await asked('11.200.3.0/24')).toBe('us 11.200.3.0/24/9')
    writeFileSync(files.country, germany)
    const answer = await until(
      async () => {
        const now = await asked('11.200.3.0/24')
        return now.startsWith('eu') ? now : null
      },
      { what: 'eu', withinMs: 60_000 },
    )
    expect(answer).toBe('eu 11.200.3.0/24/9')
    await until(() => events('geoip.loaded').length > before, { what: 'a line', withinMs: 30_000 })
  })

  test('the other database is none the worse', async () => {
    expect(await asked('11.7.3.0/24')).toBe('asn 11.7.3.0/24/16')
  })

  test('whoever asked all the while always got mail’s targets', async () => {
    expect(watch.rounds()).toBeGreaterThan(50)
    expect(await watch.stop()).toEqual([])
  })
})
