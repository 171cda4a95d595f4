// What `npm run package` makes, installed: the .deb in a copy of this system's root, in namespaces of its own, and what
// npm installs in a folder of its own.

import { execFile, execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { beforeAll, describe, expect, test } from 'vitest'

import { brokenLinks } from '../support/broken-links.ts'
import { projectFolder, temporaryFolder } from '../support/server.ts'

const folder = temporaryFolder()
const unpacked = join(temporaryFolder(), 'root')
const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
  version: string
}
const newer = `${version}+next1`
const zone = `
zone: packed.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1] }
  mx2: { addresses: [192.0.2.2] }
pools:
  all: { targets: [mx1, mx2] }
steering:
  in: [{ pools: [all] }]
records:
  "@": { NS: [ns1], MX: { steer: in } }
  ns1: { A: 192.0.2.53 }
`

interface Ran {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

const run = (command: string, ...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const options = { maxBuffer: 2 ** 26, cwd: projectFolder }
    execFile(command, args, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr }),
    )
  })

async function mustRun(command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, ...args)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${code}\n${stdout}${stderr}`)
  return stdout
}

beforeAll(async () => {
  await mustRun('npm', 'run', '--silent', 'package', '--', '--out', folder)
  // The same as a later version.
  const first = debOf(version)
  execFileSync('dpkg-deb', ['-R', first, unpacked])
  const control = join(unpacked, 'DEBIAN', 'control')
  const text = readFileSync(control, 'utf8').replace(`Version: ${version}`, `Version: ${newer}`)
  writeFileSync(control, text)
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', unpacked, debOf(newer)])
  writeFileSync(join(folder, 'packed.yaml'), zone)
})

const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
const debOf = (of: string): string => join(folder, `mxsteer_${of}_${architecture}.deb`)

describe('the .deb', () => {
  // What the unit of systemd gives it: the user, port 53 and nothing else of root's.
  const serve = `setpriv --reuid mxsteer --regid mxsteer --init-groups --inh-caps=-all,+net_bind_service \\
    --ambient-caps=+net_bind_service --bounding-set=-all,+net_bind_service --no-new-privs mxsteer serve`
  const ask = `dig +short +tries=1 +time=5 @127.0.0.1 packed.example.test MX`
  const within = (what: string): string =>
    `for i in $(seq 600); do ${what} >/dev/null 2>&1 && break; sleep 0.1; done; ${what}`

  const standIn = `#!/bin/sh
case "$*" in
  *is-active*) pgrep -u mxsteer >/dev/null ;;
  *MainPID*) if kill -0 "$(cat /tmp/pid)"; then cat /tmp/pid; else pgrep -u mxsteer -f -- --take-over; fi ;;
