// Sources of probes and how many there may be at once, from the settings file and the environment.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { loadSettings, type Settings, type SettingsInput } from '../../src/settings/settings.ts'
import { formatDiagnostics } from '../../src/zonefile/diagnostic.ts'
import { temporaryFolder } from '../support/server.ts'

const folder = temporaryFolder()
let files = 0
function file(text: string): string {
  const name = join(folder, `settings-${files++}.yaml`)
  writeFileSync(name, text)
  return name
}

const load = (input: Partial<SettingsInput>) =>
  loadSettings({ flags: {}, env: {}, host: { name: 'h', parallelism: 1 }, ...input })

async function settings(input: Partial<SettingsInput>): Promise<Settings> {
  const loaded = await load(input)
  if (loaded.kind === 'rejected') throw new Error(formatDiagnostics(loaded.diagnostics))
  return loaded.settings
}

/** Each as `FILE LINE:COLUMN CODE MESSAGE`. */
async function diagnostics(input: Partial<SettingsInput>): Promise<string[]> {
  const loaded = await load(input)
  const found = loaded.kind === 'rejected' ? loaded.diagnostics : loaded.warnings
  return found.map(
    ({ file, line, column, code, message }) =>
      `${file.replace(/.*\//, '')} ${line}:${column} ${code} ${message}`,
  )
}

describe('probing', () => {
  const said = async (text: string): Promise<string[]> =>
    (await diagnostics({ configFile: file(text) })).map((each) => each.replace(/-\d+/, '-X'))

  it('takes source addresses from the environment, with a comma', async () => {
    const { probing } = await settings({ env: { MXSTEER_PROBE_SOURCE: '2001:db8::7, 192.0.2.7' } })
    expect(probing.source).toEqual({ ipv4: '192.0.2.7', ipv6: '2001:db8::7' })
  })

  it('one source alone leaves the other family to the kernel', async () => {
    const { probing } = await settings({ configFile: file('probe_source: 192.0.2.7\n') })
    expect(probing.source).toEqual({ ipv4: '192.0.2.7', ipv6: null })
  })

  it('a limit that is not given keeps its default', async () => {
    const { probing } = await settings({ configFile: file('probe_limits: { per_network: 60 }\n') })
    expect(probing.limits).toEqual({ total: 4000, perHost: 4, perNetwork: 60 })
  })

  it('says what is wrong with sources and limits', async () => {
    expect(await said('probe_source: [192.0.2.7, mx.example.com]\n')).toEqual([
      'settings-X.yaml 1:27 bad-value expected an IPv4 or IPv6 address of this host, got "mx.example.com"',
    ])
    expect(await said('probe_source: [192.0.2.7, 192.0.2.8]\n')).toEqual([
      'settings-X.yaml 1:15 bad-value expected one address of a family',
    ])
    expect(await said('probe_limits: { in_flight: 0, per_net: 2 }\n')).toEqual([
      'settings-X.yaml 1:28 bad-value expected a count from 1 to 60000, got 0',
      'settings-X.yaml 1:31 unknown-key unknown key "per_net", expected one of: in_flight, per_host, per_network',
    ])
  })
})
