// How much of the past a view shows, as links: each is an address of its own.

import type { VNode } from 'preact'

import { href } from '../shell/route.ts'

interface WindowsProps {
  /** First segment of the view's address. */
  readonly path: string
  readonly windows: readonly string[]
  readonly current: string
  /** What else its address says. */
  readonly also?: Readonly<Record<string, string>>
}

export const Windows = ({ path, windows, current, also = {} }: WindowsProps): VNode => (
  <nav class="chips" aria-label="How much of the past">
    {windows.map((window) => (
      <a
        key={window}
        class="chip"
        href={href([path], { ...also, window })}
        aria-current={window === current ? 'true' : undefined}
      >
        {window.replace(/(?=[a-z])/, '\u2009')}
      </a>
    ))}
  </nav>
)
