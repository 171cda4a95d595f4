// The TTL of a steered answer: how long the decision can stand, within what the operator allows.

/**
 * `holdSeconds` clamped to [minTtl, ttl] in whole seconds, never 0: resolvers would ask for every message, and
 * some treat 0 as an error. Where the bounds cross, the upper one holds.
 */
export function answerTtl(
  set: { readonly ttl: number; readonly minTtl: number },
  holdSeconds: number,
): number {
  return Math.max(1, Math.floor(Math.min(set.ttl, Math.max(set.minTtl, holdSeconds))))
}
