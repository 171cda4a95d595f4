// A Debian of its own in namespaces: made by debootstrap out of the mirror that apt has here, booted with its own systemd,
// its root an overlay in memory, and one cable to the namespace of networks that it is asked from.

import { execFile, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { atExit } from './at-exit.ts'
import { projectFolder, temporaryFolder } from './server.ts'
import { until } from './wait.ts'

export interface Ran {
  readonly code: number
  /** Standard output and standard error, without white space around them. */
  readonly said: string
}

/** Addresses of the box and of who asks it. */
export const boxAddress = '192.0.2.53'
export const outsideAddress = '192.0.2.1'

export interface DebianBox {
  /** Runs a command of sh in the box, as root, in `/`. */
  run(command: string): Promise<Ran>
  /** Runs a command of sh of this machine in the namespace of networks at the other end of the cable. */
  outside(command: string): Promise<Ran>
  /** Files and links that were written in the box and are there still, but for logs, caches and what lists packages and users. */
  written(): readonly string[]
  stop(): void
}

/** What the boxes of all tests have beside a minimal system. */
const packages = ['systemd', 'systemd-sysv', 'iproute2', 'mandoc', 'bash-completion', 'curl']

/**
 * A folder with Debian 12 and systemd that nobody may write to: lay something over it, or copy it. It takes a minute or
 * more the first time; later ones, and tests beside it, have the same.
 */
export function debianRoot(): string {
  const folder = join(projectFolder, 'node_modules/.cache/debian-box')
  const root = join(
    folder,
    createHash('sha256')
      .update(make + packages.join())
      .digest('hex')
      .slice(0, 16),
  )
  if (existsSync(root)) return root
  mkdirSync(folder, { recursive: true })
  const words = [
    `${root}.lock`,
    'sh',
    '-c',
    make,
    'make',
    root,
    packages.join(','),
    ...mirrorOfApt(),
  ]
  execFileSync('flock', words, { stdio: ['ignore', 'ignore', 'inherit'] })
  return root
}

/** Makes the folder $1 whole or not at all. The links: what a container must not do to the machine that it is on. */
const make = `
set -e
[ ! -d "$1" ] || exit 0
rm -rf "$1.new"
debootstrap --variant=minbase --include="$2" "$3" "$1.new" "$4"
for unit in systemd-sysctl.service systemd-modules-load.service systemd-udevd.service systemd-logind.service systemd-journald-audit.socket; do
  ln -sf /dev/null "$1.new/etc/systemd/system/$unit"
done
mv "$1.new" "$1"
`

/** The suite and the address of the first mirror of this machine that has packages of Debian 12. */
function mirrorOfApt(): readonly [string, string] {
  const form = ['--format', '$(CODENAME) $(REPO_URI)', 'Created-By: Packages']
  const rows = execFileSync('apt-get', ['indextargets', ...form], { encoding: 'utf8' }).split('\n')
  const row = rows.find((one) => one.startsWith('bookworm '))
  const [suite, mirror] = row?.split(' ') ?? []
  if (suite === undefined || mirror === undefined) throw new Error('apt has no mirror of Debian 12')
  return [suite, mirror]
}

/** `shared`: a folder of this machine that the box has at /packages. */
export async function startDebianBox(shared: string): Promise<DebianBox> {
  const root = debianRoot()
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'hold.sh'), hold)
  writeFileSync(join(folder, 'init.sh'), init)
  const holder = spawn(
    'unshare',
    ['--mount', '--net', 'sh', join(folder, 'hold.sh'), root, shared, folder],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const holderPid = String(holder.pid)
  let init1 = ''
  await until(
    () => {
      init1 = childOf(childOf(holderPid))
      return init1 !== ''
    },
    { what: 'the first process of the box', withinMs: 30_000 },
  )
  const inBox = (command: string): Promise<Ran> =>
    runIn(['--target', init1, '--all', '/usr/bin/env', '-i', ...environment, 'sh', '-c', command])
  const outside = (command: string): Promise<Ran> =>
    runIn(['--target', holderPid, '--net', '--mount', 'sh', '-c', command])
  const stop = (): void => {
    if (holder.exitCode === null && holder.signalCode === null)
      process.kill(Number(init1), 'SIGKILL')
  }
  atExit(stop)
  await until(async () => (await inBox('systemctl is-system-running')).said === 'running', {
    what: 'the box',
    withinMs: 120_000,
  })
  const cable = [
    `ip link add outside0 type veth peer name inside0 netns ${init1}`,
    `ip address add ${outsideAddress}/24 dev outside0`,
    'ip link set outside0 up',
  ]
  await must(outside(cable.join(' && ')))
  await must(
    inBox(
      `ip address add ${boxAddress}/24 dev inside0 && ip link set lo up && ip link set inside0 up`,
    ),
  )
  return { run: inBox, outside, written: () => writtenIn(holderPid, folder), stop }
}

