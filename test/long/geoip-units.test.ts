// The units of deploy/systemd in a Debian with its own systemd, and a site that has what DB-IP, IPinfo and MaxMind have: what is good
// comes into place, what is refused, cut short or has no room leaves the one before, and systemd shows the unit as failed.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { type DebianBox, outsideAddress, startDebianBox } from '../support/debian-box.ts'
import { asnOf, cityOf, mmdbFile } from '../support/mmdb-writer.ts'
import type { SiteAnswers } from '../support/outside-site.ts'
import { mainFile, projectFolder, temporaryFolder } from '../support/server.ts'

const shared = temporaryFolder()
const site = join(shared, 'site')
const port = 8080
const token = 'token-of-this-test'
const login = '1234:license_of_this_test'

const country = mmdbFile([['11.0.0.0/8', cityOf('DE', 'EU')]], { type: 'GeoLite2-Country' })
const asn = mmdbFile([['11.0.0.0/8', asnOf(64_500)]], { type: 'GeoLite2-ASN' })
const lite = mmdbFile([['11.0.0.0/8', { country_code: 'CA', asn: 'AS64501' }]], { type: 'ipinfo' })

/** As MaxMind has it: a folder with the day of the database, and what else is in it. */
function archiveOf(name: string, octets: Buffer): Buffer {
  const folder = temporaryFolder()
  const inside = `${name}_20261127`
  mkdirSync(join(folder, inside))
  writeFileSync(join(folder, inside, 'LICENSE.txt'), 'of the one that made it\n')
  writeFileSync(join(folder, inside, `${name}.mmdb`), octets)
  return execFileSync('tar', ['-czf', '-', '-C', folder, inside])
}

const day = new Date()
const month = day.toISOString().slice(0, 7)

interface Source {
  readonly name: 'dbip' | 'ipinfo' | 'maxmind'
  readonly country: Buffer
  readonly asn: Buffer
  /** Path → what is there. */
  readonly files: Readonly<Record<string, Buffer>>
  readonly login?: string
}
const sources: readonly Source[] = [
  {
    name: 'dbip',
    country,
    asn,
    files: {
      [`/dbip-country-lite-${month}.mmdb.gz`]: gzipSync(country),
      [`/dbip-asn-lite-${month}.mmdb.gz`]: gzipSync(asn),
    },
  },
  {
    name: 'ipinfo',
    country: lite,
    asn: lite,
    files: { [`/ipinfo_lite.mmdb?token=${token}`]: lite },
  },
  {
    name: 'maxmind',
    country,
    asn,
    files: {
      '/GeoLite2-Country/download?suffix=tar.gz': archiveOf('GeoLite2-Country', country),
      '/GeoLite2-ASN/download?suffix=tar.gz': archiveOf('GeoLite2-ASN', asn),
    },
    login,
  },
]

/** The site has these, and nothing else. */
function offer(files: Readonly<Record<string, Buffer>>, asked?: string): void {
  const answers: Record<string, SiteAnswers[string]> = {}
  for (const [i, [path, octets]] of Object.entries(files).entries()) {
    writeFileSync(join(site, `file${i}`), octets)
    answers[path] = { file: `file${i}`, ...(asked === undefined ? {} : { login: asked }) }
  }
  writeFileSync(join(site, 'answers.json'), JSON.stringify(answers))
}

let box: DebianBox
const inBox = async (command: string): Promise<string> => {
  const { code, said } = await box.run(command)
  if (code !== 0) throw new Error(`exit code ${code}: ${said}`)
  return said
}

