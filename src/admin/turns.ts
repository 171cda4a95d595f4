// Work of the admin server in the control thread, in turns of its event loop: in each turn one request begins, or a view
// goes on for a stretch of a few milliseconds. Timers of probes and of the watchdog run between two turns.

const encoder = new TextEncoder()

/**
 * How long a view is computed before other work has its turn: in milliseconds at least, and as a share of the time since
 * it was begun, so that it gets done where turns are far apart.
 */
const stretch = { leastMs: 5, share: 0.01 }

/** Text of a view, in pieces that are made one by one. */
export type Pieces = Iterable<string | Promise<string>>

export class Turns {
  /** As many as there are requests under way, which listener/control-calls.ts bounds. */
  #waiting: (() => void)[] = []

  /** Resolves in a turn that belongs to the caller alone; `isVital`: before all who wait. */
  next(isVital: boolean = false): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.splice(isVital ? 0 : this.#waiting.length, 0, resolve)
      if (this.#waiting.length === 1) setImmediate(() => this.#begin())
    })
  }

  #begin(): void {
    const begin = this.#waiting.shift()
    if (this.#waiting.length > 0) setImmediate(() => this.#begin())
    begin?.()
  }
}

/** Text in UTF-8 whose parts have memory of their own, and can be passed to another thread without a copy. */
export type Utf8Chunks = readonly Uint8Array<ArrayBuffer>[]

interface Assembled {
  readonly body: Utf8Chunks
  /** CPU time that it took in this thread, in milliseconds. */
  readonly spentMs: number
}

/** Makes the pieces, in as many turns as it takes. Rejects with what a piece throws. */
export async function assemble(pieces: Pieces, turns: Turns): Promise<Assembled> {
  const body: Uint8Array<ArrayBuffer>[] = []
  let text = ''
  let spentMs = 0
  await turns.next()
  const begunMs = performance.now()
  let current = beginStretch(stretch.leastMs)
  for (const piece of pieces) {
    text += typeof piece === 'string' ? piece : await piece
    if (!current.isOver()) continue
    body.push(encoder.encode(text))
    text = ''
    spentMs += current.spentMs()
    await turns.next()
    const lengthMs = stretch.share * (performance.now() - begunMs)
    current = beginStretch(Math.max(stretch.leastMs, lengthMs))
  }
  body.push(encoder.encode(text))
  return { body, spentMs: spentMs + current.spentMs() }
}

interface Stretch {
  isOver(): boolean
  spentMs(): number
}

/** `lengthMs` is of CPU time: on a busy machine a view would otherwise take as many turns as it is interrupted. */
function beginStretch(lengthMs: number): Stretch {
  const before = process.threadCpuUsage()
  const spentMs = (): number => {
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  }
  let soonestMs = performance.now() + lengthMs
  return {
    spentMs,
    isOver() {
      const nowMs = performance.now()
      if (nowMs < soonestMs) return false
      const leftMs = lengthMs - spentMs()
      soonestMs = nowMs + leftMs
      return leftMs <= 0
    },
  }
}

/** What `view` makes of each item. The items too are read only when the first one is asked for. */
export function* viewed<Item>(
  read: () => Iterable<Item>,
  view: (item: Item) => object,
): Generator<object> {
  for (const item of read()) yield view(item)
}

/**
 * A JSON object as `JSON.stringify(fields, null, 2)` writes it, with a final newline. What can be iterated is written as
 * an array, an item a piece.
 */
export function* jsonPieces(fields: Readonly<Record<string, unknown>>): Generator<string> {
  let separator = '{\n'
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue
    yield `${separator}  ${JSON.stringify(key)}: `
    separator = ',\n'
    if (isIterable(value)) yield* arrayPieces(value)
    // Within an array the text of a value is indented as it has to be here.
    else yield JSON.stringify([value], null, 2).slice('[\n  '.length, -'\n]'.length)
  }
  yield separator === '{\n' ? '{}\n' : '\n}\n'
}

function* arrayPieces(items: Iterable<unknown>): Generator<string> {
  let separator = '[\n'
  for (const item of items) {
    const text = JSON.stringify([[item]], null, 2).slice('[\n  [\n'.length, -'\n  ]\n]'.length)
    yield `${separator}${text}`
    separator = ',\n'
  }
  yield separator === '[\n' ? '[]' : '\n  ]'
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value
