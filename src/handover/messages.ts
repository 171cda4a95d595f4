// What two processes say while one takes over from the other: lines of JSON over a socket of the Unix domain.
//
//   successor                       predecessor
//   hello                           welcome, once its state is in the state file; or refused
//   (reads settings, state, zones)  (serves, as before)
//   send-sockets                    (writes its state again) sent, with the descriptors (pass-descriptors.ts)
//   (its threads read the sockets)  (its threads read them as well)
//   serving                         left, once it reads no socket, writes no state and announces nothing any more
//
// Where either ends before `serving`, the predecessor goes on. A line that is not understood ends the dialogue.

/** Raised whenever a message changes its meaning. Another one is refused. */
export const protocolVersion = 2

export type FromSuccessor =
  | {
      readonly kind: 'hello'
      readonly protocol: number
      readonly version: string
      readonly pid: number
    }
  | { readonly kind: 'send-sockets' }
  | { readonly kind: 'serving' }

/** Why a take-over is refused: stable names. */
export type RefusalCode = 'protocol' | 'busy' | 'stopping' | 'sockets' | 'state'

export type FromPredecessor =
  | { readonly kind: 'welcome'; readonly version: string; readonly pid: number }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly why: string }
  | ({ readonly kind: 'sent' } & SentSockets)
  | { readonly kind: 'left'; readonly isAnnounced: boolean }

/** What comes with the descriptors. */
export interface SentSockets {
  readonly count: number
  /** Positions of those that a service manager keeps open. */
  readonly held: readonly number[]
  /** Whether its first round of probes is done. */
  readonly isProbed: boolean
}

/** The longest line. */
const maxLineOctets = 65_536

export const encodeLine = (message: FromSuccessor | FromPredecessor): string =>
  `${JSON.stringify(message)}\n`

/** Gathers lines from chunks. Returns the messages that are whole; null for what is no message, or too long. */
export function createLineReader<Message extends FromSuccessor | FromPredecessor>(
  isMessage: (value: Fields) => value is Fields & Message,
): (chunk: string) => readonly Message[] | null {
  let held = ''
  return (chunk) => {
    held += chunk
    if (held.length > maxLineOctets) return null
    const lines = held.split('\n')
    held = lines.pop() ?? ''
    const messages: Message[] = []
    for (const line of lines) {
      const fields = parseFields(line)
      if (fields === null || !isMessage(fields)) return null
      messages.push(fields)
    }
    return messages
  }
}

type Fields = Readonly<Record<string, unknown>>

function parseFields(line: string): Fields | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Fields) : null
  } catch {
    return null
  }
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

export function isFromSuccessor(value: Fields): value is Fields & FromSuccessor {
  switch (value['kind']) {
    case 'hello':
      return (
        isCount(value['protocol']) && isCount(value['pid']) && typeof value['version'] === 'string'
      )
    case 'send-sockets':
    case 'serving':
      return true
    default:
      return false
  }
}

export function isFromPredecessor(value: Fields): value is Fields & FromPredecessor {
  switch (value['kind']) {
    case 'welcome':
      return isCount(value['pid']) && typeof value['version'] === 'string'
    case 'refused':
      return typeof value['code'] === 'string' && typeof value['why'] === 'string'
    case 'sent':
      return (
        isCount(value['count']) &&
        Array.isArray(value['held']) &&
        value['held'].every(isCount) &&
        typeof value['isProbed'] === 'boolean'
      )
    case 'left':
      return typeof value['isAnnounced'] === 'boolean'
    default:
      return false
  }
}

/** Where the running process of an instance waits for its successor; null: the path is too long for a socket. */
export function takeOverPath(stateDir: string, instance: string): string | null {
  const path = `${stateDir.replace(/\/+$/, '')}/${instance}.take-over`
  return Buffer.byteLength(inboxPath(path)) <= maxPathOctets ? path : null
}

/** Where the successor takes the descriptors. */
export const inboxPath = (path: string): string => `${path}.sockets`

/** sun_path has 108 octets, the final zero included. */
const maxPathOctets = 107
