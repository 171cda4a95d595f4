// What to write in place of a value, a key or a file that is wrong: the end of a message. null: that is open.

import { nearest } from './suggest-name.ts'

/** Of a value, whatever it is to be. `isValid`: whether another value would be. */
export function adviseOnValue(value: unknown, isValid: (value: unknown) => boolean): string | null {
  if (typeof value !== 'string') return null
  const odd = adviseOnCharacters(value)
  if (odd !== null) return odd
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : null
  return number !== null && isValid(number) ? `write ${number}, without quotes` : null
}

/** Of characters that editors and web pages put in place of others. */
function adviseOnCharacters(text: string): string | null {
  if (/[\u2018-\u201f\u00ab\u00bb]/.test(text))
    return 'these are quotes of a word processor, write " or \''
  return text.includes('\u00a0') ? 'it has a no-break space (U+00A0), write a blank' : null
}

/** What is said of times in files of others. */
const unitWords: readonly (readonly [RegExp, string])[] = [
  [/milliseconds?|msecs?/, 'ms'],
  [/seconds?|secs?/, 's'],
  [/minutes?|mins?/, 'm'],
  [/hours?|hrs?/, 'h'],
  [/days?/, 'd'],
  [/weeks?/, 'w'],
]

/** Units by their milliseconds, the largest first. */
const sizes = [
  [604_800_000, 'w'],
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
] as const

/** `10 seconds` as `10s`, and 10000, which is a number of seconds, as `10s`. `isValid`: whether a value would be one. */
export function adviseOnDuration(
  value: unknown,
  isValid: (value: unknown) => boolean,
): string | null {
  if (typeof value === 'number') {
    const [size, unit] = sizes.find(([one]) => value % one === 0) ?? [1, 'ms']
    const asMs = `${value / size}${unit}`
    return isValid(asMs) ? `a number alone is seconds, did you mean ${asMs}?` : null
  }
  if (typeof value !== 'string') return null
  const text = value.toLowerCase().replaceAll(/\s+/g, '')
  const written = unitWords.reduce((so, [word, unit]) => so.replace(word, unit), text)
  return written !== value && isValid(written) ? `write ${written}` : null
}

const turnWords: ReadonlyMap<string, string> = new Map([
  ...['yes', 'true', '1'].map((word) => [word, 'on'] as const),
  ...['no', 'false', '0'].map((word) => [word, 'off'] as const),
])

/** Of one word of several. */
export function adviseOnWord(value: unknown, words: readonly string[]): string | null {
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
  const near = nearest(text, words)
  if (near !== null && near[0] === text[0]?.toLowerCase()) return `did you mean ${near}?`
  const turned = turnWords.get(text.toLowerCase())
  if (turned !== undefined && words.includes(turned)) return `write ${turned}`
  const [one, ...others] =
    text.length < 3 ? [] : words.filter((word) => word.includes(text) || text.startsWith(word))
  return one === undefined || others.length > 0 ? null : `did you mean ${one}?`
}

/** Keys as other servers and load balancers call them. */
const otherKeys: Readonly<Record<string, readonly string[]>> = {
  address: ['addresses'],
  host: ['addresses'],
  ip: ['addresses'],
  ips: ['addresses'],
  backends: ['targets'],
  members: ['targets'],
  nodes: ['targets'],
  servers: ['targets'],
  check: ['probe'],
  healthcheck: ['probe'],
  checks: ['probes'],
  healthchecks: ['probes'],
  policies: ['steering'],
  rules: ['steering'],
  policy: ['steer'],
  steering: ['steer'],
  origin: ['zone'],
  cert: ['certificate'],
  rate: ['per_second'],
  total: ['in_flight'],
}

/** The one key that is meant; null: that is open. */
export const keyMeant = (key: string, known: readonly string[]): string | null =>
  nearest(key, known) ?? otherKeys[key.toLowerCase()]?.find((one) => known.includes(one)) ?? null

/** Settings that have no place in a zone file, and are looked for there. */
const settings: readonly string[] = ['listen', 'admin', 'state', 'geoip', 'resolver', 'workers']

const severalInBrackets = 'several addresses stand in brackets: write [192.0.2.1, 192.0.2.2]'

