// What instances of a fleet say of themselves, and what every test asks of all of them in the end.

import { type Fleet, type Instance, eachInstance } from './fleet.ts'

type Instances = Pick<Fleet, 'instances'>

/** Of every key in the store. */
export const prefix = 'mxsteer:{default}:v1:'

export const degraded = ({ server }: Instance): Promise<number | null> =>
  server.metric('mxsteer_state_degraded')

/** Sum of the samples that begin so. */
export async function total({ server }: Instance, beginning: string): Promise<number> {
  const lines = (await server.http('/metrics')).body.split('\n')
  return lines
    .filter((line) => line.startsWith(beginning))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** Times that a target changed its state, for each instance. */
export const transitions = ({ instances }: Instances): Promise<readonly number[]> =>
  Promise.all(instances.map((one) => total(one, 'mxsteer_target_transitions_total')))

export const hasAllUp = async ({ server }: Instance): Promise<boolean> =>
  (await server.targets()).every(({ state }) => state === 'up')

/** In reach of the store and of all the others, every target up. */
export const allAreBack = (fleet: Instances, withinMs?: number): Promise<true> =>
  eachInstance(
    fleet,
    'is back',
    async (one) =>
      (await degraded(one)) === 0 &&
      (await one.server.metric('mxsteer_instances')) === fleet.instances.length &&
      (await hasAllUp(one)),
    withinMs,
  )

interface Status {
  readonly targets: readonly {
    readonly target: string
    readonly state: string
    readonly votes: readonly { readonly instance: string; readonly vote: string }[]
  }[]
}

/** Who votes how about what, and what that amounts to, in an order of its own: the same text for the same votes. */
export async function votesSeen({ server }: Instance): Promise<string> {
  const { targets } = JSON.parse((await server.http('/status')).body) as Status
  return targets
    .map(({ target, state, votes }) =>
      [target, state, ...votes.map(({ instance, vote }) => `${instance}=${vote}`).sort()].join(' '),
    )
    .sort()
    .join('\n')
}

/** Throws where a client got nothing, or nothing that can be used. */
export function mustHaveAnswered({ instances }: Instances): void {
  for (const { name, watch } of instances)
    if (watch.wrong().length > 0 || watch.answers() === 0)
      throw new Error(`${name}, of ${watch.answers()} answers: ${watch.wrong().join('; ')}`)
}

/** In ms; of nothing 0. */
export const percentile = (valuesMs: readonly number[], share: number): number =>
  [...valuesMs].sort((a, b) => a - b)[Math.floor(share * (valuesMs.length - 1))] ?? 0

/** Milliseconds from `sinceMs` to the last answer of anybody that names the target. */
export const lastNamedAfterMs = (
  { instances }: Instances,
  target: string,
  sinceMs: number,
): number => Math.max(...instances.map(({ watch }) => watch.lastNamedAtMs(target))) - sinceMs

/** Waits until no answer names it any more. */
export const leavesAllAnswers = (
  fleet: Instances,
  target: string,
  withinMs?: number,
): Promise<true> =>
  eachInstance(
    fleet,
    `has ${target} out of its answers`,
    async ({ watch }) => !watch.names(target),
    withinMs,
  )
