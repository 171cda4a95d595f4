// Counters of the admin server, in memory that its threads share: the listener writes them, metrics
// read them, and a thread that is started again goes on with them.

/** What became of requests, and of connections that were closed by a bound. */
const names = [
  /** Requests with a reply of the handler of their route, by its status. */
  'answered',
  'refused',
  'failed',
  /** Not ready, or without an answer in time: 503. */
  'unavailable',
  /** Requests that met a budget or a bound: 503 with Retry-After. */
  'busy',
  /** Octets that are no request: 400, 408 or 431. */
  'malformed',
  /** Connections accepted, and those closed since a client or all have too many. */
  'accepted',
  'crowded',
  /** Connections closed since they took too long. */
  'late',
  /** Connections open now. */
  'open',
  /** Tokens that were not the admin token, as far as they are told of. */
  'wrongTokens',
  /** Streams open now, or about to be; those for which there was no room; those that were not read. */
  'streams',
  'streamsRefused',
  'streamsCut',
  /** CPU time that requests took in this process, in milliseconds. */
  'spentMs',
  /** Turns of a timer of the listener's event loop, by which the control thread sees that it does not hang. */
  'beats',
  /** Threads that were started in place of one that ended. */
  'listenerRestarts',
  'explainRestarts',
] as const

type CounterName = (typeof names)[number]

export interface AdminCounters {
  readonly buffer: SharedArrayBuffer
  add(name: CounterName, count?: number): void
  set(name: CounterName, value: number): void
  read(name: CounterName): number
}

/** Opens the counters in existing shared memory, or new ones. Each counter has one writer. */
export function openAdminCounters(
  buffer: SharedArrayBuffer = new SharedArrayBuffer(8 * names.length),
): AdminCounters {
  const values = new Float64Array(buffer)
  const at = (name: CounterName): number => names.indexOf(name)
  return {
    buffer,
    add(name, count = 1) {
      values[at(name)] = (values[at(name)] ?? 0) + count
    },
    set(name, value) {
      values[at(name)] = value
    },
    read: (name) => values[at(name)] ?? 0,
  }
}
