// Zone files that were made to freeze or to end the server, by what each is about. Made when they are needed, in any size.

export interface HostileText {
  readonly name: string
  /** A text of about so many octets. */
  readonly make: (octets: number) => string
  /** The codes that the diagnostics have, at any size from 64 KiB on. */
  readonly codes: readonly string[]
}

const head = `zone: hostile.test
soa: { mname: ns1, rname: hostmaster }
`

const fill = (octets: number, text: string): string => text.repeat(Math.ceil(octets / text.length))

/** Numbered pieces until there are so many octets. */
function pieces(octets: number, piece: (i: number) => string): string {
  const parts: string[] = []
  for (let i = 0, length = 0; length < octets; i++) {
    const part = piece(i)
    parts.push(part)
    length += part.length
  }
  return parts.join('')
}

const records = (octets: number, data: string): string =>
  `${head}records:\n  "@": { NS: ns1 }\n  ns1: { A: 192.0.2.53 }\n${pieces(octets, (i) => `  h${i}: ${data}\n`)}`

const json = (octets: number, data: string): string =>
  `{"zone":"hostile.test","soa":{"mname":"ns1","rname":"hostmaster"},"records":{"@":{"NS":"ns1"},"ns1":{"A":"192.0.2.53"}${pieces(octets, (i) => `,"h${i}":${data}`)}}}`

const stairs = (octets: number): string =>
  Array.from({ length: Math.ceil(Math.sqrt(2 * octets)) }, (_, i) => `${' '.repeat(i)}k:\n`).join(
    '',
  )

