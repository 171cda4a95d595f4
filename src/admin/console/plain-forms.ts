// Forms without script: drain and undo, behind console/plain. They are a client of the handlers of /overrides in this
// process, so that both say and do the same.
//
//   GET  drain   what a drain would come to, asks why and until when; with both, asks to confirm it
//   POST drain   sets it until the time that was shown
//   GET  undo    what would be undone
//   POST undo    undoes it
//   POST session signs in, for who needs that to read
//
// A form counts where its page was made here: browsers say so (access.ts, `Origin`), and as those of terminals send no
// Origin, each form also carries a seal of this process over what it is about, good for a quarter of an hour.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

import { closedAdvice, type WriteAccess } from '../access.ts'
import type { OverridePreview, OverrideRow } from '../override-view.ts'
import { type OverrideSources, setOverride, undoOverrides } from '../override-routes.ts'
import type { Reply } from '../reply.ts'
import type { AdminRequest, Route } from '../route.ts'
import { type SessionSources, signIn } from '../session/session-routes.ts'
import {
  escaped,
  innerPage,
  plainRefusal,
  refusalText,
  shortTime,
  table,
  tokenFields,
} from './plain-frame.ts'

export interface PlainFormSources extends OverrideSources {
  readonly session: SessionSources
}

export const plainForms: readonly Route<PlainFormSources>[] = [
  { method: 'GET', path: '/console/plain/drain', access: 'read', isPage: true, handler: askDrain },
  { method: 'POST', path: '/console/plain/drain', access: 'form', isPage: true, handler: drain },
  { method: 'GET', path: '/console/plain/undo', access: 'read', isPage: true, handler: askUndo },
  { method: 'POST', path: '/console/plain/undo', access: 'form', isPage: true, handler: undo },
  {
    method: 'POST',
    path: '/console/plain/session',
    access: 'session',
    isPage: true,
    handler: ({ session }, request) => enter(session, request),
  },
]

async function askDrain(sources: PlainFormSources, request: AdminRequest): Promise<Reply> {
  const field = (name: string): string => request.parameters.get(name) ?? ''
  return drainPage(sources, request, {
    zone: field('zone'),
    target: field('target'),
    seconds: field('seconds') || '7200',
    until: field('until'),
    why: field('why').trim(),
  })
}

interface DrainFields {
  readonly zone: string
  readonly target: string
  readonly seconds: string
  /** Instead of `seconds`; '': not given. */
  readonly until: string
  readonly why: string
}

/** `trouble`: what an order was refused with, and the status of that. */
async function drainPage(
  sources: PlainFormSources,
  request: AdminRequest,
  fields: DrainFields,
  trouble: { readonly text: string; readonly status: number } | null = null,
): Promise<Reply> {
  const { target, why } = fields
  const reply = await setOverride(sources, {
    ...request,
    body: orderOf(fields),
    parameters: new URLSearchParams('dry_run'),
  })
  if (reply.status === 404 || reply.status === 409) return plainRefusal(reply, true)
  const parts = trouble === null ? [] : [said(trouble.text)]
  if (reply.status !== 200) parts.push(said(refusalText(reply)))
  else {
    const preview = JSON.parse(String(reply.body)) as OverridePreview
    parts.push(...previewParts(preview))
    if (why !== '') parts.push(confirmForm(sources, request, preview))
  }
  parts.push(why === '' ? '<h2>Why, and until when</h2>\n' : '<h2>Otherwise</h2>\n')
  parts.push(questionForm(fields))
  const status = trouble?.status ?? reply.status
  return innerPage(`Drain ${target}?`, parts.join(''), status)
}

const said = (text: string): string => `<p><b>${escaped(text)}.</b></p>\n`

