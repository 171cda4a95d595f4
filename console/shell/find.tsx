// Find: targets, addresses, zones, pools and views by a part of their names, from anywhere.

import { computed, signal } from '@preact/signals'
import type { VNode } from 'preact'

import { Icon, type IconName } from '../parts/icon.tsx'
import { shown } from '../parts/shown.ts'
import { overview } from '../store/live.ts'
import type { Overview } from '../store/rows.ts'
import { addressOf, views } from './view-row.ts'
import { closeDialog, openDialog } from './dialog.tsx'
import { go, href } from './route.ts'

interface Hit {
  readonly icon: IconName
  readonly name: string
  readonly detail: string
  readonly to: string
}

const mostHits = 12

const text = signal('')
const chosen = signal(0)
const hits = computed(() => findHits(text.value, overview.value))

/** Those whose name begins with it first; `overview` null: only views are known. */
export function findHits(sought: string, known: Overview | null): readonly Hit[] {
  const wanted = sought.trim().toLowerCase()
  const all = [...viewHits(), ...(known === null ? [] : rowHits(known))]
  const ranked = all.flatMap((hit) => {
    const name = hit.name.toLowerCase()
    const at = name.indexOf(wanted)
    if (at < 0 && !hit.detail.toLowerCase().includes(wanted)) return []
    return [{ hit, rank: at === 0 ? 0 : at > 0 ? 1 : 2 }]
  })
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, mostHits)
    .map(({ hit }) => hit)
}

const viewHits = (): readonly Hit[] =>
  views.value
    .filter(({ group }) => group !== null)
    .map((row) => ({
      icon: row.icon,
      name: row.title,
      detail: 'view',
      to: addressOf(row),
    }))

function rowHits({ targets, zones }: Overview): readonly Hit[] {
  return [
    ...targets.map(({ zone, target, address }) => ({
      icon: 'traffic' as const,
      name: shown(target),
      detail: `${address} · ${shown(zone)}`,
      to: href(['target', zone, target]),
    })),
    ...zones.map(({ zone }) => ({
      icon: 'zones' as const,
      name: shown(zone),
      detail: 'zone',
      to: href(['zones'], { zone }),
    })),
  ]
}

export function openFind(): void {
  text.value = ''
  chosen.value = 0
  openDialog({ label: 'Find', className: 'finder', content: () => <Finder /> })
}

function follow(hit: Hit | undefined): void {
  if (hit === undefined) return
  closeDialog()
  go(hit.to)
}

function onKeyDown(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  const { length } = hits.value
  if (step !== undefined && length > 0) {
    event.preventDefault()
    chosen.value = (chosen.value + step + length) % length
  }
  if (event.key === 'Enter') {
    event.preventDefault()
    follow(hits.value[chosen.value])
  }
}

function Finder(): VNode {
  const at = Math.min(chosen.value, hits.value.length - 1)
  return (
    <div class="find-box">
      <input
        type="text"
        role="combobox"
        aria-label="Find target, zone, address or view"
        aria-expanded="true"
        aria-controls="find-hits"
        aria-activedescendant={at < 0 ? undefined : `find-${at}`}
        autocomplete="off"
        spellcheck={false}
        placeholder="Target, zone, address, view"
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value
          chosen.value = 0
        }}
        onKeyDown={onKeyDown}
      />
      <ul id="find-hits" role="listbox" aria-label="Found">
        {hits.value.map((hit, index) => (
          <li
            key={`${hit.to} ${hit.detail}`}
            id={`find-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => follow(hit)}
          >
            <Icon name={hit.icon} />
            <b>{hit.name}</b>
            <span>{hit.detail}</span>
          </li>
        ))}
      </ul>
      {hits.value.length === 0 && <p class="find-none">Nothing has this in its name.</p>}
    </div>
  )
}
