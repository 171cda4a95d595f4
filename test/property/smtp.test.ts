// Laws of the SMTP dialogue that hold for every server, scripted or hostile, and every way its octets are split.

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Outcome } from '../../src/health/outcome.ts'
import { type DialogueAction, SmtpDialogue } from '../../src/probe/smtp/smtp-dialogue.ts'
import { quickProfile } from '../support/probe-profile.ts'
import { runs } from '../support/runs.ts'

interface Run {
  readonly outcome: Outcome
  readonly writes: readonly string[]
  readonly finishes: number
}

/** Plays a server that says `replies[i]` once the client has written i lines, cut as `cuts` say. */
function converse(replies: readonly Uint8Array[], cuts: readonly number[], ends: boolean): Run {
  const dialogue = new SmtpDialogue(quickProfile())
  const writes: string[] = []
  const finished: Outcome[] = []
  let deadlineMs = 0
  let cut = 0
  const perform = (actions: readonly DialogueAction[]): void => {
    for (const action of actions) {
      if (action.kind === 'write') writes.push(action.line)
      else if (action.kind === 'set-deadline') deadlineMs = action.deadlineMs
      else if (action.kind === 'finish') finished.push(action.outcome)
    }
  }
  perform(dialogue.feed({ kind: 'start' }, 0))
  perform(dialogue.feed({ kind: 'connected' }, 1))
  for (let turn = 0; turn < replies.length && writes.length === turn; turn++) {
    const reply = replies[turn] as Uint8Array
    for (let at = 0; at < reply.length;) {
      const size = cuts[cut++ % cuts.length] as number
      perform(dialogue.feed({ kind: 'octets', octets: reply.subarray(at, at + size) }, 2 + turn))
      at += size
    }
  }
  if (ends) perform(dialogue.feed({ kind: 'end' }, 10))
  for (let i = 0; i < 10; i++)
    perform(dialogue.feed({ kind: 'deadline', stalled: false }, deadlineMs))
  return { outcome: finished[0] as Outcome, writes, finishes: finished.length }
}

const code = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(220, 250) },
  fc.constantFrom(221, 354, 421, 451, 500, 502, 521, 554),
)
const text = fc
  .string({ unit: 'binary-ascii', maxLength: 20 })
  .map((s) => s.replaceAll(/[\r\n]/g, ''))
const reply = fc
  .tuple(code, fc.array(text, { maxLength: 4 }), text, fc.constantFrom('\r\n', '\n'))
  .map(([code, lines, last, eol]) =>
    [...lines.map((line) => `${code}-${line}`), `${code} ${last}`].map((l) => l + eol).join(''),
  )
const octets = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 })

test('how the octets are split changes nothing', () => {
  fc.assert(
    fc.property(
      fc.array(reply, { minLength: 1, maxLength: 4 }),
      cuts,
      fc.boolean(),
      (replies, cuts, ends) => {
        const whole = converse(replies.map(octets), [100_000], ends)
        const split = converse(replies.map(octets), cuts, ends)
        expect(split).toEqual(whole)
      },
    ),
    { numRuns: runs(2000) },
  )
})

test('any octets at all: one outcome, bounded, only commands of ours, each after a reply', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    reply.map(octets),
    fc
      .tuple(reply, fc.uint8Array({ maxLength: 50 }))
      .map(([a, b]) => Uint8Array.from([...octets(a), ...b])),
    fc.constantFrom(20, 3000, 20_000).map((count) => octets('220-x\r\n'.repeat(count))),
  )
  fc.assert(
    fc.property(
      fc.array(anything, { minLength: 1, maxLength: 5 }),
      cuts,
      fc.boolean(),
      (said, cuts, ends) => {
        const run = converse(said, cuts, ends)
        expect(run.finishes).toBe(1)
        expect(run.writes.join(',')).toMatch(
          /^(|QUIT|EHLO probe\.example\.com(,HELO probe\.example\.com)?(,QUIT)?)$/,
        )
        const lines = run.outcome.dialogue
        expect(lines.length).toBeLessThanOrEqual(40)
        const characters = lines.reduce((sum, line) => sum + line.text.length, 0)
        expect(characters).toBeLessThan(8192 + 12 * 512)
        for (const line of lines) expect(line.text).toMatch(/^[ -~…]{0,512}$/)
      },
    ),
    { numRuns: runs(2000) },
  )
})

