// `j` and `k` go through the rows of targets, `↵` opens one: by the focus, which a screen reader follows.

import { useEffect } from 'preact/hooks'

import { bindKeys } from '../../shell/keys.ts'

export function useRowKeys(): void {
  useEffect(
    () =>
      bindKeys([
        { keys: 'j', does: 'next target', run: () => moveFocus(1) },
        { keys: 'k', does: 'target before', run: () => moveFocus(-1) },
      ]),
    [],
  )
}

/** The focus is on the link of the row, so that Enter opens it. */
function moveFocus(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLAnchorElement>('tr.member .who > a')]
  const at = links.findIndex((link) => link === document.activeElement)
  const next = at < 0 ? (step === 1 ? 0 : links.length - 1) : at + step
  const link = links[Math.min(Math.max(next, 0), links.length - 1)]
  link?.focus()
  link?.scrollIntoView({ block: 'nearest' })
}
