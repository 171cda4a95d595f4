// Entry of the thread of the admin listener. It takes connections and requests apart, so that whatever
// clients send costs this thread alone, and passes on to the control thread what has to be answered
// there. Importing this module starts the thread.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

import { systemClock } from '../../lib/clock.ts'
import { openAdminCounters } from '../admin-counters.ts'
import { createWrongTokens } from '../session/wrong-tokens.ts'
import { readConsoleFiles } from '../console/console-files.ts'
import { createConsolePages } from '../console/console-pages.ts'
import { createConnections } from './connections.ts'
import { createControlCalls } from './control-calls.ts'
import { listenHttp } from './http-server.ts'
import { Streams } from './streams.ts'
import type { FromListener, ListenerInit, ToListener } from './messages.ts'

const init = workerData as ListenerInit
const { endpoint, routes, access, hosts, prefix, hasConsole, countersBuffer, beatEveryMs } = init

const control = parentPort as MessagePort

const send = (message: FromListener): void => control.postMessage(message)

const counters = openAdminCounters(countersBuffer)
const monotonicMs = (): number => systemClock.monotonicMs()

const connections = createConnections(counters, monotonicMs)
const calls = createControlCalls({
  routes,
  post: (id, call) => send({ kind: 'call', id, call }),
  counters,
  clock: systemClock,
})
const streams = new Streams({
  counters,
  monotonicMs,
  onCount: (count) => send({ kind: 'streams', count }),
})
control.on('message', (message: ToListener) => {
  if (message.kind === 'answer') calls.receive(message)
  else streams.broadcast(message.frame)
})

// The first beat is before `listening`, from which on it is waited for with less patience.
counters.add('beats')
setInterval(() => counters.add('beats'), beatEveryMs)

/** Pages are answered here as often as they are asked for; the control thread is told of one in so long. */
const tellOpenedEveryMs = 250
let toldOpenedMs = -Infinity

function tellOpened(): void {
  const nowMs = monotonicMs()
  if (nowMs - toldOpenedMs < tellOpenedEveryMs) return
  toldOpenedMs = nowMs
  send({ kind: 'console-opened' })
}

const rules = {
  routes,
  access,
  hosts,
  prefix,
  pages: hasConsole ? createConsolePages(prefix, readConsoleFiles, tellOpened) : null,
  port: endpoint.port,
  clock: systemClock,
  wrongTokens: createWrongTokens(),
  onWrongToken(client: string) {
    counters.add('wrongTokens')
    send({ kind: 'wrong-token', client })
  },
}
listenHttp(init, { rules, calls, streams, connections, counters, monotonicMs }).then(
  () => send({ kind: 'listening' }),
  (error: NodeJS.ErrnoException) => {
    send({ kind: 'failed', code: error.code ?? 'listener-failed', message: error.message })
    process.exit(1)
  },
)