/** The body of POST /overrides. Times without a zone are in UTC, as those of the page. */
function orderOf({ zone, target, seconds, until, why }: DrainFields): object {
  const isBare = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?$/.test(until)
  const end =
    until === ''
      ? { seconds: Number(seconds) }
      : { until: isBare ? `${until.replace(' ', 'T')}Z` : until }
  return { zone, target, kind: 'drain', why, ...end }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

function* previewParts(preview: OverridePreview): Generator<string> {
  const { override, pools, short, refusal, replaced, exposedUntil, lasting } = preview
  yield `<p>Nothing is done yet. In ${escaped(override.zone)}, from now until <b>${escaped(shortTime(override.until ?? ''))} UTC</b>:</p>\n`
  for (const { pool, members } of pools)
    yield* table(
      `Pool ${pool}`,
      ['Target', 'Weight', 'Share of first choices'],
      members.map(({ target, weight, share }) => [
        target,
        `${weight.before} → ${weight.after}`,
        `${percent(share.before)} → ${percent(share.after)}`,
      ]),
    )
  const sentences = [
    exposedUntil === null
      ? 'No answer of this instance that named it can be cached any more.'
      : `By the answers of this instance caches may lead to it until ${shortTime(exposedUntil)} UTC.`,
    ...short.map(({ message }) => `${message}.`),
    ...(replaced === null ? [] : [`It takes the place of: ${replaced.kind}, ${replaced.why}.`]),
    ...(lasting ? [] : ['A restart of the server forgets it.']),
  ]
  for (const sentence of sentences) yield `<p>${escaped(sentence)}</p>\n`
  if (refusal !== null) yield `<p><b>${escaped(refusal.message)}.</b></p>\n`
}

function confirmForm(
  { session, overrides }: PlainFormSources,
  request: AdminRequest,
  { override, refusal }: OverridePreview,
): string {
  const { zone, target, until, why } = override
  const seal = sealOf(`drain ${zone} ${target}`, overrides.wallMs())
  return orderForm(session, request, {
    action: 'drain',
    line: `Reason: ${why}`,
    button: `Drain ${target}`,
    hidden: { zone, target, until: until ?? '', why, seal },
    isForced: refusal !== null,
  })
}

interface Order {
  readonly action: 'drain' | 'undo'
  /** A line above the fields, and the words of the button. */
  readonly line: string
  readonly button: string
  readonly hidden: Readonly<Record<string, string>>
  /** Whether a tick is needed that it is meant. */
  readonly isForced: boolean
}

/** The form that does it; where nobody may, what to do about that. */
function orderForm(
  { access: { writes } }: SessionSources,
  { session }: AdminRequest,
  { action, line, button, hidden, isForced }: Order,
): string {
  if (writes.kind === 'closed') return said(closedAdvice)
  const inputs = Object.entries(hidden)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escaped(value)}">\n`)
    .join('')
  return `<form method="post" action="${action}">
${inputs}<p>${escaped(line)}</p>
${isForced ? tick : ''}${authorFields(writes, session)}<p><button>${escaped(button)}</button></p>
</form>
`
}

type Permitted = Exclude<WriteAccess, { readonly kind: 'closed' }>

const tick =
  '<p><label><input type="checkbox" name="force" value="yes" required> Do it nevertheless</label></p>\n'

/** Who orders it, as far as that is to be said. */
const authorFields = (writes: Permitted, session: AdminRequest['session']): string => {
  if (writes.kind === 'open') return nameField
  if (session === null) return tokenFields
  return `<p>Signed in as ${escaped(session.name)}. A browser of a terminal gives the token again.</p>
<p><label>Admin token, there alone<br>
<input type="password" name="token" size="40" maxlength="512"></label></p>
`
}

const nameField = `<p><label>Your name, for colleagues to see<br>
<input name="name" size="40" maxlength="60" autocomplete="username"></label></p>
`

const lastingChoices = [
  [900, '15 minutes'],
  [3600, 'an hour'],
  [7200, '2 hours'],
  [28_800, '8 hours'],
  [86_400, 'a day'],
  [604_800, 'a week'],
] as const

function questionForm({ zone, target, seconds, until, why }: DrainFields): string {
  const options = lastingChoices
    .map(
      ([value, words]) =>
        `<option value="${value}"${String(value) === seconds ? ' selected' : ''}>${words}</option>`,
    )
    .join('')
  return `<form method="get" action="drain">
<input type="hidden" name="zone" value="${escaped(zone)}">
<input type="hidden" name="target" value="${escaped(target)}">
<p><label>Why, for who asks at 3 a.m.<br>
<input name="why" size="60" maxlength="200" required value="${escaped(why)}"></label></p>
<p><label>For <select name="seconds">${options}</select></label>
<label>or until, in UTC, <input type="datetime-local" name="until" value="${escaped(until)}"></label></p>
<p><button>Show what it comes to</button></p>
</form>
`
}

