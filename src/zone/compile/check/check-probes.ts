// Checks of `probes:` and `probe_at:` that need more than one value. A key that the probe's level
// would ignore is refused.

import { formatAddress, parseAddress } from '../../../lib/ip.ts'
import type { Compilation } from '../compilation.ts'
import { readProbeEndpoint } from '../names.ts'
import { suggestName } from '../../../lib/suggest-name.ts'
import type { ProbeSource } from '../zone-source.ts'

export function checkProbes(compilation: Compilation): void {
  const { source, problems } = compilation
  for (const [name, probe] of source.probes) checkProbe(compilation, name, probe)
  for (const name of source.targets.keys()) checkProbeEndpoints(compilation, name)
  for (const [name, { probe }] of source.pools) {
    if (probe === undefined || source.probes.has(probe)) continue
    const message = `unknown probe ${JSON.stringify(probe)}, ${suggestName('probe', source.probes.keys(), probe)}`
    problems.refuse('unknown-probe', ['pools', name, 'probe'], message)
  }
}

function checkProbe({ problems }: Compilation, name: string, probe: ProbeSource): void {
  const { intervalMs, fastIntervalMs = 0 } = probe
  if (fastIntervalMs > intervalMs) {
    const message = `fast_interval is ${fastIntervalMs} ms, expected at most interval, ${intervalMs} ms`
    problems.refuse('fast-above-interval', ['probes', name, 'fast_interval'], message)
  }
  for (const [key, message] of conflictsOf(probe)) {
    problems.refuse('probe-conflict', ['probes', name, key], message)
  }
  checkSources(problems, name, probe)
}

/** A key of the probe, and what is wrong with it. */
type Conflict = readonly [key: string, message: string]

function conflictsOf(probe: ProbeSource): readonly Conflict[] {
  const { level, recipient, expect, tls, port } = probe
  const isImplicit = tls === 'implicit' || (tls === undefined && port === 465)
  const isSlow = level === 'tls' || level === 'rcpt'
  const rows: readonly (readonly [isWrong: boolean, ...Conflict])[] = [
    [
      level === 'rcpt' && !recipient,
      'level',
      'level rcpt needs a recipient, such as recipient: postmaster@example.com',
    ],
    [level !== 'rcpt' && !!recipient, 'recipient', 'a recipient is asked at level rcpt only'],
    [level !== 'rcpt' && probe.sender !== '', 'sender', 'a sender is given at level rcpt only'],
    [!isSlow && !!probe.rounds, 'rounds', 'rounds differ from the level at tls and rcpt only'],
    [
      probe.requireTls && level !== 'tls' && !(isImplicit && level !== 'connect'),
      'require_tls',
      `level ${level} sees no TLS, expected level tls`,
    ],
    [
      expect.banner.length > 0 && level === 'connect',
      'expect',
      'level connect reads no banner, expected level banner or more',
    ],
    [
      expect.ehlo.length > 0 && (level === 'connect' || level === 'banner'),
      'expect',
      `level ${level} sends no EHLO, expected level ehlo or more`,
    ],
    [
      probe.certCriticalMs > probe.certWarningMs,
      'cert_critical',
      'cert_critical is longer than cert_warning, expected the shorter one of the two here',
    ],
  ]
  return rows.filter(([isWrong]) => isWrong).map(([, key, message]) => [key, message])
}

/** At most one source address of each family, since each is used for probes of its family. */
function checkSources(problems: Compilation['problems'], name: string, probe: ProbeSource): void {
  const path = ['probes', name, 'source']
  const families = new Set<number>()
  for (const text of probe.sources) {
    const family = parseAddress(text)?.family
    if (family === undefined) {
      const message = `expected an IPv4 or IPv6 address of this host, got ${JSON.stringify(text)}`
      problems.refuse('bad-address', path, message)
    } else if (families.has(family)) {
      problems.refuse('probe-conflict', path, `two addresses of IPv${family}, expected one`)
    } else families.add(family)
  }
}

function checkProbeEndpoints({ source, problems }: Compilation, target: string): void {
  const { addresses, probeAt } = source.targets.get(target) ?? { addresses: [], probeAt: new Map() }
  const known = new Set(addresses.map(canonical))
  for (const [served, text] of probeAt) {
    const path = ['targets', target, 'probe_at', served]
    const endpoint = readProbeEndpoint(text)
    if (!known.has(canonical(served))) {
      problems.refuse('bad-address', path, `${served} is no address of target ${target}`, 'key')
    } else if (!endpoint) {
      const message = `expected ADDRESS or ADDRESS:PORT, got ${JSON.stringify(text)}`
      problems.refuse('bad-address', path, message)
    }
  }
}

const canonical = (text: string): string => {
  const parsed = parseAddress(text)
  return parsed ? formatAddress(parsed.octets) : text
}
