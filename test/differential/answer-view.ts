// A reply octet by octet into what is compared, by code that shares nothing with src/wire: header, sections as record
// sets in canonical text, OPT. Anything that does not parse to the last octet is an error.

export interface SetView {
  /** Owner and type. */
  readonly id: string
  /** TTLs and rdata, sorted; with `id` the whole set. */
  readonly text: string
}

export interface AnswerView {
  readonly rcode: number
  /** Of aa tc rd ra z ad cd. */
  readonly flags: readonly string[]
  readonly question: string
  readonly answer: readonly SetView[]
  readonly authority: readonly SetView[]
  /** Without the OPT. */
  readonly additional: readonly SetView[]
  readonly opt: {
    readonly udp: number
    readonly version: number
    readonly dnssecOk: boolean
  } | null
  readonly octets: number
}

/** n: a name that may be compressed, N: one that may not, s: a string, a number: so many octets, r: the rest. */
const layouts: Readonly<Record<number, string>> = {
  2: 'n', // NS
  5: 'n', // CNAME
  6: 'n n 20', // SOA
  12: 'n', // PTR
  15: '2 n', // MX
  17: 'N N', // RP
  18: '2 N', // AFSDB
  33: '6 N', // SRV
  35: '4 s s s N', // NAPTR
  36: '2 N', // KX
  39: 'N', // DNAME
  64: '2 N r', // SVCB
  65: '2 N r', // HTTPS
}
const flagBits: readonly (readonly [string, number])[] = [
  ['aa', 0x0400],
  ['tc', 0x0200],
  ['rd', 0x0100],
  ['ra', 0x0080],
  ['z', 0x0040],
  ['ad', 0x0020],
  ['cd', 0x0010],
]

interface Reader {
  readonly message: Buffer
  readonly keepCase: boolean
  at: number
}

interface RecordView {
  readonly owner: string
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly rdata: string
}

/** Letters of names lowered, unless `keepCase`. */
export function viewAnswer(message: Buffer, keepCase = false): AnswerView {
  const reader: Reader = { message, keepCase, at: 12 }
  const flags = message.readUInt16BE(2)
  if ((flags & 0x8000) === 0) throw new Error('not a response')
  const [questions = 0, ...counts] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at))
  let question = ''
  for (let i = 0; i < questions; i++) {
    const name = readName({ ...reader, keepCase: true }, true)
    reader.at = name.next
    question += `${name.text} ${take(reader, 2)} ${take(reader, 2)}`
  }
  const [answer = [], authority = [], all = []] = counts.map((count) => readRecords(reader, count))
  if (reader.at !== message.length) throw new Error('octets after the last record')
  const opts = all.filter(({ type }) => type === 41)
  if (opts.length > 1) throw new Error('more than one OPT')
  const [opt] = opts
  return {
    rcode: (flags & 15) | (opt ? (opt.ttl >>> 24) << 4 : 0),
    flags: flagBits.filter(([, bit]) => (flags & bit) !== 0).map(([word]) => word),
    question,
    answer: setsOf(answer),
    authority: setsOf(authority),
    additional: setsOf(all.filter(({ type }) => type !== 41)),
    opt: opt
      ? { udp: opt.class, version: (opt.ttl >> 16) & 255, dnssecOk: (opt.ttl & 0x8000) !== 0 }
      : null,
    octets: message.length,
  }
}

function setsOf(records: readonly RecordView[]): SetView[] {
  const sets = new Map<string, string[]>()
  for (const { owner, type, class: rrClass, ttl, rdata } of records) {
    const id = `${owner} TYPE${type}${rrClass === 1 ? '' : ` CLASS${rrClass}`}`
    const lines = sets.get(id) ?? []
    lines.push(`${ttl} ${rdata}`)
    sets.set(id, lines)
  }
  return [...sets].map(([id, lines]) => ({ id, text: `${id} ${lines.sort().join(' | ')}` }))
}

function readRecords(reader: Reader, count: number): RecordView[] {
  const records: RecordView[] = []
  for (let i = 0; i < count; i++) {
    const owner = readName(reader, true)
    reader.at = owner.next
    const [type, rrClass, ttl, length] = [2, 2, 4, 2].map((octets) => take(reader, octets))
    const end = reader.at + (length ?? 0)
    const rdata = readRdata(reader, type ?? 0, end)
    if (reader.at !== end || end > reader.message.length) throw new Error('rdata of a wrong length')
    records.push({ owner: owner.text, type: type ?? 0, class: rrClass ?? 0, ttl: ttl ?? 0, rdata })
  }
  return records
}

function readRdata(reader: Reader, type: number, end: number): string {
  const fields = (layouts[type] ?? 'r').split(' ')
  return fields.map((field) => readField(reader, field, end)).join(' ')
}

function readField(reader: Reader, field: string, end: number): string {
  if (field === 'n' || field === 'N') {
    const { text, next } = readName(reader, field === 'n')
    reader.at = next
    return text
  }
  const from = reader.at
  if (field === 'r') reader.at = end
  else reader.at += field === 's' ? 1 + reader.message.readUInt8(from) : Number(field)
  return reader.message.toString('hex', from, reader.at)
}

function take(reader: Reader, octets: number): number {
  const value = reader.message.readUIntBE(reader.at, octets)
  reader.at += octets
  return value
}

function readName(
  { message, keepCase, at: from }: Reader,
  mayBeCompressed: boolean,
): { text: string; next: number } {
  let [text, at, next] = ['', from, -1]
  for (;;) {
    const label = message.readUInt8(at)
    if (label >= 0xc0) {
      const target = message.readUInt16BE(at) & 0x3fff
      if (target >= at) throw new Error('a pointer that is not backwards')
      if (!mayBeCompressed) throw new Error('compressed where RFC 3597 forbids it')
      if (next < 0) next = at + 2
      at = target
      continue
    }
    if (label > 63) throw new Error('a label of an unknown kind')
    if (label === 0) return { text: text === '' ? '.' : text, next: next < 0 ? at + 1 : next }
    const octets = message.toString('latin1', at + 1, at + 1 + label)
    text += `${escapeLabel(keepCase ? octets : lower(octets))}.`
    at += 1 + label
  }
}

/** ASCII alone (RFC 4343). */
const lower = (text: string): string =>
  /[A-Z]/.test(text) ? text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : text

const escapeLabel = (label: string): string =>
  /^[\w*/-]+$/.test(label)
    ? label
    : label.replace(/[^\w*/-]/g, (octet) => `\\${String(octet.charCodeAt(0)).padStart(3, '0')}`)
