// The table of commands: what the parser and the help make of it.

import { readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { commands, everyFlag } from '../../../src/cli/commands/commands.ts'
import { commandHelp, overview } from '../../../src/cli/commands/help.ts'
import { parseFlags } from '../../../src/cli/commands/flags.ts'

const root = new URL('../../../', import.meta.url)

test('has every command that main.ts runs, and no other', () => {
  const text = readFileSync(new URL('src/main.ts', root), 'utf8')
  const run = [...text.matchAll(/^ {2}\['([a-z-]+)', async/gm)].map(([, name]) => name)
  expect(new Set(commands.map(({ name }) => name.split(' ')[0]))).toEqual(new Set(run))
  expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length)
})

describe('help', () => {
  test.each(commands.map((command) => [command.name, command] as const))('of %s', (_, command) => {
    const text = commandHelp(command)
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
    for (const { name } of [...command.flags, ...everyFlag]) expect(text).toContain(`--${name}`)
    expect(command.examples.length).toBeGreaterThan(0)
    expect(command.exits.map(([code]) => code)).toContain(0)
    expect(new Set(command.flags.map(({ name }) => name)).size).toBe(command.flags.length)
  })

  test('the overview fits 80 columns, and names every command', () => {
    const lines = overview().split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    for (const { name } of commands)
      expect(lines.some((line) => line.startsWith(`  ${name} `))).toBe(true)
  })

  test.each(commands.flatMap(({ examples }) => examples.map(({ line }) => line)))(
    'its example %s is understood',
    (line) => {
      const words = line
        .split(/ [|>] /, 1)[0]!
        .match(/"[^"]*"|\S+/g)!
        .filter((word) => word !== 'source')
        .map((word) => word.replaceAll(/^"|"$|^<\(|\)$/g, ''))
      expect(words[0]).toBe('mxsteer')
      const isTwo = words[1] === 'keys'
      const name = words.slice(1, isTwo ? 3 : 2).join(' ')
      expect(commands.map((command) => command.name)).toContain(name)
      expect(parseFlags(name, words.slice(isTwo ? 3 : 2)).kind).toBe('flags')
    },
  )
})

describe('what is wrong with a command line is said in our words', () => {
  test.each([
    ['check', ['--zonez', 'x'], 'there is no option --zonez: did you mean --zones?'],
    ['check', ['--frobnicate'], 'there is no option --frobnicate: see mxsteer check --help'],
    ['check', ['--zones'], '--zones needs a value: --zones DIR'],
    ['drain', ['mx1', '--for', '--yes'], '--for needs a value: --for TIME'],
    ['import', ['a', '-o'], '-o needs a value: -o PATH'],
    ['import', ['a', '-x'], 'there is no option -x: see mxsteer import --help'],
    ['targets', ['--json=3'], '--json takes no value, expected it without "3"'],
  ])('%s %j', (name, argv, why) => {
    expect(parseFlags(name, argv)).toEqual({ kind: 'bad', why })
  })

  const misspelt = commands.flatMap(({ name, flags }) =>
    flags.filter((flag) => flag.name.length > 4).map((flag) => [name, flag.name] as const),
  )
  test.each(misspelt)('%s --%s without one of its letters', (name, flag) => {
    const wrong = `--${flag.slice(0, 2)}${flag.slice(3)}`
    const read = parseFlags(name, [wrong])
    expect(read).toMatchObject({
      kind: 'bad',
      why: expect.stringContaining(`no option ${wrong}: `),
    })
    expect(read).toMatchObject({ why: expect.stringMatching(/did you mean --|see mxsteer /) })
  })

  test.each([
    ['check', ['a', '--strict', 'b'], { strict: 'yes' }, ['a', 'b']],
    ['import', ['-o', 'out', 'a'], { output: 'out' }, ['a']],
    ['simulate', ['x', '--down', 'a', '--down=b'], { down: ['a', 'b'] }, ['x']],
    ['weight', ['mx1', '--share=-5%'], { share: '-5%' }, ['mx1']],
    ['check', ['--', '--zones'], {}, ['--zones']],
  ])('%s %j is right', (name, argv, values, words) => {
    expect(parseFlags(name, argv)).toMatchObject({ kind: 'flags', values, words })
  })
})
