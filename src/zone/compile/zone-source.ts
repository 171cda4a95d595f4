// A zone file that matches the schema: every default is filled in, names and rdata are still text.
// A default that depends on another value is absent.

import type { WarmUp } from '../../health/effective-weight.ts'
import type { MtaStsMode } from '../mta-sts/policy.ts'
import type { Spill } from '../../steer/policy.ts'
import type { Name, NameKey } from '../../wire/name.ts'
import type { RRset } from '../zone.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import type { DocumentPath } from './problem.ts'

export interface ZoneSource {
  readonly zone: string
  /** Seconds. */
  readonly ttl: number
  /** Seconds. Absent: 5, or `ttl` if that is lower. */
  readonly minTtl?: number | undefined
  readonly soa: SoaSource
  readonly targets: ReadonlyMap<string, TargetSource>
  readonly probes: ReadonlyMap<string, ProbeSource>
  readonly pools: ReadonlyMap<string, PoolSource>
  readonly steering: ReadonlyMap<string, readonly RuleSource[]>
  readonly onAllDown: OnAllDownSource
  /** Whether names that leave the zone are answered for as long as caches may lead to them. Absent: they are. */
  readonly onRemoved?: 'keep' | 'drop' | undefined
  /** Absent: the zone is not signed. */
  readonly dnssec?: DnssecSource | undefined
  readonly internal: readonly string[]
  readonly slots: readonly SlotsSource[]
  /** Absent: there are no policies. */
  readonly mtaSts?: readonly MtaStsSource[] | undefined
  /** Milliseconds since 1970. Absent: changes of names that cannot be coherent with what caches hold are refused. */
  readonly forceNamesUntilMs?: number | undefined
  /** By owner name, then by type. */
  readonly records: ReadonlyMap<string, ReadonlyMap<string, RecordSource>>
  /** Path of the master file below the zones folder. Absent: there is none. */
  readonly recordsFile?: string | undefined
  /** What the master file has, once it is read. */
  readonly master?: MasterRecords | undefined
}

/** The records of a master file, by owner. */
export type MasterRecords = Map<NameKey, MasterOwner>

export interface MasterOwner {
  readonly name: Name
  /** One of each type. A list, since most owners have one set. */
  readonly sets: readonly MasterSet[]
}

/** Records of one owner and type, as they follow each other in the file. */
export interface MasterSet extends RRset {
  readonly rdata: readonly MasterRdata[]
}

export interface MasterRdata extends Rdata {
  /** The last step of its path: `records_file[PLACE]`. */
  readonly place: number
}

export type OnAllDownSource =
  | { readonly kind: 'all' | 'last_good' | 'servfail' }
  | { readonly kind: 'backup'; readonly pool: string }

/** Times are in seconds. */
export interface DnssecSource {
  readonly validity: number
  readonly dnskeyTtl: number
  readonly isUnsigning: boolean
  /** Texts of DNSKEY rdata. */
  readonly foreignKeys: readonly string[]
}

/** A policy of MTA-STS. */
export interface MtaStsSource {
  readonly domain: string
  readonly mode: MtaStsMode
  readonly maxAgeSeconds: number
  /** Patterns in lower case without final dot. Absent: out of the exchanges of the domain. */
  readonly mx?: readonly string[] | undefined
}

/** Times are in seconds. */
export interface SoaSource {
  readonly mname: string
  readonly rname: string
  readonly serial?: number | undefined
  /** Serials that the server chooses are greater than this one. */
  readonly serial_after?: number | undefined
  readonly refresh: number
  readonly retry: number
  /** Absent: a week; in a signed zone no longer than transferred signatures are valid. */
  readonly expire?: number | undefined
  /** Absent: `ttl`. */
  readonly minimum?: number | undefined
}

export interface TargetSource {
  readonly addresses: readonly string[]
  readonly region?: string | undefined
  /** Unique within the region. */
  readonly rack?: string | undefined
  /** Its weight in pools that give it none. */
  readonly weight?: number | undefined
  /** How many addresses its own name answers at most. Absent: see exchange-addresses.ts. */
  readonly answers?: number | undefined
  readonly warmup?: WarmUp | undefined
  /** Presentation form; those of `next` are the last ones. */
  readonly tlsa?: readonly string[] | undefined
  /** Those among `tlsa` of the certificate that comes next. Absent: `tlsa` is a text or a list. */
  readonly tlsaNext?: readonly string[] | undefined
  /** Where an address is probed instead, `ADDRESS` or `ADDRESS:PORT`, by served address. */
  readonly probeAt: ReadonlyMap<string, string>
  /** The agent that reports its load. */
  readonly agent?: AgentSource | undefined
}

export interface AgentSource {
  readonly port: number
  /** Absent: the first address of the target. */
  readonly address?: string | undefined
  readonly intervalMs: number
  /** Sent on connecting; absent: nothing. */
  readonly send?: string | undefined
}

