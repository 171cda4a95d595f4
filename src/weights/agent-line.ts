// The line of a HAProxy agent check: words between blanks or commas, in any order and case.
//
//   75%                                  share of the configured weight, 100 % at most here
//   ready, drain, maint                  whether it wants mail at all
//   up, down, stopped, fail              whether it works; what follows a # says why
//   maxconn:30 and whatever else         ignored: it is not ours to limit connections
//
// The line ends at the first CR or LF. A line without any word that we know says nothing.

import type { AgentWord } from '../health/feedback.ts'

export const agentLineLimit = 1024

/** null: not a word in it that we know. */
export function readAgentLine(text: string): AgentWord | null {
  const line = /^[^\r\n]*/.exec(text.slice(0, agentLineLimit))?.[0] ?? ''
  const sharp = line.indexOf('#')
  const words = (sharp < 0 ? line : line.slice(0, sharp)).toLowerCase().split(/[\s,]+/)
  let said: AgentWord = { share: null, mode: null, isDown: null, reason: '' }
  let known = 0
  for (const word of words) {
    const meant = readWord(word)
    if (meant === null) continue
    known++
    said = { ...said, ...meant }
  }
  return known === 0 ? null : { ...said, reason: sharp < 0 ? '' : printable(line.slice(sharp + 1)) }
}

function readWord(word: string): Partial<AgentWord> | null {
  const percent = /^(\d{1,6})%$/.exec(word)?.[1]
  if (percent !== undefined) return { share: Math.min(1, Number(percent) / 100) }
  switch (word) {
    case 'ready':
    case 'drain':
    case 'maint':
      return { mode: word }
    case 'up':
      return { isDown: false }
    case 'down':
    case 'stopped':
    case 'fail':
    case 'failed':
      return { isDown: true }
    default:
      return null
  }
}

/** It is shown to people. */
const printable = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ')
    .trim()
    .slice(0, 100)
