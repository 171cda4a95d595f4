// Marks for two seconds what has just become another value, with a line below it and no flash.

import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

const markedMs = 2000

export function Changed({
  value,
  children,
}: {
  value: string
  children: ComponentChildren
}): VNode {
  const beforeRef = useRef(value)
  const [isMarked, setMarked] = useState(false)
  useEffect(() => {
    if (beforeRef.current === value) return undefined
    beforeRef.current = value
    setMarked(true)
    const timer = setTimeout(() => setMarked(false), markedMs)
    return () => clearTimeout(timer)
  }, [value])
  return <span class={isMarked ? 'changed' : undefined}>{children}</span>
}
