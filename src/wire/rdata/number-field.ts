// Unsigned integers in rdata, some with mnemonics, and periods with units as in `1h30m`.

import {
  asText,
  type ParseState,
  type Field,
  mismatch,
  nextToken,
  takeOctets,
  tooShort,
} from './field.ts'

/** Numbers by mnemonic in upper case. */
export type Mnemonics = Readonly<Record<string, number>>

/** An unsigned integer of `octets` octets, or one of the mnemonics. `label` names the field in error messages. */
export function wholeNumber(label: string, octets: 1 | 2 | 4, mnemonics: Mnemonics = {}): Field {
  const max = 2 ** (octets * 8) - 1
  const named = Object.keys(mnemonics).length > 0 ? ' or its mnemonic' : ''
  return {
    parse(state) {
      const token = nextToken(state)
      const value = token && !token.quoted ? readNumber(token.text, mnemonics) : null
      if (value === null || value > max)
        return `${mismatch(label, token, `a whole number 0–${max}${named}`)}${orderHint(state)}`
      pushNumber(state, value, octets)
      return null
    },
    format: formatNumber(label, octets),
  }
}

/** Where two words are the wrong way round, as in `MX mx1 10`; else empty. */
function orderHint({ tokens: [first, second, ...others] }: ParseState): string {
  const isTurned = others.length === 0 && /^\d{1,5}$/.test(second?.text ?? '')
  return isTurned && /^[^\d]/.test(first?.text ?? '')
    ? `: write ${second?.text} ${first?.text.slice(0, 255)}, the number first`
    : ''
}

/** A period in seconds (32 bits), plain or with units: `3600`, `1h`, `2d12h`. */
export function period(label: string): Field {
  return {
    parse(state) {
      const token = nextToken(state)
      const value = token && !token.quoted ? readPeriod(token.text) : null
      if (value === null || value > 0xffffffff)
        return mismatch(label, token, 'seconds 0–4294967295, or with units as in 1h30m')
      pushNumber(state, value, 4)
      return null
    },
    format: formatNumber(label, 4),
  }
}

function readNumber(text: string, mnemonics: Mnemonics): number | null {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  const upper = text.toUpperCase()
  return Object.hasOwn(mnemonics, upper) ? (mnemonics[upper] ?? null) : null
}

const secondsOf: Mnemonics = { W: 604_800, D: 86_400, H: 3600, M: 60, S: 1 }

/** Seconds of a period; null: the text is none. */
export function readPeriod(text: string): number | null {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  if (!/^(\d{1,10}[wdhms]){1,5}$/i.test(text)) return null
  let total = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([a-z])/gi))
    total += Number(count) * (secondsOf[(unit as string).toUpperCase()] as number)
  return total
}

function pushNumber(state: ParseState, value: number, octets: 1 | 2 | 4): void {
  for (let i = octets - 1; i >= 0; i--) state.octets.push(Math.floor(value / 256 ** i) % 256)
}

const formatNumber =
  (label: string, count: number): Field['format'] =>
  (state) => {
    const octets = takeOctets(state, count)
    if (!octets) return tooShort(label)
    return asText(String(octets.reduce((value, octet) => value * 256 + octet, 0)))
  }
