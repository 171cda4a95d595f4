// Lists of names in a sentence, of a length that is bounded.

/** The first `shown` of them, and how many more there are: `a, b and 3 more`. */
export function listed(names: readonly string[], shown: number, separator = ', '): string {
  const more = names.length - shown
  return names.slice(0, shown).join(separator) + (more > 0 ? ` and ${more} more` : '')
}
