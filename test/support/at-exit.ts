// What must not outlive the process of a test, however that ends: daemons it started, folders it made.

const cleanups = new Set<() => void>()
let isArmed = false

/** Runs `cleanup`, which must be synchronous, when this process ends by itself or by a signal that asks it to. */
export function atExit(cleanup: () => void): void {
  cleanups.add(cleanup)
  if (isArmed) return
  isArmed = true
  process.on('exit', runAll)
  // Without a listener these would end the process with no `exit` event.
  process.once('SIGTERM', () => process.exit(143))
  process.once('SIGINT', () => process.exit(130))
}

function runAll(): void {
  for (const cleanup of cleanups) {
    try {
      cleanup()
    } catch {
      // The others still have to go.
    }
  }
}
