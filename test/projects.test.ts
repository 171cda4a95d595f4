import { globSync } from 'node:fs'
import { matchesGlob } from 'node:path'

import { expect, test } from 'vitest'

import { projectGlobs, unitGlob } from './projects.ts'

const root = new URL('..', import.meta.url).pathname
const files = globSync('test/**/*.test.ts', { cwd: root })
const projectsOf = (file: string): string[] =>
  Object.entries(projectGlobs).flatMap(([name, globs]) =>
    globs.some((glob) => matchesGlob(file, glob)) ? [name] : [],
  )

test('every test file belongs to exactly one project', () => {
  expect(files.length).toBeGreaterThan(150)
  // What no other project includes is a unit test.
  expect(files.filter((file) => !matchesGlob(file, unitGlob))).toEqual([])
  expect(files.filter((file) => projectsOf(file).length > 1)).toEqual([])
})

test('no project is empty, and no glob of one', () => {
  for (const glob of Object.values(projectGlobs).flat())
    expect(files.filter((file) => matchesGlob(file, glob))).not.toEqual([])
})
