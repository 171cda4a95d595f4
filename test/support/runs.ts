// How often properties are tried: PROPERTY_RUNS is the share of the full number of runs, 0.2 by default. Continuous
// integration sets it to 1, a nightly run may set it higher.

const share = Number(process.env['PROPERTY_RUNS'] ?? '0.2')
if (!(share > 0)) throw new Error(`PROPERTY_RUNS: expected a number above 0, got ${share}`)

/** `full` runs, scaled by PROPERTY_RUNS; 25 at least, or all if there are fewer. */
export const runs = (full: number): number => Math.max(Math.min(full, 25), Math.round(full * share))
