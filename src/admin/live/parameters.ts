// Parameters of a query string, checked by their names: a misspelt one would be ignored, and more be answered than was
// meant.

import { refuse, type Reply } from '../reply.ts'

/** 400 `bad-field` where a parameter is none of `known`; null: all are. */
export function strangeParameter(
  parameters: URLSearchParams,
  known: readonly string[],
): Reply | null {
  const strange = [...parameters.keys()].find((key) => !known.includes(key))
  if (strange === undefined) return null
  return badParameter(`unknown parameter ${quote(strange)}, expected ${known.join(', ')}`)
}

export const badParameter = (message: string): Reply => refuse(400, 'bad-field', message)

/** The value of a parameter that is one of `known`, the first one where it is not given; null: it is none of them. */
export function oneOf<Value extends string>(
  parameters: URLSearchParams,
  name: string,
  known: readonly [Value, ...Value[]],
): Value | null {
  const given = parameters.get(name) ?? known[0]
  return known.find((one) => one === given) ?? null
}

/** A whole number within bounds; undefined: it is none; null: it is not given. */
export function wholeNumber(
  parameters: URLSearchParams,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | null | undefined {
  const given = parameters.get(name)
  if (given === null) return null
  const value = /^\d{1,15}$/.test(given) ? Number(given) : NaN
  return value >= least && value <= most ? value : undefined
}

const quote = (text: string): string => JSON.stringify(text.slice(0, 60))
