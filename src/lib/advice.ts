// What to write in place of a value, a key or a file that is wrong: the end of a message. null: that is open.

import { nearest } from './suggest-name.ts'

/** Of a value, whatever it is to be. `isValid`: whether another value would be. */
export function adviseOnValue(value: unknown, isValid: (value: unknown) => boolean): string | null {
  if (typeof value !== 'string') return null
  const odd = adviseOnCharacters(value)
  if (odd !== null) return odd
  const filledIn = adviseOnPlaceholder(value)
  if (filledIn !== null) return filledIn
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : null
  return number !== null && isValid(number) ? `write ${number}, without quotes` : null
}

/** Of what a template or a shell would have filled in. */
export const adviseOnPlaceholder = (text: string): string | null =>
  /^\$\w+$/.test(text) || isAround(text, '${', '}') || text.split('\n').some(hasTemplate)
    ? 'nothing is filled in here, so write the value, or fill it in before with a tool such as envsubst'
    : null

const hasTemplate = (line: string): boolean =>
  isAround(line, '{{', '}}') || isAround(line, '<%', '%>')

/** Whether `close` follows `open`. No pattern: from each `open` of a long text it would look for a `close` that is not there. */
function isAround(text: string, open: string, close: string): boolean {
  const at = text.indexOf(open)
  return at >= 0 && text.includes(close, at + open.length)
}

/** Of characters that editors and web pages put in place of others. */
export function adviseOnCharacters(text: string): string | null {
  if (/[\u2018-\u201f\u00ab\u00bb]/.test(text))
    return 'these are quotes of a word processor, write " or \''
  return text.includes('\u00a0') ? 'it has a no-break space (U+00A0), write a plain one' : null
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
    const meant = isValid(asMs) ? asMs : onlyUnit(value, isValid)
    return meant === null ? null : `a number alone is seconds, did you mean ${meant}?`
  }
  if (typeof value !== 'string') return null
  const text = value.toLowerCase().replaceAll(/\s+/g, '')
  const written = unitWords.reduce((so, [word, unit]) => so.replace(word, unit), text)
  return written !== value && isValid(written) ? `write ${written}` : null
}

/** Of a number that is too small for seconds: with the one unit that fits. */
function onlyUnit(value: number, isValid: (value: unknown) => boolean): string | null {
  const [one, ...others] = sizes.map(([, unit]) => `${value}${unit}`).filter(isValid)
  return one === undefined || others.length > 0 ? null : one
}

/** Numbers of ports by the names that Postfix and HAProxy take (RFC 6335). */
const portNames: Readonly<Record<string, number>> = {
  smtp: 25,
  submission: 587,
  submissions: 465,
  smtps: 465,
  domain: 53,
  dns: 53,
}

/** Of a port that is given by its name. */
export function adviseOnPort(value: unknown): string | null {
  const port = typeof value === 'string' ? portNames[value.toLowerCase()] : undefined
  return port === undefined ? null : `write ${port}, ports have no names here`
}

/** A name with labels in Unicode as DNS has it (RFC 5891); null: it cannot be. */
export function asciiName(text: string): string | null {
  try {
    const { hostname } = new URL(`http://${text}`)
    return /^[a-z0-9._-]+$/.test(hostname) ? hostname : null
  } catch {
    return null
  }
}

const withPercentSign = (text: string): string => {
  const bare = text.replace(/(?:percent|pct|per cent)$/i, '')
  return bare === text ? text : `${bare.trimEnd()}%`
}

/** Of a share that is written as a percentage without its sign, or with a decimal comma. */
export function adviseOnShare(value: unknown, isValid: (value: unknown) => boolean): string | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null
  const text = withPercentSign(String(value).replace(',', '.')).replace(
    /^(\d{1,3})\s*\/\s*([1-9]\d{0,2})$/,
    (_, a: string, b: string) => `${Math.round((Number(a) * 100) / Number(b))}%`,
  )
  const number = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : null
  if (typeof value === 'string' && number !== null && isValid(number)) return `write ${text}`
  const percent = number === null ? text : `${text}%`
  if (percent === value || !isValid(percent)) return null
  if (number !== null && number < 10)
    return 'it is a part of the whole, and no count: half of it is 50%'
  return number === null
    ? `write ${percent}`
    : `it is a part of the whole, 1 for all of it: did you mean ${percent}?`
}

const turnWords: ReadonlyMap<string, string> = new Map([
  ...['yes', 'true', '1'].map((word) => [word, 'on'] as const),
  ...['no', 'false', '0'].map((word) => [word, 'off'] as const),
])

/** Of one word of several. */
export function adviseOnWord(value: unknown, words: readonly string[]): string | null {
  const text = ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : ''
  const near = nearest(text, words)
  if (near !== null && near[0]?.toLowerCase() === text[0]?.toLowerCase())
    return `did you mean ${near}?`
  const turned = turnWords.get(text.toLowerCase())
  if (turned !== undefined && words.includes(turned)) return `write ${turned}`
  const [one, ...others] =
    text.length < 3 ? [] : words.filter((word) => word.includes(text) || text.startsWith(word))
  return one === undefined || others.length > 0 ? null : `did you mean ${one}?`
}

