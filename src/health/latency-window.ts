// Latency of the last probes of one address: a bounded window, and percentiles of what is in it.

const capacity = 128

/** Added to in place; grows to its capacity as needed. */
export interface LatencyWindow {
  readonly lastMs: number[]
  next: number
}

export const createLatencyWindow = (): LatencyWindow => ({ lastMs: [], next: 0 })

export function addLatency(window: LatencyWindow, ms: number): void {
  window.lastMs[window.next] = ms
  window.next = (window.next + 1) % capacity
}

export const latencyQuantiles = [0.5, 0.9, 0.99] as const

export interface LatencyPercentiles {
  readonly count: number
  /** One each of `latencyQuantiles`, nearest rank; empty where nothing was measured. */
  readonly ms: readonly number[]
}

export function latencyPercentiles({ lastMs }: LatencyWindow): LatencyPercentiles {
  const sorted = lastMs.toSorted((a, b) => a - b)
  const at = (quantile: number): number => sorted[Math.ceil(quantile * sorted.length) - 1] as number
  return { count: sorted.length, ms: sorted.length === 0 ? [] : latencyQuantiles.map(at) }
}
