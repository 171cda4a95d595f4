// Asks one agent once: connects, sends the text it wants if any, reads one line. Resolves when the socket is closed,
// never rejects; null where there is no answer in time, since connecting is for the probes to judge.

import { connect } from 'node:net'

import { agentLineLimit } from './agent-line.ts'

/** How a target's agent is asked: `agent:` of a target. */
export interface AgentProfile {
  readonly address: string
  readonly port: number
  readonly intervalMs: number
  /** Sent first; empty: nothing. */
  readonly send: string
}

const answerWithinMs = 5000

export function askAgent(
  { address, port, intervalMs, send }: AgentProfile,
  signal: AbortSignal,
): Promise<string | null> {
  return new Promise((resolve) => {
    let text = ''
    let line: string | null = null
    const socket = connect({ host: address, port, autoSelectFamily: false })
    const timer = setTimeout(() => socket.destroy(), Math.min(answerWithinMs, intervalMs))
    const abort = (): void => void socket.destroy()
    const take = (isWhole: boolean): void => {
      if (line !== null || (!isWhole && !/[\r\n]/.test(text) && text.length < agentLineLimit))
        return
      line = text
      socket.destroy()
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    socket.setEncoding('latin1')
    socket.once('connect', () => void (send !== '' && socket.write(send)))
    socket.on('data', (more: string) => {
      text += more
      take(false)
    })
    socket.once('end', () => take(text !== ''))
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      resolve(line)
    })
  })
}
