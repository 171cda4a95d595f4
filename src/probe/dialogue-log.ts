// What was said in one probe, kept for people: at most 40 lines of 512 characters, 8 KiB in all.
//
// Lines of the target are dropped first: ours and the events of the connection are few and always kept.

import type { DialogueLine } from './outcome.ts'

const lineLimit = 40
/** Room is left for our lines and events: four commands and about as many events at most. */
const targetLineLimit = 28
const characterLimit = 512
const totalCharacterLimit = 8192

export class DialogueLog {
  readonly #lines: DialogueLine[] = []
  readonly #onLine: (line: DialogueLine) => void
  #characters = 0
  #dropped = false

  constructor(onLine: (line: DialogueLine) => void = () => {}) {
    this.#onLine = onLine
  }

  received(octets: Uint8Array, atMs: number): void {
    const line: DialogueLine = { atMs, from: '<', text: escapeOctets(octets) }
    this.#onLine(line)
    if (this.#dropped) return
    const fits = this.#characters + line.text.length <= totalCharacterLimit
    if (fits && this.#lines.length < targetLineLimit) this.#keep(line)
    else {
      this.#dropped = true
      this.#keep({ atMs, from: '*', text: 'further lines of the target are not kept' })
    }
  }

  sent(text: string, atMs: number): void {
    this.#tell({ atMs, from: '>', text: cut(text) })
  }

  event(text: string, atMs: number): void {
    this.#tell({ atMs, from: '*', text: cut(text) })
  }

  lines(): readonly DialogueLine[] {
    return this.#lines
  }

  #tell(line: DialogueLine): void {
    this.#onLine(line)
    this.#keep(line)
  }

  #keep(line: DialogueLine): void {
    if (this.#lines.length >= lineLimit) return
    this.#characters += line.text.length
    this.#lines.push(line)
  }
}

const cut = (text: string): string =>
  text.length > characterLimit ? `${text.slice(0, characterLimit - 1)}…` : text

/** Printable ASCII as it is, backslash doubled, the rest as \xNN; cut at 512 characters. */
export function escapeOctets(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets) {
    if (text.length > characterLimit) break
    if (octet === 92) text += '\\\\'
    else if (octet >= 32 && octet < 127) text += String.fromCharCode(octet)
    else text += `\\x${octet.toString(16).padStart(2, '0')}`
  }
  return cut(text)
}
