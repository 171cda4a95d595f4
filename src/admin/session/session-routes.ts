// Handlers of GET, POST and DELETE of /session: who is signed in at the console, and what that browser may do. The
// listener has compared the token of a POST (listener/checked-request.ts); it comes no further.

import { randomBytes } from 'node:crypto'

import { z } from 'zod'

import { isoTime } from '../../lib/clock.ts'
import { type AccessControl, closedAdvice } from '../access.ts'
import { bodyObject, readBody } from '../body.ts'
import { json, type Reply } from '../reply.ts'
import type { AdminRequest } from '../route.ts'
import {
  cookieName,
  sealSession,
  type Session,
  sessionKey,
  sessionSeconds,
  setCookie,
} from './session-cookie.ts'

export interface SessionSources {
  readonly access: AccessControl
  /** Of the listener. */
  readonly port: number
  readonly wallMs: () => number
  readonly onSignedIn: (name: string) => void
}

/** The JSON of /session. */
export interface SessionView {
  /** null: nobody is signed in. */
  readonly name: string | null
  /** When the session ends, ISO 8601. */
  readonly until: string | null
  /** What reading requires: nothing, or a session. */
  readonly reads: 'open' | 'session'
  readonly mayRead: boolean
  /** open: everybody who reaches this server may write; closed: nobody may, see `advice`. */
  readonly writes: 'open' | 'session' | 'closed'
  readonly mayWrite: boolean
  /** What an operator has to do where nobody may write; else null. */
  readonly advice: string | null
}

const nameText = 'name: expected your name, 1 to 60 printable characters, for colleagues to see'

const schema = bodyObject({ name: z.string(nameText).trim().min(1, nameText).max(60, nameText) })

export const showSession = ({ access }: SessionSources, { session, caller }: AdminRequest): Reply =>
  json(sessionView(access, session, caller === 'admin'))

export function signIn(
  { access, port, wallMs, onSignedIn }: SessionSources,
  { body, isSecurePage }: AdminRequest,
): Reply {
  const read = readBody(schema, body)
  if (read.kind === 'refused') return read.reply
  const token = access.writes.kind === 'token' ? access.writes.token : ''
  const untilMs = (Math.floor(wallMs() / 1000) + sessionSeconds) * 1000
  const session = { name: read.value.name, untilMs }
  const value = sealSession(sessionKey(token), session, randomBytes(9))
  onSignedIn(session.name)
  return {
    ...json(sessionView(access, session, true), 201),
    headers: { 'set-cookie': setCookie(cookieName(port), value, isSecurePage) },
  }
}

export const signOut = (
  { access, port }: SessionSources,
  { isSecurePage }: AdminRequest,
): Reply => ({
  ...json(sessionView(access, null, access.writes.kind === 'open')),
  headers: { 'set-cookie': setCookie(cookieName(port), '', isSecurePage) },
})

function sessionView(
  { writes, reads }: AccessControl,
  session: Session | null,
  isAdmin: boolean,
): SessionView {
  const isReadOpen = reads !== 'token'
  return {
    name: session?.name ?? null,
    until: isoTime(session?.untilMs ?? null),
    reads: isReadOpen ? 'open' : 'session',
    mayRead: isReadOpen || isAdmin,
    writes: writes.kind === 'token' ? 'session' : writes.kind,
    mayWrite: isAdmin,
    advice: writes.kind === 'closed' ? closedAdvice : null,
  }
}
