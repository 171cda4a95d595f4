// How often a client may present a wrong token: five times a minute, then nobody signs in from its address until the
// first of them is a minute old. A right bearer token is always taken, so that no client can lock out the commands of
// another one behind the same proxy; tokens have 16 characters at least, which nobody guesses.

export const wrongTokenLimits = {
  ofClient: 5,
  windowMs: 60_000,
  clients: 1024,
  toldOfAll: 60,
} as const

export interface WrongTokens {
  /** Milliseconds until the client may try again; 0: now. */
  waitMs(client: string, nowMs: number): number
  /** Counts a wrong token. Returns whether it is to be told of: at most 60 a minute are, of all clients. */
  add(client: string, nowMs: number): boolean
}

/** Beyond 1,024 clients the one is forgotten that was wrong the longest time ago. */
export function createWrongTokens(): WrongTokens {
  const { ofClient, windowMs, clients, toldOfAll } = wrongTokenLimits
  const byClient = new Map<string, readonly number[]>()
  let told: readonly number[] = []
  const recent = (times: readonly number[], nowMs: number): readonly number[] =>
    times.filter((atMs) => nowMs - atMs < windowMs)
  return {
    waitMs(client, nowMs) {
      const times = recent(byClient.get(client) ?? [], nowMs)
      const [first] = times
      return times.length < ofClient || first === undefined ? 0 : first + windowMs - nowMs
    },
    add(client, nowMs) {
      const times = [...recent(byClient.get(client) ?? [], nowMs), nowMs].slice(-ofClient)
      byClient.delete(client)
      byClient.set(client, times)
      const [oldest] = byClient.keys()
      if (byClient.size > clients && oldest !== undefined) byClient.delete(oldest)
      told = recent(told, nowMs)
      if (told.length >= toldOfAll) return false
      told = [...told, nowMs]
      return true
    },
  }
}
