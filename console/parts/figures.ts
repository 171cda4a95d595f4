// Figures as texts: thin spaces, one decimal for shares, whole milliseconds from 10 on, ages in two units at most.

const thin = '\u2009'

export const percent = (share: number, decimals: number = 1): string =>
  `${(share * 100).toFixed(decimals)}${thin}%`

/** `0.0714` → 0.071, `1.25` → 1.3, `12.34` → 12: as many digits as say something. */
export function figure(value: number): string {
  if (Number.isInteger(value)) return grouped(value)
  const size = Math.abs(value)
  return grouped(Number(value.toFixed(size >= 10 ? 0 : size >= 1 ? 1 : size >= 0.1 ? 2 : 3)))
}

/** Thousands apart by thin spaces. */
export const grouped = (value: number): string => {
  const text = String(value)
  // Most figures have none, and each message has some drawn.
  if (Math.abs(value) < 1000) return text
  const [whole = '', part] = text.split('.')
  const spaced = whole.replaceAll(/\B(?=(\d{3})+$)/g, thin)
  return part === undefined ? spaced : `${spaced}.${part}`
}

export const milliseconds = (ms: number): string =>
  grouped(ms >= 10 ? Math.round(ms) : Math.round(ms * 10) / 10)

/** `4 min`, `1 h 42 min`, `3 d 2 h`. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return joined(`${hours} h`, minutes % 60, 'min')
  return joined(`${Math.floor(hours / 24)} d`, hours % 24, 'h')
}

const joined = (first: string, rest: number, unit: string): string =>
  rest === 0 ? first : `${first} ${rest} ${unit}`

/** `0:07`, `12:30`. */
export function countdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** `18:28:34` of an ISO time or of milliseconds, in UTC. */
export const clockTime = (at: string | number): string => new Date(at).toISOString().slice(11, 19)

/** `18:28` where it is within 20 hours of now, else `29 Nov 18:28`; UTC. */
export function shortTime(at: string | number, nowMs: number): string {
  const ms = new Date(at).getTime()
  const iso = new Date(ms).toISOString()
  if (Math.abs(ms - nowMs) < 72_000_000) return iso.slice(11, 16)
  return `${Number(iso.slice(8, 10))} ${monthNames[Number(iso.slice(5, 7)) - 1] ?? ''} ${iso.slice(11, 16)}`
}

const monthNames = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

let localFormat: Intl.DateTimeFormat | null = null

/** The same moment where the reader is, for a hover. The first one takes long: it reads the data of the language. */
export function localTime(at: string | number): string {
  localFormat ??= new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })
  return localFormat.format(new Date(at))
}

/** Gives an element that moment as its title when it is pointed at: of a hundred rows few ever are. `before`: words before it. */
export const hoverTitle = (
  at: string | number,
  before: string = '',
): { readonly onPointerEnter: (event: PointerEvent) => void } => ({
  onPointerEnter({ currentTarget }) {
    if (currentTarget instanceof Element)
      currentTarget.setAttribute('title', `${before}${localTime(at)}`)
  },
})

export const counted = (count: number, one: string, many: string = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`
