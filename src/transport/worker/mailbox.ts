// Mail for a thread that blocks: a word in shared memory says that there is some, so that looking costs nothing.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'

import type { ToWorker } from './messages.ts'

export interface Mailbox {
  /** Calls `onMail` for each message that has come since. */
  look(onMail: (message: ToWorker) => void): void
}

export const createMailFlag = (): SharedArrayBuffer => new SharedArrayBuffer(4)

/** After the message was posted. */
export function raiseMailFlag(flag: SharedArrayBuffer): void {
  Atomics.add(new Int32Array(flag), 0, 1)
}

export function openMailbox(port: MessagePort, flag: SharedArrayBuffer): Mailbox {
  const raised = new Int32Array(flag)
  // Whatever was posted before is looked for once.
  let seen = Atomics.load(raised, 0) - 1
  return {
    look(onMail) {
      const now = Atomics.load(raised, 0)
      if (now === seen) return
      seen = now
      for (;;) {
        const mail = receiveMessageOnPort(port)
        if (!mail) return
        onMail(mail.message as ToWorker)
      }
    },
  }
}
