// Schemas of single settings. Flags and variables give text, mxsteer.yaml also numbers and
// booleans: each takes both.

import { z } from 'zod'
import { adviseOnPort } from '../lib/advice.ts'
import { bareName } from '../lib/bare-name.ts'
import {
  parseAddress,
  parseEndpoint,
  parseNetwork,
  type Endpoint,
  type Network,
} from '../lib/ip.ts'
import { isIntegerWithin, leaf, scalarText, text } from '../zonefile/leaf.ts'

/** Of text that is no ADDRESS:PORT; null: what is meant is open. */
function adviseOnEndpoint(value: unknown, port: number): string | null {
  const text = scalarText(value).trim()
  const number = /^:?(\d{1,5})$/.exec(text)?.[1]
  if (number !== undefined)
    return `write 127.0.0.1:${number}${port === 53 ? `, or 0.0.0.0:${number} for every address` : ''}`
  // White space behind commas alone. One pattern for all of it would take years for some dozens of them.
  if (text.slice(1, -1).includes(',') && !/[^,\s]\s/.test(text))
    return `several are a list, write [${text.slice(0, 200).split(/,\s*/).join(', ')}]`
  const every = /^(?:\*|any|all)(?::(\d{1,5}))?$/.exec(text)
  if (every !== null) return `write 0.0.0.0:${every[1] ?? port}, or "[::]:${every[1] ?? port}"`
  const within = /^(?:https?:\/\/)?([^/]+)(?:\/\w*)?$/.exec(text)?.[1] ?? text
  if (within !== text && parseEndpoint(within) !== null) return `write ${within}`
  const [, host = '', name = ''] = /^(.+):([a-z]+)$/i.exec(text) ?? []
  if (adviseOnPort(name) !== null && parseAddress(host) !== null)
    return adviseOnEndpointPort(host, name)
  const address = parseAddress(text)
  const [, before, last] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  if (address?.family === 6 && before !== undefined && parseAddress(before) !== null)
    return `write [${before}]:${last}`
  if (address !== null)
    return `the port is missing, write ${address.family === 6 ? `[${text}]` : text}:${port}`
  const named = /^([a-z][a-z0-9.-]*):(\d{1,5})$/i.exec(text)
  if (named === null) return null
  return named[1] === 'localhost'
    ? `write 127.0.0.1:${named[2]}`
    : 'names are not looked up, write an address'
}

const adviseOnEndpointPort = (host: string, name: string): string =>
  (adviseOnPort(name) ?? '').replace(/^write (\d+)/, `write ${host}:$1`)

/** An address and port to listen on; port 0 lets the kernel choose one. */
export const endpoint: z.ZodType<Endpoint> = leaf({
  expected: 'ADDRESS:PORT such as 127.0.0.1:5300 or [::1]:5300',
  fallback: '127.0.0.1:5300',
  read: (value) => (typeof value === 'string' ? parseEndpoint(value.trim()) : null),
  suggest: (value) => adviseOnEndpoint(value, 53),
})

/** An address and port to send to, so that port 0 is refused. */
export const resolverEndpoint: z.ZodType<Endpoint> = leaf({
  expected: 'ADDRESS:PORT of a resolver such as 127.0.0.1:53',
  fallback: '127.0.0.1:53',
  suggest: (value) => adviseOnEndpoint(value, 53),
  read(value) {
    const parsed = typeof value === 'string' ? parseEndpoint(value.trim()) : null
    return parsed && parsed.port > 0 ? parsed : null
  },
})

/** An address and port to listen on, or `off`. */
export const adminEndpoint: z.ZodType<Endpoint | 'off'> = leaf({
  expected: 'ADDRESS:PORT such as 127.0.0.1:8053, or off',
  fallback: 'off',
  suggest: (value) => (value === 'no' ? 'write off' : adviseOnEndpoint(value, 8053)),
  read(value) {
    // YAML 1.2 reads `off` as text, YAML 1.1 as false: an operator may write either.
    if (value === 'off' || value === false) return 'off'
    return typeof value === 'string' ? parseEndpoint(value.trim()) : null
  },
})

export const network: z.ZodType<Network> = leaf({
  expected: 'a network such as 192.0.2.0/24',
  fallback: '192.0.2.0/24',
  suggest(value) {
    if (value === 'any' || value === 'all') return 'write [0.0.0.0/0, "::/0"]'
    const parsed = parseNetwork(scalarText(value))
    return parsed.kind === 'bad' && /\//.test(scalarText(value))
      ? parsed.why.replace(/^"[^"]*" /, '')
      : null
  },
  read(value) {
    const parsed = typeof value === 'string' ? parseNetwork(value) : null
    return parsed?.kind === 'network' ? parsed : null
  },
})

/** An integer within bounds, as a number or as decimal digits. */
export const count = (what: string, min: number, max: number): z.ZodType<number> =>
  leaf({
    expected: `${what} from ${min} to ${max}`,
    fallback: min,
    read(value) {
      const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
      return isIntegerWithin(number, min, max) ? number : null
    },
    json: {
      anyOf: [
        { type: 'integer', minimum: min, maximum: max },
        { type: 'string', pattern: '^[0-9]{1,9}$' },
      ],
    },
  })

/** The name of an instance or a site. */
export const label: z.ZodType<string> = text(
  'a name of letters, digits, dots and hyphens',
  /^[\w.-]{1,63}$/,
  'name',
  (value) => {
    if (typeof value === 'number') return `write "${value}", in quotes`
    const joined = scalarText(value).trim().replaceAll(/\s+/g, '-')
    return joined !== value && /^[\w.-]{1,63}$/.test(joined) ? `write ${joined}` : null
  },
)

/** The name of a zone, without the final dot and in lower case. */
export const zoneName: z.ZodType<string> = leaf({
  expected: 'a name of a zone such as mail.example.com',
  fallback: 'example.com',
  read: (value) =>
    typeof value === 'string' && /^[^\s]{1,1004}$/.test(value) ? bareName(value) : null,
})

/** A user name or the name in a certificate: up to 128 characters without spaces and controls. */
export const credential: z.ZodType<string> = text(
  'a name of up to 128 characters',
  /^[^\p{Cc}\s]{1,128}$/u,
  'name',
)

/** A password. Not a leaf(), whose message would show the value. */
export const password: z.ZodType<string> = z.unknown().transform((value, context): string => {
  if (typeof value === 'string' && isPassword(value)) return value
  context.issues.push({ code: 'custom', input: undefined, message: 'expected 1 to 512 characters' })
  return z.NEVER
})

/** Whether a text is a password: 1 to 512 characters, none of them a control character. */
export const isPassword = (text: string): boolean => /^[^\p{Cc}]{1,512}$/u.test(text)
