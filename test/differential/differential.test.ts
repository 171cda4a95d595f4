// Query by query beside NSD and BIND, with the same zones: every answer of ours must be one that NSD or BIND gives too,
// but for the differences of `allowances.ts`, each of which must be needed.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startBind } from '../support/bind.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { startNsd } from '../support/nsd.ts'
import { startServer } from '../support/server.ts'
import type { RunningServer } from '../support/server.ts'
import { allowances } from './allowances.ts'
import { answersOf, confront, differenceText, emptyReport, referencesOf } from './confront.ts'
import type { Ports, References } from './confront.ts'
import { largeZone, randomZone } from './made-zones.ts'
import { foreignQuestions, questionsOf, typeSweep } from './questions.ts'
import type { Question } from './questions.ts'
import { steeredTwin, steeredYaml } from './steered-twin.ts'
import { readZones, toMaster, toYaml } from './zone-text.ts'
import type { ZoneText } from './zone-text.ts'

const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
const written = readZones()
const large = largeZone()
const zones: readonly ZoneText[] = [...written, large, ...seeds.map(randomZone), steeredTwin]
const longest = 120_000

let ours: RunningServer
let nsd: ForeignServer
let bind: ForeignServer
let ports: Ports
/** Of all tests of this file together. */
const total = emptyReport()

beforeAll(async () => {
  const masters = zones.map((zone) => ({ apex: zone.apex, text: toMaster(zone) }))
  const files = zones.map((zone) => [
    `${zone.apex}yaml`,
    zone === steeredTwin ? steeredYaml() : toYaml(zone),
  ])
  ;[ours, nsd, bind] = await Promise.all([
    startServer({ zones: Object.fromEntries(files), flags: ['--workers', '1', '--lameduck', '0'] }),
    startNsd(masters),
    startBind(masters),
  ])
  ports = { ours: ours.port, nsd: nsd.port, bind: bind.port }
}, longest)

afterAll(async () => {
  await Promise.all([ours?.stop(), nsd?.stop(), bind?.stop()])
}, longest)

/** What a person needs to judge the first answers of ours that no reference gives; there should be none. */
async function unmet(
  questions: readonly Question[],
  references: Promise<References> = referencesOf(ports, questions),
): Promise<string[]> {
  const before = total.differences.length
  const [ours, theirs] = await Promise.all([answersOf(ports.ours, questions), references])
  confront(total, ours, questions, theirs, allowances)
  return total.differences.slice(before, before + 3).map(differenceText)
}

describe('every answer is one that NSD or BIND gives too', () => {
  it.each(zones.filter((zone) => zone !== large).map((zone) => [zone.apex, zone] as const))(
    '%s',
    async (_, zone) => {
      const questions = questionsOf(zone)
      expect(questions.length).toBeGreaterThan(50)
      const references = referencesOf(ports, questions)
      expect(await unmet(questions, references)).toEqual([])
      // Asked again, out of what was kept of the first time.
      expect(await unmet(questions, references)).toEqual([])
    },
    longest,
  )

  it('large.test., in every kind of packet', { timeout: longest }, async () => {
    const questions = questionsOf(large, true)
    expect(questions.length).toBeGreaterThan(10_000)
    expect(await unmet(questions)).toEqual([])
  })

  it('names of no zone, classes that are not served', { timeout: longest }, async () => {
    const questions = foreignQuestions('mx.alias.test.')
    expect(questions.length).toBeGreaterThan(400)
    expect(await unmet(questions)).toEqual([])
  })

  it.each(['txt.alias.test.', 'www.alias.test.', 'in.cut.test.'])(
    'types without a name at %s',
    async (name) => {
      const questions = typeSweep(name)
      expect(questions.length).toBeGreaterThan(1700)
      expect(await unmet(questions)).toEqual([])
    },
    longest,
  )
})

/** NS, CNAME, SOA, PTR, MX: types whose names may be compressed (RFC 3597 §4). */
const compressed: ReadonlySet<number> = new Set([2, 5, 6, 12, 15])

/** A set's text, where each name that ends in labels of the qname has them in its letters. */
const asAsked = (text: string, qname: string): string =>
  text
    .split(' ')
    .map((word) => (word.endsWith('.') ? endingAs(word.split('.'), qname.split('.')) : word))
    .join(' ')

function endingAs(labels: readonly string[], asked: readonly string[]): string {
  let shared = 0
  while (labels.at(-1 - shared)?.toLowerCase() === asked.at(-1 - shared)?.toLowerCase()) {
    if (++shared === Math.min(labels.length, asked.length)) break
  }
  return [...labels.slice(0, labels.length - shared), ...asked.slice(-shared)].join('.')
}

describe('the case of letters', () => {
  // BIND writes the owner as the zone has it; RFC 1035 §7.3 and the 0x20 trick of resolvers want it as it was asked. In
  // data BIND keeps the letters of the zone; NSD compresses regardless of case, and has no capitals of its own.
  it.each([
    ['CaSe.Test.', 'bind'],
    ['wild.test.', 'bind'],
    ['escape.test.', 'nsd'],
  ] as const)(
    '%s: the owner as asked, and what ends alike in data, other names as in the zone (%s)',
    async (apex, reference) => {
      const zone = zones.find((one) => one.apex === apex) as ZoneText
      const questions = questionsOf(zone).filter(({ type }) => type !== 255)
      const [mine, its] = await Promise.all([
        answersOf(ports.ours, questions, true),
        answersOf(ports[reference], questions, true),
      ])
      let compared = 0
      for (const [i, view] of mine.entries()) {
        const [name = '', type = ''] = view.question.split(' ')
        const set = view.answer[0]
        const other = its[i]?.answer[0]
        if (!set || !other || view.flags.includes('tc')) continue
        if (!set.id.endsWith(' TYPE39')) expect(set.id.split(' ')[0]).toBe(name)
        if (!set.id.endsWith(` TYPE${type}`)) continue
        const wanted = other.text.slice(other.id.length)
        expect(set.text.slice(set.id.length)).toBe(
          reference === 'bind' && compressed.has(Number(type)) ? asAsked(wanted, name) : wanted,
        )
        compared++
      }
      expect(compared).toBeGreaterThan(20)
    },
    longest,
  )
})

describe('all of it together', () => {
  it('is more than twenty thousand comparisons', () => {
    expect(total.questions).toBeGreaterThan(20_000)
  })

  it('met both references, each nearly everywhere', () => {
    expect(total.met.nsd / total.questions).toBeGreaterThan(0.95)
    expect(total.met.bind / total.questions).toBeGreaterThan(0.95)
  })

  it.each(allowances.map(({ name }) => name))('needed the allowance: %s', (name) => {
    expect(total.uses.get(name) ?? 0).toBeGreaterThan(0)
  })

  it.each([
    'rcode 0',
    'rcode 3',
    'rcode 5',
    'rcode 6',
    'truncated',
    'referral with glue',
    'referral without',
    'nodata',
    ...['TYPE5', 'TYPE6', 'TYPE15', 'TYPE39', 'TYPE43', 'TYPE65400'].map(
      (type) => `answer ${type}`,
    ),
  ])('saw %s', (kind) => {
    expect(total.seen).toContain(kind)
  })
})