const install = `
set -e
install -m 755 /packages/node /usr/bin/node
cp -r /packages/mxsteer /opt/mxsteer
ln -s /opt/mxsteer/bin/mxsteer.cjs /usr/bin/mxsteer
install -D -m 755 /packages/units/mxsteer-geoip-fetch /usr/lib/mxsteer/mxsteer-geoip-fetch
cp -r /packages/units/mxsteer-geoip@* /etc/systemd/system/
systemd-sysusers /packages/sysusers.conf
mkdir -p /etc/mxsteer /etc/systemd/system/mxsteer-geoip@.service.d
(umask 077; echo '${token}' >/etc/mxsteer/ipinfo-token; printf 'AccountID 1234\\nLicenseKey license_of_this_test\\nEditionIDs GeoLite2-Country\\n' >/etc/GeoIP.conf)
printf '[Service]\\nEnvironment=DBIP_URL=%s IPINFO_URL=%s MAXMIND_URL=%s\\n' $URL $URL $URL >/etc/systemd/system/mxsteer-geoip@.service.d/site.conf
systemctl daemon-reload
`

beforeAll(async () => {
  mkdirSync(site)
  mkdirSync(join(shared, 'mxsteer'))
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(dirname(mainFile), '..', part), join(shared, 'mxsteer', part), { recursive: true })
  cpSync(join(projectFolder, 'deploy/systemd'), join(shared, 'units'), { recursive: true })
  cpSync(join(projectFolder, 'deploy/debian/sysusers.conf'), join(shared, 'sysusers.conf'))
  cpSync(join(projectFolder, 'node_modules/node/bin/node'), join(shared, 'node'))
  box = await startDebianBox(shared)
  const script = join(projectFolder, 'test/support/outside-site.ts')
  const words = `${outsideAddress} ${port} ${site}`
  await box.outside(
    `'${process.execPath}' ${script} ${words} >${site}/log 2>&1 & for i in $(seq 300); do grep -q ready ${site}/log && break; sleep 0.1; done`,
  )
  await inBox(install.replaceAll('$URL', `http://${outsideAddress}:${port}`))
})
afterAll(async () => {
  await box.outside(`curl -s http://${outsideAddress}:${port}/stop`)
  box.stop()
})

const sums = (): Promise<string> =>
  inBox('cd /var/lib/mxsteer-geoip && sha256sum country.mmdb asn.mmdb | cut -c1-64')
const sumsOf = (...files: readonly Buffer[]): string =>
  files.map((octets) => createHash('sha256').update(octets).digest('hex')).join('\n')
const unitOf = ({ name }: Source): string => `mxsteer-geoip@${name}.service`
const leftovers = (): Promise<string> =>
  inBox('find /var/lib/mxsteer-geoip -mindepth 1 ! -name country.mmdb ! -name asn.mmdb')

/** What a unit has printed since the box began. */
const journalOf = (source: Source): Promise<string> =>
  inBox(`journalctl -q --no-pager -o cat -u ${unitOf(source)}`)

