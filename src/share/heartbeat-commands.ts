// What says that we live, and that we go.

import { hintCommand } from './own-votes.ts'
import type { StateKeys } from './state-keys.ts'
import { type Heartbeat, formatHeartbeat } from './state-records.ts'
import type { StateTimes } from './state-settings.ts'
import type { Command } from './store-link.ts'

export interface Beating {
  readonly keys: StateKeys
  readonly instance: string
  readonly times: StateTimes
}

/** `isUrgent`: the others are told to look. */
export const beatCommands = (
  { keys, instance, times }: Beating,
  beat: Heartbeat,
  isUrgent: boolean,
): readonly Command[] => [
  ['set', keys.heartbeat(instance), formatHeartbeat(beat), 'PX', times.heartbeatLifetimeMs],
  ['sadd', keys.instances, instance],
  ['pexpire', keys.votes(instance), times.votesLifetimeMs],
  ...(isUrgent ? [hintCommand(keys, instance, '*')] : []),
]

/** What others would find out by waiting. */
export const goodbyeCommands = (keys: StateKeys, instance: string): readonly Command[] => [
  ['del', keys.heartbeat(instance), keys.votes(instance)],
  hintCommand(keys, instance, '*'),
]