/** Keys as other servers and load balancers call them. */
const otherKeys: Readonly<Record<string, readonly string[]>> = {
  address: ['addresses'],
  domain: ['zone'],
  fqdn: ['zone'],
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
const settings: readonly string[] =
  'listen admin state geoip resolver workers zones log_level log_format admin_token instance site tls transfer rate_limit proxy'.split(
    ' ',
  )

/** Of the keys of a document that has no zone; null: it may be a zone file with mistakes. */
export function adviseOnKeys(keys: readonly string[]): string | null {
  if (keys.includes('apiVersion') && keys.includes('kind'))
    return 'it is a manifest of Kubernetes, write what its data has into a file of its own'
  if (keys.length > 0 && keys.every((key) => settings.includes(key)))
    return 'these are settings of the server: take the file out of the folder of zone files, and give it with --config'
  const [zone = '', ...others] = keys
  return others.length === 0 && /^[\w-]+(?:\.[\w-]+)+\.?$/.test(zone)
    ? `write zone: ${zone}, and its keys in lines of their own, without an indent`
    : null
}

const severalInBrackets = 'several addresses stand in brackets: write [192.0.2.1, 192.0.2.2]'

/**
 * Of a value behind which a comma has begun other keys without values, of which `rest` are their names: what was meant by
 * all of them, and what to write. null: they are no parts of a value.
 */
export function adviseOnCommas(
  key: string,
  value: string,
  rest: readonly string[],
): { readonly meant: unknown; readonly advice: string } | null {
  const [decimals = '', ...others] = rest
  if (listKeys.includes(key) && rest.every((one) => /^[A-Za-z]/.test(one)))
    return {
      meant: [value, ...rest],
      advice: `several stand in brackets: write ${key}: [${[value, ...rest].join(', ')}]`,
    }
  if (looksLikeAddress(value) && rest.every(looksLikeAddress)) {
    const advice = `several addresses stand in brackets: write ${key}: [${[value, ...rest].join(', ')}]`
    return { meant: [value, ...rest], advice }
  }
  if (others.length > 0 || !/^\d+$/.test(value) || !isDecimals(decimals)) return null
  const number = `${value}.${decimals.replace(/\s/g, '')}`
  const meant = number.endsWith('%') ? number : Number(number)
  return { meant, advice: `a comma begins another key in { }: write ${key}: ${number}` }
}

const isDecimals = (text: string): boolean => /^\d+\s*%?$/.test(text)

/** Whether a key may be what a comma has cut off from a value. */
export const isCutOff = (key: string): boolean =>
  looksLikeAddress(key) || isDecimals(key) || /^[A-Za-z][\w.-]*$/.test(key)

/** Keys whose values are lists of words. */
const listKeys: readonly string[] = ['pools', 'country', 'continent', 'names', 'lists']

const looksLikeAddress = (key: string): boolean =>
  /^\d{1,3}(?:\.\d{1,3}){3}$|^[0-9a-f:]*:[0-9a-f:]*$/i.test(key)

/** Of a key that is none of those that are known. */
export function adviseOnKey(key: string, known: readonly string[]): string {
  const odd = adviseOnCharacters(key)
  if (odd !== null) return odd
  if (key === '<<') return 'maps are not merged: write the keys of the other one here too'
  if (looksLikeAddress(key)) return severalInBrackets
  if (key === 'pool' && known.includes('steer'))
    return 'pools are named by the rules of a steering, and that by steer: write { steer: NAME }'
  if (key === 'type' && known.includes('level'))
    return 'all probes speak SMTP, and how far one goes is its level: write level: ehlo'
  if (known.includes('records_file') && /^(?:A|AAAA|MX|NS|TXT|SRV|CNAME|CAA)$/i.test(key))
    return `records stand below records and their owner: write records: { "@": { ${key}: … } }`
  if (isDecimals(key))
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
  return name === undefined ? null : `write ${name}: ${value}, with a space behind the colon`
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
  [
    /^(?:frontend|backend|defaults|global|listen)\b(?!\s*[:=])/m,
    'this is a configuration of HAProxy, expected lines of KEY: VALUE',
  ],
  [
    /^\s*\[[\w -]+\]\s*$/m,
    'lines of [SECTION] and KEY = VALUE are not YAML: write KEY: VALUE, without sections',
  ],
  [/^\s*[\w.-]+\s*=(?!=)/m, 'KEY = VALUE is not YAML, write KEY: VALUE'],
]

/** Of a file that is none of YAML, or means nothing as such. */
export function adviseOnFile(text: string): string | null {
  const head = text.slice(0, 65_536)
  return foreignFiles.find(([pattern]) => pattern.test(head))?.[1] ?? null
}

const notClosed = (mark: string): string =>
  `this ${mark === '}' ? '{' : '['} is not closed, expected a ${mark}`

const otherColumn =
  'this line is indented otherwise than those above that it belongs to, expected the same column'

/** By the messages of the parser: what is wrong in the words of who wrote the file. */
const slips: readonly (readonly [RegExp, string | ((found: string) => string)])[] = [
  [/tabs are not allowed/i, 'a tab indents this line, expected spaces'],
  [/stringKeys/, 'a { or [ begins a key here, put all of the value in quotes'],
  [/reserved character @/, 'an @ cannot begin a value, write "@" for the zone itself'],
  [/reserved character (.)/, (mark) => `a ${mark} cannot begin a value, put it in quotes`],
  [
    /block collections are not allowed within flow|nested mappings are not allowed/i,
    'a second colon with a space behind it: put what is behind the first one in quotes, or begin the next line where this one begins',
  ],
  [
    /implicit keys need to be on a single line|implicit map keys need to be followed/i,
    'this line is no key with a value, expected KEY: VALUE with a space behind the colon',
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
  [/missing space after :/i, 'expected a space behind the colon'],
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
  return `${sentence}; look for a colon, a quote or a space too many or too few here and in the line above`
}
