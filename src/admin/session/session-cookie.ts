// The cookie of a signed-in person. Nothing is stored: the value says who and until when, under an HMAC that is keyed by
// a hash of the admin token. So it is good at every instance with that token, and void once the token changes.
//
//   mxsteer-PORT=EXPIRY.NAME.NONCE.HMAC     seconds since 1970; UTF-8, 9 octets and 32 octets in base64url
//
// It has no Path: browsers then use the folder of the path that set it (RFC 6265 §5.1.4), which is the prefix under
// which a proxy serves this server, whether the proxy strips that or not.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Who is signed in, and until when. */
export interface Session {
  /** Printable, 1 to 60 characters. */
  readonly name: string
  /** On the wall clock, in whole seconds. */
  readonly untilMs: number
}

export const sessionSeconds: number = 12 * 3600

/** Longer values are no cookies of this server. */
const longestValue = 512

export const cookieName = (port: number): string => `mxsteer-${port}`

/** The key of the HMAC: of a hash of its own, so that it says nothing of other uses of the token. */
export const sessionKey = (token: string): Uint8Array =>
  new Uint8Array(createHash('sha256').update(`mxsteer session\n${token}`).digest())

/** `nonce`: random octets, so that two sessions of one name and second differ. */
export function sealSession(
  key: Uint8Array,
  { name, untilMs }: Session,
  nonce: Uint8Array,
): string {
  const claim = [
    String(Math.floor(untilMs / 1000)),
    Buffer.from(name).toString('base64url'),
    Buffer.from(nonce).toString('base64url'),
  ].join('.')
  return `${claim}.${macOf(key, claim).toString('base64url')}`
}

/** null: forged, of another token, malformed or expired at `wallMs`. */
export function openSession(key: Uint8Array, value: string, wallMs: number): Session | null {
  if (value.length > longestValue) return null
  const [, claim = '', seconds = '', name = '', mac = ''] =
    /^((\d{1,12})\.([\w-]{1,320})\.[\w-]{1,24})\.([\w-]{43})$/.exec(value) ?? []
  if (claim === '') return null
  const expected = macOf(key, claim)
  const given = Buffer.from(mac, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  const untilMs = Number(seconds) * 1000
  return untilMs > wallMs ? { name: Buffer.from(name, 'base64url').toString(), untilMs } : null
}

const macOf = (key: Uint8Array, claim: string): Buffer =>
  createHmac('sha256', key).update(claim).digest()

/** The value of the cookie in a Cookie header; null: it is not there. Of several the first counts. */
export function cookieIn(header: string | undefined, name: string): string | null {
  const pairs = (header ?? '').split(';', 64).map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? null
}

/** A Set-Cookie header. `value` '': the browser is to forget it. `isSecure`: the page came by HTTPS. */
export const setCookie = (name: string, value: string, isSecure: boolean): string =>
  [
    `${name}=${value}`,
    `Max-Age=${value === '' ? 0 : sessionSeconds}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(isSecure ? ['Secure'] : []),
  ].join('; ')
