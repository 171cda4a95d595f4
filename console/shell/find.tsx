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
  /** Its row in the overview; null: it has none. */
  readonly row: string | null
}

const mostHits = 12

const text = signal('')
const chosen = signal(0)
const hits = computed(() => findHits(text.value, overview.value))

/** Something that can be found: of ten thousand only those that are shown are made hits of. */
interface Findable {
  readonly name: string
  readonly detail: string
  readonly hit: () => Hit
}

/** Those whose name begins with it first; `known` null: only views are known. */
export function findHits(sought: string, known: Overview | null): readonly Hit[] {
  const wanted = sought.trim().toLowerCase()
  const ranked: [Findable[], Findable[], Findable[]] = [[], [], []]
  for (const one of findables(known)) {
    const at = one.name.toLowerCase().indexOf(wanted)
    if (at < 0 && !one.detail.toLowerCase().includes(wanted)) continue
    const rank = at === 0 ? 0 : at > 0 ? 1 : 2
    if (ranked[rank].push(one) === mostHits && rank === 0) break
  }
  return ranked
    .flat()
    .slice(0, mostHits)
    .map(({ hit }) => hit())
}

function* findables(known: Overview | null): Generator<Findable> {
  for (const row of views.value)
    if (row.group !== null) {
      const [name, detail] = [row.title, 'view']
      yield {
        name,
        detail,
        hit: () => ({ icon: row.icon, name, detail, to: addressOf(row), row: null }),
      }
    }
  for (const one of known?.targets ?? []) yield findableTarget(one)
  for (const { zone } of known?.zones ?? []) {
    const [name, detail] = [shown(zone), 'zone']
    const to = href(['zones'], { zone })
    yield { name, detail, hit: () => ({ icon: 'zones', name, detail, to, row: null }) }
  }
}

const findableTarget = ({ zone, target, address }: Overview['targets'][number]): Findable => ({
  name: target,
  detail: `${address} · ${zone}`,
  hit: () => ({
    icon: 'traffic',
    name: shown(target),
    detail: `${address} · ${shown(zone)}`,
    to: href(['target', zone, target]),
    row: href([], { zone, target }),
  }),
})

export function openFind(): void {
  text.value = ''
  chosen.value = 0
  openDialog({ label: 'Find', className: 'finder', content: () => <Finder /> })
}

function follow(hit: Hit | undefined, isToRow: boolean = false): void {
  if (hit === undefined) return
  closeDialog()
  go(isToRow ? (hit.row ?? hit.to) : hit.to)
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
    follow(hits.value[chosen.value], event.shiftKey)
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
      {hits.value.some(({ row }) => row !== null) && (
        <p class="find-none">
          <kbd>Enter</kbd> opens it, <kbd>Shift</kbd> and <kbd>Enter</kbd> go to its row in the
          overview.
        </p>
      )}
      {hits.value.length === 0 && <p class="find-none">Nothing has this in its name.</p>}
    </div>
  )
}
