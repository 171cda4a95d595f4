// What an engine for containers makes of the Dockerfile, made without one: each stage is a copy of a Debian of debootstrap with
// the Node of the lock and npm where the base image has them, and its commands are run in that, as root, by its own sh.
// The base image itself, layers and architectures are not seen.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

import { debianRoot } from './debian-box.ts'
import { type Step, stepsOf } from './dockerfile.ts'
import { projectFolder, temporaryFolder } from './server.ts'

export interface Image {
  /** A folder with all that it has. */
  readonly root: string
  readonly workingDir: string
  readonly env: Readonly<Record<string, string>>
  readonly uid: number
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly healthcheck: readonly string[]
  /** Of each RUN of all stages, what was printed. */
  readonly ran: readonly { readonly command: string; readonly said: string }[]
}

type Stage = { -readonly [Key in keyof Omit<Image, 'ran'>]: Image[Key] }

/** Of the checkout that this is in. Takes a minute or two. */
export function buildImage(): Image {
  const context = contextFolder()
  const stages = new Map<string, Stage>()
  const ran: { command: string; said: string }[] = []
  let stage: Stage | null = null
  for (const step of stepsOf(readFileSync(join(projectFolder, 'Dockerfile'), 'utf8'))) {
    if (step.kind === 'from') {
      stage = baseOf(step.image)
      stages.set(step.name, stage)
      continue
    }
    if (stage === null) throw new Error(`a step before the first FROM: ${step.kind}`)
    if (step.kind === 'run') ran.push({ command: step.command, said: run(stage, step.command) })
    else if (step.kind === 'copy') copy(stage, step, sourceOf(step.from, stages, context))
    else change(stage, step)
  }
  if (stage === null) throw new Error('no stage in the Dockerfile')
  return { ...stage, ran }
}

function sourceOf(
  from: string | null,
  stages: ReadonlyMap<string, Stage>,
  context: string,
): string {
  const root = from === null ? context : stages.get(from)?.root
  if (root === undefined) throw new Error(`no stage ${from} before its copy`)
  return root
}

/** What of the project an engine is given: what .dockerignore lets through. */
function contextFolder(): string {
  const folder = temporaryFolder()
  const lines = readFileSync(join(projectFolder, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  for (const [i, line] of lines.entries()) {
    const isKnown = i === 0 ? line === '*' : /^![\w.-]+$/.test(line)
    if (!isKnown) throw new Error(`no line of .dockerignore that is known here: ${line}`)
    if (i > 0) cpSync(join(projectFolder, line.slice(1)), join(folder, line.slice(1)), asItIs)
  }
  return folder
}

const asItIs = { recursive: true, verbatimSymlinks: true } as const

/** As `node:24-bookworm-slim` is: its Node and npm below /usr/local, and its user. */
function baseOf(image: string): Stage {
  const [major] = process.versions.node.split('.')
  if (image !== `node:${major}-bookworm-slim`)
    throw new Error(`no base image that is known here: ${image}`)
  const root = join(temporaryFolder(), 'root')
  execFileSync('cp', ['-a', debianRoot(), root])
  cpSync(join(projectFolder, 'node_modules/node/bin/node'), join(root, 'usr/local/bin/node'))
  cpSync(npmFolder(), join(root, 'usr/local/lib/node_modules/npm'), asItIs)
  const commands = [
    'ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm',
    'useradd --uid 1000 --user-group --create-home node',
  ]
  const stage: Stage = {
    root,
    workingDir: '/',
    env: {},
    uid: 0,
    entrypoint: [],
    command: [],
    healthcheck: [],
  }
  run(stage, commands.join(' && '))
  return stage
}

/** The package of the npm that is run here. */
export function npmFolder(): string {
  const found = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim()
  const folder = resolve(realpathSync(found), '../..')
  if (basename(folder) !== 'npm') throw new Error(`no npm that could be copied: ${folder}`)
  return folder
}

/** As npm is set up on this machine. */
export const npmSetting = (key: 'cache' | 'registry'): string =>
  execFileSync('npm', ['config', 'get', key], { encoding: 'utf8', cwd: '/' }).trim()

/**
 * In the stage, as root, with its variables. Packages come out of npm's cache of this machine where it has them; what
 * npm is set up with here holds there too.
 */
function run({ root, workingDir, env }: Stage, command: string): string {
  writeFileSync(join(root, 'etc/resolv.conf'), readFileSync('/etc/resolv.conf'))
  const variables = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    ...env,
    npm_config_cache: '/root/.npm',
    npm_config_prefer_offline: 'true',
    npm_config_registry: npmSetting('registry'),
  }
  const script = `
set -e
mkdir -p "$1/root/.npm"
mount --bind "$2" "$1/root/.npm"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot "$1" /bin/sh -c 'cd "$1" && eval "$2"' sh "$3" "$4" 2>&1
`
  const names = ['--mount', '--pid', '--fork', '--kill-child']
  const words = ['sh', '-c', script, 'sh', root, npmSetting('cache'), workingDir, command]
  return execFileSync('unshare', [...names, ...words], {
    env: variables,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
}

function copy(stage: Stage, { sources, to }: Step & { kind: 'copy' }, sourceRoot: string): void {
  const target = join(stage.root, resolve(stage.workingDir, to))
  const isFolder = to.endsWith('/')
  if (sources.length > 1 && !isFolder) throw new Error(`several files to what is no folder: ${to}`)
  for (const source of sources) {
    const path = join(sourceRoot, source)
    // Of a folder what it has is copied, and not it itself.
    const file = isFolder && statSync(path).isFile() ? join(target, basename(source)) : target
    mkdirSync(dirname(file), { recursive: true })
    cpSync(path, file, asItIs)
  }
}

function change(stage: Stage, step: Exclude<Step, { kind: 'from' | 'run' | 'copy' }>): void {
  switch (step.kind) {
    case 'workdir':
      stage.workingDir = resolve(stage.workingDir, step.path)
      mkdirSync(join(stage.root, stage.workingDir), { recursive: true })
      return
    case 'env':
      stage.env = { ...stage.env, ...step.variables }
      return
    case 'user':
      stage.uid = uidIn(stage.root, step.name)
      return
    case 'entrypoint':
      stage.entrypoint = step.words
      return
    case 'cmd':
      stage.command = step.words
      return
    case 'healthcheck':
      stage.healthcheck = step.words
      return
    case 'note':
      return
    default:
      step satisfies never
  }
}

function uidIn(root: string, name: string): number {
  const lines = readFileSync(join(root, 'etc/passwd'), 'utf8').split('\n')
  const uid = lines.map((line) => line.split(':')).find(([user]) => user === name)?.[2]
  if (uid === undefined) throw new Error(`no user ${name} in the image`)
  return Number(uid)
}
