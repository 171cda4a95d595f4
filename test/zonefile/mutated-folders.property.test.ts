// Folders of mutated zone files, loaded as the server loads them: never an exception in the thread, never more time or
// memory than it has, and the thread that waits for it is not held up.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { loadZones } from '../../src/zonefile/run-load.ts'
import { requestInThread } from '../support/read-zones.ts'
import { runs } from '../support/runs.ts'
import { temporaryFolder } from '../support/server.ts'

const root = join(import.meta.dirname, '../..')
const originals = ['test/fixtures/config/good', 'test/fixtures/config/warn', 'zones'].flatMap(
  (folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => readFileSync(join(root, folder, file), 'latin1')),
)

/** A place in a text: of its length, from 0 to 1. */
const place = fc.double({ min: 0, max: 1, noNaN: true })

const scraps = [
  '[',
  '{',
  '- ',
  '? ',
  ': ',
  '*a ',
  '&a ',
  '!t ',
  '"',
  "'",
  '|\n',
  '---\n',
  '%',
  '\t',
  '\ufeff',
  '#',
  '\n',
  '\u0000',
  '\xff',
  '~',
  ',',
  ']',
  '}',
]

type Mutate = (text: string) => string

/** Some octets are replaced, inserted or cut out: by `put`. Latin-1, so that they may be no UTF-8. */
const octetsBy = (put: fc.Arbitrary<string>): fc.Arbitrary<Mutate> =>
  fc.array(fc.tuple(place, fc.nat({ max: 20 }), put), { minLength: 1, maxLength: 4 }).map(
    (edits) => (text) =>
      edits.reduce((before, [at, length, scrap]) => {
        const from = Math.floor(at * before.length)
        return before.slice(0, from) + scrap + before.slice(from + length)
      }, text),
  )

const octetMutation = octetsBy(
  fc.oneof(fc.constantFrom(...scraps), fc.string({ unit: 'binary', maxLength: 6 })),
)

/** Lines: some are moved, doubled many times, indented, or made part of another line. */
const lineMutation = fc
  .array(
    fc.tuple(place, place, fc.constantFrom('move', 'double', 'indent', 'outdent', 'join', 'swap')),
    { minLength: 1, maxLength: 4 },
  )
  .map((edits) => (text: string): string => {
    const lines = text.split('\n')
    for (const [a, b, kind] of edits) {
      const [from, to] = [a, b].map((at) =>
        Math.min(lines.length - 1, Math.floor(at * lines.length)),
      ) as [number, number]
      const line = lines[from] ?? ''
      const other = lines[to] ?? ''
      if (kind === 'move') lines.splice(to, 0, ...lines.splice(from, 1))
      if (kind === 'double')
        lines.splice(from, 0, ...Array<string>(1 + Math.floor(b * 2000)).fill(line))
      if (kind === 'indent') lines[from] = ' '.repeat(1 + (to % 7)) + line
      if (kind === 'outdent') lines[from] = line.trimStart()
      if (kind === 'join') lines.splice(from, 2, line + other)
      if (kind === 'swap') [lines[from], lines[to]] = [other, line]
    }
    return lines.join('\n')
  })

/** Values: a scalar is replaced by something of another type, size or depth. */
const valueMutation = fc
  .tuple(
    place,
    fc.oneof(
      fc.integer(),
      fc.constantFrom('[]', '{}', 'null', '1e309', '-0', '0x10', '.inf', '9'.repeat(400)),
      fc
        .tuple(
          fc.constantFrom('[', '{a: ', '- ', '"', 'x', '1,', '[1],'),
          fc.integer({ min: 1, max: 3000 }),
        )
        .map(([piece, count]) => piece.repeat(count)),
    ),
  )
  .map(([at, put]) => (text: string): string => {
    const values = [...text.matchAll(/(?<=: )[^\s,{}[\]]+/g)]
    const match = values[Math.min(values.length - 1, Math.floor(at * values.length))]
    if (!match) return String(put)
    return text.slice(0, match.index) + String(put) + text.slice(match.index + match[0].length)
  })

/** One of the texts, mutated once or twice. */
const mutatedOf = (
  texts: readonly string[],
  ...mutations: readonly fc.Arbitrary<Mutate>[]
): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...texts),
      fc.array(fc.oneof(...mutations), { minLength: 1, maxLength: 2 }),
    )
    .map(([text, made]) => made.reduce((before, mutate) => mutate(before), text))

const mutated = mutatedOf(originals, octetMutation, lineMutation, valueMutation)

const masters = readdirSync(join(root, 'test/fixtures/master'))
  .filter((file) => file.endsWith('.zone'))
  .map((file) => readFileSync(join(root, 'test/fixtures/master', file), 'latin1'))

/** What breaks a master file. */
const masterScraps = [
  '(',
  ')',
  '"',
  '\\',
  '\\300',
  ';',
  '\n',
  ' ',
  '@',
  '$',
  '${0,127,n}',
  '$INCLUDE other.zone\n',
  '$INCLUDE 1.zone\n',
  '$GENERATE 0-300 $ A 192.0.2.$\n',
  '$ORIGIN .\n',
  '$TTL 4294967295\n',
  '\\# 9999 ',
  'TYPE0 ',
  '\u0000',
  '\xff',
]

const masterMutation = octetsBy(fc.constantFrom(...masterScraps))

const mutatedMaster = mutatedOf(masters, masterMutation, octetMutation, lineMutation)

const filesInFolder = 50

const ofYaml = (folder: string, i: number, text: string): void =>
  writeFileSync(
    join(folder, `${i}.yaml`),
    Buffer.from(text.replace(/^zone: /m, `zone: z${i}.`), 'latin1'),
  )

/** A zone for each master file, which may include each other. */
const ofMaster = (folder: string, i: number, text: string): void => {
  writeFileSync(join(folder, `${i}.zone`), Buffer.from(text, 'latin1'))
  writeFileSync(
    join(folder, `${i}.yaml`),
    `zone: z${i}.example\nrecords_file: ${i}.zone\nsoa: { mname: ., rname: . }\n`,
  )
}

it.each([
  ['zone files', mutated, ofYaml],
  ['master files', mutatedMaster, ofMaster],
] as const)(
  'of mutated %s are loaded or refused, within the limits of the thread',
  async (_, one, write) => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(
        fc.array(one, { minLength: filesInFolder, maxLength: filesInFolder }),
        async (texts) => {
          const folder = join(temporaryFolder(), 'zones')
          mkdirSync(folder)
          for (const [i, text] of texts.entries()) write(folder, i, text)
          let turns = 0
          const timer = setInterval(() => turns++, 5)
          const loaded = await loadZones(requestInThread(folder))
          clearInterval(timer)
          rmSync(folder, { recursive: true })
          expect(turns).toBeGreaterThan(0)
          const found = loaded.kind === 'rejected' ? loaded.diagnostics : loaded.warnings
          for (const { code } of found) seen.set(code, (seen.get(code) ?? 0) + 1)
          expect(
            found.filter(({ code }) => /^too-(slow|much-memory)$|^reading-failed$/.test(code)),
          ).toEqual([])
        },
      ),
      { numRuns: Math.ceil(runs(2000) / filesInFolder), endOnFailure: true },
    )
    // Mistakes of many kinds were made, or this proved nothing.
    expect(seen.size).toBeGreaterThan(runs(2000) >= 400 ? 15 : 0)
  },
  1_200_000,
)
