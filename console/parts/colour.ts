// A token of style/tokens.css as a colour that a canvas takes: it knows neither custom properties nor light-dark().

/** `name` such as `--accent`. Asks the page anew at each call, since the theme may have changed. */
export function resolvedColour(name: `--${string}`): string {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
