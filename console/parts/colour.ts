// A colour of CSS as a canvas takes it: that knows neither custom properties nor light-dark().

/** `value` such as `var(--accent)`. Asks the page anew at each call, since the theme may have changed. */
export function resolvedColour(value: string): string {
  const probe = document.createElement('i')
  probe.style.color = value
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