esac
`

  const installNewer = `dpkg -i /packages/${debOf(newer).split('/').at(-1)}`

  /** Each step's output, by name; the walk of an operator. */
  const steps = {
    install: `dpkg -i /packages/${debOf(version).split('/').at(-1)}`,
    version: 'mxsteer --version',
    manual: 'zcat /usr/share/man/man1/mxsteer-check.1.gz | mandoc -Tascii | col -b',
    completion: `bash -c 'source /usr/share/bash-completion/completions/mxsteer && complete -p mxsteer'`,
    check:
      'cp /packages/packed.yaml /etc/mxsteer/zones/ && env -i PATH=/usr/bin:/bin mxsteer check /etc/mxsteer/zones',
    settings: 'echo "# mine" >> /etc/mxsteer/mxsteer.yaml',
    serve: `cd / && (${serve} >/tmp/first.log 2>&1 & echo $! >/tmp/pid); ${within('mxsteer health')}`,
    who: 'ps -o user:32= -p "$(cat /tmp/pid)"',
    ask,
    drain: 'cd / && mxsteer drain mx1 --for 1h --yes',
    // Whether a unit runs, and the process that it is, as systemd would know them.
    systemd: `mkdir -p /run/systemd/system && install -m 755 /packages/systemctl /usr/local/bin/systemctl`,
    'upgrade with a mistake': `echo 'zone: [' >/etc/mxsteer/zones/bad.yaml && ${installNewer}`,
    'the old one goes on': `kill -0 "$(cat /tmp/pid)" && ${ask} && rm /etc/mxsteer/zones/bad.yaml`,
    upgrade: installNewer,
    'taken over': `pgrep -u mxsteer -f -- --take-over >/tmp/new && test "$(cat /tmp/new)" != "$(cat /tmp/pid)" &&
      ${within('! kill -0 "$(cat /tmp/pid)"')} && mv /tmp/new /tmp/pid && rm -r /run/systemd/system /usr/local/bin/systemctl`,
    kept: 'tail -n 1 /etc/mxsteer/mxsteer.yaml',
    'ask after the upgrade': ask,
    restart: `cd / && kill "$(cat /tmp/pid)" && while kill -0 "$(cat /tmp/pid)" 2>/dev/null; do sleep 0.1; done
      (${serve} >/tmp/second.log 2>&1 & echo $! >/tmp/pid); ${within('mxsteer health')}`,
    'drain is kept': `${within('mxsteer targets --json | grep -q drain')} && echo kept`,
    stop: 'kill "$(cat /tmp/pid)" && while kill -0 "$(cat /tmp/pid)" 2>/dev/null; do sleep 0.1; done',
    remove: 'dpkg -r mxsteer && ls /etc/mxsteer /var/lib/mxsteer',
    purge: 'dpkg -P mxsteer',
  } as const
  const outputs = new Map<string, Ran>()
  let left: readonly string[] = []

  beforeAll(async () => {
    const systemctl = join(folder, 'systemctl')
    writeFileSync(systemctl, standIn)
    const script = join(folder, 'walk.sh')
    writeFileSync(script, walk(steps))
    const namespaces = ['--mount', '--net', '--pid', '--fork']
    const said = await mustRun('unshare', ...namespaces, 'sh', script, folder)
    for (const part of said.split('\n=== ').slice(1)) {
      const [head = '', ...lines] = part.split('\n')
      const [, name = '', code] = /^(.*) (\d+)$/.exec(head) ?? []
      outputs.set(name, { code: Number(code), stdout: lines.join('\n').trim(), stderr: '' })
    }
    left = (outputs.get('left')?.stdout ?? '').split('\n').filter((line) => line !== '')
  })

  test.each(Object.keys(steps))('%s', (name) => {
    expect(outputs.get(name)).toMatchObject({ code: 0 })
  })

  test('does what was asked for', () => {
    const said = (name: keyof typeof steps): string => outputs.get(name)?.stdout ?? ''
    expect(said('install')).toContain('systemctl enable --now mxsteer')
    expect(said('version')).toBe(`mxsteer ${version}`)
    expect(said('manual')).toContain('mxsteer check')
    expect(said('completion')).toContain('_mxsteer')
    expect(said('check')).toContain('1 zone, no mistakes')
    expect(said('who')).toBe('mxsteer')
    expect(said('ask').split('\n').sort()).toHaveLength(2)
    expect(said('ask after the upgrade').split('\n')).toHaveLength(1)
    expect(said('upgrade with a mistake')).toContain('did not take over, and the old one goes on')
    expect(said('upgrade')).not.toContain('did not take over')
    expect(said('kept')).toBe('# mine')
    expect(said('drain is kept')).toContain('kept')
    expect(said('remove')).toContain('mxsteer.yaml')
  })

  test('has pages that find each other', () => {
    const docs = join(unpacked, 'usr/share/doc/mxsteer/')
    expect(readdirSync(join(docs, 'docs')).length).toBeGreaterThan(5)
    expect(brokenLinks(pathToFileURL(docs))).toEqual([])
  })

  test('leaves behind what is not its own, and nothing else', () => {
    expect(left).toEqual(['/etc/mxsteer/zones/packed.yaml'])
  })
})

/**
 * Runs each step in a copy of the root, which is an overlay in memory; prints `=== STEP CODE` and its output after it. At
 * last the files that were written and are still there, but for the package manager's own and the list of users.
 */
const walk = (steps: Readonly<Record<string, string>>): string => `
set -e
packages=$1
ip link set lo up
copy=$(mktemp -d)
mount -t tmpfs tmpfs "$copy"
mkdir "$copy/upper" "$copy/work" "$copy/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$copy/upper,workdir=$copy/work" "$copy/root"
mount --bind /dev "$copy/root/dev"
mount -t proc proc "$copy/root/proc"
mount -t tmpfs tmpfs "$copy/root/run"
mount -t tmpfs -o mode=1777 tmpfs "$copy/root/tmp"
mkdir "$copy/root/packages"
mount --bind "$packages" "$copy/root/packages"
cat >"$copy/root/run/steps.sh" <<'STEPS'
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset NODE_COMPILE_CACHE MXSTEER_CONFIG
step() { name=$1; shift; sh -c "$1" >/run/output 2>&1; code=$?; echo; echo "=== $name $code"; cat /run/output; }
${Object.entries(steps)
  .map(([name, command]) => `step '${name}' '${command.replaceAll("'", "'\\''")}'`)
  .join('\n')}
STEPS
chroot "$copy/root" sh /run/steps.sh
echo; echo '=== left 0'
cd "$copy/upper"
find . \\( -type f -o -type l \\) -printf '/%P\\n' | sort |
  grep -Ev '^/(var/(lib/dpkg|log|cache)/|etc/(passwd|group|shadow|gshadow|subuid|subgid|\\.pwd\\.lock)-?$)' || true
echo; echo '=== end 0'
`

describe('what npm installs', () => {
  test('is what runs and nothing else, and checks zones', async () => {
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string
    const listed = execFileSync('tar', ['-tzf', join(folder, archive)], { encoding: 'utf8' })
    const tops = new Set(
      listed
        .trim()
        .split('\n')
        .map((path) => path.split('/')[1]),
    )
    expect(tops).toEqual(
      new Set(['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'package.json']),
    )
    const prefix = temporaryFolder()
    const flags = ['--prefix', prefix, '--omit=dev', '--no-audit', '--no-fund', '--silent']
    expect(await run('npm', 'install', ...flags, join(folder, archive))).toMatchObject({ code: 0 })
    const zones = join(prefix, 'zones')
    mkdirSync(zones)
    cpSync(join(folder, 'packed.yaml'), join(zones, 'packed.yaml'))
    const { code, stdout } = await run(join(prefix, 'node_modules/.bin/mxsteer'), 'check', zones)
    expect([code, stdout]).toEqual([0, expect.stringContaining('1 zone, no mistakes')])
  })

  test('comes with a list of what is in it', () => {
    const file = readdirSync(folder).find((name) => name.endsWith('.cdx.json')) as string
    const bill = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    expect(bill.metadata.component).toMatchObject({ name: 'mxsteer', version })
    const names = bill.components.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['ioredis', 'koffi', 'pino', 'yaml', 'zod']))
    expect(names).not.toContain('vitest')
  })
})
