// Pages of Chromium that nothing listens to. Playwright has the browser tell it of each request and each message of a stream,
// with a stack for those that scripts ask for: time of the page's thread, and of both cores, that no browser of an
// operator takes.

import type { Browser, CDPSession } from 'playwright-core'

import { pause, until } from '../test/support/wait.ts'

const [width, height] = [1440, 900]
/** On a machine that has time for it. */
const patienceMs = 24_000

export interface BarePage {
  /** Resolves when the page calls `tellBench('')`. */
  readonly told: Promise<void>
  /** The value of an expression, or of the promise that it is. */
  evaluate(expression: string): Promise<unknown>
  /** Resolves when the expression is true; it is looked at every `everyMs`, not before that. */
  until(expression: string, everyMs?: number): Promise<void>
  /** One of Performance.getMetrics, by CPU time of the page's thread. */
  metric(name: string): Promise<number>
  collectGarbage(): Promise<void>
  movePointer(x: number, y: number): Promise<void>
  close(): Promise<void>
}

interface BarePageOptions {
  readonly address: string
  /** Runs before the first script of the page. */
  readonly script: string
}

/** A page of a context of its own, which begins to go to the address. */
export async function openBarePage(
  browser: Browser,
  { address, script }: BarePageOptions,
): Promise<BarePage> {
  const root = await browser.newBrowserCDPSession()
  const { browserContextId } = await root.send('Target.createBrowserContext')
  const { targetId } = await root.send('Target.createTarget', {
    url: 'about:blank',
    browserContextId,
    width,
    height,
  })
  const { send, event } = await attach(root, targetId)
  await send('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    deviceScaleFactor: 1,
    mobile: false,
  })
  await send('Page.enable')
  await send('Page.addScriptToEvaluateOnNewDocument', { source: script })
  await send('Performance.enable', { timeDomain: 'threadTicks' })
  await send('Runtime.enable')
  await send('Runtime.addBinding', { name: 'tellBench' })
  const told = event('Runtime.bindingCalled')
  await send('Page.navigate', { url: address })
  const evaluate = async (expression: string): Promise<unknown> => {
    const reply = (await send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as EvaluateReply
    if (reply.exceptionDetails !== undefined)
      throw new Error(`${expression}: ${JSON.stringify(reply.exceptionDetails)}`)
    return reply.result.value
  }
  return {
    told,
    evaluate,
    async until(expression, everyMs = 200) {
      await pause(everyMs)
      const isTrue = async (): Promise<boolean> => (await evaluate(expression)) === true
      await until(isTrue, { what: expression, withinMs: patienceMs, everyMs })
    },
    async metric(name) {
      const { metrics } = (await send('Performance.getMetrics')) as MetricsReply
      return metrics.find((one) => one.name === name)?.value ?? NaN
    },
    collectGarbage: async () => void (await send('HeapProfiler.collectGarbage')),
    movePointer: async (x, y) =>
      void (await send('Input.dispatchMouseEvent', { type: 'mouseMoved', x, y })),
    async close() {
      await root.send('Target.disposeBrowserContext', { browserContextId })
      await root.detach()
    },
  }
}

interface EvaluateReply {
  readonly result: { readonly value?: unknown }
  readonly exceptionDetails?: object
}

interface MetricsReply {
  readonly metrics: readonly { readonly name: string; readonly value: number }[]
}

/** A reply, which has the number of its command, or an event. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly result?: object
  readonly error?: object
}

interface Session {
  readonly send: (method: string, parameters?: object) => Promise<object>
  /** Resolves at the next one. */
  readonly event: (method: string) => Promise<void>
}

/** A session within that of the browser: a page that Playwright attaches to is one that it listens to. */
async function attach(root: CDPSession, targetId: string): Promise<Session> {
  const { sessionId } = await root.send('Target.attachToTarget', { targetId, flatten: false })
  const waiting = new Map<number | string, (message: Message) => void>()
  root.on('Target.receivedMessageFromTarget', (received) => {
    if (received.sessionId !== sessionId) return
    const message = JSON.parse(received.message) as Message
    const key = message.id ?? message.method ?? ''
    waiting.get(key)?.(message)
    waiting.delete(key)
  })
  const next = (key: number | string): Promise<Message> =>
    new Promise((resolve) => waiting.set(key, resolve))
  let last = 0
  return {
    async send(method, parameters = {}) {
      const id = ++last
      const replied = next(id)
      const message = JSON.stringify({ id, method, params: parameters })
      await root.send('Target.sendMessageToTarget', { sessionId, message })
      const { result, error } = await replied
      if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`)
      return result ?? {}
    },
    event: async (method) => void (await next(method)),
  }
}
