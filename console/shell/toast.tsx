// What was just done, for a while, with what undoes it; and the one polite live region, which says transitions.

import { signal } from '@preact/signals'
import type { VNode } from 'preact'

export interface Toast {
  readonly text: string
  readonly action?: { readonly label: string; readonly run: () => void | Promise<void> }
}

const shownMs = 20_000
const saidEveryMs = 5000

const current = signal<Toast | null>(null)
let timer: ReturnType<typeof setTimeout> | undefined

/** Shows it for 20 seconds, in place of one that is shown. */
export function toast(one: Toast): void {
  clearTimeout(timer)
  current.value = one
  timer = setTimeout(dismiss, shownMs)
}

const dismiss = (): void => {
  clearTimeout(timer)
  current.value = null
}

export function ToastPlace(): VNode {
  const one = current.value
  return (
    <div class="toast-place" role="status">
      {one && (
        <div class="toast">
          <span>{one.text}</span>
          {one.action && (
            <button
              type="button"
              onClick={() => {
                dismiss()
                void one.action?.run()
              }}
            >
              {one.action.label}
            </button>
          )}
          <button type="button" aria-label="Dismiss" onClick={dismiss}>
            ×
          </button>
        </div>
      )}
    </div>
  )
}

const said = signal('')
let waiting: string[] = []
let isPaused = false

/** To screen readers, at most one each 5 seconds; of what waits the last three are said together. */
export function say(text: string): void {
  waiting.push(text)
  if (!isPaused) speak()
}

function speak(): void {
  isPaused = waiting.length > 0
  if (!isPaused) return
  const left = waiting.length - 3
  said.value = `${waiting.slice(-3).join('. ')}${left > 0 ? `. And ${left} more` : ''}`
  waiting = []
  setTimeout(speak, saidEveryMs)
}

export function LiveRegion(): VNode {
  return (
    <p class="visually-hidden" aria-live="polite" data-testid="said">
      {said}
    </p>
  )
}
