// What a container would run, as a process where no engine for containers is: in namespaces of mounts and networks, in a root
// that is this machine's, or that of an image, with the container's folders laid over it, as its user, without rights of root's. The root can only be read.
// One network joins the containers of a test. What it does not have: limits of memory and CPU, and seccomp.

import { spawn, type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { atExit } from './at-exit.ts'
import type { Ran } from './debian-box.ts'
import { projectFolder, temporaryFolder } from './server.ts'

interface Mount {
  /** A folder of this machine. */
  readonly from: string
  readonly to: string
  readonly isReadOnly: boolean
}

export interface ContainerSpec {
  readonly name: string
  readonly address: string
  /** The folder that has an image's files; without one this machine's root, where `mxsteer` is the one of these sources. */
  readonly image?: string
  /** Program and arguments. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly uid: number
  readonly mounts: readonly Mount[]
  readonly workingDir?: string
}

export interface Container {
  /** What it has printed. */
  output(): string
  /** Runs a command in it, as its user with its variables. */
  exec(command: readonly string[]): Ran
  end(): void
}

export interface ContainerNetwork {
  run(spec: ContainerSpec): Container
  /** Runs a command of this machine in the network; returns what it prints. */
  outside(command: readonly string[]): string
}

/** `hosts`: name → address, of all of them. `gateway`: the address of the network itself, with its length. */
export async function openContainerNetwork(
  gateway: string,
  hosts: Readonly<Record<string, string>>,
): Promise<ContainerNetwork> {
  const bridge = `ip link set lo up && ip link add br0 type bridge && ip address add ${gateway} dev br0 && ip link set br0 up`
  const holder = spawn('unshare', ['--net', 'sh', '-c', `${bridge} && echo up && exec cat`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  atExit(() => holder.kill('SIGKILL'))
  const pid = String(holder.pid)
  const length = gateway.split('/')[1] ?? '24'
  const within = ['nsenter', '--target', pid, '--net']
  await once(holder.stdout, 'data')
  return {
    run: (spec) => runContainer(spec, { pid, length, hosts }),
    outside: ([program = '', ...args]) =>
      execFileSync('nsenter', [...within.slice(1), program, ...args], { encoding: 'utf8' }),
  }
}

function runContainer(
  spec: ContainerSpec,
  network: {
    readonly pid: string
    readonly length: string
    readonly hosts: Readonly<Record<string, string>>
  },
): Container {
  const folder = temporaryFolder()
  const skeleton = join(folder, 'skeleton')
  for (const { to } of spec.mounts) mkdirSync(join(skeleton, to), { recursive: true })
  mkdirSync(join(skeleton, 'etc'), { recursive: true })
  const lines = Object.entries(network.hosts).map(([name, address]) => `${address} ${name}\n`)
  writeFileSync(join(skeleton, 'etc/hosts'), `127.0.0.1 localhost\n${lines.join('')}`)
  if (spec.image === undefined) layOutSources(skeleton)
  const script = join(folder, 'run.sh')
  writeFileSync(script, scriptOf(spec, folder, network))
  let output = ''
  const child: ChildProcess = spawn('unshare', ['--net', 'sh', script, 'cable'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  /** The first process in it, with which all others end: 0 where there is none. */
  const first = (): number =>
    Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim())
  const end = (): void => {
    if (child.exitCode !== null || child.signalCode !== null) return
    // Its parent's death is not told to a process that has changed its user.
    const inner = first()
    if (inner > 0) process.kill(inner, 'SIGKILL')
    child.kill('SIGKILL')
  }
  atExit(end)
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += String(chunk)))
  return {
    output: () => output,
    exec(command) {
      const enter = ['--target', String(first()), '--net', '--mount', '--root', '--wd']
      const { status, stdout, stderr } = spawnSync(
        'nsenter',
        [...enter, ...asUser(spec), ...command],
        { encoding: 'utf8' },
      )
      return { code: status ?? 255, said: `${stdout}${stderr}`.trim() }
    },
    end,
  }
}

/** The command and the Node of this checkout. */
function layOutSources(skeleton: string): void {
  mkdirSync(join(skeleton, 'usr/local/bin'), { recursive: true })
  const program = join(skeleton, 'usr/local/bin/mxsteer')
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${process.execPath}' '${projectFolder}/src/main.ts' "$@"\n`,
  )
  chmodSync(program, 0o755)
  symlinkSync(process.execPath, join(skeleton, 'usr/local/bin/node'))
}

/** env and setpriv with what the container has. */
const asUser = ({ uid, env }: ContainerSpec): readonly string[] => [
  '/usr/bin/env',
  '-i',
  'PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin',
  ...Object.entries(env).map(([key, value]) => `${key}=${value}`),
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${uid}`,
  '--clear-groups',
  '--inh-caps=-all',
  '--bounding-set=-all',
  '--no-new-privs',
]

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

function scriptOf(
  spec: ContainerSpec,
  folder: string,
  { pid, length }: { readonly pid: string; readonly length: string },
): string {
  const root = `${folder}/root`
  const mounts = spec.mounts.flatMap(({ from, to, isReadOnly }) => [
    `mount --bind ${quoted(from)} ${quoted(root + to)}`,
    ...(isReadOnly ? [`mount -o remount,bind,ro ${quoted(root + to)}`] : []),
  ])
  // A cable to the network comes first: in a name space of processes of its own the network's holder has no number.
  return `set -e
if [ "$1" = cable ]; then
  ip link set lo up
  # As engines have it: a user may listen at port 53 of its own network.
  echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
  ip link add eth0 type veth peer name ${spec.name} netns ${pid}
  nsenter --target ${pid} --net ip link set dev ${spec.name} master br0 up
  ip address add ${spec.address}/${length} dev eth0
  ip link set eth0 up
  exec unshare --mount --pid --fork --kill-child sh "$0" contained
fi
# In memory, since layers of an overlay may not lie in each other.
mkdir ${root} ${folder}/memory
mount -t tmpfs tmpfs ${folder}/memory
cp -a ${folder}/skeleton ${folder}/memory/
mount -t overlay overlay -o ${quoted(`lowerdir=${folder}/memory/skeleton:${spec.image ?? '/'}`)} ${root}
mount --rbind /dev ${root}/dev
mount -t proc proc ${root}/proc
${spec.image === undefined ? `mount --rbind ${quoted(projectFolder)} ${quoted(root + projectFolder)}` : ''}
${mounts.join('\n')}
cd ${root}
exec chroot . ${asUser(spec).map(quoted).join(' ')} sh -c ${quoted(`cd ${spec.workingDir ?? '/'} && exec "$@"`)} sh ${spec.command.map(quoted).join(' ')}
`
}
