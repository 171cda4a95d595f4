// The name of a probed endpoint that is the same in every instance and over reloads: slots are neither.

import type { ProbeProfile } from './profile.ts'

interface Endpoint {
  readonly address: string
  readonly profile: ProbeProfile
}

/** Endpoints with the same key are probed alike in every respect; the profile's name does not matter. */
export function slotKey({ address, profile }: Endpoint): string {
  const { connectTimeoutMs, bannerTimeoutMs, commandTimeoutMs, slowStartSeconds } = profile
  return [
    dialogueKey({ address, profile }),
    profile.intervalMs,
    profile.fastIntervalMs,
    connectTimeoutMs,
    bannerTimeoutMs,
    commandTimeoutMs,
    profile.fall,
    profile.rise,
    slowStartSeconds,
  ].join('|')
}

/** Endpoints with the same dialogue key have the same dialogue: what is known of one holds for the other. */
export const dialogueKey = ({ address, profile }: Endpoint): string =>
  `${address}|${profile.port}|${profile.level}|${profile.ehlo}`

/** A share of the whole in [0, 1) that depends on the text alone and is spread evenly: FNV-1a, then mixed. */
export function hashShare(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
