// Codes of three letters against isoquery, which reads Debian's copy of ISO 3166-1.

import { execFileSync } from 'node:child_process'

import { expect, test } from 'vitest'

import { continents, isCountry, suggestContinent, suggestCountry } from '../../src/lib/countries.ts'

const iso = execFileSync('isoquery', [], { encoding: 'utf8' })
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t') as [two: string, three: string, number: string, name: string])

test('every country is one, and meant by its three letters', () => {
  expect(iso.length).toBe(249)
  for (const [two, three] of iso) {
    expect([two, isCountry(two)]).toEqual([two, true])
    expect([three, suggestCountry(three.toLowerCase())]).toEqual([three, `did you mean ${two}?`])
    expect(suggestContinent(three)).toBe(`write country: ${two}`)
  }
})

test('names lead to no other country, and Antarctica to the continent', () => {
  const others = iso.flatMap(([two, , , name]) => {
    const meant = suggestCountry(name)
    return meant === null || meant === `did you mean ${two}?` ? [] : [`${name}: ${meant}`]
  })
  expect(others).toEqual(['Antarctica: write continent: AN'])
})

test('names of continents lead to continents', () => {
  for (const [code, name] of continents) {
    expect(suggestContinent(name)).toBe(`did you mean ${code}?`)
    expect(suggestCountry(name)).toBe(`write continent: ${code}`)
  }
})
