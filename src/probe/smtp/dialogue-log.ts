// What was said in one probe, kept for people: at most 40 lines of 512 characters, 8 KiB in all.
//
// Lines of the target are dropped first: ours and the events of the connection are few and always kept.

import type { DialogueLine } from '../../health/outcome.ts'
import { latin1 } from './reply-line.ts'

const lineLimit = 40
/** Room is left for our lines and events: eight commands and about as many events at most. */
const targetLineLimit = 24
const shortenedLineLimit = 8
const characterLimit = 512
const totalCharacterLimit = 8192

export class DialogueLog {
  readonly #onLine: ((line: DialogueLine) => void) | undefined
  #lines: DialogueLine[] = []
  #characters = 0
  #dropped = false

  constructor(onLine: ((line: DialogueLine) => void) | undefined) {
    this.#onLine = onLine
  }

  received(octets: Uint8Array, atMs: number): void {
    if (this.#dropped && !this.#onLine) return
    const line: DialogueLine = { atMs, from: '<', text: escapeOctets(octets) }
    this.#onLine?.(line)
    if (this.#dropped) return
    const fits = this.#characters + line.text.length <= totalCharacterLimit
    if (fits && this.#lines.length < targetLineLimit) this.#keep(line)
    else this.#drop(atMs)
  }

  /** Of a target that says too much a few lines tell as well as many; hundreds of such targets cost little. */
  shorten(atMs: number): void {
    if (this.#lines.length <= shortenedLineLimit) return
    this.#lines = this.#lines.slice(0, shortenedLineLimit)
    this.#drop(atMs)
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

  #drop(atMs: number): void {
    this.#dropped = true
    this.#keep({ atMs, from: '*', text: 'further lines of the target are not kept' })
  }

  #tell(line: DialogueLine): void {
    this.#onLine?.(line)
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
  const text = latin1(octets, 0, characterLimit + 1)
  return cut(/[^ -[\]-~]/.test(text) ? text.replaceAll(/[^ -[\]-~]/g, escapeCharacter) : text)
}

const escapeCharacter = (character: string): string =>
  character === '\\' ? '\\\\' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
