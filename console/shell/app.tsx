// The page: rail, the view that the address names, and what may stand above them.

import { signal } from '@preact/signals'
import type { ComponentType, VNode } from 'preact'
import { useEffect, useLayoutEffect } from 'preact/hooks'

import { eventParts } from '../parts/event-line.tsx'
import { events, hasOverview, isStale, serverNowMs } from '../store/live.ts'
import { type ViewProps, type ViewRow, views, addressOf } from './view-row.ts'
import { DialogPlace } from './dialog.tsx'
import { openFind } from './find.tsx'
import { bindKeys } from './keys.ts'
import { Rail, TabBar } from './rail.tsx'
import { go, href, route } from './route.ts'
import { openHelp } from './settings.tsx'
import { LiveRegion, say, ToastPlace } from './toast.tsx'
import { StaleBar, ViewHead } from './view-head.tsx'

type Loaded =
  | { readonly kind: 'view'; readonly View: ComponentType<ViewProps> }
  | { readonly kind: 'failed'; readonly why: string }

const loaded = signal<ReadonlyMap<string, Loaded>>(new Map())

function load(row: ViewRow): void {
  const keep = (outcome: Loaded): void => {
    loaded.value = new Map(loaded.value).set(row.path, outcome)
  }
  row.load?.().then(
    (View) => keep({ kind: 'view', View }),
    (error: Error) => keep({ kind: 'failed', why: error.message }),
  )
}

export function App(): VNode {
  const { value: where } = route
  const [path = '', ...segments] = where.segments
  const row = views.value.find((one) => one.path === path)
  useShellKeys()
  useFocusOnChange(where.segments.join('/'))
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault()
          document.querySelector('main')?.focus()
        }}
      >
        To the content
      </a>
      <div class="app">
        <Rail />
        <main id="main" tabIndex={-1} data-stale={isStale.value} data-live={hasOverview.value}>
          <StaleBar />
          <div class="view">
            {row === undefined ? (
              <NoSuchView />
            ) : (
              <ViewPlace row={row} segments={segments} query={where.query} />
            )}
          </div>
        </main>
      </div>
      <TabBar />
      <DialogPlace />
      <ToastPlace />
      <LiveRegion />
      <SaidEvents />
    </>
  )
}

function ViewPlace({ row, ...props }: ViewProps & { row: ViewRow }): VNode | null {
  const { View } = row
  const outcome = View === undefined ? loaded.value.get(row.path) : { kind: 'view' as const, View }
  const isMissing = outcome === undefined
  useEffect(() => {
    if (isMissing) load(row)
  }, [row, isMissing])
  if (outcome === undefined) return null
  switch (outcome.kind) {
    case 'view':
      return <outcome.View {...props} />
    case 'failed':
      return (
        <>
          <ViewHead title={row.title} />
          <p class="card nothing">
            This view did not load ({outcome.why}). If the server was upgraded,{' '}
            <a href={location.pathname} onClick={() => location.reload()}>
              load the page anew
            </a>
            .
          </p>
        </>
      )
    default:
      return outcome satisfies never
  }
}

function NoSuchView(): VNode {
  return (
    <>
      <ViewHead title="No such view" />
      <p class="card nothing">
        There is no view at this address. <a href={href([])}>Overview</a>
      </p>
    </>
  )
}

function useShellKeys(): void {
  useLayoutEffect(
    () =>
      bindKeys([
        { keys: '/', does: 'find', run: openFind },
        { keys: '?', does: 'keys and help', run: openHelp },
        ...views.value.flatMap((row) => {
          const { goKey, title } = row
          return goKey === null
            ? []
            : [{ keys: `g ${goKey}`, does: title, run: () => go(addressOf(row)) }]
        }),
      ]),
    [],
  )
}

/** Says transitions to screen readers: of what came since the page was opened, not of what it began with. */
function SaidEvents(): null {
  const [newest] = events.value
  useEffect(() => {
    const before = lastSaid
    lastSaid = newest?.id ?? null
    if (before === null || newest === undefined || newest.id <= before) return
    for (const event of events
      .peek()
      .filter(({ id }) => id > before)
      .toReversed()) {
      if (!/^(?:target\.(?:up|down|suspect)|override\.|peer\.)/.test(event.event)) continue
      const { subject, says } = eventParts(event, serverNowMs.peek())
      say(subject === null ? says : `${subject} ${says}`)
    }
  }, [newest])
  return null
}

let lastSaid: number | null = null

/** The focus goes to the contents with each new address but the first, as a new page would have it. */
function useFocusOnChange(path: string): void {
  useLayoutEffect(() => {
    if (focused !== null && focused !== path) {
      document.querySelector('main')?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
    focused = path
  }, [path])
}

let focused: string | null = null
