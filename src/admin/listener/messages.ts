// The messages between the control thread and the thread of the admin listener. Everything sent can be
// cloned (structured clone) or lies in shared memory.

import type { Endpoint } from '../../lib/ip.ts'
import type { AccessControl, Caller } from '../access.ts'
import type { Reply } from '../reply.ts'
import type { RouteHead } from '../route.ts'
import type { Session } from '../session/session-cookie.ts'
import type { HostRule } from './host-rule.ts'

/** The `workerData` that the thread starts with. */
export interface ListenerInit {
  readonly endpoint: Endpoint
  /** Of a socket that came bound to the endpoint; null: the thread opens one. */
  readonly fd: number | null
  readonly routes: readonly RouteHead[]
  readonly access: AccessControl
  readonly hosts: HostRule
  /** Before every path, such as `/mxsteer`; '': none. */
  readonly prefix: string
  readonly hasConsole: boolean
  readonly countersBuffer: SharedArrayBuffer
  readonly beatEveryMs: number
}

/** A request that passed every check, for the handler of its route. */
export interface Call {
  /** Index of the route in the table. */
  readonly route: number
  readonly name: string
  /** The query string as it was sent, without `?`. */
  readonly query: string
  readonly body: unknown
  readonly caller: Caller
  /** Of the person who is signed in; null: nobody is. */
  readonly session: Session | null
  /** Whether the browser shows a page of this server that came by HTTPS. */
  readonly isSecurePage: boolean
}

/** Listener → control thread. */
export type FromListener =
  | { readonly kind: 'listening' }
  /** It cannot listen, and exits. `code`: an errno such as EADDRINUSE. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'call'; readonly id: number; readonly call: Call }
  /** A client presented a token that is not the admin token; told of at most 60 times a minute. */
  | { readonly kind: 'wrong-token'; readonly client: string }
  /** A browser has asked for the page of the console; told of at most four times a second. */
  | { readonly kind: 'console-opened' }
  /** How many streams are open, or about to be. */
  | { readonly kind: 'streams'; readonly count: number }

/** A message of a stream of server-sent events. */
export interface StreamFrame {
  /** Counts the messages of a process; null: it is not one of those that a stream may not miss. */
  readonly sequence: number | null
  /** The message, with the empty line that ends it. */
  readonly text: string
}

/** The answer to a call. `spentMs`: CPU time that the request took in this process. */
export interface CallAnswer {
  readonly kind: 'answer'
  readonly id: number
  readonly reply: Reply
  readonly spentMs: number
}

/** Control thread → listener. */
export type ToListener = CallAnswer | { readonly kind: 'frame'; readonly frame: StreamFrame }
