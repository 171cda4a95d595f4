/** `2026-12-01`, of UTC. */
export const isoDay = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10)
