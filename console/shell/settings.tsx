// How the page looks and what keys do; who is signed in is drawn by what knows of sessions (session-slot).

import { signal } from '@preact/signals'
import type { ComponentType, VNode } from 'preact'

import { Icon, type IconName } from '../parts/icon.tsx'
import { self } from '../store/live.ts'
import { openDialog, closeDialog } from './dialog.tsx'
import { keyRows, singleKeys } from './keys.ts'
import { density, type Theme, theme, themes } from './theme.ts'

/** Who is signed in, at the foot of the rail; set by the session's own module. */
export const sessionSlot = signal<ComponentType | null>(null)

const themeIcons: Readonly<Record<Theme, IconName>> = {
  system: 'system',
  light: 'sun',
  dark: 'moon',
}
const themeNames: Readonly<Record<Theme, string>> = {
  system: 'As the system',
  light: 'Light',
  dark: 'Dark',
}

export function Settings(): VNode {
  const Session = sessionSlot.value
  return (
    <div class="foot">
      {Session && <Session />}
      <div class="foot-row">
        <span class="segments" role="group" aria-label="Appearance">
          {themes.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={theme.value === one}
              aria-label={themeNames[one]}
              title={themeNames[one]}
              onClick={() => {
                theme.value = one
              }}
            >
              <Icon name={themeIcons[one]} size={15} />
            </button>
          ))}
        </span>
        <span class="segments">
          <button
            type="button"
            aria-pressed={density.value === 'dense'}
            aria-label="Dense rows"
            title="Dense rows"
            onClick={() => {
              density.value = density.value === 'dense' ? 'usual' : 'dense'
            }}
          >
            <Icon name="density" size={15} />
          </button>
        </span>
      </div>
      <div class="foot-row">
        <button type="button" class="link" onClick={openHelp}>
          Keys and help
        </button>
        <span>{self.value?.version}</span>
      </div>
    </div>
  )
}

export function openHelp(): void {
  openDialog({ label: 'Keys and help', content: () => <Help /> })
}

function Help(): VNode {
  return (
    <div class="help">
      <h2>Keys</h2>
      <dl>
        {keyRows.value.map(({ keys, does }) => (
          <div key={`${keys} ${does}`}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value === 'on'}
          onChange={({ currentTarget }) => {
            singleKeys.value = currentTarget.checked ? 'on' : 'off'
          }}
        />
        Single keys act (Ctrl-K always does)
      </label>
      <p class="dim">
        All that is shown here can be had in a terminal: each view ends with the command.{' '}
        <a href="plain">The plain page</a> needs no JavaScript.
      </p>
      <div class="end">
        <button type="button" class="button" onClick={closeDialog}>
          Close
        </button>
      </div>
    </div>
  )
}
