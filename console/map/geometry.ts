// The drawing that the paths of countries are in, where each country is in it, and which is the next one in a
// direction.

export const mapWidth = 1920
export const mapHeight = 843

export interface Point {
  readonly x: number
  readonly y: number
}

export type Direction = 'left' | 'right' | 'up' | 'down'

/** The middle of the largest ring of a path as the build writes it: one absolute point a ring, the others relative. */
export function centreOf(path: string): Point {
  let [centre, largest] = [{ x: 0, y: 0 }, -1]
  for (const ring of path.split('M').slice(1)) {
    const box = boxOf(ring)
    const area = (box.right - box.left) * (box.bottom - box.top)
    if (area <= largest) continue
    largest = area
    centre = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 }
  }
  return centre
}

function boxOf(ring: string): Record<'left' | 'right' | 'top' | 'bottom', number> {
  const numbers = (ring.match(/-?\d+/g) ?? []).map(Number)
  const box = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity }
  let [x, y] = [0, 0]
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    x += numbers[i] as number
    y += numbers[i + 1] as number
    box.left = Math.min(box.left, x)
    box.right = Math.max(box.right, x)
    box.top = Math.min(box.top, y)
    box.bottom = Math.max(box.bottom, y)
  }
  return box
}

/**
 * The nearest country within 45° of the direction, distances across counting double; null: there is none, as
 * beyond the edge of the map.
 */
export function nextCountry(
  centres: ReadonlyMap<string, Point>,
  from: string,
  direction: Direction,
): string | null {
  const start = centres.get(from)
  if (start === undefined) return null
  let [nearest, least]: [string | null, number] = [null, Infinity]
  for (const [code, { x, y }] of centres) {
    const [right, down] = [x - start.x, y - start.y]
    const [along, across] = alongAcross(right, down, direction)
    if (code === from || along <= 0 || Math.abs(across) > along) continue
    const distance = along + 2 * Math.abs(across)
    if (distance < least) [nearest, least] = [code, distance]
  }
  return nearest
}

function alongAcross(right: number, down: number, direction: Direction): [number, number] {
  switch (direction) {
    case 'left':
      return [-right, down]
    case 'right':
      return [right, down]
    case 'up':
      return [-down, right]
    case 'down':
      return [down, right]
    default:
      return direction satisfies never
  }
}
