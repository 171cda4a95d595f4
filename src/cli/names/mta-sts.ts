// `mxsteer mta-sts [ZONE|DOMAIN]`: the policy of MTA-STS to be hosted, to standard output octet by octet; where, and which TXT
// record tells of it, to standard error.

import type { ZoneMail } from '../../coherence/zone-mail.ts'
import type { DomainPolicy } from '../../zone/mta-sts/compile-mta-sts.ts'
import { policyHost, policyPath, policyText, policyTxt } from '../../zone/mta-sts/policy.ts'
import { bareName } from '../../lib/bare-name.ts'
import { systemClock } from '../../lib/clock.ts'
import { listed } from '../../lib/listed.ts'
import { printable } from '../../lib/printable.ts'
import { suggestName } from '../../lib/suggest-name.ts'
import { formatDiagnostics } from '../../zonefile/diagnostic.ts'
import { loadZonesOnce } from '../../zonefile/run-load.ts'
import { readSettings, zoneFolderOf } from '../command-settings.ts'
import { fail, failAt, parseFlags } from '../commands/flags.ts'
import { printJson } from '../text/output.ts'

const namesShown = 8

export async function mtaSts(argv: readonly string[]): Promise<number> {
  const flags = parseFlags('mta-sts', argv)
  if (flags.kind === 'bad') return fail('mta-sts', flags.why)
  if (flags.words.length > 1) return fail('mta-sts', 'one zone or domain at a time')
  const read = await readSettings(flags.values, ['zones', 'config'])
  if (read.kind === 'bad') return failAt('mta-sts', read.why)
  const loaded = await loadZonesOnce(zoneFolderOf(read.settings), systemClock.wallMs())
  if (loaded.kind === 'rejected')
    return failAt('mta-sts', formatDiagnostics(loaded.diagnostics).trim())
  const [wanted] = flags.words.map(bareName)
  const policies = loaded.mail.flatMap(({ zone, policies: all }) =>
    all.filter(({ domain }) => wanted === undefined || wanted === zone || wanted === domain),
  )
  const [policy, second] = policies
  if (policy === undefined && wanted !== undefined)
    return fail('mta-sts', noPolicy(wanted, loaded.mail))
  if (flags.values['json']) {
    printJson({ policies: policies.map(policyView) })
    return 0
  }
  if (policy === undefined)
    return fail(
      'mta-sts',
      'no zone has a policy, expected mta_sts: { domain: example.com, mode: testing } in a zone file',
    )
  if (second !== undefined) {
    const domains = listed(
      policies.map(({ domain }) => domain),
      namesShown,
    )
    return fail('mta-sts', `several policies, name one of: ${domains}`)
  }
  process.stdout.write(policyText(policy))
  process.stderr.write(
    whereText(policy)
      .map((line) => `${printable(line)}\n`)
      .join(''),
  )
  return 0
}

function noPolicy(wanted: string, zones: readonly ZoneMail[]): string {
  const known = zones.flatMap(({ policies }) => policies.map(({ domain }) => domain))
  return `no policy of ${wanted}, ${suggestName('zone with mta_sts:', new Set(known), wanted)}`
}

function whereText({ domain, id, isHere, mode }: DomainPolicy): readonly string[] {
  const record = `_mta-sts.${domain}. TXT "${policyTxt(id)}"`
  return [
    `host this as https://${policyHost(domain)}${policyPath}, with these octets`,
    isHere ? `this zone has ${record}` : `then publish ${record}`,
    ...(mode === 'none' ? ['keep both until max_age of the policy before has passed'] : []),
  ]
}

const policyView = (policy: DomainPolicy): object => ({
  domain: policy.domain,
  url: `https://${policyHost(policy.domain)}${policyPath}`,
  mode: policy.mode,
  maxAgeSeconds: policy.maxAgeSeconds,
  mx: policy.patterns,
  exchanges: policy.exchanges,
  id: policy.id,
  txt: {
    owner: `_mta-sts.${policy.domain}.`,
    text: policyTxt(policy.id),
    isHere: policy.isHere,
  },
  text: policyText(policy),
})
