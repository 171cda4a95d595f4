// What the listener asks of the control thread, and how much at a time.
//
//   equal reads      of the same person are one call: those that come while it is under way share the next one; of a view whose
//                    parameters have no meaning all are equal
//   calls at once    2 for each client, 8 in all; the rest wait, and are refused after 10 s
//   budget           a client or all that have spent theirs are refused: 503 busy, Retry-After
//   vital routes     outside of these bounds, and at most every 50 ms

import type { Clock } from '../../lib/clock.ts'
import type { AdminCounters } from '../admin-counters.ts'
import { type Reply, busy, refuse } from '../reply.ts'
import type { RouteHead } from '../route.ts'
import { type Budget, createBudget } from './budget.ts'
import type { Call, CallAnswer } from './messages.ts'

/** Milliseconds of CPU time: of each second a quarter for a client. */
const budgetLimits = {
  client: { perSecond: 250, advanceMs: 1000 },
  all: { perSecond: 400, advanceMs: 2000 },
  clients: 1024,
}

const limits = { ofClient: 2, ofAll: 8, waiting: 256, deadlineMs: 10_000, vitalEveryMs: 50 }

export interface Asker {
  readonly client: string
  /** Whether no client waits for the reply any more. */
  readonly isGone: () => boolean
}

export interface ControlCalls {
  /** Never rejects; without an answer in time the reply is 503 `unavailable`. */
  ask(asker: Asker, call: Call): Promise<Reply>
  /** The answer to a call that was posted. */
  receive(answer: CallAnswer): void
}

interface Waiting extends Asker {
  /** Only the first call has an effect; afterwards `isGone`. */
  readonly finish: (reply: Reply) => void
}

/** Equal calls: those that share the answer under way, and those for which it would be too old. */
interface CallGroup {
  readonly call: Call
  readonly key: string
  readonly client: string
  readonly isVital: boolean
  /** Id of the call under way; null: it waits for its turn. */
  id: number | null
  sharing: readonly Waiting[]
  next: Waiting[]
  /** Whether a timer is set for a call that would come too early. */
  isTimed: boolean
}

interface ControlCallOptions {
  readonly routes: readonly RouteHead[]
  readonly post: (id: number, call: Call) => void
  readonly counters: AdminCounters
  readonly clock: Pick<Clock, 'monotonicMs'>
}

export const createControlCalls = (options: ControlCallOptions): ControlCalls =>
  new CallQueue(options)

class CallQueue implements ControlCalls {
  readonly #options: ControlCallOptions
  readonly #reads = createBudget(budgetLimits)
  /** Of its own, so that an operator can act while another client reads without end. */
  readonly #writes = createBudget(budgetLimits)
  /** In the order in which they came. */
  readonly #groups = new Map<string, CallGroup>()
  readonly #underWay = new Map<number, CallGroup>()
  readonly #vitalAtMs = new Map<string, number>()
  #lastId = 0

  constructor(options: ControlCallOptions) {
    this.#options = options
  }

  ask(asker: Asker, call: Call): Promise<Reply> {
    const group = this.#groupOf(call, asker.client)
    const refusal = this.#refusal(group, asker.client)
    if (refusal !== null) return Promise.resolve(refusal)
    this.#groups.set(group.key, group)
    return new Promise((resolve) => {
      group.next.push(waitingFor(asker, resolve))
      this.#dispatch()
    })
  }

  receive({ id, reply, spentMs }: CallAnswer): void {
    const group = this.#underWay.get(id)
    if (group === undefined) return
    this.#underWay.delete(id)
    const clients = new Set(group.sharing.map(({ client }) => client))
    this.#budgetOf(group).charge(clients, spentMs, this.#options.clock.monotonicMs())
    this.#options.counters.add('spentMs', spentMs)
    for (const { finish } of group.sharing) finish(reply)
    group.id = null
    group.sharing = []
    // Behind those that wait by now.
    this.#groups.delete(group.key)
    if (group.next.length > 0) this.#groups.set(group.key, group)
    this.#dispatch()
  }

  #groupOf(call: Call, client: string): CallGroup {
    const { route, name, query, caller, session } = call
    const head = this.#options.routes[route]
    const isVital = head?.isVital === true
    const id = ++this.#lastId
    const key =
      isVital || head?.isAlike === true
        ? `${route}`
        : head?.method === 'GET'
          ? JSON.stringify([route, name, query, caller, session])
          : `write ${id}`
    const fresh = { call, key, client, isVital, id: null, sharing: [], next: [], isTimed: false }
    return this.#groups.get(key) ?? fresh
  }

  #budgetOf({ call }: CallGroup): Budget {
    return this.#options.routes[call.route]?.method === 'GET' ? this.#reads : this.#writes
  }

  /** null: the call may be made as far as is known now. */
  #refusal(group: CallGroup, client: string): Reply | null {
    if (group.isVital) return null
    const nowMs = this.#options.clock.monotonicMs()
    const waitMs = this.#budgetOf(group).waitMs(client, nowMs)
    if (waitMs > 0) return busy(waitMs)
    const isFull = this.#groups.size >= limits.waiting && !this.#groups.has(group.key)
    return isFull ? busy(1000) : null
  }

  /** Posts what may be posted now. */
  #dispatch(): void {
    const ofClients = new Map<string, number>()
    let ofAll = 0
    for (const { isVital, client } of this.#underWay.values()) {
      if (isVital) continue
      ofAll++
      ofClients.set(client, (ofClients.get(client) ?? 0) + 1)
    }
    for (const group of this.#groups.values()) {
      if (group.id !== null || group.next.length === 0) continue
      const { client, isVital } = group
      const count = ofClients.get(client) ?? 0
      if (isVital) this.#postVital(group)
      else if (ofAll < limits.ofAll && count < limits.ofClient && this.#post(group)) {
        ofAll++
        ofClients.set(client, count + 1)
      }
    }
  }

  #postVital(group: CallGroup): void {
    const nowMs = this.#options.clock.monotonicMs()
    const earliestMs = (this.#vitalAtMs.get(group.key) ?? -Infinity) + limits.vitalEveryMs
    if (nowMs < earliestMs) {
      if (group.isTimed) return
      group.isTimed = true
      setTimeout(() => {
        group.isTimed = false
        this.#dispatch()
      }, earliestMs - nowMs)
      return
    }
    this.#vitalAtMs.set(group.key, nowMs)
    this.#post(group)
  }

  /** Whether a client still waited when the call was to be posted. */
  #post(group: CallGroup): boolean {
    const sharing = group.next.filter((one) => !one.isGone())
    group.next = []
    const refused = sharing.filter((one) => {
      const refusal = this.#refusal(group, one.client)
      if (refusal !== null) one.finish(refusal)
      return refusal !== null
    })
    group.sharing = sharing.filter((one) => !refused.includes(one))
    if (group.sharing.length === 0) {
      this.#groups.delete(group.key)
      return false
    }
    group.id = ++this.#lastId
    this.#underWay.set(group.id, group)
    this.#options.post(group.id, group.call)
    return true
  }
}

function waitingFor(asker: Asker, resolve: (reply: Reply) => void): Waiting {
  let isOver = false
  const finish = (reply: Reply): void => {
    isOver = true
    clearTimeout(overdue)
    resolve(reply)
  }
  const overdue = setTimeout(() => {
    const seconds = limits.deadlineMs / 1000
    finish(refuse(503, 'unavailable', `the server did not answer within ${seconds} s`))
  }, limits.deadlineMs)
  return { client: asker.client, isGone: () => isOver || asker.isGone(), finish }
}
