// How an address is to be probed: a `probes:` entry of a zone file, with its defaults filled in.

import type { TlsProfile } from '../../health/tls-report.ts'

/**
 * How far a dialogue goes, each level beyond the one before it but for `tls`, which is EHLO under TLS.
 * `tls` and `rcpt` are slow: rounds go as far as `rounds` says, and only one each `slowIntervalMs` goes all the way.
 */
export const probeLevels = ['connect', 'banner', 'ehlo', 'mail', 'tls', 'rcpt'] as const
export type ProbeLevel = (typeof probeLevels)[number]

export const roundLevels = ['connect', 'banner', 'ehlo', 'mail'] as const
type RoundLevel = (typeof roundLevels)[number]

export const proxyVersions = ['none', 'v1', 'v2'] as const
type ProxyVersion = (typeof proxyVersions)[number]

/** Where we connect from; null: as the kernel chooses. */
export interface ProbeSourceAddresses {
  readonly ipv4: string | null
  readonly ipv6: string | null
}

export interface ProbeProfile {
  readonly name: string
  readonly port: number
  readonly level: ProbeLevel
  /** How far the rounds between go, at the levels `tls` and `rcpt`. */
  readonly rounds: RoundLevel
  readonly slowIntervalMs: number
  /** The name we give in EHLO. */
  readonly ehlo: string
  readonly tls: TlsProfile
  /** Texts that must be in the banner, keywords that must be in the reply to EHLO; upper or lower case. */
  readonly expect: { readonly banner: readonly string[]; readonly ehlo: readonly string[] }
  readonly proxy: ProxyVersion
  /** null: as the server's settings say, else as the kernel chooses. */
  readonly source: ProbeSourceAddresses
  /** Of level `rcpt`: the canary's mailbox, and who asks (empty: the null sender). */
  readonly recipient: string | null
  readonly sender: string
  readonly intervalMs: number
  /** While a state is undecided: after the first unlike verdict, until `fall` or `rise` is reached. */
  readonly fastIntervalMs: number
  readonly connectTimeoutMs: number
  readonly bannerTimeoutMs: number
  readonly commandTimeoutMs: number
  /** A final banner line that comes later than this is slow. */
  readonly slowAfterMs: number
  /** Like verdicts in a row that bring an address down, or up. */
  readonly fall: number
  readonly rise: number
  /** Seconds over which a recovered address regains its weight; 0: at once. */
  readonly slowStartSeconds: number
}

/** What a profile is where nobody says otherwise; `name`, `port` and `ehlo` are always said. */
export const profileDefaults: Omit<ProbeProfile, 'name' | 'port' | 'ehlo'> = {
  level: 'ehlo',
  rounds: 'ehlo',
  slowIntervalMs: 900_000,
  tls: {
    mode: 'starttls',
    serverName: null,
    minVersion: 'TLSv1.2',
    isRequired: false,
    warningDays: 21,
    criticalDays: 3,
    tlsa: [],
  },
  expect: { banner: [], ehlo: [] },
  proxy: 'none',
  source: { ipv4: null, ipv6: null },
  recipient: null,
  sender: '',
  intervalMs: 20_000,
  fastIntervalMs: 5000,
  connectTimeoutMs: 5000,
  bannerTimeoutMs: 10_000,
  commandTimeoutMs: 5000,
  slowAfterMs: 8000,
  fall: 3,
  rise: 2,
  slowStartSeconds: 0,
}

/** One address that some pool wants probed, with the health slot its verdict goes to. */
export interface WatchedAddress {
  readonly slot: number
  readonly zone: string
  readonly target: string
  /** As it is served. */
  readonly address: string
  readonly family: 4 | 6
  /** Where it is probed, if not at the served address: behind NAT. The port is the profile's. */
  readonly probeAddress?: string
  readonly profile: ProbeProfile
}
