// What an MTA said of itself, as it lies in the store: JSON with exactly these fields, each within its bounds.

import { type FeedbackWriter, feedbackWriters } from '../../health/feedback.ts'
import { Standing } from '../../health/table.ts'
import type { SharedWord, WordPlace } from '../feedback-exchange.ts'

const longestRecord = 2048
const longestName = 255
const longestReason = 200
/** A word of a day, and clocks that differ. */
const longestLifeMs = 2 * 86_400_000
const fields = 11

export const keyOfWord = ({ zone, target, writer }: WordPlace): string =>
  `${zone} ${target} ${writer}`

export const formatWord = ({ zone, target, writer, told }: SharedWord): string =>
  JSON.stringify({ zone, target, writer, ...told, reason: plain(told.reason) })

/** null: not one. */
export function parseWord(value: unknown): SharedWord | null {
  const given = readJson(value)
  if (given === null || Object.keys(given).length !== fields) return null
  const { zone, target, writer, factor, standing, isDown } = given
  const { reason, load, isShedding, toldMs, untilMs } = given
  if (!isName(zone) || !isName(target) || !isWriter(writer)) return null
  if (!isWithin(factor, 0, 1) || !isStanding(standing)) return null
  if (typeof isDown !== 'boolean' || typeof isShedding !== 'boolean') return null
  if (typeof reason !== 'string' || reason.length > longestReason || plain(reason) !== reason)
    return null
  if (load !== null && !isWithin(load, 0, 1e12)) return null
  if (!isWithin(toldMs, 0, 253_402_300_800_000)) return null
  if (!isWithin(untilMs, toldMs, toldMs + longestLifeMs)) return null
  const told = { factor, standing, isDown, reason, load, isShedding, toldMs, untilMs }
  return { zone, target, writer, told }
}

function readJson(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'string' || value.length > longestRecord) return null
  try {
    const parsed: unknown = JSON.parse(value)
    const isMap = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    return isMap ? (parsed as Readonly<Record<string, unknown>>) : null
  } catch {
    return null
  }
}

const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, ' ').slice(0, longestReason)

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= longestName && /^[^\s\p{Cc}]+$/u.test(value)

const isWriter = (value: unknown): value is FeedbackWriter =>
  feedbackWriters.some((writer) => writer === value)

/** An MTA cannot force itself up. */
const isStanding = (value: unknown): value is Standing =>
  value === Standing.normal || value === Standing.drained || value === Standing.disabled

const isWithin = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && value >= least && value <= most
