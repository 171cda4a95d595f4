// What the server says, kept current: the overview once, then the news of the stream, which one tab reads for all. While
// no stream brings news, the overview is asked for every few seconds instead. A tab that is hidden for a minute lets go,
// and begins anew when it is seen.

import { batch, computed, type ReadonlySignal, signal } from '@preact/signals'

import { ask, apiUrl } from './api.ts'
import { seekLeadership } from './leader.ts'
import { nextFrame } from './next-frame.ts'
import {
  addEvents,
  applyDelta,
  compareGenerations,
  keepEqualRows,
  wholeOverview,
} from './reduce.ts'
import type {
  DeltaFrame,
  EventRecord,
  EventsReply,
  Figures,
  Generation,
  Overview,
  OverviewReply,
} from './rows.ts'

/** After how much silence the clock counts, the page fades and writing is off, and the overview is asked for. */
export const silence = { countsAfterMs: 5000, staleAfterMs: 15_000, pollsAfterMs: 4500 } as const
const hiddenMs = 60_000
const pollEveryMs = 3000
/** A tab that does not lead by then is told by another one. */
const leadsWithinMs = 2000
const keptEvents = 200
const keptFigures = 150

/** A message of the stream, as tabs pass it on. */
type News =
  | { readonly kind: 'delta'; readonly delta: DeltaFrame }
  | { readonly kind: 'event'; readonly event: EventRecord }
  | { readonly kind: 'figures'; readonly figures: Figures }
  | { readonly kind: 'resync' }
  | { readonly kind: 'hello'; readonly at: string }

/** null: nothing has come yet. It is another one with each message: what shows a part of it reads that part. */
export const overview = signal<Overview | null>(null)
export const hasOverview: ReadonlySignal<boolean> = computed(() => overview.value !== null)
/** This instance. */
export const self: ReadonlySignal<Overview['self'] | undefined> = computed(
  () => overview.value?.self,
)
const nobody: Overview['peers'] = []
export const peers: ReadonlySignal<Overview['peers']> = computed(
  () => overview.value?.peers ?? nobody,
)
const none: Overview['overrides'] = []
export const overrides: ReadonlySignal<Overview['overrides']> = computed(
  () => overview.value?.overrides ?? none,
)
export const figures = signal<Figures | null>(null)
/** Figures of the last minutes, the oldest first. */
export const figureTrail = signal<readonly Figures[]>([])
/** Newest first. */
export const events = signal<readonly EventRecord[]>([])
/** Why nothing comes, in a sentence; null: it does. */
export const trouble = signal<string | null>(null)
/** Whether reading needs a session that there is not. */
export const needsSignIn = signal(false)

/** The clock of this page, at each second. */
export const tick = signal(Date.now())
const heardAtMs = signal(Date.now())
/** By how much the server's clock is ahead of the browser's. */
const aheadMs = signal(0)

/** The server's clock, by whole seconds, so that news do not move it: countdowns and ages go by it. */
export const serverNowMs: ReadonlySignal<number> = computed(
  () => Math.floor((tick.value + aheadMs.value) / 1000) * 1000,
)
/** The same by whole minutes, for what says no seconds. */
export const serverMinuteMs: ReadonlySignal<number> = computed(
  () => Math.floor(serverNowMs.value / 60_000) * 60_000,
)
/** Since the last news; 0 until it counts, so that news do not move it. */
export const silentMs: ReadonlySignal<number> = computed(() => {
  const ms = tick.value - heardAtMs.value
  return ms < silence.countsAfterMs ? 0 : ms
})
export const isStale: ReadonlySignal<boolean> = computed(
  () => silentMs.value >= silence.staleAfterMs,
)

/** `at`: the server's clock; null: it did not say. */
function hear(at: string | null): void {
  const nowMs = Date.now()
  batch(() => {
    heardAtMs.value = nowMs
    if (tick.value < nowMs) tick.value = nowMs
    if (at !== null) aheadMs.value = Date.parse(at) - nowMs
    trouble.value = null
    needsSignIn.value = false
  })
}

let asking: Promise<void> | null = null

/** Takes the overview, once at a time. `known`: a generation that it need not be sent for; null: whatever it is. */
export function refresh(known: Generation | null = null): Promise<void> {
  asking ??= takeOverview(known).finally(() => {
    asking = null
  })
  return asking
}

