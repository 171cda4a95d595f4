// What `npm run package` makes, installed: the .deb in a Debian of its own with its own systemd, as an operator does it, from
// a zone of BIND to a purge; and what npm installs, in another under the unit of deploy/ as it is. Asked from outside.

import { execFile, execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { brokenLinks } from '../support/broken-links.ts'
import { boxAddress, type DebianBox, type Ran, startDebianBox } from '../support/debian-box.ts'
import { npmFolder, npmSetting } from '../support/image.ts'
import { projectFolder, temporaryFolder } from '../support/server.ts'
import {
  walkAnswers,
  walkCommand,
  walkDomain,
  walkFile,
  walkQuestions,
  walkRecords,
} from '../support/walk-zone.ts'

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

const run = (command: string, ...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const options = { maxBuffer: 2 ** 26, cwd: projectFolder }
    execFile(command, args, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: `${stdout}${stderr}` }),
    )
  })

beforeAll(async () => {
  const flags = ['--out', folder, '--repository', 'git@git.example.org:mail/mxsteer.git']
  await must(run('npm', 'run', '--silent', 'package', '--', ...flags))
  // The same as a later version.
  const first = debOf(version)
  execFileSync('dpkg-deb', ['-R', first, unpacked])
  const control = join(unpacked, 'DEBIAN', 'control')
  const text = readFileSync(control, 'utf8').replace(`Version: ${version}`, `Version: ${newer}`)
  writeFileSync(control, text)
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', unpacked, debOf(newer)])
  writeFileSync(join(folder, 'packed.yaml'), zone)
  cpSync(walkFile, join(folder, `db.${walkDomain}`))
})

const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()
const debOf = (of: string): string => join(folder, `mxsteer_${of}_${architecture}.deb`)

/** What dig outside of the box gets for every name and type that the zone has. */
const digAll = async (box: DebianBox): Promise<readonly string[]> =>
  walkAnswers((await box.outside(walkCommand(boxAddress))).said)

const within = (what: string): string =>
  `for i in $(seq 600); do ${what} >/dev/null 2>&1 && break; sleep 0.1; done; ${what}`

async function must(ran: Promise<Ran>): Promise<string> {
  const { code, said } = await ran
  if (code !== 0) throw new Error(`exit code ${code}: ${said}`)
  return said
}

interface Asked {
  readonly asked: number
  readonly unanswered: number
}

/** Asks from outside, 200 times a second, until `act` is done. */
async function askedWhile(box: DebianBox, act: () => Promise<unknown>): Promise<Asked> {
  const stopFile = join(temporaryFolder(), 'stop')
  const asker = join(projectFolder, 'test/support/outside-asker.ts')
  const words = `${asker} ${boxAddress} packed.example.test ${stopFile}`
  const asking = box.outside(`'${process.execPath}' ${words}`)
  await act()
  writeFileSync(stopFile, '')
  return JSON.parse(await must(asking)) as Asked
}

/** What a process may do, as the kernel says. */
const restrictions = (unit: string): string =>
  `grep -hE '^(Uid|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' "/proc/$(systemctl show -P MainPID ${unit})/status"`
const onlyPort53 = ['CapBnd', 'CapAmb', 'CapEff'].map((set) => `${set}:\t0000000000000400`)

