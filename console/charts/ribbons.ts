// The wires of a decision, from who asks to the answer: one scale throughout, so that the width of a wire is a
// share of all first choices. What may follow, but is never first, hangs on a thread.

/** A node of the drawing, in pixels from its upper left corner. */
export interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly height: number
}

export interface FlowBoxes {
  /** What is asked, and who asks. */
  readonly asks: readonly Box[]
  /** The rule that matched. */
  readonly rule: Box | null
  readonly pools: readonly { readonly box: Box; readonly lead: number; readonly hue: string }[]
  /** Members that take part; `pool` is the place of their pool in `pools`. */
  readonly members: readonly {
    readonly box: Box
    readonly pool: number
    readonly share: number
    readonly hue: string
  }[]
  /** The first rung of a fixed ladder, where rules and pools do not apply; null: there is none. */
  readonly fixed: Box | null
  readonly answer: Box | null
}

export interface Wire {
  readonly kind: 'ribbon' | 'thread'
  readonly d: string
  readonly hue: string
  /** Of a ribbon as it arrives at the answer, which is drawn fainter. */
  readonly isFaint: boolean
}

/** A ribbon of 100 % is at most this wide. */
const mostWide = 54
const leastRibbon = 1.4
const accent = 'var(--accent)'
const faint = 'var(--line-2)'

export function flowWires(boxes: FlowBoxes): readonly Wire[] {
  const { asks, rule, pools, fixed, answer } = boxes
  if (rule === null) return []
  const unit = unitOf(boxes)
  const parts = asks.map((box, i) => {
    const to = rule.top + (rule.height * (i + 1)) / (asks.length + 1)
    return thread([box.right, middleOf(box)], [rule.left, to], accent)
  })
  if (fixed !== null && answer !== null)
    return [
      ...parts,
      thread([rule.right, middleOf(rule)], [fixed.left, middleOf(fixed)], accent),
      thread([fixed.right, middleOf(fixed)], [answer.left, middleOf(answer)], accent),
    ]
  if (pools.length === 0 && answer !== null)
    return [...parts, thread([rule.right, middleOf(rule)], [answer.left, middleOf(answer)], accent)]
  return [...parts, ...poolWires(boxes, rule, unit), ...memberWires(boxes, unit)]
}

/** Pixels for a share of 1, such that every ribbon has room at both of its ends. */
const unitOf = ({ rule, pools, members, answer }: FlowBoxes): number => {
  const rooms = [
    (rule?.height ?? 0) - 14,
    (answer?.height ?? 60) - 24,
    ...pools.filter(({ lead }) => lead > 0).map(({ box, lead }) => (box.height - 12) / lead),
    ...members.filter(({ share }) => share > 0).map(({ box, share }) => (box.height - 12) / share),
  ]
  return Math.max(8, Math.min(mostWide, ...rooms))
}

function poolWires({ pools }: FlowBoxes, rule: Box, unit: number): readonly Wire[] {
  let at = middleOf(rule) - unit / 2
  return pools.map(({ box, lead, hue }) => {
    const wide = lead * unit
    if (wide === 0) return thread([rule.right, at + 5], [box.left, middleOf(box)], faint)
    const wire = ribbon([rule.right, at], [box.left, middleOf(box) - wide / 2], wide, hue)
    at += wide
    return wire
  })
}

function memberWires({ pools, members, answer }: FlowBoxes, unit: number): readonly Wire[] {
  const wires: Wire[] = []
  let arrives = answer === null ? 0 : middleOf(answer) - unit / 2
  for (const [place, { box }] of pools.entries()) {
    const own = members.filter(({ pool }) => pool === place)
    const whole = own.reduce((sum, { share }) => sum + share, 0) * unit
    let leaves = middleOf(box) - whole / 2
    for (const { box: member, share, hue } of own) {
      if (share <= 0) {
        wires.push(...threadsOf(box, member, answer, unit))
        continue
      }
      const wide = Math.max(leastRibbon, share * unit)
      const mid = middleOf(member) - wide / 2
      wires.push(ribbon([box.right, leaves], [member.left, mid], wide, hue))
      if (answer !== null) {
        const wire = ribbon([member.right, mid], [answer.left, arrives], wide, hue)
        wires.push({ ...wire, isFaint: true })
      }
      leaves += share * unit
      arrives += share * unit
    }
  }
  return wires
}

const threadsOf = (pool: Box, member: Box, answer: Box | null, unit: number): readonly Wire[] => [
  thread([pool.right, middleOf(pool)], [member.left, middleOf(member)], faint),
  ...(answer === null
    ? []
    : [
        thread(
          [member.right, middleOf(member)],
          [answer.left, Math.min(middleOf(answer) + unit / 2 + 6, answer.top + answer.height - 6)],
          faint,
        ),
      ]),
]

const middleOf = ({ top, height }: Box): number => top + height / 2

type End = readonly [x: number, y: number]

function ribbon([x1, y1]: End, [x2, y2]: End, wide: number, hue: string): Wire {
  const [mid, low1, low2] = [tenths((x1 + x2) / 2), tenths(y1 + wide), tenths(y2 + wide)]
  const upper = `M${tenths(x1)} ${tenths(y1)}C${mid} ${tenths(y1)} ${mid} ${tenths(y2)} ${tenths(x2)} ${tenths(y2)}`
  const lower = `L${tenths(x2)} ${low2}C${mid} ${low2} ${mid} ${low1} ${tenths(x1)} ${low1}Z`
  return { kind: 'ribbon', d: upper + lower, hue, isFaint: false }
}

function thread([x1, y1]: End, [x2, y2]: End, hue: string): Wire {
  const mid = tenths((x1 + x2) / 2)
  const d = `M${tenths(x1)} ${tenths(y1)}C${mid} ${tenths(y1)} ${mid} ${tenths(y2)} ${tenths(x2)} ${tenths(y2)}`
  return { kind: 'thread', d, hue, isFaint: false }
}

const tenths = (value: number): number => Math.round(value * 10) / 10
