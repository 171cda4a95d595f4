// Line icons of views and controls, 16 units wide.

import type { VNode } from 'preact'

const paths = {
  overview: 'M2.5 3.5h11M2.5 8h11M2.5 12.5h7',
  ask: 'M3 8h4m0 0c3 0 2-4.5 6-4.5M7 8c3 0 2 4.5 6 4.5',
  whatif: 'M4 2.5v11M12 2.5v11M4 8h8',
  map: 'M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11M2.5 8h11M8 2.5c2.5 3 2.5 8 0 11M8 2.5c-2.5 3-2.5 8 0 11',
  drains: 'M8 2.5 13.5 8 8 13.5 2.5 8Z',
  events: 'M4 3v10M2.7 5h2.6M2.7 11h2.6M7.5 5h6M7.5 11h4',
  traffic: 'M2.5 11.5 6 7l3 2.5 4.5-6',
  budgets: 'M2.5 12.5V9m3.7 3.5v-7m3.6 7V8m3.7 4.5v-9',
  instances: 'M3 2.5h10v4.5H3ZM3 9h10v4.5H3Z',
  zones: 'M4 2.5h5.5L12.5 5.5v8H4ZM6.5 8H10M6.5 10.5H10',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6M8 1.8v1.5M8 12.7v1.5M1.8 8h1.5M12.7 8h1.5M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1',
  moon: 'M12.8 9.8A5.5 5.5 0 0 1 6.2 3.2 5.5 5.5 0 1 0 12.8 9.8Z',
  system: 'M2.5 3.5h11v7h-11ZM6 13.5h4M8 10.5v3',
  density: 'M3 3h10M3 6.3h10M3 9.6h10M3 13h10',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  search: 'M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8M10 10l3.5 3.5',
  swap: 'm5.5 5.8 2.5-2.3 2.5 2.3M5.5 10.2l2.5 2.3 2.5-2.3',
  close: 'm4 4 8 8M12 4l-8 8',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): VNode {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width={name === 'more' ? 2.4 : 1.5}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  )
}