test('nothing is written until a whole final line has come', () => {
  const unfinished = fc
    .tuple(fc.array(text, { maxLength: 5 }), text)
    .map(([lines, last]) => `${lines.map((line) => `220-${line}\r\n`).join('')}220 ${last}`)
  fc.assert(
    fc.property(unfinished, cuts, (said, cuts) => {
      const run = converse([octets(said)], cuts, false)
      expect(run.writes).toEqual([])
      expect(run.outcome).toMatchObject({ kind: 'mute', reason: 'banner-timeout' })
    }),
  )
})

test('a drip does not extend the deadline of its phase', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999 }), (everyMs) => {
      const dialogue = new SmtpDialogue(quickProfile())
      dialogue.feed({ kind: 'start' }, 0)
      const armed = dialogue.feed({ kind: 'connected' }, 5)
      expect(armed).toEqual([{ kind: 'set-deadline', deadlineMs: 1005 }])
      const drip = octets(`220-${'a'.repeat(1000)}`)
      for (let i = 0; 5 + i * everyMs < 1005; i++) {
        const input = { kind: 'octets', octets: drip.subarray(i, i + 1) } as const
        expect(dialogue.feed(input, 5 + i * everyMs)).toEqual([])
      }
      const [last] = dialogue.feed({ kind: 'deadline', stalled: false }, 1005)
      expect(last).toMatchObject({ kind: 'finish', outcome: { kind: 'mute', durationMs: 1005 } })
    }),
  )
})

test('all phases together end by the hard deadline', () => {
  const profile = quickProfile({
    connectTimeoutMs: 5000,
    bannerTimeoutMs: 10_000,
    commandTimeoutMs: 15_000,
  })
  const dialogue = new SmtpDialogue(profile)
  dialogue.feed({ kind: 'start' }, 0)
  dialogue.feed({ kind: 'connected' }, 4999)
  dialogue.feed({ kind: 'octets', octets: octets('220 x\r\n') }, 14_990)
  const again = dialogue.feed({ kind: 'octets', octets: octets('502 x\r\n') }, 29_980)
  expect(again.at(-1)).toEqual({ kind: 'set-deadline', deadlineMs: 30_000 })
})

test.each([
  ['connect', [], { kind: 'self', reason: 'stalled' }],
  ['banner', ['220-x\r\n'], { kind: 'self', reason: 'stalled' }],
  ['ehlo', ['220 x\r\n'], { kind: 'self', reason: 'stalled' }],
  ['quit', ['220 x\r\n', '250 x\r\n'], { kind: 'ok', reason: 'ok' }],
] as const)('a late timer in %s', (phase, said, expected) => {
  const dialogue = new SmtpDialogue(quickProfile())
  dialogue.feed({ kind: 'start' }, 0)
  if (phase !== 'connect') dialogue.feed({ kind: 'connected' }, 1)
  for (const line of said) dialogue.feed({ kind: 'octets', octets: octets(line) }, 2)
  const [action] = dialogue.feed({ kind: 'deadline', stalled: true }, 19_000)
  expect(action).toMatchObject({ kind: 'finish', outcome: expected })
})

test('a deadline that fires early is armed again, and nothing is judged', () => {
  const dialogue = new SmtpDialogue(quickProfile())
  dialogue.feed({ kind: 'start' }, 0)
  expect(dialogue.feed({ kind: 'deadline', stalled: false }, 499.6)).toEqual([
    { kind: 'set-deadline', deadlineMs: 500 },
  ])
})
