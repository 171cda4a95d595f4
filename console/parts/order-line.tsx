// An override in force: what, why, by whom, until when, and how much of its time has passed.

import type { ComponentChildren, VNode } from 'preact'

import { serverNowMs } from '../store/live.ts'
import type { OverrideRow } from '../store/rows.ts'
import { figure, hoverTitle, percent, shortTime, span } from './figures.ts'
import './order-line.css'
import { shown } from './shown.ts'

/** `children`: what can be done with it. */
export function OrderLine({
  order,
  children,
}: {
  order: OverrideRow
  children?: ComponentChildren
}): VNode {
  const { target, pool, why, by, set, until } = order
  const nowMs = serverNowMs.value
  const reason = why === '' ? [] : [`“${shown(why)}”`]
  const author = by === '' ? [] : [shown(by)]
  return (
    <li class="order">
      <span>
        <b>{shown(target)}</b> {orderWords(order)}
        {pool !== null && <span class="dim"> in {shown(pool)}</span>}
      </span>
      <span class="do">{children}</span>
      <span class="mid" {...(until === null ? {} : hoverTitle(until))}>
        {[...reason, ...author, endText(until, nowMs)].join(' · ')}
      </span>
      <TimePassed set={set} until={until} />
    </li>
  )
}

/** `drain`, `weight × 0.5`, `weight 3`, `weight 10 % of the pool`. */
export function orderWords({ kind, factor, weight, share }: OverrideRow): string {
  switch (kind) {
    case 'drain':
    case 'disable':
      return kind
    case 'up':
      return 'taken as up'
    case 'weight':
      if (factor !== undefined) return `weight × ${figure(factor)}`
      if (weight !== undefined) return `weight ${figure(weight)}`
      return share === undefined ? 'weight' : `weight ${percent(share, 0)} of the pool`
    default:
      return kind satisfies never
  }
}

function endText(until: string | null, nowMs: number): string {
  if (until === null) return 'until it is undone'
  return `ends ${shortTime(until, nowMs)}, in ${span((Date.parse(until) - nowMs) / 1000)}`
}

/** A bar that is full when the override ends; nothing where it has no end. */
export function TimePassed({ set, until }: Pick<OverrideRow, 'set' | 'until'>): VNode | null {
  if (until === null) return null
  const share = passedShare(set ?? until, until, serverNowMs.value)
  return (
    <span class="time-passed" aria-hidden="true">
      <i style={{ width: `${(share * 100).toFixed(1)}%` }} />
    </span>
  )
}

function passedShare(set: string, until: string, nowMs: number): number {
  const begin = Date.parse(set)
  const whole = Date.parse(until) - begin
  return whole <= 0 ? 1 : Math.min(1, Math.max(0, (nowMs - begin) / whole))
}
