// Asks three servers the same questions and settles each answer of ours: met by a reference as it is, met after
// allowances, or met by none.

import { viewAnswer } from './answer-view.ts'
import type { AnswerView } from './answer-view.ts'
import { askOverTcp, askOverUdp } from './ask.ts'
import { canonical, compare } from './compare.ts'
import type { Allowance } from './compare.ts'
import { packetOf } from './questions.ts'
import type { Question } from './questions.ts'

export interface Ports {
  readonly ours: number
  readonly nsd: number
  readonly bind: number
}

export interface Difference {
  readonly question: Question
  readonly ours: AnswerView
  readonly nsd: AnswerView
  readonly bind: AnswerView
}

export interface Report {
  questions: number
  /** Answers of ours that a reference gave too, allowances taken. */
  readonly met: { nsd: number; bind: number }
  /** Answers that are met only with the help of an allowance, by its name. */
  readonly uses: Map<string, number>
  readonly differences: Difference[]
  /** What kinds of answer were among them. */
  readonly seen: Set<string>
}

export const emptyReport = (): Report => ({
  questions: 0,
  met: { nsd: 0, bind: 0 },
  uses: new Map(),
  differences: [],
  seen: new Set(),
})

/** All answers of one server, in the order of the questions. */
export async function answersOf(
  port: number,
  questions: readonly Question[],
  keepCase = false,
): Promise<AnswerView[]> {
  const views: AnswerView[] = []
  for (const [transport, askOver] of [['udp', askOverUdp] as const, ['tcp', askOverTcp] as const]) {
    const places = questions.flatMap(({ kind }, i) => (kind.transport === transport ? [i] : []))
    const packets = places.map((i) => packetOf(questions[i] as Question))
    const replies = packets.length === 0 ? [] : await askOver(port, packets)
    for (const [i, place] of places.entries())
      views[place] = viewAnswer(replies[i] as Buffer, keepCase)
  }
  return views
}

/** What NSD and BIND answer, in the order of the questions. */
export interface References {
  readonly nsd: readonly AnswerView[]
  readonly bind: readonly AnswerView[]
}

export async function referencesOf(
  ports: Ports,
  questions: readonly Question[],
): Promise<References> {
  const [nsd, bind] = await Promise.all([
    answersOf(ports.nsd, questions),
    answersOf(ports.bind, questions),
  ])
  return { nsd, bind }
}

export function confront(
  report: Report,
  ours: readonly AnswerView[],
  questions: readonly Question[],
  { nsd, bind }: References,
  allowances: readonly Allowance[],
): void {
  for (const [i, question] of questions.entries())
    settle(report, allowances, {
      question,
      ours: ours[i] as AnswerView,
      nsd: nsd[i] as AnswerView,
      bind: bind[i] as AnswerView,
    })
}

/** An allowance counts as used only where no reference met the answer without one. */
function settle(report: Report, allowances: readonly Allowance[], one: Difference): void {
  const { question, ours } = one
  report.questions++
  for (const kind of kindsOf(ours)) report.seen.add(kind)
  const verdicts = {
    nsd: compare(allowances, ours, one.nsd, question),
    bind: compare(allowances, ours, one.bind, question),
  }
  for (const reference of ['nsd', 'bind'] as const)
    if (verdicts[reference].isEqual) report.met[reference]++
  const met = Object.values(verdicts).filter(({ isEqual }) => isEqual)
  if (met.length === 0) report.differences.push(one)
  if (met.length === 0 || met.some(({ allowed }) => allowed.length === 0)) return
  const [least] = met.sort((a, b) => a.allowed.length - b.allowed.length)
  for (const name of least?.allowed ?? []) report.uses.set(name, (report.uses.get(name) ?? 0) + 1)
}

function kindsOf({ rcode, flags, answer, authority, additional }: AnswerView): string[] {
  const types = answer.map(({ id }) => id.slice(id.lastIndexOf(' ') + 1))
  const isReferral = !flags.includes('aa') && authority.some(({ id }) => id.endsWith(' TYPE2'))
  return [
    `rcode ${rcode}`,
    ...types.map((type) => `answer ${type}`),
    ...(flags.includes('tc') ? ['truncated'] : []),
    ...(isReferral ? [additional.length > 0 ? 'referral with glue' : 'referral without'] : []),
    ...(rcode === 0 && authority.some(({ id }) => id.endsWith(' TYPE6')) ? ['nodata'] : []),
  ]
}

/** What a person needs to judge it. */
export function differenceText({ question, ours, nsd, bind }: Difference): string {
  const name = `${question.labels.join('.')}. TYPE${question.type}`
  const indented = (view: AnswerView): string =>
    `${canonical(view)}\noctets ${view.octets}`.replaceAll(/^/gm, '    ')
  return [
    `${name} ${JSON.stringify(question.kind)}`,
    `  ours\n${indented(ours)}`,
    `  NSD\n${indented(nsd)}`,
    `  BIND\n${indented(bind)}`,
  ].join('\n')
}