describe('the .deb', () => {
  let box: DebianBox
  const deb = (of: string): string => `/packages/${debOf(of).split('/').at(-1)}`
  const ask = (): Promise<string> =>
    must(box.outside(`dig +short +tries=1 +time=5 @${boxAddress} packed.example.test MX`))
  const mainPid = (): Promise<string> => must(box.run('systemctl show -P MainPID mxsteer'))
  const inBox = (command: string): Promise<string> => must(box.run(command))

  beforeAll(async () => {
    box = await startDebianBox(folder)
  })
  afterAll(() => box.stop())

  test('is installed by apt, which needs nothing from elsewhere, and starts nothing', async () => {
    expect(await inBox(`apt-get -qq -y install ${deb(version)}`)).toContain(
      'systemctl enable --now mxsteer',
    )
    expect(await inBox('cd / && mxsteer --version')).toBe(`mxsteer ${version}`)
    // Whatever else the box may have.
    const libraries = `ldd /usr/lib/mxsteer/node | awk '/=>/ { sub(".*/", "*/", $3); print $3 }'`
    const owners = (await inBox(`${libraries} | xargs dpkg -S`)).replaceAll(/:.*/g, '').split('\n')
    expect([...new Set(owners)].sort()).toEqual(['libc6', 'libgcc-s1', 'libstdc++6'])
    expect(await box.run('systemctl is-active mxsteer')).toMatchObject({ said: 'inactive' })
  })

  test('brings manual pages, completion, units that systemd reads, and its exposure is low', async () => {
    const page = 'zcat /usr/share/man/man1/mxsteer-check.1.gz | mandoc -Tascii | sed "s/.\\x08//g"'
    expect(await inBox(page)).toContain('mxsteer check')
    const complete = 'source /usr/share/bash-completion/completions/mxsteer && complete -p mxsteer'
    expect(await inBox(`bash -c '${complete}'`)).toContain('_mxsteer')
    const units = '/lib/systemd/system/mxsteer*.service /lib/systemd/system/mxsteer*.timer'
    expect(await inBox(`systemd-analyze verify --man=no ${units}`)).toBe('')
    const overall = await inBox('systemd-analyze security --no-pager mxsteer.service | tail -n 1')
    const [, exposure] = /for mxsteer\.service: ([\d.]+) OK/.exec(overall) ?? []
    expect(Number(exposure)).toBeLessThan(2.5)
  })

  test('serves a zone of BIND at port 53, every record of it as BIND has it', async () => {
    expect([
      walkRecords.length,
      new Set(walkQuestions.map((one) => one.split(' ')[1])).size,
    ]).toEqual([47, 19])
    await inBox(
      `mxsteer import /packages/db.${walkDomain} -o /etc/mxsteer/zones/${walkDomain}.yaml`,
    )
    await inBox('cp /packages/packed.yaml /etc/mxsteer/zones/')
    await inBox("sed -i 's/^listen:.*/listen: 0.0.0.0:53/' /etc/mxsteer/mxsteer.yaml")
    await inBox('echo "# mine" >>/etc/mxsteer/mxsteer.yaml')
    expect(await inBox('cd / && mxsteer check /etc/mxsteer/zones')).toContain(
      '2 zones, no mistakes',
    )
    await inBox('systemctl -q enable --now mxsteer')
    expect(await digAll(box)).toEqual(walkRecords)
    expect((await ask()).split('\n')).toHaveLength(2)
  })

  test('has one right of root, no other, and the state folder alone to write', async () => {
    expect(await inBox('stat -c %U "/proc/$(systemctl show -P MainPID mxsteer)"')).toBe('mxsteer')
    const kernel = (await inBox(restrictions('mxsteer'))).split('\n')
    expect(kernel).toEqual(expect.arrayContaining([...onlyPort53, 'NoNewPrivs:\t1', 'Seccomp:\t2']))
    const enter =
      'nsenter -m -t "$(systemctl show -P MainPID mxsteer)" setpriv --reuid mxsteer --clear-groups'
    expect(await inBox(`${enter} touch /var/lib/mxsteer/proof && rm /var/lib/mxsteer/proof`)).toBe(
      '',
    )
    for (const place of ['/etc/mxsteer/zones', '/usr', '/var/lib'])
      expect(await box.run(`${enter} touch ${place}/proof`)).toMatchObject({ code: 1 })
  })

  test('reads zones again at a reload, and starts again by itself when it is killed', async () => {
    await inBox('systemctl reload mxsteer')
    const before = await mainPid()
    await inBox(`kill -KILL ${before}`)
    await inBox(within('cd / && mxsteer health'))
    expect(await mainPid()).not.toBe(before)
    expect((await ask()).split('\n')).toHaveLength(2)
  })

  test('drains a target, which a restart keeps', async () => {
    await inBox('cd / && mxsteer drain mx1 --for 1h --yes')
    expect((await ask()).split('\n')).toHaveLength(1)
    await inBox('systemctl restart mxsteer')
    expect(await inBox(within('cd / && mxsteer targets --json'))).toContain('drain')
  })

  test('an upgrade with a mistake in a zone leaves the old one at work', async () => {
    const before = await mainPid()
    await inBox("echo 'zone: [' >/etc/mxsteer/zones/bad.yaml")
    expect(await inBox(`dpkg -i ${deb(newer)}`)).toContain(
      'did not take over, and the old one goes on',
    )
    expect(await mainPid()).toBe(before)
    expect((await ask()).split('\n')).toHaveLength(1)
    await inBox('rm /etc/mxsteer/zones/bad.yaml')
  })

  test('an upgrade under load leaves no question unanswered', async () => {
    const before = await mainPid()
    const { asked, unanswered } = await askedWhile(box, async () => {
      expect(await inBox(`dpkg -i ${deb(newer)}`)).not.toContain('did not take over')
      await inBox(within(`! kill -0 ${before}`))
    })
    expect(await mainPid()).not.toBe(before)
    expect(asked).toBeGreaterThan(100)
    expect(unanswered).toBe(0)
    expect(await inBox('systemctl is-active mxsteer')).toBe('active')
    expect(await inBox('tail -n 1 /etc/mxsteer/mxsteer.yaml')).toBe('# mine')
    expect(await digAll(box)).toEqual(walkRecords)
  })

  test('a purge leaves behind what is not its own, and nothing else', async () => {
    expect(await inBox('dpkg -r mxsteer 2>&1 && ls /etc/mxsteer')).toContain('mxsteer.yaml')
    await inBox('dpkg -P mxsteer')
    expect(await box.run('systemctl status mxsteer')).toMatchObject({ code: 4 })
    expect(box.written()).toEqual(
      ['packed', walkDomain].map((name) => `/etc/mxsteer/zones/${name}.yaml`),
    )
  })

  test('says where the project lives', () => {
    const field = execFileSync('dpkg-deb', ['-f', debOf(version), 'Homepage'], { encoding: 'utf8' })
    expect(field.trim()).toBe('https://git.example.org/mail/mxsteer')
  })

  test('has pages that find each other', () => {
    const docs = join(unpacked, 'usr/share/doc/mxsteer/')
    expect(readdirSync(join(docs, 'docs')).length).toBeGreaterThan(5)
    expect(brokenLinks(pathToFileURL(docs))).toEqual([])
  })
})

