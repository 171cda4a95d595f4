// Slow start: the share of its weight that a recovered target is worth. A tenth at first, all of it after
// `slowStartSeconds`, in steps of a twentieth, so that the health table is written at most 18 times.
// Only a recovery that was observed starts slowly: a target first seen up may have been up for years.

const firstShare = 0.1
const stepsPerWhole = 20
const steps = (1 - firstShare) * stepsPerWhole

/** `recoveredAtMs`: null where no recovery was seen. */
export function slowStartFactor(
  recoveredAtMs: number | null,
  slowStartSeconds: number,
  nowMs: number,
): number {
  if (recoveredAtMs === null || slowStartSeconds <= 0) return 1
  const progress = (nowMs - recoveredAtMs) / (slowStartSeconds * 1000)
  if (progress >= 1) return 1
  const share = firstShare + (1 - firstShare) * Math.max(0, progress)
  // A hair more than the product: 0.15 × 20 must not be floored to 2.
  return Math.floor(share * stepsPerWhole + 1e-6) / stepsPerWhole
}

/** How long one step lasts: when to look again. */
export const slowStartStepMs = (slowStartSeconds: number): number =>
  (slowStartSeconds * 1000) / steps
