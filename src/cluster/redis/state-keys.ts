// Where what lies in the store. The braces keep all keys of a namespace on one node of a cluster; the version is of
// everything below it: instances of another version do not see each other's keys, and so cannot misread them.
//
//   inst        set      instances that were heard of; a hint
//   id          string   by chance, written once: another one, or none, and the store has lost its memory
//   ep:NAME     string   boots of an instance: the fence between two processes of one name
//   hb:NAME     string   heartbeat, expires; its one writer is NAME
//   v:NAME      hash     endpoint → vote, expires; its one writer is NAME
//   ev          stream   "the vote of NAME about that endpoint changed", trimmed; a hint
//   ov          hash     overrides; whoever is told one writes it
//   fb          hash     what MTAs say of themselves; whoever is told it writes it
//   av:NAME     hash     pool → probes counted, expires; its one writer is NAME

import { createHash } from 'node:crypto'

export interface StateKeys {
  readonly instances: string
  readonly storeId: string
  readonly events: string
  readonly overrides: string
  readonly feedback: string
  epoch(instance: string): string
  heartbeat(instance: string): string
  votes(instance: string): string
  tallies(instance: string): string
}

export const schemaVersion = 'v1'

export function stateKeys(namespace: string): StateKeys {
  const prefix = `mxsteer:{${namespace}}:${schemaVersion}:`
  return {
    instances: `${prefix}inst`,
    storeId: `${prefix}id`,
    events: `${prefix}ev`,
    overrides: `${prefix}ov`,
    feedback: `${prefix}fb`,
    epoch: (instance) => `${prefix}ep:${instance}`,
    heartbeat: (instance) => `${prefix}hb:${instance}`,
    votes: (instance) => `${prefix}v:${instance}`,
    tallies: (instance) => `${prefix}av:${instance}`,
  }
}

/** An endpoint as the store knows it: 16 characters of its slot key's hash. */
export const endpointId = (slotKey: string): string =>
  createHash('sha256').update(slotKey).digest('base64url').slice(0, 16)
