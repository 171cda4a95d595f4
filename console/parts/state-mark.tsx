// The mark of a state: told by its shape, a word beside it, and colour last.

import type { VNode } from 'preact'

export type Mark =
  | 'up'
  | 'coming-back'
  | 'suspect'
  | 'shedding'
  | 'down'
  | 'drained'
  | 'disabled'
  | 'unknown'
  | 'weight'
  | 'info'

/** Classes of style/parts.css: which colour a mark, a word or a pill has. */
export type Tone = 'up' | 'warn' | 'bad' | 'hold' | 'off'

const tones: Readonly<Record<Mark, Tone>> = {
  up: 'up',
  'coming-back': 'up',
  suspect: 'warn',
  shedding: 'warn',
  down: 'bad',
  drained: 'hold',
  disabled: 'hold',
  weight: 'hold',
  unknown: 'off',
  info: 'off',
}

export const toneOf = (mark: Mark): Tone => tones[mark]

/** Decorative: the word stands beside it. `label` where none does. */
export function StateMark({
  mark,
  size = 12,
  label,
}: {
  mark: Mark
  size?: number
  label?: string
}): VNode {
  const named =
    label === undefined ? { 'aria-hidden': true } : { role: 'img' as const, 'aria-label': label }
  // The mark of nearly all rows is a box: an SVG is a piece of its own for the browser to put together.
  if (mark === 'up')
    return <span class="mark disc tone-up" style={{ '--size': `${size}px` }} {...named} />
  return (
    <svg
      class={`mark tone-${tones[mark]}`}
      width={size}
      height={size}
      viewBox="0 0 12 12"
      {...named}
    >
      {shapeOf(mark)}
    </svg>
  )
}

function shapeOf(mark: Exclude<Mark, 'up'>): VNode {
  switch (mark) {
    case 'coming-back':
      return (
        <>
          <circle cx="6" cy="6" r="4.3" fill="none" stroke="currentColor" stroke-width="1.5" />
          <path d="M1.9 7.2a4.3 4.3 0 0 0 8.2 0Z" fill="currentColor" />
        </>
      )
    case 'suspect':
    case 'shedding':
      return <path d="M6 1.4 11 10.4H1Z" fill="currentColor" />
    case 'down':
      return (
        <>
          <rect x="1.6" y="1.6" width="8.8" height="8.8" rx="1.6" fill="currentColor" />
          <path
            class="cut"
            d="M4.2 4.2l3.6 3.6M7.8 4.2 4.2 7.8"
            stroke-width="1.4"
            stroke-linecap="round"
          />
        </>
      )
    case 'drained':
      return (
        <g fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round">
          <path d="M6 .9 11.1 6 6 11.1.9 6Z" />
          <path d="M6 3.4v5.200" stroke-linecap="round" />
        </g>
      )
    case 'disabled':
      return (
        <g fill="none" stroke="currentColor" stroke-width="1.7">
          <circle cx="6" cy="6" r="4.4" />
          <path d="M3 9 9 3" />
        </g>
      )
    case 'unknown':
      return (
        <circle
          cx="6"
          cy="6"
          r="4.2"
          fill="none"
          stroke="currentColor"
          stroke-width="1.6"
          stroke-dasharray="2.2 1.8"
        />
      )
    case 'weight':
      return (
        <path d="M2 4h8M2 8h5" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" />
      )
    case 'info':
      return <circle cx="6" cy="6" r="2.6" fill="currentColor" />
    default:
      return mark satisfies never
  }
}
