// What the draws ought to do, computed exactly and in another way than src/steer does: by enumerating every
// outcome (ladder) and by solving for the common scale (sample). Shared by the statistical tests.

/** Probability of each full order under Plackett–Luce, by enumeration. Key: names joined by `>`. */
export function ladderOdds(
  weights: Readonly<Record<string, number>>,
  places: number,
): Map<string, number> {
  const odds = new Map<string, number>()
  const descend = (path: readonly string[], odd: number): void => {
    const rest = Object.keys(weights).filter((name) => !path.includes(name))
    if (path.length === places || rest.length === 0) {
      odds.set(path.join('>'), odd)
      return
    }
    const total = rest.reduce((sum, name) => sum + (weights[name] ?? 0), 0)
    for (const name of rest) descend([...path, name], (odd * (weights[name] ?? 0)) / total)
  }
  descend([], 1)
  return odds
}

/** Inclusion min(1, λ·w) with λ such that they sum to k: found by bisection. */
export function inclusionOdds(
  weights: Readonly<Record<string, number>>,
  places: number,
): Record<string, number> {
  const entries = Object.entries(weights)
  const at = (scale: number): number =>
    entries.reduce((sum, [, weight]) => sum + Math.min(1, scale * weight), 0)
  let [low, high] = [0, 1 / Math.min(...Object.values(weights))]
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2
    if (at(middle) < Math.min(places, entries.length)) low = middle
    else high = middle
  }
  return Object.fromEntries(entries.map(([name, weight]) => [name, Math.min(1, high * weight)]))
}

/** How far a count is from what was expected, in standard deviations; exact where there is no chance in it. */
function deviation(count: number, odds: number): number {
  const sigma = Math.sqrt(draws * odds * (1 - odds))
  const distance = Math.abs(count - draws * odds)
  if (sigma < 1e-6) return distance < 1e-6 ? 0 : Infinity
  return distance / sigma
}

export const draws = 20_000
const sigmas = 5

export function tally(draw: () => readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i < draws; i++)
    for (const key of draw()) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

/** What came more or less often than its odds allow, or should not have come at all. */
export function outliers(
  counts: ReadonlyMap<string, number>,
  odds: Iterable<readonly [string, number]>,
): string[] {
  const wanted = new Map(odds)
  const keys = new Set([...counts.keys(), ...wanted.keys()])
  return [...keys].flatMap((key) => {
    const [count, odd] = [counts.get(key) ?? 0, wanted.get(key) ?? 0]
    return deviation(count, odd) < sigmas ? [] : [`${key}: ${count} of ${draws}, odds ${odd}`]
  })
}
