// How an address is to be probed: a `probes:` entry of a zone file, with its defaults filled in.

import type { TlsProfile } from '../../health/tls-report.ts'

/**
 * How far a dialogue goes, each level beyond the one before it but for `tls`, which is EHLO under TLS.
 * At `tls` and `rcpt` most rounds go as far as `rounds` says, and only one each `slowIntervalMs` goes all the way.
 */
export const probeLevels = ['connect', 'banner', 'ehlo', 'mail', 'tls', 'rcpt'] as const
export type ProbeLevel = (typeof probeLevels)[number]

export const roundLevels = ['connect', 'banner', 'ehlo', 'mail'] as const
type RoundLevel = (typeof roundLevels)[number]

export const proxyVersions = ['none', 'v1', 'v2'] as const
type ProxyVersion = (typeof proxyVersions)[number]

/** Local addresses to connect from; null leaves the choice to the kernel. */
export interface ProbeSourceAddresses {
  readonly ipv4: string | null
  readonly ipv6: string | null
}

export interface ProbeProfile {
  readonly name: string
  readonly port: number
  readonly level: ProbeLevel
  /** Level of the shallow rounds between deep ones, at the levels `tls` and `rcpt`. */
  readonly rounds: RoundLevel
  readonly slowIntervalMs: number
  /** The name that the prober gives in EHLO. */
  readonly ehlo: string
  readonly tls: TlsProfile
  /** Texts that the banner must contain, keywords that the EHLO reply must contain; compared without case. */
  readonly expect: { readonly banner: readonly string[]; readonly ehlo: readonly string[] }
  readonly proxy: ProxyVersion
  /** Local addresses; null falls back to the server's settings, then to the kernel. */
  readonly source: ProbeSourceAddresses
  /** The mailbox of RCPT at level `rcpt`; null at other levels. */
  readonly recipient: string | null
  /** The sender of MAIL at level `rcpt`; empty for the null sender. */
  readonly sender: string
  readonly intervalMs: number
  /** Interval while the state is undecided: from the first contrary verdict until `fall` or `rise` is reached. */
  readonly fastIntervalMs: number
  readonly connectTimeoutMs: number
  readonly bannerTimeoutMs: number
  readonly commandTimeoutMs: number
  /** A final banner line, or the last line of a reply, later than this makes the outcome `slow`. */
  readonly slowAfterMs: number
  /** Failures in a row that take an address down. */
  readonly fall: number
  /** Passes in a row that bring it up. */
  readonly rise: number
  /** Seconds over which a recovered address regains its weight; 0: at once. */
  readonly slowStartSeconds: number
}

/** Defaults of a profile; `name`, `port` and `ehlo` have none. */
export const profileDefaults: Omit<ProbeProfile, 'name' | 'port' | 'ehlo'> = {
  level: 'ehlo',
  rounds: 'ehlo',
  slowIntervalMs: 900_000,
  tls: {
    mode: 'starttls',
    serverName: null,
    slotNames: [],
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
  commandTimeoutMs: 15_000,
  slowAfterMs: 8000,
  fall: 3,
  rise: 2,
  slowStartSeconds: 0,
}

/** What senders expect of TLS at a target. */
export type SenderTls = Pick<TlsProfile, 'serverName' | 'slotNames' | 'tlsa'>

/** One address that has to be probed, with its slot of the health table. */
export interface WatchedAddress {
  readonly slot: number
  readonly zone: string
  readonly target: string
  /** IP address of the target, as it is served in answers. */
  readonly address: string
  readonly family: 4 | 6
  /** The address that is probed if it is not the served one: behind NAT. The port is the profile's. */
  readonly probeAddress?: string
  readonly profile: ProbeProfile
  /** Absent: senders find no TLSA records there. */
  readonly senderTls?: SenderTls
}
