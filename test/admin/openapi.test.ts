// docs/openapi.yaml has every route, and schemas that say something. Answers of a server are compared with it in
// live/console-api.e2e.test.ts.

import { expect, test } from 'vitest'

import { adminRoutes } from '../../src/admin/routes.ts'
import {
  answerMistakes,
  describedRoutes,
  schemaMistakes,
  schemaNames,
  schemas,
} from '../support/openapi.ts'

test('every route is described, and no other', () => {
  const routes = adminRoutes.map(({ method, path }) => `${method} ${path}`)
  expect([...describedRoutes].sort()).toEqual(routes.sort())
})

test('every schema is one, and refuses what is something else', () => {
  expect(schemaNames.length).toBeGreaterThan(25)
  for (const name of schemaNames)
    expect([name, schemaMistakes(name, Symbol.iterator)]).not.toEqual([name, null])
})

test('every object says which fields it may have', () => {
  const loose = (value: unknown, at: string): readonly string[] => {
    if (typeof value !== 'object' || value === null) return []
    const { type, additionalProperties = true } = value as Record<string, unknown>
    const isObject = [type].flat().includes('object')
    return [
      ...(isObject && additionalProperties === true ? [at] : []),
      ...Object.entries(value).flatMap(([key, one]) => loose(one, `${at}.${key}`)),
    ]
  }
  expect(loose({ a: { type: ['object', 'null'] } }, 'x')).toEqual(['x.a'])
  expect(loose(schemas, 'schemas')).toEqual([])
})

test('an answer that lacks a field, or has one more, is a mistake', () => {
  const body = { zone: 'z', target: 't', addresses: ['192.0.2.1'] }
  expect(answerMistakes('POST /targets/NAME/probe', 202, body)).toBe(null)
  expect(answerMistakes('POST /targets/NAME/probe', 202, { ...body, more: 1 })).toContain(
    'additional properties',
  )
  expect(answerMistakes('POST /targets/NAME/probe', 202, { zone: 'z' })).toContain('target')
  expect(answerMistakes('POST /targets/NAME/probe', 418, {})).toContain('418')
})