describe('deploy/mxsteer.service and deploy/mxsteer.socket, as they are, with what npm installs', () => {
  let box: DebianBox
  const inBox = (command: string): Promise<string> => must(box.run(command))
  const archiveOf = (of: string): string => `/packages/mxsteer-${of}.tgz`
  const npmFlags = `--offline --cache /packages/npm-cache --registry ${npmSetting('registry')} --no-audit --no-fund`
  const npm = (words: string): Promise<string> =>
    inBox(`node /packages/npm-program/bin/npm-cli.js ${words} ${npmFlags}`)

  beforeAll(async () => {
    const place = (file: string, as: string): void =>
      cpSync(join(projectFolder, file), join(folder, 'unit', as))
    mkdirSync(join(folder, 'unit'))
    for (const name of ['mxsteer.service', 'mxsteer.socket']) place(`deploy/${name}`, name)
    place('deploy/debian/sysusers.conf', 'sysusers.conf')
    place('node_modules/node/bin/node', 'node')
    cpSync(npmFolder(), join(folder, 'npm-program'), { recursive: true, verbatimSymlinks: true })
    await copyCache()
    writeNewerArchive()
    box = await startDebianBox(folder)
  })
  afterAll(() => box.stop())

  test('serve a zone of BIND at port 53 out of the sockets of systemd', async () => {
    await inBox('install -m 755 /packages/unit/node /usr/bin/node && mkdir -p /etc/mxsteer/zones')
    expect(
      await npm(`install --global --ignore-scripts --prefix /opt/npm ${archiveOf(version)}`),
    ).not.toMatch(/warn|deprecated/i)
    await inBox('ln -s /opt/npm/lib/node_modules/mxsteer /opt/mxsteer')
    await inBox('ln -s /opt/npm/bin/mxsteer /usr/local/bin/mxsteer')
    await inBox('systemd-sysusers /packages/unit/sysusers.conf')
    await inBox('cp /packages/unit/mxsteer.* /etc/systemd/system/ && systemctl daemon-reload')
    await inBox(
      `mxsteer import /packages/db.${walkDomain} -o /etc/mxsteer/zones/${walkDomain}.yaml`,
    )
    await inBox('cp /packages/packed.yaml /etc/mxsteer/zones/')
    const settings = "zones: /etc/mxsteer/zones\nlisten: [0.0.0.0:53, '[::]:53']\nlameduck: 0s\n"
    await inBox(`printf "${settings}" >/etc/mxsteer/mxsteer.yaml`)
    expect(await inBox('mxsteer check /etc/mxsteer/zones')).toContain('2 zones, no mistakes')
    await inBox('systemctl -q enable --now mxsteer.socket mxsteer.service')
    expect(await digAll(box)).toEqual(walkRecords)
  })

  test('give it one right of root and no other', async () => {
    const kernel = (await inBox(restrictions('mxsteer'))).split('\n')
    expect(kernel).toEqual(expect.arrayContaining([...onlyPort53, 'NoNewPrivs:\t1', 'Seccomp:\t2']))
  })

  test('drain, reload, and a restart under load leave no question unanswered', async () => {
    await inBox('cd /etc/mxsteer && mxsteer drain mx1 --for 1h --yes')
    await inBox('systemctl reload mxsteer')
    const before = await inBox('systemctl show -P MainPID mxsteer')
    const { asked, unanswered } = await askedWhile(box, () => inBox('systemctl restart mxsteer'))
    expect(await inBox('systemctl show -P MainPID mxsteer')).not.toBe(before)
    expect(asked).toBeGreaterThan(20)
    expect(unanswered).toBe(0)
    expect(await inBox('cd /etc/mxsteer && mxsteer targets --json')).toContain('drain')
    expect(await inBox('journalctl -q --no-pager -u mxsteer -p warning')).not.toContain('Failed')
  })

  test('an upgrade under load leaves no question unanswered', async () => {
    expect(await inBox('cd / && mxsteer --version')).toBe(`mxsteer ${version}`)
    const { asked, unanswered } = await askedWhile(box, async () => {
      await npm(`install --global --ignore-scripts --prefix /opt/npm ${archiveOf(newer)}`)
      await inBox('systemctl restart mxsteer')
    })
    expect(await inBox('cd / && mxsteer --version')).toBe(`mxsteer ${newer}`)
    expect(asked).toBeGreaterThan(100)
    expect(unanswered).toBe(0)
    expect(await digAll(box)).toEqual(walkRecords)
    expect(await inBox('cd /etc/mxsteer && mxsteer targets --json')).toContain('drain')
  })

  test('npm takes away all that it has brought', async () => {
    await inBox('systemctl -q disable --now mxsteer.socket mxsteer.service')
    await npm('uninstall --global --prefix /opt/npm mxsteer')
    expect(box.written().filter((path) => path.startsWith('/opt/npm/'))).toEqual([])
  })
})

