// Names as lists of labels, from the RFCs alone and without src/: what judges the server must not share its mistakes.

/** From the leftmost label to the one below the root; octets as latin1, letters as they came. */
export type Labels = readonly string[]

/** ASCII alone (RFC 4343). */
const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

export const lowered = (name: Labels): Labels => name.map(lower)

/** Presentation form with its final dot, lowered: one text for one name. */
export function nameText(name: Labels): string {
  if (name.length === 0) return '.'
  return name.map((label) => `${escaped(lower(label))}.`).join('')
}

const escaped = (label: string): string =>
  label.replace(/[^\w*/+-]/g, (octet) => `\\${String(octet.charCodeAt(0)).padStart(3, '0')}`)

/** Reads presentation form, `\DDD` and `\X` included; the final dot may be missing. */
export function labelsOf(text: string): Labels {
  const labels: string[] = []
  let label = ''
  for (const [part, digits, other] of text.matchAll(/\\(\d{3})|\\(.)|[^]/g)) {
    if (digits !== undefined) label += String.fromCharCode(Number(digits))
    else if (other !== undefined) label += other
    else if (part !== '.') label += part
    else {
      if (label !== '') labels.push(label)
      label = ''
    }
  }
  return label === '' ? labels : [...labels, label]
}

/** Wire form without compression. */
export const wireOf = (name: Labels): Buffer =>
  Buffer.concat([
    ...name.map((label) => Buffer.from(String.fromCharCode(label.length) + label, 'latin1')),
    Buffer.of(0),
  ])

export const isSameName = (a: Labels, b: Labels): boolean => compareNames(a, b) === 0

export const isAtOrBelow = (name: Labels, ancestor: Labels): boolean =>
  name.length >= ancestor.length && isSameName(name.slice(name.length - ancestor.length), ancestor)

export const isBelow = (name: Labels, ancestor: Labels): boolean =>
  name.length > ancestor.length && isAtOrBelow(name, ancestor)

/** Canonical order (RFC 4034 §6.1): labels from the right, as octets, lowered; what is missing sorts first. */
export function compareNames(a: Labels, b: Labels): number {
  for (let i = 1; i <= Math.min(a.length, b.length); i++) {
    const left = lower(a.at(-i) as string)
    const right = lower(b.at(-i) as string)
    if (left !== right) return left < right ? -1 : 1
  }
  return a.length - b.length
}

/** The longest name that both are at or below. */
export function commonAncestor(a: Labels, b: Labels): Labels {
  let depth = Math.min(a.length, b.length)
  while (!isSameName(a.slice(a.length - depth), b.slice(b.length - depth))) depth--
  return a.slice(a.length - depth)
}
