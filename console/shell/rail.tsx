// The rail at the left, and on phones the bar below: the views, which instance this is, and how the page looks.

import type { VNode } from 'preact'

import { Icon } from '../parts/icon.tsx'
import { shown } from '../parts/shown.ts'
import { StateMark } from '../parts/state-mark.tsx'
import { peers, self } from '../store/live.ts'
import { addressOf, type ViewRow, views } from './view-row.ts'
import { closeDialog, openDialog } from './dialog.tsx'
import { href, route } from './route.ts'
import { Settings } from './settings.tsx'

const groups = ['steering', 'running', 'serving'] as const

/** Targets belong to the overview, which leads to them. */
function isCurrent({ path }: ViewRow): boolean {
  const [first = ''] = route.value.segments
  return first === path || (first === 'target' && path === '')
}

export function Rail(): VNode {
  return (
    <aside class="rail" aria-label="Console">
      <a class="brand" href={href([])}>
        <Brand />
        mxsteer
      </a>
      <Instance />
      <nav aria-label="Views">
        <ViewLinks />
      </nav>
      <Settings />
    </aside>
  )
}

export function ViewLinks(): VNode {
  return (
    <>
      {groups.map((group) => {
        const rows = views.value.filter((row) => row.group === group)
        return (
          rows.length > 0 && (
            <ul class="nav" key={group}>
              {rows.map((row) => (
                <li key={row.path}>
                  <ViewLink row={row} />
                </li>
              ))}
            </ul>
          )
        )
      })}
    </>
  )
}

function ViewLink({ row }: { row: ViewRow }): VNode {
  const count = row.count?.() ?? null
  return (
    <a
      href={addressOf(row)}
      aria-current={isCurrent(row) ? 'page' : undefined}
      onClick={() => closeDialog()}
    >
      <Icon name={row.icon} />
      {row.title}
      {count && <span class={`n tone-${count.tone}`}>{count.count}</span>}
    </a>
  )
}

function Brand(): VNode {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <rect width="20" height="20" rx="5.5" fill="var(--accent)" />
      <path
        d="M4.5 10h4m0 0c3 0 2.5-4.5 6.5-4.5M8.5 10H15M8.5 10c3 0 2.5 4.5 6.5 4.5"
        stroke="var(--on-accent)"
        stroke-width="1.7"
        stroke-linecap="round"
        fill="none"
      />
    </svg>
  )
}

/** Which instance answers here; the consoles of its peers are beside it, where they say where theirs are. */
function Instance(): VNode {
  const own = self.value
  const mark = own === undefined ? 'unknown' : own.ready ? 'up' : 'suspect'
  const state = own === undefined ? 'no news yet' : own.ready ? 'ready' : 'not ready'
  const site = own === undefined || own.site === '' ? '' : `${shown(own.site)} · `
  const label = (
    <>
      <StateMark mark={mark} />
      <span class="instance-name">
        <b>{own === undefined ? 'this server' : shown(own.instance)}</b>
        <span>
          {site}
          {state}
        </span>
      </span>
    </>
  )
  const others = peers.value.filter(({ consoleUrl }) => consoleUrl !== null)
  if (others.length === 0) return <p class="instance">{label}</p>
  return (
    <details class="instance-choice">
      <summary class="instance">
        {label}
        <Icon name="swap" size={14} />
        <span class="visually-hidden">Go to another instance</span>
      </summary>
      <ul>
        {others.map((peer) => (
          <li key={peer.instance}>
            <a href={`${peer.consoleUrl ?? ''}${location.hash}`} rel="noopener noreferrer">
              {shown(peer.instance)} <span class="dim">{shown(peer.site)}</span>
            </a>
          </li>
        ))}
      </ul>
    </details>
  )
}

export function TabBar(): VNode {
  const tabs = views.value.filter(({ isInTabBar }) => isInTabBar)
  return (
    <nav class="tabbar" aria-label="Main views">
      {tabs.map((row) => (
        <a key={row.path} href={addressOf(row)} aria-current={isCurrent(row) ? 'page' : undefined}>
          <Icon name={row.icon} size={20} />
          {row.title}
        </a>
      ))}
      <button type="button" onClick={openMore}>
        <Icon name="more" size={20} />
        More
      </button>
    </nav>
  )
}

function openMore(): void {
  openDialog({
    label: 'More',
    className: 'more',
    content: () => (
      <>
        <Instance />
        <nav aria-label="All views">
          <ViewLinks />
        </nav>
        <Settings />
        <button type="button" class="button" onClick={closeDialog}>
          Close
        </button>
      </>
    ),
  })
}
