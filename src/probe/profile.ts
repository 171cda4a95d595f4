// How an address is to be probed: a `probes:` entry of a zone file, with its defaults filled in.

export const probeLevels = ['banner', 'ehlo'] as const
export type ProbeLevel = (typeof probeLevels)[number]

export interface ProbeProfile {
  readonly name: string
  readonly port: number
  readonly level: ProbeLevel
  /** The name we give in EHLO. */
  readonly ehlo: string
  readonly intervalMs: number
  /** While a state is undecided: after the first unlike verdict, until `fall` or `rise` is reached. */
  readonly fastIntervalMs: number
  readonly connectTimeoutMs: number
  readonly bannerTimeoutMs: number
  readonly commandTimeoutMs: number
  /** Like verdicts in a row that bring an address down, or up. */
  readonly fall: number
  readonly rise: number
  /** Seconds over which a recovered address regains its weight; 0: at once. */
  readonly slowStartSeconds: number
}

/** One address that some pool wants probed, with the health slot its verdict goes to. */
export interface WatchedAddress {
  readonly slot: number
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly family: 4 | 6
  readonly profile: ProbeProfile
}
