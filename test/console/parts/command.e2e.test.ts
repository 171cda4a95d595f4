// What stands below "the same in a terminal" is read by shells, which are asked here.

import { execFileSync } from 'node:child_process'

import { describe, expect, test } from 'vitest'

import { commandLine, shellWord } from '../../../console/parts/command.ts'

/** The arguments that `mxsteer` is called with, as each of these shells reads the command. */
function argumentsIn(shell: string, command: string): readonly string[] {
  execFileSync(shell, ['-n', '-c', command])
  const told = `mxsteer() { for one in "$@"; do printf '%s\\0' "$one"; done; }; ${command}`
  return execFileSync(shell, ['-c', told], { encoding: 'utf8' }).split('\0').slice(0, -1)
}

const hostile = [
  'smtp.example.com',
  '$(touch x)`id`.example',
  `a'b"c\\d;e|f&g>h<i*j?k#l~m!n{o,p}q`,
  '<img src=x onerror=alert(1)>',
  ' spaces  in it ',
  '=ls',
  '~root',
  '-rf',
  '--server=http://elsewhere.example',
  '\u202egnp.\u2066exe',
  'a\u001b[2Jb\u0007\u009b31m',
  'two\nlines; id\rand\ttabs',
  '100%d \\n %s \u0001',
  '😀 Zürich',
  '',
]

describe.each(['sh', 'bash', 'zsh'])('%s', (shell) => {
  test.each(hostile)('takes %j as one word', (text) => {
    const command = commandLine({
      verb: 'mxsteer simulate',
      words: [text, 'MX'],
      flags: [
        ['drain', text],
        ['by', 'rule'],
      ],
    })
    const drain = text.startsWith('-') ? [`--drain=${text}`] : ['--drain', text]
    const options = [...drain, '--by', 'rule']
    expect(argumentsIn(shell, command)).toEqual(
      text.startsWith('-')
        ? ['simulate', ...options, '--', text, 'MX']
        : ['simulate', text, 'MX', ...options],
    )
  })
})

test.each(hostile)('%j is written in characters that all show', (text) => {
  expect(shellWord(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
})
