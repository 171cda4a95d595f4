// What an SMTP probe says next, and what a reply amounts to: the table behind smtp-dialogue.ts. Pure.
//
//   phase      reply                        then
//   banner     220                          level `banner`: ok | EHLO
//              4xx | 5xx or x.7.x | other   busy | refusing | garbage
//   ehlo       250                          STARTTLS | MAIL | ok
//              5xx, before TLS              HELO
//              other                        stuck
//   starttls   220 | other                  handshake | tls
//   mail       250                          RCPT | ok
//   rcpt       250, 251, 252                ok
//   both       421 | 4xx | 5xx or x.7.x     stuck | busy | refusing
//   rset       anything                     QUIT; what was found stands, as it does whatever QUIT is answered
//
// 4xx with an enhanced code x.7.x, or with "too many connections", is policy and not load: perhaps it is us.

import type { OutcomeKind } from '../../health/outcome.ts'
import type { ProbeProfile } from './profile.ts'
import type { TlsReport } from '../../health/tls-report.ts'
import { noSession } from '../../health/tls-report.ts'

export type Phase =
  | 'connect'
  | 'handshake'
  | 'banner'
  | 'ehlo'
  | 'helo'
  | 'starttls'
  | 'mail'
  | 'rcpt'
  | 'rset'
  | 'quit'
  | 'done'

export interface Reply {
  readonly code: number
  /** An enhanced code x.7.x. */
  readonly isPolicy: boolean
  /** Of its lines, without codes, lower case; of a good banner only where something is expected in it. */
  readonly texts: readonly string[]
}

/** What is known of the session when a reply comes. */
export interface Session {
  readonly profile: ProbeProfile
  readonly isSecured: boolean
  /** STARTTLS has been offered here before. */
  readonly hadStarttls: boolean
}

export interface Found {
  readonly kind: OutcomeKind
  readonly reason: string
  readonly code: number | null
  readonly tls?: TlsReport
}

export type Step =
  | { readonly kind: 'say'; readonly phase: Phase; readonly line: string }
  | { readonly kind: 'secure' }
  /** `goodbye`: null where nothing more is to be said. */
  | { readonly kind: 'found'; readonly found: Found; readonly goodbye: 'RSET' | 'QUIT' | null }

export function nextStep(phase: Phase, reply: Reply, session: Session): Step {
  switch (phase) {
    case 'banner':
      return afterBanner(reply, session.profile)
    case 'ehlo':
    case 'helo':
      return afterEhlo(phase, reply, session)
    case 'starttls':
      return reply.code === 220 ? { kind: 'secure' } : refusedTls(reply)
    case 'mail':
      if (reply.code !== 250) return afterRefusal('mail', reply)
      return session.profile.level === 'rcpt'
        ? say('rcpt', `RCPT TO:<${session.profile.recipient ?? ''}>`)
        : found('ok', 'ok', reply.code, 'RSET')
    case 'rcpt':
      return reply.code >= 250 && reply.code <= 252
        ? found('ok', 'ok', reply.code, 'RSET')
        : afterRefusal('rcpt', reply)
    case 'rset':
      return say('quit', 'QUIT')
    default:
      return found('garbage', 'unexpected-code', reply.code, null)
  }
}

/** The first thing said once we may speak. */
export const hello = ({ ehlo }: ProbeProfile): Step => say('ehlo', `EHLO ${ehlo}`)

const say = (phase: Phase, line: string): Step => ({ kind: 'say', phase, line })

const found = (
  kind: OutcomeKind,
  reason: string,
  code: number,
  goodbye: 'RSET' | 'QUIT' | null,
): Step => ({ kind: 'found', found: { kind, reason, code }, goodbye })

function afterBanner(reply: Reply, profile: ProbeProfile): Step {
  const { code, texts } = reply
  if (code >= 400) return afterRefusal('banner', reply)
  if (code !== 220) return found('garbage', 'unexpected-code', code, null)
  const isExpected = profile.expect.banner.every((wanted) =>
    texts.some((text) => text.includes(wanted.toLowerCase())),
  )
  if (!isExpected) return found('garbage', 'banner-unexpected', code, 'QUIT')
  return profile.level === 'banner' ? found('ok', 'ok', code, 'QUIT') : hello(profile)
}

/** 4xx or 5xx to something that a well server does not refuse. */
function afterRefusal(what: 'banner' | 'mail' | 'rcpt', reply: Reply): Step {
  const { code } = reply
  const goodbye = what === 'rcpt' ? 'RSET' : 'QUIT'
  if (code < 400) return found('garbage', 'unexpected-code', code, 'QUIT')
  if (isAboutUs(reply)) return found('refusing', `${what}-policy`, code, goodbye)
  if (code >= 500) return found('refusing', `${what}-refusing`, code, goodbye)
  // 421 once the session has begun: it is being closed (RFC 5321 §3.8).
  if (code === 421 && what !== 'banner') return found('stuck', `${what}-rejected`, code, 'QUIT')
  return found('busy', `${what}-busy`, code, goodbye)
}

const isAboutUs = ({ isPolicy, texts }: Reply): boolean =>
  isPolicy || texts.some((text) => text.includes('too many connections'))

/** What can go without an enhanced code and a parameter: the first word of every line but the greeting. */
export const keywordsOf = ({ texts }: Reply): readonly string[] =>
  texts.slice(1).map((text) => text.split(' ')[0] ?? '')

function afterEhlo(phase: 'ehlo' | 'helo', reply: Reply, session: Session): Step {
  const { profile, isSecured } = session
  if (reply.code !== 250) {
    if (phase === 'ehlo' && reply.code >= 500 && !isSecured)
      return say('helo', `HELO ${profile.ehlo}`)
    return found('stuck', 'ehlo-rejected', reply.code, 'QUIT')
  }
  const keywords = phase === 'ehlo' ? keywordsOf(reply) : []
  if (!isSecured || profile.tls.mode === 'implicit') {
    const isMet = profile.expect.ehlo.every((wanted) => keywords.includes(wanted.toLowerCase()))
    if (!isMet) return found('stuck', 'ehlo-lacks-keyword', reply.code, 'QUIT')
  }
  if (!isSecured && !keywords.includes('starttls')) {
    if (session.hadStarttls) return withoutTls('starttls-gone', reply.code)
    if (profile.level === 'tls') return withoutTls('starttls-missing', reply.code)
  }
  if (!isSecured && profile.level === 'tls') return say('starttls', 'STARTTLS')
  return wantsMail(profile)
    ? say('mail', `MAIL FROM:<${profile.level === 'rcpt' ? profile.sender : ''}>`)
    : found('ok', 'ok', reply.code, 'QUIT')
}

const wantsMail = ({ level, rounds }: ProbeProfile): boolean =>
  level === 'mail' || level === 'rcpt' || (level === 'tls' && rounds === 'mail')

const tlsTexts = {
  'starttls-gone': 'STARTTLS was offered before and is not any more',
  'starttls-missing': 'STARTTLS is not offered',
  'starttls-refused': 'STARTTLS is offered and refused',
}

const withoutTls = (reason: keyof typeof tlsTexts, code: number): Step => ({
  kind: 'found',
  found: { kind: 'tls', reason, code, tls: noSession(reason, tlsTexts[reason]) },
  goodbye: 'QUIT',
})

const refusedTls = ({ code }: Reply): Step => withoutTls('starttls-refused', code)
