// Places by their names, in what a rule or a class of clients says.

import { expect, test } from 'vitest'

import { countryName, placeWords } from '../../../console/parts/place-words.ts'
import { continents } from '../../../src/lib/countries.ts'

test.each([
  ['continent EU or AF', 'Europe or Africa'],
  ['continent OC, AS', 'Oceania, Asia'],
  ['country DE or AT and asn 64500', 'Germany or Austria and asn 64500'],
  ['continent EU and country FR or 3 more', 'Europe and France or 3 more'],
  ['network 192.0.2.0/24', 'network 192.0.2.0/24'],
  ['every other continent', 'every other continent'],
  ['continent EU\u202e', 'Europe\\u{202e}'],
])('%j → %j', (text, words) => {
  expect(placeWords(text)).toBe(words)
})

test('all continents have the names that zone files take', () => {
  for (const [code, name] of continents) expect(placeWords(`continent ${code}`)).toBe(name)
})

test('what is no code stays as it is', () => {
  expect(countryName('unknown')).toBe('unknown')
  expect(countryName('ZZ')).toMatch(/Unknown|ZZ/)
})
