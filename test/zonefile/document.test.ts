import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseDocument } from '../../src/zonefile/document.ts'
import type { Diagnostic } from '../../src/zonefile/diagnostic.ts'
import type { DocumentPath, Problem } from '../../src/zone/compile/problem.ts'
import { costRatio } from '../support/cpu-time.ts'
import { runs } from '../support/runs.ts'

const parse = (text: string) => parseDocument('f.yaml', new TextEncoder().encode(text))

function diagnostics(text: string): readonly Diagnostic[] {
  return diagnosticsOf(parse(text))
}

const diagnosticsOf = (parsed: ReturnType<typeof parse>): readonly Diagnostic[] =>
  parsed.kind === 'bad'
    ? parsed.diagnostics
    : parsed.document.toDiagnostics(parsed.document.problems)

function place(text: string, path: DocumentPath, at: Problem['at'] = 'value'): string {
  const parsed = parse(text)
  if (parsed.kind === 'bad') throw new Error('bad document')
  const problem: Problem = { severity: 'error', code: 'bad-value', path, at, message: '' }
  const { line, column } = parsed.document.toDiagnostic(problem)
  return `${line}:${column}`
}

it('finds keys and values', () => {
  const text = '# c\na:\n  b: [1, {c: x}]\n"q r": |\n  text\nempty:\n'
  expect(place(text, ['a'], 'key')).toBe('2:1')
  expect(place(text, ['a'])).toBe('3:3')
  expect(place(text, ['a', 'b', 1, 'c'])).toBe('3:14')
  expect(place(text, ['a', 'b', 1, 'c'], 'key')).toBe('3:11')
  expect(place(text, ['q r'], 'key')).toBe('4:1')
  expect(place(text, ['empty'])).toBe('6:1')
})

it('finds the nearest thing that is there where the path leads to nothing', () => {
  const text = 'a:\n  b: { c: scalar }\n'
  expect(place(text, ['a', 'b', 'missing'])).toBe('2:3')
  expect(place(text, ['a', 'b', 'c', 0])).toBe('2:11')
  expect(place(text, ['missing', 'more'])).toBe('1:1')
  expect(place('', ['zone'])).toBe('1:1')
})

it('counts lines that end as on other systems, behind a byte order mark', () => {
  expect(place('\ufeffa: 1\r\nb: 2\r\n', ['b'])).toBe('2:4')
})

it('keeps text as written where it is asked to', () => {
  const octets = new TextEncoder().encode('a: 010\nb: 1.10\nc: ~\nd: "010"\ne: 010\nf:\n')
  const parsed = parseDocument('f.yaml', octets, ([first]) => first !== 'e')
  expect(parsed).toMatchObject({
    document: { value: { a: '010', b: '1.10', c: '~', d: '010', e: 10, f: null } },
  })
})

it('takes no key for a method or a prototype', () => {
  const parsed = parse('constructor: 1\ntoString: 2\n__proto__: { polluted: true }\n')
  expect(diagnosticsOf(parsed).map(({ code, line }) => [code, line])).toEqual([['unknown-key', 3]])
  expect(parsed).toMatchObject({ document: { value: { constructor: 1, toString: 2 } } })
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

it('refuses aliases, anchors and tags, each where it stands', () => {
  const found = diagnostics('a: &x 1\nb: *x\nc: !!int 2\nd: !own [3]\n? &k key\n: v\n')
  expect(found.map(({ code, line, column }) => `${code} ${line}:${column}`)).toEqual([
    'alias 1:4',
    'alias 2:4',
    'tag 3:4',
    'tag 4:4',
    'alias 5:3',
  ])
})

it('survives documents of any depth, with work that grows as their length does', () => {
  const bombsOf = (size: number): readonly string[] => [
    '['.repeat(100 * size),
    '{a: '.repeat(50 * size),
    '- '.repeat(50 * size),
    '? '.repeat(50 * size),
    'a: [' + '[],'.repeat(50 * size) + ']',
    Array.from({ length: 2 * size }, (_, i) => `${' '.repeat(i)}k:`).join('\n'),
  ]
  const bombs = bombsOf(1000)
  const codes = bombs.map((bomb) => diagnostics(bomb).map(({ code }) => code))
  for (const i of [0, 1, 2, 3, 5]) expect(codes[i]).toEqual(['too-deep'])
  expect(codes[4]).toEqual([])
  const smaller = bombsOf(100)
  for (const [i, bomb] of bombs.entries()) {
    const read = (text: string) => (): unknown => diagnostics(text)
    // The last is as long as the square of its depth.
    const growth = bomb.length / (smaller[i] as string).length
    const ratio = costRatio(read(smaller[i] as string), read(bomb), 4 * growth)
    expect(ratio).toBeLessThan(4 * growth)
  }
})

it('takes a map of very many keys without comparing each with each', () => {
  const keys = (count: number): string =>
    Array.from({ length: count }, (_, i) => `k${i}: 1`).join('\n')
  const text = keys(100_000)
  expect(diagnostics(`${text}\nk5: 2\n`).map(({ code, line }) => [code, line])).toEqual([
    ['duplicate-key', 100_001],
  ])
  const small = keys(10_000)
  const ratio = costRatio(
    () => diagnostics(small),
    () => diagnostics(text),
    40,
  )
  expect(ratio).toBeLessThan(40)
})

it('hands no control character on to a terminal', () => {
  const found = [
    ...diagnostics('a: "\u001b]0;title\u0007"\n'),
    ...diagnostics('a: [1\n# \u202e reversed\u2028\nb: 2\n'),
    ...diagnostics('"\\e[31m": 1\n"\\e[31m": 2\n'),
  ]
  expect(found.length).toBeGreaterThanOrEqual(3)
  for (const { message, excerpt, path } of found) {
    expect(message + path + excerpt.replace('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
  }
})

it('cuts long lines around the caret', () => {
  const [diagnostic] = diagnostics(`a: "${'x'.repeat(5000)}" *nope ${'y'.repeat(5000)}\n`)
  const [text = '', caret = ''] = diagnostic?.excerpt.split('\n') ?? []
  expect(text.length).toBeLessThanOrEqual(102)
  expect(text[caret.length - 1]).toBe('*')
})

it('never throws, and points inside the file, whatever the octets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
      const parsed = parseDocument('f.yaml', octets)
      const lines = new TextDecoder().decode(octets).split('\n').length
      for (const { line, column } of diagnosticsOf(parsed)) {
        expect(line).toBeGreaterThanOrEqual(1)
        expect(line).toBeLessThanOrEqual(lines)
        expect(column).toBeGreaterThanOrEqual(1)
      }
    }),
    { numRuns: runs(2000) },
  )
})

it('has the right line behind an error of the YAML too', () => {
  const text = '[] words\nzone: example.test\nttl: 60\nrecords:\n  ns: { A: 192.0.2.53 }!!x \n'
  const parsed = parseDocument('f.yaml', new TextEncoder().encode(text))
  const found = parsed.kind === 'bad' ? parsed.diagnostics : []
  expect(found.map(({ code, line, column }) => [code, line, column])).toEqual([['tag', 5, 24]])
})
