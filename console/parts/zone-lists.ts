// GET /zones lists a hundred zones at once, in the order of their names: where a list begins.

/** Of the zones whose names follow; '': from the first one. */
export const zonesAfter = (name: string): string =>
  name === '' ? 'zones' : `zones?${new URLSearchParams({ after: name })}`

/** A list that has this zone, if it is served: a name that is a character shorter stands before it. */
export const zonesFrom = (zone: string): string => zonesAfter(zone.slice(0, -1))
