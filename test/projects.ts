// Which test file belongs to which Vitest project, by its path. `npm test` runs all but `long` and `faults`.

/** Project name → globs of its files. What matches none of them is a unit test. */
export const projectGlobs: Readonly<
  Record<'property' | 'e2e' | 'long' | 'faults', readonly string[]>
> = {
  property: ['test/property/**/*.test.ts', 'test/**/*.property.test.ts'],
  e2e: ['test/{e2e,differential,interrogation,deploy}/**/*.test.ts', 'test/*/**/*.e2e.test.ts'],
  long: ['test/long/**/*.test.ts', 'test/console/**/*.browser.test.ts'],
  faults: ['test/faults/**/*.test.ts'],
}

/** What `unit` includes, apart from the files of the other projects. */
export const unitGlob = 'test/**/*.test.{ts,tsx}'