async function takeOverview(known: Generation | null): Promise<void> {
  const since = known === null ? '' : `?since=${encodeURIComponent(known)}`
  const reply = await ask<OverviewReply>(`overview${since}`)
  switch (reply.kind) {
    case 'answered':
      if (isOutrun(reply.value)) return takeOverview(null)
      return batch(() => {
        hear(reply.value.at)
        overview.value = keepEqualRows(overview.value, wholeOverview(reply.value))
        takeFigures(reply.value.figures)
      })
    case 'unchanged':
      return hear(new Date(Date.now() + aheadMs.value).toISOString())
    case 'refused':
      needsSignIn.value = reply.status === 401
      trouble.value = reply.message
      return
    case 'unreachable':
      trouble.value = `the server does not answer (${reply.why})`
      return
    default:
      return reply satisfies never
  }
}

/** Whether news have come meanwhile of what is later: it would take them back. */
const isOutrun = ({ generation }: OverviewReply): boolean =>
  overview.value !== null && (compareGenerations(overview.value.generation, generation) ?? 0) > 0

function takeFigures(fresh: Figures): void {
  if (figures.value?.at === fresh.at) return
  figures.value = fresh
  figureTrail.value = [...figureTrail.value, fresh].slice(-keptFigures)
}

async function takeEvents(): Promise<void> {
  const reply = await ask<EventsReply>(`events?limit=${keptEvents}`)
  if (reply.kind === 'answered')
    events.value = addEvents(events.value, reply.value.events, keptEvents)
}

const takeNews = (news: News): void => batch(() => takeOne(news))

function takeOne(news: News): void {
  switch (news.kind) {
    case 'hello':
      return hear(news.at)
    case 'delta':
      return takeDelta(news.delta)
    case 'event':
      hear(news.event.at)
      events.value = addEvents(events.value, [news.event], keptEvents)
      return
    case 'figures':
      hear(news.figures.at)
      return takeFigures(news.figures)
    case 'resync':
      void refresh()
      return void takeEvents()
    default:
      return news satisfies never
  }
}

function takeDelta(delta: DeltaFrame): void {
  hear(delta.at)
  const known = overview.value
  if (known === null) return
  const outcome = applyDelta(known, delta)
  if (outcome.kind === 'applied') overview.value = outcome.overview
  if (outcome.kind === 'resync') void refresh()
}

/** Reads the stream and hands on what it says; gives what ends it. */
function readStream(say: (news: News) => void): () => void {
  const known = overview.value
  const since = known === null ? '' : `?since=${encodeURIComponent(known.generation)}`
  let source = open()
  function open(): EventSource {
    const opened = new EventSource(apiUrl(`stream${since}`))
    const on = (kind: string, read: (data: unknown) => News): void =>
      opened.addEventListener(kind, ({ data }: MessageEvent<string>) => say(read(JSON.parse(data))))
    on('hello', (data) => ({ kind: 'hello', at: (data as { at: string }).at }))
    on('delta', (data) => ({ kind: 'delta', delta: data as DeltaFrame }))
    on('event', (data) => ({ kind: 'event', event: data as EventRecord }))
    on('figures', (data) => ({ kind: 'figures', figures: data as Figures }))
    on('resync', () => ({ kind: 'resync' }))
    return opened
  }
  // A refusal (503: too many streams) ends an EventSource for good.
  const again = setInterval(() => {
    if (source.readyState === EventSource.CLOSED) source = open()
  }, 5000)
  return () => {
    clearInterval(again)
    source.close()
  }
}

/** To be called once. */
export function followServer(): void {
  const channel = new BroadcastChannel('mxsteer-news')
  channel.addEventListener('message', ({ data }: MessageEvent<News>) => takeNews(data))
  let isLeading = false
  const lead = (): (() => void) => {
    isLeading = true
    const end = readStream((news) => {
      channel.postMessage(news)
      takeNews(news)
    })
    return () => {
      isLeading = false
      end()
    }
  }
  let leave: (() => void) | null = null
  const begin = async (): Promise<void> => {
    if (leave !== null) return
    leave = () => {}
    await refresh()
    const first = overview.value?.generation ?? null
    await nextFrame()
    if (leave === null) return
    void takeEvents()
    leave = seekLeadership(lead).leave
    // The page asks for its first overview before a script of it can hear what the tab that leads is told meanwhile.
    setTimeout(() => {
      if (!isLeading && first !== null) void refresh(first)
    }, leadsWithinMs)
  }
  const end = (): void => {
    leave?.()
    leave = null
  }
  setInterval(() => {
    tick.value = Date.now()
  }, 1000)
  setInterval(() => {
    if (leave !== null && Date.now() - heardAtMs.value > silence.pollsAfterMs)
      void refresh(overview.value?.generation)
  }, pollEveryMs)
  followVisibility(() => void begin(), end)
}

function followVisibility(begin: () => void, end: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const look = (): void => {
    clearTimeout(timer)
    if (document.visibilityState === 'visible') begin()
    else timer = setTimeout(end, hiddenMs)
  }
  document.addEventListener('visibilitychange', look)
  begin()
  look()
}