const copies = 5

/**
 * The cache of npm with what the installation of this checkout has left in it, into `npm-cache/`, since the box reaches no registry.
 * Other tests install packages meanwhile, and npm writes files of its cache anew: a copy counts once npm has installed out of it.
 */
async function copyCache(): Promise<void> {
  const copy = join(folder, 'npm-cache')
  const from = ['--offline', '--cache', copy, '--no-audit', '--no-fund', '--ignore-scripts']
  let said = ''
  for (let i = 0; i < copies; i++) {
    rmSync(copy, { recursive: true, force: true })
    const copied = await run('cp', '-a', '--reflink=auto', npmSetting('cache'), copy)
    const prefix = ['--global', '--prefix', temporaryFolder()]
    const archive = join(folder, `mxsteer-${version}.tgz`)
    const installed = await run('npm', 'install', ...prefix, ...from, archive)
    if (copied.code === 0 && installed.code === 0) return
    said = `${copied.said}${installed.said}`
  }
  throw new Error(`no copy of npm's cache could be installed from: ${said}`)
}

/** The same as a later version, as npm takes it. */
function writeNewerArchive(): void {
  const beside = temporaryFolder()
  execFileSync('tar', ['-xzf', join(folder, `mxsteer-${version}.tgz`), '-C', beside])
  const file = join(beside, 'package', 'package.json')
  const shown = readFileSync(file, 'utf8')
  writeFileSync(file, shown.replace(`"version": "${version}"`, `"version": "${newer}"`))
  execFileSync('tar', ['-czf', join(folder, `mxsteer-${newer}.tgz`), '-C', beside, 'package'])
}

/** With what it needs, into `npm/` of the folder that boxes share. */
async function installByNpm(): Promise<void> {
  const archive = `mxsteer-${version}.tgz`
  const flags = ['--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', '--silent']
  mkdirSync(join(folder, 'npm'), { recursive: true })
  const prefix = ['--prefix', join(folder, 'npm')]
  await must(run('npm', 'install', ...prefix, ...flags, join(folder, archive)))
}

describe('what npm installs', () => {
  beforeAll(installByNpm)

  test('is what runs and nothing else, and checks zones', async () => {
    const archive = `mxsteer-${version}.tgz`
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
    const shown = execFileSync('tar', ['-xzOf', join(folder, archive), 'package/package.json'])
    expect(JSON.parse(String(shown))).not.toHaveProperty('scripts')
    expect(JSON.parse(String(shown))).toMatchObject({
      name: 'mxsteer',
      repository: { type: 'git', url: 'git+https://git.example.org/mail/mxsteer.git' },
    })
    const prefix = join(folder, 'npm')
    const zones = join(prefix, 'zones')
    mkdirSync(zones)
    cpSync(join(folder, 'packed.yaml'), join(zones, 'packed.yaml'))
    const { code, said } = await run(join(prefix, 'node_modules/.bin/mxsteer'), 'check', zones)
    expect([code, said]).toEqual([0, expect.stringContaining('1 zone, no mistakes')])
  })

  test('comes with a list of what is in it', () => {
    const file = readdirSync(folder).find((name) => name.endsWith('.cdx.json')) as string
    const bill = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    expect(bill.metadata.component).toMatchObject({
      name: 'mxsteer',
      version,
      externalReferences: [{ type: 'vcs', url: 'git+https://git.example.org/mail/mxsteer.git' }],
    })
    const names = bill.components.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['ioredis', 'koffi', 'pino', 'yaml', 'zod']))
    expect(names).not.toContain('vitest')
  })
})
