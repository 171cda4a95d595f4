// Queries octet by octet, by code that shares nothing with src/wire, so that a mistake there cannot hide here.

export interface OptSpec {
  readonly udp?: number
  readonly version?: number
  readonly dnssecOk?: boolean
  /** Raw RDATA. */
  readonly options?: readonly number[]
  /** Owner in wire form; the root unless a test wants it wrong. */
  readonly owner?: readonly number[]
}

export interface QuerySpec {
  readonly id?: number
  /** Second and third octet of the header as one number; RD by default. */
  readonly flags?: number
  readonly name?: string
  /** Wire octets instead of `name`. */
  readonly rawName?: readonly number[]
  readonly type?: number
  readonly class?: number
  readonly opts?: readonly OptSpec[]
  /** Records in wire form, between question and OPT. */
  readonly records?: readonly (readonly number[])[]
  /** Overrides of QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT. */
  readonly counts?: readonly [number, number, number, number]
  readonly trailing?: readonly number[]
  /** No question, not even an empty name's type and class. */
  readonly isBare?: boolean
}

export function buildQuery(spec: QuerySpec): Uint8Array {
  const opts = spec.opts ?? []
  const records = spec.records ?? []
  const counts = spec.counts ?? [1, 0, 0, opts.length + records.length]
  return Uint8Array.from([
    ...two(spec.id ?? 0x1234),
    ...two(spec.flags ?? 0x0100),
    ...counts.flatMap(two),
    ...(spec.isBare === true ? [] : question(spec)),
    ...records.flat(),
    ...opts.flatMap(opt),
    ...(spec.trailing ?? []),
  ])
}

const question = (spec: QuerySpec): number[] => [
  ...(spec.rawName ?? wireName(spec.name ?? '.')),
  ...two(spec.type ?? 1),
  ...two(spec.class ?? 1),
]

/** Dots separate labels; no escapes. */
export function wireName(text: string): number[] {
  const labels = text.split('.').filter((label) => label !== '')
  return [...labels.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]), 0]
}

export const wireRecord = (
  owner: readonly number[],
  type: number,
  rdata: readonly number[],
): number[] => [
  ...owner,
  ...two(type),
  ...two(1),
  ...two(0),
  ...two(60),
  ...two(rdata.length),
  ...rdata,
]

const opt = (spec: OptSpec): number[] => [
  ...(spec.owner ?? [0]),
  ...two(41),
  ...two(spec.udp ?? 1232),
  0,
  spec.version ?? 0,
  ...two(spec.dnssecOk === true ? 0x8000 : 0),
  ...two(spec.options?.length ?? 0),
  ...(spec.options ?? []),
]

const two = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff]
