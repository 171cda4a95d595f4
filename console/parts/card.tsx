// A panel with a heading, what it says in short at the right, and its contents.

import type { ComponentChildren, VNode } from 'preact'

export function Card({
  title,
  aside,
  children,
  className = '',
}: {
  title: ComponentChildren
  aside?: ComponentChildren
  children?: ComponentChildren
  className?: string
}): VNode {
  return (
    <section class={`card ${className}`}>
      <header>
        <h2>{title}</h2>
        {aside !== undefined && <span class="push">{aside}</span>}
      </header>
      <div class="body">{children}</div>
    </section>
  )
}

/** The command that says the same; each view ends with one. */
export function InTerminal({ command }: { command: string }): VNode {
  return (
    <section class="in-terminal" aria-label="The same in a terminal">
      <p>The same in a terminal</p>
      {/* Long commands scroll, and by the keyboard too. */}
      <pre class="command" tabIndex={0} role="region" aria-label="Command">
        {command}
      </pre>
    </section>
  )
}