const environment = [
  'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'DEBIAN_FRONTEND=noninteractive',
  'LC_ALL=C',
  'HOME=/root',
]

async function must(running: Promise<Ran>): Promise<void> {
  const { code, said } = await running
  if (code !== 0) throw new Error(said)
}

const runIn = (args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile('nsenter', args, { cwd: '/', maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : Number(error.code ?? 255),
        said: `${stdout}${stderr}`.trim(),
      }),
    )
  })

/** The first child of a process; empty: it has none. */
function childOf(pid: string): string {
  if (pid === '') return ''
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0] ?? ''
  } catch {
    return ''
  }
}

const notOwn =
  /^\/(?:var\/(?:lib\/(?:dpkg|systemd|apt)|log|cache|tmp)\/|etc\/(?:machine-id|resolv\.conf|ld\.so\.cache|(?:passwd|group|shadow|gshadow|subuid|subgid|\.pwd\.lock)-?$))/

function writtenIn(holderPid: string, folder: string): readonly string[] {
  const find = [
    'find',
    `${folder}/memory/upper`,
    '(',
    '-type',
    'f',
    '-o',
    '-type',
    'l',
    ')',
    '-printf',
    '/%P\\n',
  ]
  const listed = execFileSync('nsenter', ['--target', holderPid, '--mount', ...find], {
    encoding: 'utf8',
  })
  return listed
    .split('\n')
    .filter((path) => path !== '' && !notOwn.test(path))
    .sort()
}

/**
 * Holds the namespaces that the box is asked from; its only child is the one that holds those of the box. The box has a
 * control group of its own: two systemds in one would take each other's processes for their own.
 */
const hold = `
set -e
root=$1 shared=$2 folder=$3
ip link set lo up
mkdir "$folder/memory"
mount -t tmpfs tmpfs "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work" "$folder/memory/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$folder/memory/upper,workdir=$folder/memory/work" "$folder/memory/root"
exec 3>&- </dev/null
mkdir "$folder/groups"
mount -t cgroup2 cgroup2 "$folder/groups"
above=$folder/groups$(sed -n 's/^0:://p' /proc/self/cgroup)
group=$above/mxsteer-box-$$
mkdir "$group"
echo $$ >"$group/cgroup.procs"
unshare --net --pid --uts --ipc --cgroup --mount --fork --kill-child sh "$folder/init.sh" "$folder/memory/root" "$shared" || true
echo $$ >"$above/cgroup.procs"
find "$group" -depth -type d -exec rmdir {} +
`

const init = `
set -e
cd "$1"
mkdir -p packages
mount --bind "$2" packages
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
for device in null zero full random urandom tty; do touch "/$PWD/run/$device"; mount --bind "/dev/$device" "run/$device"; done
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch "dev/$device"; mount --move "run/$device" "dev/$device"; rm "run/$device"; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
hostname box
pivot_root . mnt
cd /
umount -l /mnt
# As systemd has it on a machine: what it mounts for a unit is seen by that unit.
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null </dev/null >/dev/null 2>&1
`
