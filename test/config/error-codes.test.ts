import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { problemCodes } from '../../src/zone/problem.ts'

const root = join(import.meta.dirname, '../..')
const documented = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(
  ([, code]) => code,
)

it('documents every code once, and none that there is not', () => {
  expect([...documented].sort()).toEqual([...problemCodes].sort())
})

it('has no code that nothing uses', () => {
  const sources = ['src/zone', 'src/config'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.ts') && file !== 'problem.ts')
      .map((file) => readFileSync(join(root, folder, file), 'utf8')),
  )
  const unused = problemCodes.filter((code) => !sources.some((source) => source.includes(`'${code}'`)))
  expect(unused).toEqual([])
})

it('shows every key of a zone file in the reference', () => {
  const reference = readFileSync(join(root, 'docs/zone-reference.md'), 'utf8')
  const schema = ['zone-schema.ts', 'record-schema.ts', 'settings-schema.ts']
    .map((file) => readFileSync(join(root, 'src/config', file), 'utf8'))
    .join('\n')
  const keys = [...schema.matchAll(/^ {2,4}([a-z_]+): (?:\w+\(|[\w.]+(?:\.default|\.optional|,$))/gm)].map(([, key]) => key)
  expect(keys.length).toBeGreaterThan(40)
  expect(keys.filter((key) => !reference.includes(`\`${key}\``))).toEqual([])
})
