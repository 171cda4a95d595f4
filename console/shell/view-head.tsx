// The head of each view: its one h1, how fresh the news are, and the way to everything else.

import type { ComponentChildren, VNode } from 'preact'
import { useEffect } from 'preact/hooks'

import { countdown } from '../parts/figures.ts'
import { Icon } from '../parts/icon.tsx'
import { hasOverview, isStale, self, serverMinuteMs, silentMs, trouble } from '../store/live.ts'
import { openFind } from './find.tsx'

/** `title` is also that of the page; `children` stand beside the heading. */
export function ViewHead({
  title,
  children,
}: {
  title: string
  children?: ComponentChildren
}): VNode {
  usePageTitle(title)
  return (
    <div class="top">
      <h1>{title}</h1>
      {children}
      <span class="push">
        <Freshness />
        <FindButton />
      </span>
    </div>
  )
}

/** For views that write their h1 themselves. */
export function usePageTitle(title: string): void {
  const name = self.value?.instance ?? ''
  useEffect(() => {
    document.title = name === '' ? `${title} · mxsteer` : `${title} · ${name} · mxsteer`
  }, [title, name])
}

export function FindButton(): VNode {
  return (
    <button type="button" class="find" onClick={openFind}>
      <Icon name="search" size={14} />
      Find target, zone, address
      <kbd aria-hidden="true">/</kbd>
    </button>
  )
}

export function Freshness(): VNode {
  const { value: ms } = silentMs
  const hasCome = hasOverview.value
  if (!hasCome || ms > 0)
    return (
      <span class="live is-silent">
        <i aria-hidden="true" />
        {hasCome ? `Last news ${countdown(ms / 1000)} ago` : 'No news yet'}
      </span>
    )
  return (
    <span class="live">
      <i aria-hidden="true" />
      Live · {new Date(serverMinuteMs.value).toISOString().slice(11, 16)} UTC
    </span>
  )
}

/** Above the contents while nothing comes: what is shown is old, and nothing may be written by it. */
export function StaleBar(): VNode | null {
  if (!isStale.value) return null
  const why = trouble.value === null ? '' : ` (${trouble.value})`
  return (
    <p class="stale-bar" role="alert">
      Last news {countdown(silentMs.value / 1000)} ago, trying again{why}. Nothing can be changed
      until then.
    </p>
  )
}
