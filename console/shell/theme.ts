// Appearance and density: what the reader chose, kept by the browser. Without a choice the theme is the system's.

import { effect, signal } from '@preact/signals'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]
export const densities = ['usual', 'dense'] as const
export type Density = (typeof densities)[number]

/** A choice of the reader under this key; the first of `values` is that of who has not chosen. */
export function keptChoice<Value extends string>(key: string, values: readonly Value[]): Value {
  const kept = storage()?.getItem(`mxsteer-${key}`)
  return values.find((one) => one === kept) ?? (values[0] as Value)
}

export function keepChoice(key: string, value: string): void {
  storage()?.setItem(`mxsteer-${key}`, value)
}

/** null: the browser keeps nothing for this page. */
function storage(): Storage | null {
  try {
    return localStorage
  } catch {
    return null
  }
}

export const theme = signal<Theme>(keptChoice('theme', themes))
export const density = signal<Density>(keptChoice('density', densities))

/** To be called once, before anything is drawn. */
export function applyAppearance(): void {
  effect(() => {
    const { dataset } = document.documentElement
    if (theme.value === 'system') delete dataset['theme']
    else dataset['theme'] = theme.value
    keepChoice('theme', theme.value)
  })
  effect(() => {
    const { dataset } = document.documentElement
    if (density.value === 'usual') delete dataset['density']
    else dataset['density'] = density.value
    keepChoice('density', density.value)
  })
}
