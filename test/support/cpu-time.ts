// Bounded work, measured by the CPU time of this thread: what else the machine does adds nothing to it, and how fast the
// machine is cancels out where two sizes of the same work are compared.

/** CPU time of this thread, in ms, while `work` runs. */
export function cpuMs(work: () => unknown): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** Less than this is taken for this: a collection of garbage must not decide. */
const floorMs = 5

/**
 * How many times the CPU time of `small` the work of `large` takes. Tried again, the least of all tries counting, as
 * long as it is not below `enough`.
 */
export function costRatio(small: () => unknown, large: () => unknown, enough: number): number {
  let [smallMs, largeMs] = [Infinity, Infinity]
  for (let tries = 0; tries < 5; tries++) {
    smallMs = Math.min(smallMs, cpuMs(small))
    largeMs = Math.min(largeMs, cpuMs(large))
    if (largeMs < enough * Math.max(floorMs, smallMs)) break
  }
  return largeMs / Math.max(floorMs, smallMs)
}
