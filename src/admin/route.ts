// A row of the route table, and how the row of a request is found. The listener thread knows of a
// route only what can be sent to it; its handler runs in the control thread.

import type { Access, Caller } from './access.ts'
import type { Reply } from './reply.ts'
import type { Session } from './session/session-cookie.ts'
import type { Turns } from './turns.ts'

export interface AdminRequest {
  /** What stands in the path for `NAME` of the route, percent-decoded; '' if the route has none. */
  readonly name: string
  /** The query string, decoded. */
  readonly parameters: URLSearchParams
  /** The parsed JSON of a POST or PUT, or the texts of a form, not validated; undefined for other methods. */
  readonly body: unknown
  readonly caller: Caller
  /** Of the person who is signed in; null: nobody is. */
  readonly session: Session | null
  /** Whether the browser shows a page of this server that came by HTTPS. */
  readonly isSecurePage: boolean
  /** For what takes long: it is done in turns. */
  readonly turns: Turns
}

/** What decides whether a route is the one of a request. */
export interface RouteHead {
  /** A HEAD request is matched as GET. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `NAME` stands for one non-empty segment; at the end for all that follows, slashes included. */
  readonly path: string
  readonly access: Access
  /**
   * Whether the path is of a probe of this server: asked for at most some twenty times a second,
   * and served however much a client has asked for.
   */
  readonly isVital?: boolean
  /** Whether the reply depends on nothing that the request says, so that one can be shared by all who ask meanwhile. */
  readonly isAlike?: boolean
  /**
   * Whether the reply is the beginning of a stream of server-sent events. The header Last-Event-ID is its parameter `since`
   * then.
   */
  readonly isStream?: boolean
  /** Whether it is for people without script: refusals are pages, and the body of a POST is that of an HTML form. */
  readonly isPage?: boolean
}

/** A row of the route table. `Sources` is what the handlers read from. */
export interface Route<Sources> extends RouteHead {
  readonly handler: (sources: Sources, request: AdminRequest) => Reply | Promise<Reply>
}

export const routeHead = (head: RouteHead): RouteHead => ({
  method: head.method,
  path: head.path,
  access: head.access,
  isVital: head.isVital === true,
  isAlike: head.isAlike === true,
  isStream: head.isStream === true,
  isPage: head.isPage === true,
})

export interface RouteMatch {
  /** Index of the route in the table. */
  readonly index: number
  readonly encodedName: string
}

export function findRoute(
  routes: readonly RouteHead[],
  method: string | undefined,
  pathname: string,
): RouteMatch | null {
  for (const [index, route] of routes.entries()) {
    const encodedName = route.method === method ? matchPath(route.path, pathname) : null
    if (encodedName !== null) return { index, encodedName }
  }
  return null
}

/**
 * What stands for `NAME` in `pathname`, '' if the pattern has none; null: the path does not match.
 */
function matchPath(pattern: string, pathname: string): string | null {
  const [before = '', after] = pattern.split('NAME')
  if (after === undefined) return pathname === pattern ? '' : null
  if (!pathname.startsWith(before) || !pathname.endsWith(after)) return null
  const name = pathname.slice(before.length, pathname.length - after.length)
  return after === '' || /^[^/]+$/.test(name) ? name : null
}
