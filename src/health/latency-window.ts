// Latencies of the last 128 probes of one address, and their percentiles.

const capacity = 128

/** A ring of latencies, mutated in place; the array grows up to its capacity as needed. */
export interface LatencyWindow {
  readonly lastMs: number[]
  /** Index that the next latency is written to. */
  next: number
}

export const createLatencyWindow = (): LatencyWindow => ({ lastMs: [], next: 0 })

/** Adds a latency, replacing the oldest one when the window is full. */
export function addLatency(window: LatencyWindow, ms: number): void {
  window.lastMs[window.next] = ms
  window.next = (window.next + 1) % capacity
}

export const latencyQuantiles = [0.5, 0.9, 0.99] as const

export interface LatencyPercentiles {
  /** Latencies in the window. */
  readonly count: number
  /** One value per entry of `latencyQuantiles`, by nearest rank; empty if nothing was measured. */
  readonly ms: readonly number[]
}

/** Percentiles of the latencies in the window. */
export function latencyPercentiles({ lastMs }: LatencyWindow): LatencyPercentiles {
  const sorted = Float64Array.from(lastMs).sort()
  const at = (quantile: number): number => sorted[Math.ceil(quantile * sorted.length) - 1] as number
  return { count: sorted.length, ms: sorted.length === 0 ? [] : latencyQuantiles.map(at) }
}
