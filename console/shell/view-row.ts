// What the shell knows of a view. The rows are in views/view-table.ts; main.tsx gives them here, since views use the shell.

import { signal } from '@preact/signals'
import type { ComponentType } from 'preact'

import type { IconName } from '../parts/icon.tsx'
import type { Tone } from '../parts/state-mark.tsx'

export interface ViewProps {
  /** Of the path behind the view's own segment, decoded. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
}

export interface ViewRow {
  /** First segment of its path; '': the overview. */
  readonly path: string
  readonly title: string
  readonly icon: IconName
  /** Rows of one group stand together in the rail; null: reached by links alone. */
  readonly group: 'steering' | 'running' | 'serving' | null
  /** The second key of `g …`. */
  readonly goKey: string | null
  /** Whether phones have it in the bar below, rather than under More. */
  readonly isInTabBar: boolean
  /** Figure beside its name in the rail; null: none. Reads signals. */
  readonly count?: () => { readonly count: number; readonly tone: Tone } | null
  /** The view, of the one that comes with the page: it is drawn at once. The others are loaded. */
  readonly View?: ComponentType<ViewProps>
  readonly load?: () => Promise<ComponentType<ViewProps>>
}

/** In the order of the rail. */
export const views = signal<readonly ViewRow[]>([])

/** Address of a view without anything chosen in it. */
export const addressOf = ({ path }: ViewRow): string => `#/${path}`
