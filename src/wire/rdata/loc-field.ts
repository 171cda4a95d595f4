// LOC (RFC 1876): a position in degrees, minutes and seconds, an altitude, and the size and precision of both.
//
//   42 21 54 N 71 06 18 W -24m 30m 10000m 10m      altitude, size, horizontal and vertical precision
//
// On the wire: a version, three sizes in cm as a digit and a power of ten, latitude and longitude in 1/1000 arc second
// around 2^31, and the altitude in cm above −100,000 m. Further digits of sizes are cut, as in the RFC's sample code.

import {
  asText,
  bad,
  type ParseState,
  type Field,
  mismatch,
  pushAll,
  takeOctets,
  tooShort,
} from './field.ts'

/** Latitude and longitude 0. */
const zeroAngle = 2 ** 31
const altitudeBaseCm = 10_000_000
const millisecondsOf = { degree: 3_600_000, minute: 60_000 } as const
const defaultSizesCm = [100, 1_000_000, 1000] as const
const sizeLabels = ['the size', 'the horizontal precision', 'the vertical precision'] as const

/** All fields of LOC as one. */
export const location: Field = {
  parse(state) {
    const latitude = readAngle(state, 'the latitude', { max: 90, positive: 'N', negative: 'S' })
    if (typeof latitude === 'string') return latitude
    const longitude = readAngle(state, 'the longitude', { max: 180, positive: 'E', negative: 'W' })
    if (typeof longitude === 'string') return longitude
    const altitude = readAltitude(state)
    if (typeof altitude === 'string') return altitude
    const sizes: number[] = []
    for (const [i, label] of sizeLabels.entries()) {
      const size = readSize(state, label, defaultSizesCm[i] as number)
      if (typeof size === 'string') return size
      sizes.push(size)
    }
    pushAll(state.octets, [0, ...sizes])
    for (const value of [zeroAngle + latitude, zeroAngle + longitude, altitude])
      pushAll(state.octets, [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255])
    return null
  },

  format(state) {
    const octets = takeOctets(state, 16)
    if (!octets) return tooShort('the location')
    const [version, ...sizes] = octets.subarray(0, 4)
    if (version !== 0) return bad(`the version of LOC is ${version}, expected 0`)
    if (!sizes.every(isSize)) return bad('a size of LOC is no digit with a power of ten')
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    const [latitude, longitude] = [view.getUint32(4) - zeroAngle, view.getUint32(8) - zeroAngle]
    if (Math.abs(latitude) > 90 * millisecondsOf.degree)
      return bad('the latitude is over 90 degrees')
    if (Math.abs(longitude) > 180 * millisecondsOf.degree)
      return bad('the longitude is over 180 degrees')
    const metres = [view.getUint32(12) - altitudeBaseCm, ...sizes.map(sizeToCm)].map(formatMetres)
    return asText(
      [formatAngle(latitude, 'N', 'S'), formatAngle(longitude, 'E', 'W'), ...metres].join(' '),
    )
  },
}

interface Hemispheres {
  readonly max: number
  readonly positive: string
  readonly negative: string
}

/** Consumes an angle: signed thousandths of an arc second, or what is wrong. */
function readAngle(state: ParseState, label: string, sides: Hemispheres): number | string {
  const expected = `degrees 0–${sides.max}, minutes, seconds, then ${sides.positive} or ${sides.negative}`
  const parts: string[] = []
  for (let i = 0; i < 4; i++) {
    const token = state.tokens[state.at++] ?? null
    if (!token || token.quoted) return mismatch(label, token, expected)
    const side = token.text.toUpperCase()
    const isSide = side === sides.positive || side === sides.negative
    if (!isSide) {
      parts.push(token.text)
      continue
    }
    const value = angleOf(parts, sides.max)
    if (value === null) return mismatch(label, [...parts, token.text].join(' '), expected)
    return side === sides.positive ? value : -value
  }
  return mismatch(label, parts.join(' '), expected)
}

/** The angle in thousandths of an arc second; null: out of range or malformed. */
function angleOf(
  [degrees = '', minutes = '0', seconds = '0']: readonly string[],
  max: number,
): number | null {
  if (!/^\d{1,3}$/.test(degrees) || !/^\d{1,2}$/.test(minutes)) return null
  if (!/^\d{1,2}(\.\d{1,3})?$/.test(seconds)) return null
  if (Number(minutes) > 59 || Number(seconds) >= 60) return null
  const value =
    Number(degrees) * millisecondsOf.degree +
    Number(minutes) * millisecondsOf.minute +
    Math.round(Number(seconds) * 1000)
  return value <= max * millisecondsOf.degree ? value : null
}

/** Consumes the altitude: centimetres above −100,000 m, or what is wrong. */
function readAltitude(state: ParseState): number | string {
  const token = state.tokens[state.at++] ?? null
  const cm = token && !token.quoted ? centimetres(token.text, /^-?\d{1,8}(\.\d{1,2})?m?$/i) : null
  const value = cm === null ? -1 : cm + altitudeBaseCm
  return value >= 0 && value <= 0xffffffff
    ? value
    : mismatch('the altitude', token, 'metres -100000.00–42849672.95')
}

/** Consumes a size, which may be missing at the end: its octet, or what is wrong. */
function readSize(state: ParseState, label: string, defaultCm: number): number | string {
  const token = state.tokens[state.at++]
  const cm = token ? centimetres(token.text, /^\d{1,8}(\.\d{1,2})?m?$/i) : defaultCm
  if (cm === null || cm > 9_000_000_000 || token?.quoted)
    return mismatch(label, token ?? null, 'metres 0–90000000.00')
  let exponent = 0
  while (exponent < 9 && cm >= 10 ** (exponent + 1)) exponent++
  return (Math.floor(cm / 10 ** exponent) << 4) | exponent
}

const centimetres = (text: string, shape: RegExp): number | null =>
  shape.test(text) ? Math.round(Number(text.replace(/m$/i, '')) * 100) : null

/** Whether an octet is a digit and a power of ten. */
const isSize = (octet: number): boolean =>
  octet === 0 || (octet >> 4 >= 1 && octet >> 4 <= 9 && (octet & 15) <= 9)

const sizeToCm = (octet: number): number => (octet >> 4) * 10 ** (octet & 15)

const formatMetres = (cm: number): string => `${(cm / 100).toFixed(2)}m`

function formatAngle(value: number, positive: string, negative: string): string {
  const total = Math.abs(value)
  const degrees = Math.floor(total / millisecondsOf.degree)
  const minutes = Math.floor((total % millisecondsOf.degree) / millisecondsOf.minute)
  const seconds = ((total % millisecondsOf.minute) / 1000).toFixed(3)
  return `${degrees} ${minutes} ${seconds} ${value >= 0 ? positive : negative}`
}
