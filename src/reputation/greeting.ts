// The names that an MTA gives itself: after 220 in its banner, after 250 in its reply to EHLO. They come out of the
// dialogues of its probes, so that nobody has to be asked again. Pure.

import type { DialogueLine } from '../health/outcome.ts'

/** Lower case, without final dot; null: not said, or not asked for. */
export interface Greeting {
  readonly banner: string | null
  readonly ehlo: string | null
}

/** null: it did not come as far as a greeting. */
export function greetingOf(dialogue: readonly DialogueLine[]): Greeting | null {
  const firstWord = dialogue.findIndex(({ from }) => from === '>')
  const before = firstWord < 0 ? dialogue : dialogue.slice(0, firstWord)
  const banner = before.find(({ from, text }) => from === '<' && /^220( |$)/.test(text))
  if (!banner) return null
  // The last one: what is said under TLS counts.
  const asked = dialogue.findLastIndex(
    ({ from, text }) => from === '>' && /^(EHLO|HELO) /.test(text),
  )
  const reply = asked < 0 ? undefined : dialogue.slice(asked).find(({ from }) => from === '<')
  return {
    banner: nameIn(banner),
    ehlo: reply && /^250[ -]/.test(reply.text) ? nameIn(reply) : null,
  }
}

const nameIn = ({ text }: DialogueLine): string | null => {
  const word = text.slice(4).trim().split(/\s/, 1)[0] ?? ''
  return word === '' ? null : word.toLowerCase().replace(/\.$/, '').slice(0, 255)
}
