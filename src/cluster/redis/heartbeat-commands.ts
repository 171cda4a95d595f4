// What says that we live, and that we go. The store hands back the heartbeat that ours replaces, since no look will find
// that any more.

import { hintCommand } from '../own-votes.ts'
import type { StateKeys } from './state-keys.ts'
import { type Heartbeat, formatHeartbeat, parseHeartbeat } from './state-records.ts'
import type { StateTimes } from './state-settings.ts'
import type { Command, Reply } from './store-link.ts'

export interface Beating {
  readonly keys: StateKeys
  readonly instance: string
  readonly times: StateTimes
}

/** The reply to the first of them is the heartbeat before. `isUrgent`: the others are told to look. */
export const beatCommands = (
  { keys, instance, times }: Beating,
  beat: Heartbeat,
  isUrgent: boolean,
): readonly Command[] => [
  ['set', keys.heartbeat(instance), formatHeartbeat(beat), 'PX', times.heartbeatLifetimeMs, 'GET'],
  ['sadd', keys.instances, instance],
  ['pexpire', keys.votes(instance), times.votesLifetimeMs],
  ...(isUrgent ? [hintCommand(keys, { instance, about: 'votes' })] : []),
]

/** What others would find out by waiting. */
export const goodbyeCommands = (keys: StateKeys, instance: string): readonly Command[] => [
  ['del', keys.heartbeat(instance), keys.votes(instance)],
  hintCommand(keys, { instance, about: 'votes' }),
]

/** null: there was none. */
export const beatBefore = (reply: Reply | undefined): Heartbeat | null =>
  reply?.kind === 'value' ? parseHeartbeat(reply.value) : null