export const hostileTexts: readonly HostileText[] = [
  // What the parser is to stop at, without building anything of it.
  { name: 'open brackets', make: (n) => fill(n, '['), codes: ['too-deep'] },
  ...['{{', '${', '<%'].map((open) => ({
    name: `a value of ${open} that is not closed`,
    make: (n: number) => `${head}ttl: "${fill(n, open)}"\n`,
    codes: ['bad-value', 'missing'],
  })),
  {
    name: 'a share with blanks',
    make: (n) => `${head}pools: { all: { targets: [a], panic: "5${fill(n, ' ')}x" } }\n`,
    codes: ['bad-value', 'missing'],
  },
  { name: 'open maps', make: (n) => fill(n, '{a: '), codes: ['too-deep'] },
  {
    name: 'brackets below a key',
    make: (n) => `${head}records:\n  a: ${fill(n, '[')}`,
    codes: ['too-deep'],
  },
  { name: 'lists within lists', make: (n) => fill(n, '- '), codes: ['too-deep'] },
  { name: 'questions within questions', make: (n) => fill(n, '? '), codes: ['too-deep'] },
  { name: 'colons within colons', make: (n) => fill(n, ': '), codes: ['too-deep'] },
  { name: 'stairs', make: stairs, codes: ['too-deep'] },
  { name: 'aliases on one line', make: (n) => `a: [${fill(n, '*a, ')}]`, codes: ['alias'] },
  { name: 'aliases', make: (n) => pieces(n, (i) => `k${i}: *a\n`), codes: ['alias'] },
  { name: 'anchors', make: (n) => pieces(n, (i) => `k${i}: &a${i} 1\n`), codes: ['alias'] },
  { name: 'the same anchor', make: (n) => fill(n, '&a '), codes: ['alias'] },
  { name: 'tags', make: (n) => pieces(n, (i) => `k${i}: !t 1\n`), codes: ['tag'] },
  { name: 'tags on one line', make: (n) => fill(n, '!a '), codes: ['tag'] },
  { name: 'tiny documents', make: (n) => fill(n, '--- 1\n'), codes: ['several-documents'] },
  { name: 'empty documents', make: (n) => fill(n, '---\n'), codes: ['several-documents'] },
  { name: 'ends of documents', make: (n) => fill(n, '...\n'), codes: ['several-documents'] },
  { name: 'directives', make: (n) => fill(n, '%YAML 1.2\n'), codes: ['syntax'] },
  { name: 'closing brackets', make: (n) => fill(n, ']'), codes: ['syntax'] },
  { name: 'commas', make: (n) => `[${fill(n, ',')}]`, codes: ['syntax'] },
  { name: 'bad escapes', make: (n) => `a: "${fill(n, '\\q')}"`, codes: ['syntax'] },
  { name: 'open quotes', make: (n) => fill(n, '"'), codes: ['syntax'] },
  { name: 'quotes without blanks', make: (n) => fill(n, '"" '), codes: ['syntax'] },
  { name: 'a key without end', make: (n) => `${fill(n, 'a')}: 1`, codes: ['syntax'] },
  // What is large, and YAML.
  { name: 'a list of lists', make: (n) => `[${fill(n, '[],')}]`, codes: ['bad-value'] },
  { name: 'a list of words', make: (n) => `[${fill(n, 'a,')}]`, codes: ['bad-value'] },
  {
    name: 'empty keys',
    make: (n) => fill(n, ':\n'),
    codes: ['duplicate-key', 'missing', 'more-mistakes', 'unknown-key'],
  },
  { name: 'empty lines', make: (n) => `zone:\n${fill(n, '\n')}`, codes: ['bad-value', 'missing'] },
  { name: 'comments', make: (n) => fill(n, '#\n'), codes: ['bad-value'] },
  {
    name: 'a quoted scalar',
    make: (n) => `zone: "${fill(n, 'x ')}"`,
    codes: ['bad-value', 'missing'],
  },
  {
    name: 'a scalar of lines',
    make: (n) => `zone: |\n${fill(n, ' x\n')}`,
    codes: ['bad-value', 'missing'],
  },
  {
    name: 'a scalar of folded lines',
    make: (n) => `zone: >\n${fill(n, ' x\n\n')}`,
    codes: ['bad-value', 'missing'],
  },
  {
    name: 'unknown keys',
    make: (n) => pieces(n, (i) => `k${i}: 1\n`),
    codes: ['missing', 'more-mistakes', 'unknown-key'],
  },
  {
    name: 'the same key',
    make: (n) => `${head}records:\n${fill(n, '  a: { A: 192.0.2.1 }\n')}`,
    codes: ['duplicate-key', 'more-mistakes', 'no-apex-ns'],
  },
  {
    name: 'one long line of URLs',
    make: (n) => `zone: ${fill(n, '://')}\nsoa: [`,
    codes: ['syntax'],
  },
  // One mistake in each of very many records, on lines of their own and on a single one.
  {
    name: 'bad addresses',
    make: (n) => records(n, '{ A: nowhere }'),
    codes: ['bad-rdata', 'more-mistakes'],
  },
  {
    name: 'bad addresses on one line',
    make: (n) => json(n, '{"A":"nowhere"}'),
    codes: ['bad-rdata', 'more-mistakes'],
  },
  {
    name: 'unknown types',
    make: (n) => records(n, '{ AX: 1 }'),
    codes: ['more-mistakes', 'unknown-type'],
  },
  {
    name: 'records that are no maps',
    make: (n) => json(n, '1'),
    codes: ['bad-value', 'more-mistakes'],
  },
  {
    name: 'unknown keys of records',
    make: (n) => json(n, '{"MX":{"steer":"s","x":1}}'),
    codes: ['more-mistakes', 'unknown-key'],
  },
  {
    name: 'a long name',
    make: (n) => `${head}records: { '@': { NS: ns1 } }\n${fill(n, 'a')}: 1\n`,
    codes: ['syntax'],
  },
  {
    name: 'a long name in quotes',
    make: (n) =>
      `${head}records: { '@': { NS: ns1 } }\ntargets: { ? "${fill(n, 'a')}" : { addresses: [x] } }\n`,
    codes: ['bad-name', 'points-at-nothing'],
  },
  {
    name: 'unknown targets',
    make: (n) =>
      `${head}records: { "@": { NS: ns1 }, ns1: { A: 192.0.2.53 } }\npools: { p: { targets: [${pieces(n, (i) => `t${i}, `)}] } }\n`,
    codes: ['more-mistakes', 'too-many-members', 'unknown-target'],
  },
]
