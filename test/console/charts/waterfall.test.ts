import { h } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { expect, test } from 'vitest'

import { Waterfall, waterfallSteps, weightText } from '../../../console/charts/waterfall.tsx'

const weight = {
  configured: 4,
  warmUp: 1,
  override: 0.5,
  feedback: 1,
  reputation: 1,
  slowStart: 0.5,
  shedding: 0.07,
  effective: 0.07,
}

test('each step begins where the one before ended, and the last one is what is in force', () => {
  const steps = waterfallSteps(weight)
  for (const [i, { before }] of steps.entries()) if (i > 0) expect(before).toBe(steps[i - 1]?.after)
  expect(steps.at(-1)?.after).toBeCloseTo(weight.effective, 3)
})

test('factors of 1 are quiet, what is lost is hatched, and why it is out is said', () => {
  const text = renderToString(h(Waterfall, { weight, out: 'no-weight', hue: 'var(--h2)' }))
  expect(text.match(/class="one"/g)).toHaveLength(3)
  expect(text.match(/class="was"/g)).toHaveLength(3)
  expect(text).toContain('In force: no weight')
  expect(text).toContain('× 0.07')
})

test('a pool of weight 0 and an override above 1 stay within the track', () => {
  const none = { ...weight, configured: 0, effective: 0 }
  expect(renderToString(h(Waterfall, { weight: none, out: null, hue: 'red' }))).not.toContain('NaN')
  const more = { ...weight, override: 3, slowStart: 1, shedding: 1, effective: 12 }
  const text = renderToString(h(Waterfall, { weight: more, out: null, hue: 'red' }))
  const widths = [...text.matchAll(/width:\s*([\d.]+)%/g)].map(([, wide]) => Number(wide))
  expect(Math.max(...widths)).toBe(100)
})

test.each([
  [4, '4'],
  [1.4, '1.4'],
  [0.0749, '0.07'],
  [12.34, '12.3'],
])('%d is written %s', (value, text) => {
  expect(weightText(value)).toBe(text)
})
