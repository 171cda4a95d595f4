// Keys. Single ones can be switched off (WCAG 2.1.4), since they get in the way of speech input; Ctrl-K stays.

import { effect, signal } from '@preact/signals'

import { keepChoice, keptChoice } from './theme.ts'

interface KeyRow {
  /** `/`, `?`, `d`, or two in a row: `g o`. */
  readonly keys: string
  readonly does: string
  readonly run: () => void
}

const switches = ['on', 'off'] as const
export const singleKeys = signal<(typeof switches)[number]>(keptChoice('keys', switches))
effect(() => keepChoice('keys', singleKeys.value))

const rows = signal<readonly KeyRow[]>([])

/** The keys in force, for the help. */
export const keyRows = rows

/** Adds keys; gives what takes them away again, for `useLayoutEffect` of a view: what is seen can be typed at. */
export function bindKeys(more: readonly KeyRow[]): () => void {
  rows.value = [...rows.peek(), ...more]
  return () => {
    rows.value = rows.peek().filter((row) => !more.includes(row))
  }
}

let first = ''

/** Keys that are typed into a field, or with a modifier, are left alone. */
export function followKeys(openFind: () => void): void {
  addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      return openFind()
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (singleKeys.value === 'off' || document.querySelector('dialog[open]') !== null) return
    const both = first === '' ? '' : `${first} ${event.key}`
    const row = find(both) ?? find(event.key)
    first = row === undefined && isFirst(event.key) ? event.key : ''
    if (row === undefined) return
    event.preventDefault()
    row.run()
  })
}

/** What was bound last comes first: a view may give a key another meaning. */
const find = (keys: string): KeyRow | undefined => rows.value.findLast((row) => row.keys === keys)

const isFirst = (key: string): boolean => rows.value.some((row) => row.keys.startsWith(`${key} `))

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
