// The steps of the Dockerfile, done in folders where no engine for containers is: what each stage copies is all that it has, and
// what comes of the last one serves. `npm ci` is the packages of this checkout; base images, users and layers are not seen.

import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { projectFolder, stopChild, temporaryFolder, watchChild } from '../support/server.ts'
import { until } from '../support/wait.ts'

interface Stage {
  readonly root: string
  workingDir: string
  readonly variables: Record<string, string>
  readonly commands: Record<string, readonly string[]>
}

const dockerfile = readFileSync(join(projectFolder, 'Dockerfile'), 'utf8')
const instructions = dockerfile
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')

/** What of the project an engine is given: what .dockerignore lets through. */
function contextFolder(): string {
  const folder = temporaryFolder()
  const ignored = readFileSync(join(projectFolder, '.dockerignore'), 'utf8').split('\n')
  expect(ignored).toContain('*')
  for (const line of ignored)
    if (line.startsWith('!')) copyInto(join(projectFolder, line.slice(1)), folder)
  return folder
}

const copyInto = (source: string, folder: string): void =>
  cpSync(source, join(folder, basename(source)), { recursive: true, verbatimSymlinks: true })

const stages = new Map<string, Stage>()
let last: Stage

const within = ({ root, workingDir }: Stage, path: string): string =>
  join(root, resolve(workingDir, path))

function copy(stage: Stage, words: readonly string[], context: string): void {
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length)
  const paths = words.filter((word) => !word.startsWith('--'))
  const sourceRoot = from === undefined ? context : (stages.get(from) as Stage).root
  const to = paths.at(-1) as string
  const target = within(stage, to)
  for (const path of paths.slice(0, -1)) {
    const source = join(sourceRoot, path)
    if (to.endsWith('/')) copyInto(source, target)
    else {
      mkdirSync(dirname(target), { recursive: true })
      cpSync(source, target, { recursive: true, verbatimSymlinks: true })
    }
  }
}

function run(stage: Stage, command: string): void {
  const folder = within(stage, '.')
  const modules = join(projectFolder, 'node_modules')
  const [program, ...words] = command.split(' ')
  if (program === 'npm' && words[0] === 'ci')
    return symlinkSync(modules, join(folder, 'node_modules'))
  if (program === 'ln') {
    const [target = '', path = ''] = words.filter((word) => word !== '-s')
    mkdirSync(dirname(within(stage, path)), { recursive: true })
    return symlinkSync(within(stage, target), within(stage, path))
  }
  expect(command).toBe('npm run build')
  const PATH = `${join(modules, '.bin')}:${process.env['PATH']}`
  execFileSync('npm', ['run', 'build'], {
    cwd: folder,
    env: { ...process.env, PATH },
    stdio: 'pipe',
  })
}

beforeAll(() => {
  const context = contextFolder()
  for (const line of instructions) {
    const [, word = '', rest = ''] = /^(\w+) +(.*)$/.exec(line) ?? []
    const words = rest.split(/ +/)
    switch (word) {
      case 'FROM':
        last = { root: temporaryFolder(), workingDir: '/', variables: {}, commands: {} }
        stages.set(words[2] ?? 'last', last)
        break
      case 'WORKDIR':
        last.workingDir = words[0] as string
        mkdirSync(within(last, '.'), { recursive: true })
        break
      case 'COPY':
        copy(last, words, context)
        break
      case 'RUN':
        run(last, rest)
        break
      case 'ENV':
        for (const [, key = '', value = ''] of rest.matchAll(/(\w+)=(\S+)/g))
          last.variables[key] = value
        break
      case 'ENTRYPOINT':
      case 'CMD':
        last.commands[word] = JSON.parse(rest) as string[]
        break
      case 'HEALTHCHECK':
        last.commands[word] = JSON.parse(rest.replace(/^.* CMD /, '')) as string[]
        break
      default:
        if (!/^(?:USER|EXPOSE|STOPSIGNAL)$/.test(word)) throw new Error(`not known here: ${line}`)
    }
  }
}, 300_000)

const programOf = ([name = '']: readonly string[] = []): string =>
  within(last, `/usr/local/bin/${name}`)

test('the last stage has the server and the console, and nothing to build them with', () => {
  const has = (path: string): boolean =>
    statSync(within(last, path), { throwIfNoEntry: false }) !== undefined
  expect(
    ['dist/main.js', 'dist/console/index.html', 'package.json', 'LICENSE'].filter(has),
  ).toHaveLength(4)
  expect(['src', 'console', 'rolldown.config.ts', 'tsconfig.json'].filter(has)).toEqual([])
})

test('it serves by its variables, is healthy by its own check, and shows the console', async () => {
  const { commands, variables } = last
  const [port, admin] = [await freePort(), await freePort()]
  expect(variables).toMatchObject({ MXSTEER_LISTEN: '0.0.0.0:5300', MXSTEER_ADMIN: '0.0.0.0:8053' })
  const env = {
    PATH: `${join(projectFolder, 'node_modules', '.bin')}:${process.env['PATH']}`,
    ...variables,
    MXSTEER_ZONES: within(last, variables['MXSTEER_ZONES'] as string),
    MXSTEER_LISTEN: `127.0.0.1:${port}`,
    MXSTEER_ADMIN: `127.0.0.1:${admin}`,
  }
  const cwd = within(last, '.')
  const child = watchChild(
    spawn(programOf(commands['ENTRYPOINT']), commands['CMD'] ?? [], { cwd, env, stdio: 'pipe' }),
  )
  afterAll(() => stopChild(child, 5000))
  const check = commands['HEALTHCHECK'] ?? []
  const isHealthy = (): boolean => {
    try {
      execFileSync(programOf(check), check.slice(1), { cwd, env, stdio: 'pipe' })
      return true
    } catch {
      return false
    }
  }
  await until(isHealthy, { what: 'a healthy server', withinMs: 30_000 })
  const reply = await fetch(`http://127.0.0.1:${admin}/console/`)
  expect([reply.status, await reply.text()]).toEqual([
    200,
    expect.stringContaining('<script type="module"'),
  ])
})