const looksLikeAddress = (key: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$|^[0-9a-f:]*:[0-9a-f:]*$/i.test(key)

/** Of a key that is none of those that are known. */
export function adviseOnKey(key: string, known: readonly string[]): string {
  const odd = adviseOnCharacters(key)
  if (odd !== null) return odd
  if (key === '<<') return 'maps are not merged: write the keys of the other one here too'
  if (looksLikeAddress(key)) return severalInBrackets
  if (/^\d+\s*%?$/.test(key))
    return 'a comma begins another key in { }: parts of a number stand behind a point: write 99.9'
  const isSetting = known.includes('zone')
    ? settings.includes(key)
    : key === 'keys' && known.includes('foreign_keys')
  if (isSetting) return 'it is a setting of the server, for mxsteer.yaml'
  const like = known.filter((one) => key.length > 3 && one.split('_').includes(key))
  return like.length > 0
    ? `did you mean ${like.join(' or ')}?`
    : `expected one of: ${known.join(', ')}`
}

/** Of a key without a value that holds one, such as `mx1:3`. */
export function adviseOnPair(key: string): string | null {
  if (looksLikeAddress(key)) return severalInBrackets
  const [, name, value] = /^([^\s:]+)(?::|\s+)([^\s:]+)$/.exec(key) ?? []
  return name === undefined ? null : `write ${name}: ${value}, with a blank behind the colon`
}

const foreignFiles: readonly (readonly [RegExp, string])[] = [
  [
    /^\s*\$(?:TTL|ORIGIN|INCLUDE)\b|\bIN\s+SOA\s|^\S+\s+(?:\d+\s+)?IN\s+[A-Z]{1,10}\s/m,
    'this is a master file: "mxsteer import FILE" makes a zone file of it, and records_file: of a zone file takes its records',
  ],
  [
    /^\s*(?:zone\s+"[^"]*"|view\s+"|options\s*\{|include\s+"|acl\s)/m,
    'this is a configuration of BIND: "mxsteer import FILE" makes zone files of the master files that it names',
  ],
  [/^\s*\[[\w -]+\]\s*$|^\s*[\w.-]+\s*=(?!=)/m, 'KEY = VALUE is not YAML, write KEY: VALUE'],
]

/** Of a file that is none of YAML, or means nothing as such. */
export function adviseOnFile(text: string): string | null {
  const head = text.slice(0, 65_536)
  return foreignFiles.find(([pattern]) => pattern.test(head))?.[1] ?? null
}

const notClosed = (mark: string): string =>
  `this ${mark === '}' ? '{' : '['} is not closed, expected a ${mark}`

const otherColumn =
  'this line begins in another column than those that it belongs to, expected the same one'

/** By the messages of the parser: what is wrong in the words of who wrote the file. */
const slips: readonly (readonly [RegExp, string | ((found: string) => string)])[] = [
  [/tabs are not allowed/i, 'a tab indents this line, expected blanks'],
  [/reserved character @/, 'an @ cannot begin a value, write "@" for the zone itself'],
  [/reserved character (.)/, (mark) => `a ${mark} cannot begin a value, put it in quotes`],
  [
    /block collections are not allowed within flow|nested mappings are not allowed/i,
    'a second colon with a blank behind it: put what is behind the first one in quotes, or begin the next line where this one begins',
  ],
  [
    /implicit keys need to be on a single line|implicit map keys need to be followed/i,
    'this line is no key with a value, expected KEY: VALUE with a blank behind the colon',
  ],
  [/sufficiently indented and end with a (.)/, notClosed],
  [/expected flow (?:map|sequence) to end with (.)/i, notClosed],
  [/unexpected flow-(?:map|seq)-end token.*"(.)"/i, (mark) => `a ${mark} too many, take it out`],
  [/may not be used as an implicit map key|start at the same column/i, otherColumn],
  [/missing closing (.)quote/i, (mark) => `this ${mark} is not closed, expected another one`],
  [
    /invalid escape sequence (\S+)/i,
    (found) => `${found} means nothing in "…", write \\${found}, or '…' in place of "…"`,
  ],
  [/missing , (?:or : )?between/i, 'expected a comma before this'],
  [/missing space after :/i, 'expected a blank behind the colon'],
  [
    /unexpected .*scalar at node end/i,
    'text follows what is a whole value already, put all of it in quotes, or begin another line',
  ],
  [/unexpected , in/i, 'a comma too many, take it out'],
]

/** `message`: of the YAML parser. What it does not tell by a slip that is known is told as it says it. */
export function tellSlip(message: string): string {
  for (const [pattern, told] of slips) {
    const found = pattern.exec(message)
    if (found !== null) return typeof told === 'string' ? told : told(found[1] ?? '')
  }
  const sentence = (message.split('\n', 1)[0] ?? '').replace(/^[A-Z](?=[a-z])/, (letter) =>
    letter.toLowerCase(),
  )
  return `${sentence}; look for a colon, a quote or a blank too many or too few here and in the line above`
}
