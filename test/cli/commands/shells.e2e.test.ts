// What is made of the table of commands for other programs: completion, judged by the shells, and manual pages, by mandoc.

import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { commands, everyFlag } from '../../../src/cli/commands/commands.ts'
import { completions } from '../../../src/cli/commands/completion.ts'
import { manualPages } from '../../../src/cli/commands/man-pages.ts'
import { temporaryFolder } from '../../support/server.ts'

describe('completion', () => {
  const folder = temporaryFolder()
  const file = (shell: string): string => {
    const path = join(folder, `_mxsteer.${shell}`)
    writeFileSync(path, completions.get(shell)?.() ?? '')
    return path
  }
  const bash = file('bash')
  const fish = file('fish')
  const zsh = file('zsh')

  const askBash = (line: string): string[] => {
    const script = `source "$1"; COMP_WORDS=($2); [ "\${2: -1}" = ' ' ] && COMP_WORDS+=('')
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _mxsteer; printf '%s\\n' "\${COMPREPLY[@]}"`
    const said = execFileSync('bash', ['-c', script, 'bash', bash, line], { encoding: 'utf8' })
    return said.split('\n').filter((word) => word !== '')
  }
  const askFish = (line: string): string[] => {
    const args = ['--no-config', '-c', `source ${fish}; complete -C "${line}"`]
    const env = { ...process.env, HOME: folder }
    const said = execFileSync('fish', args, { encoding: 'utf8', env, cwd: folder })
    return said
      .split('\n')
      .flatMap((row) => row.split('\t', 1))
      .filter((word) => word !== '')
  }

  test.each([
    ['mxsteer ch', ['check']],
    ['mxsteer keys ro', ['rollover']],
    ['mxsteer check --str', ['--strict']],
    ['mxsteer probe --level e', ['ehlo']],
    ['mxsteer keys ds --dig', ['--digest']],
    ['mxsteer import --st', ['--steer']],
    ['mxsteer keys import --st', []],
    ['mxsteer schema s', ['settings']],
    ['mxsteer completion f', ['fish']],
  ])('of "%s", by bash and fish', (line, offered) => {
    expect(askBash(line)).toEqual(offered)
    expect(askFish(line)).toEqual(offered)
  })

  test('of every flag of every command, by bash', () => {
    for (const { name, flags } of commands)
      expect(askBash(`mxsteer ${name} --`).sort()).toEqual(
        [...flags, ...everyFlag].map((flag) => `--${flag.name}`).sort(),
      )
  })

  test('zsh and fish read theirs', () => {
    expect(spawnSync('zsh', ['-n', zsh], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    })
    expect(spawnSync('fish', ['--no-execute', fish], { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    })
    const load = `autoload -U compinit; compinit -D -d ${folder}/dump; source ${zsh}; print -l $_comps[mxsteer]`
    const said = spawnSync('zsh', ['-f', '-c', load], { encoding: 'utf8' })
    expect(said).toMatchObject({ status: 0, stdout: '_mxsteer\n' })
  })
})

describe('manual pages', () => {
  const pages = manualPages('1.2.3', '2026-11-29')

  test('one for each command, and one for all', () => {
    expect(pages).toHaveLength(commands.length + 1)
    expect(pages.map(({ file }) => file)).toContain('mxsteer-keys-status.1')
  })

  test('mandoc finds nothing to mend', () => {
    const folder = temporaryFolder()
    for (const { file, text } of pages) writeFileSync(join(folder, file), text)
    const files = pages.map(({ file }) => join(folder, file))
    const { stdout } = spawnSync('mandoc', ['-Tlint', '-Wwarning', ...files], { encoding: 'utf8' })
    // Pages of the same package refer to each other before they are installed.
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual([])
  })

  test('say what the table says', () => {
    const page = pages.find(({ file }) => file === 'mxsteer-check.1')?.text ?? ''
    const shown = execFileSync('mandoc', ['-Tascii'], { input: page, encoding: 'utf8' })
      // eslint-disable-next-line no-control-regex
      .replaceAll(/.\u0008/g, '')
    expect(shown).toMatch(/--strict\s+exit with 1 for warnings too\./)
    expect(shown).toContain('mxsteer check zones --live example.com')
  })
})