export interface ProbeSource {
  readonly port: number
  readonly level: 'connect' | 'banner' | 'ehlo' | 'mail' | 'tls' | 'rcpt'
  /** Absent: `mail` at level `rcpt`, else `ehlo`. */
  readonly rounds?: 'connect' | 'banner' | 'ehlo' | 'mail' | undefined
  /** Absent: `probe.<zone>`. */
  readonly ehlo?: string | undefined
  /** Absent: `implicit` at port 465, else `starttls`. */
  readonly tls?: 'starttls' | 'implicit' | undefined
  readonly tlsMin: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  readonly requireTls: boolean
  readonly certWarningMs: number
  readonly certCriticalMs: number
  readonly tlsIntervalMs: number
  readonly rcptIntervalMs: number
  readonly recipient?: string | undefined
  /** Empty: the null sender. */
  readonly sender: string
  readonly expect: { readonly banner: readonly string[]; readonly ehlo: readonly string[] }
  readonly proxy: 'none' | 'v1' | 'v2'
  /** Source addresses of probes, at most one of each family. */
  readonly sources: readonly string[]
  readonly intervalMs: number
  /** Absent: 5 s, or `intervalMs` if that is shorter. */
  readonly fastIntervalMs?: number | undefined
  readonly connectTimeoutMs: number
  readonly bannerTimeoutMs: number
  readonly commandTimeoutMs: number
  readonly slowAfterMs: number
  readonly fall: number
  readonly rise: number
  readonly slowStartMs: number
}

export interface PoolSource {
  readonly probe?: string | undefined
  readonly members: readonly MemberSource[]
  readonly panic: number
  readonly minHealthy: number
  readonly spill: Spill
  /** Whether answers are spread over regions and racks. */
  readonly spread: boolean
  /** Share of handshakes that should succeed, 0 to 1. */
  readonly availabilityTarget?: number | undefined
  /** What is watched of the reputation of its members' addresses. */
  readonly identity?: IdentitySource | undefined
}

export interface IdentitySource {
  /** Whether greetings are checked. Absent: true, if a probe reads them. */
  readonly greeting?: boolean | undefined
  readonly ptr: boolean
  readonly intervalMs: number
  readonly dnsbl?:
    | {
        /** Lower case, without final dot. */
        readonly lists: readonly string[]
        readonly holdMs: number
        readonly agree: number
        readonly listedShare: number
      }
    | undefined
}

export interface MemberSource {
  readonly target: string
  /** null: that of the target. */
  readonly weight: number | null
  /**
   * Last step of its path: the target's name if members are a map, the index if they are a list.
   */
  readonly step: string | number
}

export interface RuleSource {
  readonly when?: ConditionsSource | undefined
  readonly pools: readonly string[]
}

export interface ConditionsSource {
  readonly network?: readonly string[] | undefined
  readonly continent?: readonly string[] | undefined
  readonly country?: readonly string[] | undefined
  readonly asn?: readonly number[] | undefined
}

/** Names that answer the rungs of one ladder. */
export interface SlotsSource {
  /** Of `slots` itself, or of one of a list. */
  readonly path: DocumentPath
  /** Name of the steering. */
  readonly steer: string
  readonly names: readonly string[]
  /** Seconds. Absent: ten times the TTL. */
  readonly epoch?: number | undefined
  readonly ttl?: number | undefined
}

export type RecordSource =
  | PlainSource
  | SteeredMxSource
  | SteeredAddressSource
  | SteeredSrvSource
  | SpfSource

export interface PlainSource {
  readonly kind: 'plain'
  readonly ttl?: number | undefined
  readonly data: readonly DatumSource[]
}

export interface DatumSource {
  /** Presentation form. */
  readonly text: string
  /** The path below the record type. */
  readonly at: DocumentPath
  /** The strings that former versions read, where they were others. */
  readonly formerly?: string | undefined
}

/** An SPF record (RFC 7208) of all addresses of pools, at the TXT of its owner. */
export interface SpfSource {
  readonly kind: 'spf'
  readonly pools: readonly string[]
  /** Further terms, as they stand in the record. */
  readonly also: readonly string[]
  readonly all: '-all' | '~all' | '?all'
  readonly ttl?: number | undefined
}

export interface SteeredMxSource {
  readonly kind: 'steered-mx'
  /** Name of the steering. */
  readonly steer: string
  readonly mode: 'ladder' | 'equal'
  /** How many records an answer has at most. */
  readonly ladder: number
  readonly sticky: boolean
  readonly ttl?: number | undefined
}

export interface SteeredAddressSource {
  readonly kind: 'steered-address'
  readonly steer: string
  /** How many records an answer has at most; Infinity: all. */
  readonly answers: number
  readonly sticky: boolean
  readonly ttl?: number | undefined
}

export interface SteeredSrvSource {
  readonly kind: 'steered-srv'
  readonly steer: string
  readonly port: number
  readonly answers: number
  readonly ttl?: number | undefined
}
