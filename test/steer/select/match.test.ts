import { describe, expect, test } from 'vitest'
import { catchAll, matches, matchRule } from '../../../src/steer/select/match.ts'
import type { Conditions, Rule } from '../../../src/steer/policy.ts'
import { catchAllOf, locusAt, network, policyOf } from '../arrange.ts'

const none: Conditions = { continents: null, countries: null, asns: null, networks: null }
const berlin = locusAt('192.0.2.7', { continent: 'EU', country: 'DE', asn: 64_500 })

const rule = (when: Partial<Conditions>): Rule => ({ when: { ...none, ...when }, pools: [] })

describe('conditions', () => {
  const cases: [string, Partial<Conditions>, boolean][] = [
    ['one of the continents', { continents: ['AF', 'EU'] }, true],
    ['another continent', { continents: ['AF'] }, false],
    ['no value at all', { continents: [] }, false],
    ['the country', { countries: ['DE'] }, true],
    ['the network number', { asns: [64_500] }, true],
    ['another network number', { asns: [64_501] }, false],
    ['a network around it', { networks: [network('192.0.2.0', 29)] }, true],
    ['the network beside it', { networks: [network('192.0.2.8', 29)] }, false],
    ['the IPv6 network of the same octets', { networks: [network('c000:207::', 32)] }, false],
    ['all of several', { continents: ['EU'], countries: ['DE'], asns: [64_500] }, true],
    ['all but one', { continents: ['EU'], countries: ['FR'], asns: [64_500] }, false],
  ]
  test.each(cases)('%s', (_, when, wanted) => {
    expect(matches({ ...none, ...when }, berlin)).toBe(wanted)
  })

  test('what is not known of a client matches nothing', () => {
    const stranger = locusAt('192.0.2.7')
    expect(matches({ ...none, continents: ['EU'] }, stranger)).toBe(false)
    expect(matches({ ...none, countries: ['DE'] }, stranger)).toBe(false)
    expect(matches({ ...none, asns: [64_500] }, stranger)).toBe(false)
    expect(matches({ ...none, networks: [network('192.0.2.0', 24)] }, stranger)).toBe(true)
  })
})

describe('rules', () => {
  const german = rule({ countries: ['DE'] })
  const european = rule({ continents: ['EU'] })
  const rest = catchAllOf([])

  test('the first that matches', () => {
    expect(matchRule(policyOf([european, german, rest]), berlin)).toBe(european)
    expect(matchRule(policyOf([german, european, rest]), berlin)).toBe(german)
    expect(matchRule(policyOf([german, european, rest]), locusAt('::1'))).toBe(rest)
  })

  test('the catch-all is the rule of the unknown', () => {
    expect(catchAll(policyOf([german, rest]))).toBe(rest)
  })
})
