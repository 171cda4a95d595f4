// The one dialog at a time: modal, ended by Escape, and the focus goes back to where it was.

import { signal } from '@preact/signals'
import type { ComponentChildren, VNode } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

interface OpenDialog {
  readonly label: string
  readonly className?: string
  /** Drawn within the dialog; `close` ends it. The focus begins at what has `data-first`, or else at the first control. */
  readonly content: () => ComponentChildren
}

const current = signal<OpenDialog | null>(null)

export function openDialog(dialog: OpenDialog): void {
  current.value = dialog
}

export function closeDialog(): void {
  current.value = null
}

export function DialogPlace(): VNode | null {
  const open = current.value
  return open && <Dialog key={open.label} {...open} />
}

/** What had the focus before a dialog was opened, while one is; one that takes another's place has the same. */
let focusedBefore: Element | null = null

function Dialog({ label, className = '', content }: OpenDialog): VNode {
  const element = useRef<HTMLDialogElement>(null)
  // With the drawing: a key that is typed after the one that opens it belongs to its first field.
  useLayoutEffect(() => {
    focusedBefore ??= document.activeElement
    element.current?.showModal()
    element.current?.querySelector<HTMLElement>('[data-first]')?.focus()
    // Nothing behind a dialog takes the focus as long as it is in the page.
    return () => queueMicrotask(focusAgain)
  }, [])
  return (
    <dialog
      ref={element}
      class={`dialog ${className}`}
      aria-label={label}
      onClose={closeDialog}
      onClick={({ target }) => {
        if (target === element.current) closeDialog()
      }}
    >
      {content()}
    </dialog>
  )
}

function focusAgain(): void {
  if (current.peek() !== null) return
  if (focusedBefore instanceof HTMLElement && focusedBefore.isConnected) focusedBefore.focus()
  focusedBefore = null
}