describe.each(sources)('mxsteer-geoip@$name', (source) => {
  const before = mmdbFile([['12.0.0.0/8', cityOf('FR', 'EU')]], { type: 'before' })

  beforeEach(async () => {
    writeFileSync(join(shared, 'before.mmdb'), before)
    // A timer that saw the clock of the machine jump may have started it once more.
    await inBox(`systemctl stop mxsteer-geoip@${source.name}.timer ${unitOf(source)}`)
    await inBox(`systemctl reset-failed '${unitOf(source)}' || true`)
    const place =
      'install -D -o mxsteer -g mxsteer -m 644 /packages/before.mmdb /var/lib/mxsteer-geoip'
    await inBox(
      `mkdir -p /var/lib/mxsteer-geoip && chown mxsteer:mxsteer /var/lib/mxsteer-geoip && ${place}/country.mmdb && ${place}/asn.mmdb`,
    )
  })

  const failsSaying = async (words: string): Promise<void> => {
    expect((await box.run(`systemctl start ${unitOf(source)}`)).code).toBe(1)
    expect(await inBox('systemctl --failed --plain --no-legend')).toContain(unitOf(source))
    expect(await journalOf(source)).toContain(words)
    expect(await sums()).toBe(sumsOf(before, before))
    expect(await leftovers()).toBe('')
  }

  test('its timer brings both databases into place', async () => {
    offer(source.files, source.login)
    const timer = `mxsteer-geoip@${source.name}.timer`
    const calendar = await inBox(`systemctl show -P TimersCalendar ${timer}`)
    expect(calendar.match(/OnCalendar=/g)).toHaveLength(1)
    expect(calendar).toContain(`OnCalendar=${source.name === 'dbip' ? '*-*-03' : 'Mon *-*-*'}`)
    const now = '[Timer]\\nOnActiveSec=1ms\\nRandomizedDelaySec=0\\nAccuracySec=1us\\n'
    await inBox(
      `mkdir -p /run/systemd/system/${timer}.d && printf '${now}' >/run/systemd/system/${timer}.d/now.conf && systemctl daemon-reload`,
    )
    await inBox(`systemctl -q enable --now ${timer}`)
    const done = `[ "$(systemctl show -P ActiveState ${unitOf(source)})" = inactive ] && systemctl show -P ExecMainStartTimestamp ${unitOf(source)} | grep -q .`
    await inBox(`for i in $(seq 600); do ${done} && break; sleep 0.1; done; ${done}`)
    expect(await journalOf(source)).not.toMatch(/error|denied|token-of|license_of/i)
    expect(await inBox(`systemctl show -P Result ${unitOf(source)}`)).toBe('success')
    expect(await sums()).toBe(sumsOf(source.country, source.asn))
    expect(await inBox('stat -c "%a %U" /var/lib/mxsteer-geoip/*.mmdb | sort -u')).toBe(
      '644 mxsteer',
    )
    expect(await leftovers()).toBe('')
    await inBox(`systemctl -q disable --now ${timer}`)
  })

  test('what is refused with 401 leaves the ones before', async () => {
    offer(source.files, 'of:another')
    await failsSaying('401')
    expect(await journalOf(source)).not.toMatch(/token-of|license_of/)
  })

  test('what is cut short leaves the ones before', async () => {
    const cut = Object.entries(source.files).map(([path, octets]) => [
      path,
      octets.subarray(0, octets.length / 2),
    ])
    offer(Object.fromEntries(cut) as Source['files'], source.login)
    await failsSaying('mxsteer geoip: as country database')
    expect(await journalOf(source)).not.toMatch(/token-of|license_of/)
  })

  test('a disk without room leaves the ones before', async () => {
    offer(source.files, source.login)
    const full = [
      'mkdir -p /run/kept && cp -a /var/lib/mxsteer-geoip/. /run/kept/',
      'mount -t tmpfs -o size=32k,mode=755 tmpfs /var/lib/mxsteer-geoip',
      'chown mxsteer:mxsteer /var/lib/mxsteer-geoip',
      'cp -a /run/kept/. /var/lib/mxsteer-geoip/',
      '{ dd if=/dev/zero of=/var/lib/mxsteer-geoip/asn.mmdb.full bs=1k 2>/dev/null || true; }',
    ]
    await inBox(full.join(' && '))
    try {
      expect((await box.run(`systemctl start ${unitOf(source)}`)).code).toBe(1)
      expect(await inBox('systemctl --failed --plain --no-legend')).toContain(unitOf(source))
      expect((await journalOf(source)).split('\n').at(-1)).toMatch(
        /^curl: \(23\) Fail.*|No space left on device$/m,
      )
      expect(await sums()).toBe(sumsOf(before, before))
    } finally {
      await inBox('umount /var/lib/mxsteer-geoip')
    }
  })
})

test('an instance of a name that nothing here knows fails, and says which there are', async () => {
  expect((await box.run('systemctl start mxsteer-geoip@nobody.service')).code).toBe(1)
  expect(await inBox('journalctl -q --no-pager -o cat -u mxsteer-geoip@nobody.service')).toContain(
    'usage: mxsteer-geoip-fetch dbip|ipinfo|maxmind',
  )
})

test('systemd finds nothing to say of them', async () => {
  const units = sources.map(({ name }) => `mxsteer-geoip@${name}`)
  const files = units.flatMap((name) => [`${name}.service`, `${name}.timer`]).join(' ')
  expect(await inBox(`systemd-analyze verify --man=no ${files}`)).toBe('')
  expect(readFileSync(join(site, 'asked'), 'utf8')).toContain('/dbip-country-lite-')
})
