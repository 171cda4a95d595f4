// Lets so many at once through, the others in the order they came, and none beyond a bound.

export interface Turnstile {
  /** null: too many wait already. */
  pass<T>(work: () => Promise<T>): Promise<T | null>
}

export function createTurnstile(inside: number, waiting: number): Turnstile {
  const queue: (() => void)[] = []
  let free = inside
  let head = 0
  const leave = (): void => {
    const next = queue[head]
    if (!next) {
      free++
      return
    }
    head++
    if (head > 1024) {
      queue.splice(0, head)
      head = 0
    }
    next()
  }
  return {
    async pass(work) {
      if (free > 0) free--
      else {
        if (queue.length - head >= waiting) return null
        await new Promise<void>((resolve) => void queue.push(resolve))
      }
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
