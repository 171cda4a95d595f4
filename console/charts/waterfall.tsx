// How a weight comes about: what is configured, then factor by factor, with what each one takes away hatched.

import type { VNode } from 'preact'

import './charts.css'
import type { WeightView } from '../../src/admin/views/targets-view.ts'

/** The factors of a weight, but for that of health, which leaves nothing to draw. */
export type WeightParts = Omit<WeightView, 'health'>

export interface WaterfallProps {
  readonly weight: WeightParts
  /** Why the member is out; null: it takes part. */
  readonly out: string | null
  /** The colour of its pool, such as `var(--h1)`. */
  readonly hue: string
}

export function Waterfall({ weight, out, hue }: WaterfallProps): VNode {
  const steps = waterfallSteps(weight)
  return (
    <table class="waterfall" style={{ '--hue': hue }}>
      <caption class="visually-hidden">Parts of the weight</caption>
      <tbody>
        {steps.map((step) => (
          <tr key={step.label} class={step.factor === 1 ? 'one' : ''}>
            <th scope="row">{step.label}</th>
            <td class="track">
              <Bar of={step.after} lost={step.before - step.after} top={weight.configured} />
            </td>
            <td class="op">{step.factor === null ? '' : `× ${weightText(step.factor)}`}</td>
            <td class="val">{weightText(step.after)}</td>
          </tr>
        ))}
        <tr class="sum">
          <th scope="row">In force{out === null ? '' : `: ${out.replaceAll('-', ' ')}`}</th>
          <td class="track">
            <Bar of={weight.effective} lost={0} top={weight.configured} />
          </td>
          <td class="op">=</td>
          <td class="val">{weightText(weight.effective)}</td>
        </tr>
      </tbody>
    </table>
  )
}

interface BarProps {
  readonly of: number
  readonly lost: number
  readonly top: number
}

/** Nothing is wider than the track: a factor above 1 (an override by weight) scales the others down. */
function Bar({ of, lost, top }: BarProps): VNode {
  const percent = (value: number): string =>
    top <= 0 ? '0%' : `${Math.min(100, Math.round((value / top) * 1000) / 10)}%`
  return (
    <span aria-hidden="true">
      <i style={{ width: percent(of) }} />
      {lost > 0 && <i class="was" style={{ left: percent(of), width: percent(lost) }} />}
    </span>
  )
}

export interface WaterfallStep {
  readonly label: string
  /** null: the configured weight, which all begins with. */
  readonly factor: number | null
  readonly before: number
  readonly after: number
}

export function waterfallSteps(weight: WeightParts): readonly WaterfallStep[] {
  const { configured } = weight
  const factors: readonly (readonly [label: string, factor: number])[] = [
    ['Warm-up', weight.warmUp],
    ['Override', weight.override],
    ['Feedback', weight.feedback],
    ['Reputation', weight.reputation],
    ['Slow start', weight.slowStart],
    ['Shedding', weight.shedding],
  ]
  let at = configured
  const steps = factors.map(([label, factor]): WaterfallStep => {
    const before = at
    at *= factor
    return { label, factor, before, after: at }
  })
  return [{ label: 'Configured', factor: null, before: configured, after: configured }, ...steps]
}

/** `4`, `1.4`, `0.07`: two digits that count, whole where it is whole. */
export const weightText = (value: number): string =>
  value >= 10 || Number.isInteger(value)
    ? String(Math.round(value * 10) / 10)
    : String(Math.round(value * 100) / 100)