async function drain(sources: PlainFormSources, request: AdminRequest): Promise<Reply> {
  const field = fieldsOf(request)
  const [zone, target] = [field('zone'), field('target')]
  const fields = { zone, target, seconds: '7200', until: field('until'), why: field('why').trim() }
  const wallMs = sources.overrides.wallMs()
  if (!isSealed(field('seal'), `drain ${zone} ${target}`, wallMs)) return notOurs()
  if (fields.why === '') return drainPage(sources, request, fields)
  const by = { by: field('name').trim(), force: field('force') === 'yes' }
  const reply = await setOverride(sources, {
    ...request,
    body: { ...orderOf(fields), ...by },
    parameters: new URLSearchParams('ask=yes'),
  })
  if (reply.status !== 201) {
    const trouble = { text: `Not done: ${refusalText(reply)}`, status: reply.status }
    return drainPage(sources, request, fields, trouble)
  }
  const { override, warnings } = JSON.parse(String(reply.body)) as OverrideSet
  const { id, until } = override
  const lines = [
    `<p><b>It is drained until ${escaped(shortTime(until ?? ''))} UTC.</b></p>\n`,
    ...warnings.map(({ message }) => `<p>${escaped(message)}.</p>\n`),
    `<p><a href="${escaped(`undo?${String(new URLSearchParams({ id }))}`)}">Undo it</a></p>\n`,
  ]
  return innerPage(`${target} is drained`, lines.join(''), 201)
}

interface OverrideSet {
  readonly override: OverrideRow
  readonly warnings: readonly { readonly message: string }[]
}

function askUndo({ overrides, session }: PlainFormSources, request: AdminRequest): Reply {
  const id = request.parameters.get('id') ?? ''
  const found = overrides.watch.overrides().find((one) => one.id === id)
  if (found === undefined) return gone()
  const { zone, target, action, why, by } = found
  const seal = sealOf(`undo ${id}`, overrides.wallMs())
  const line = `${target}.${zone} has ${action.kind}${by === '' ? '' : `, by ${by}`}${why === '' ? '' : `: ${why}`}`
  const order = { action: 'undo', line, button: 'Undo it', hidden: { id, seal } } as const
  const form = orderForm(session, request, { ...order, isForced: false })
  return innerPage(`Undo what is ordered for ${target}?`, form)
}

async function undo(sources: PlainFormSources, request: AdminRequest): Promise<Reply> {
  const field = fieldsOf(request)
  const id = field('id')
  if (!isSealed(field('seal'), `undo ${id}`, sources.overrides.wallMs())) return notOurs()
  const found = sources.overrides.watch.overrides().find((one) => one.id === id)
  if (found === undefined) return gone()
  const parameters = new URLSearchParams({ by: field('name').trim() })
  const reply = await undoOverrides(sources, { ...request, name: id, parameters })
  if (reply.status !== 200) return plainRefusal(reply, true)
  const { warnings } = JSON.parse(String(reply.body)) as Pick<OverrideSet, 'warnings'>
  const lines = [
    `<p><b>${escaped(found.target)} no longer has ${found.action.kind}.</b></p>\n`,
    ...warnings.map(({ message }) => `<p>${escaped(message)}.</p>\n`),
  ]
  return innerPage('Undone', lines.join(''))
}

function enter(session: SessionSources, request: AdminRequest): Reply {
  const reply = signIn(session, request)
  if (reply.status !== 201) return plainRefusal(reply, true)
  const page = innerPage('Signed in', '', 303)
  return { ...page, headers: { ...page.headers, ...reply.headers, location: '../plain' } }
}

const gone = (): Reply =>
  innerPage('It is no longer in force', '<p>Somebody undid it, or it has ended.</p>\n', 404)

const notOurs = (): Reply =>
  innerPage(
    'Not done',
    '<p><b>This form is older than a quarter of an hour, or not of this server: begin again.</b></p>\n',
    403,
  )

const fieldsOf =
  ({ body }: AdminRequest): ((name: string) => string) =>
  (name) => {
    const value = (body as Readonly<Record<string, unknown>>)[name]
    return typeof value === 'string' ? value : ''
  }

// Seals of forms, `EXPIRY.HMAC`: seconds since 1970, and 32 octets in base64url.

const sealKey = randomBytes(32)
const sealSeconds = 900

function sealOf(what: string, wallMs: number): string {
  const expiry = Math.floor(wallMs / 1000) + sealSeconds
  return `${expiry}.${macOf(`${expiry} ${what}`).toString('base64url')}`
}

function isSealed(seal: string, what: string, wallMs: number): boolean {
  const [, expiry = '', mac = ''] = /^(\d{1,12})\.([\w-]{43})$/.exec(seal) ?? []
  if (Number(expiry) * 1000 <= wallMs) return false
  const [given, expected] = [Buffer.from(mac, 'base64url'), macOf(`${expiry} ${what}`)]
  return given.length === expected.length && timingSafeEqual(given, expected)
}

const macOf = (text: string): Buffer => createHmac('sha256', sealKey).update(text).digest()
