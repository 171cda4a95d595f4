// Handlers of GET /who?name=smtp.example.com&type=MX, who gets whom, and of POST /simulate, what if:
//
//   { "name": "smtp.example.com", "type": "MX", "down": ["mx1", "region:us"], "drain": ["pool:eu"],
//     "weights": { "mx2": 0.5 }, "without": ["iad-a"], "at": "2026-12-03", "clients": 2000, "by": "continent",
//     "health": "live" }

import { z } from 'zod'

import { groupings } from '../explain/simulate.ts'
import type { Assumed } from '../explain/what-if.ts'
import { consensus } from '../health/consensus.ts'
import { suggestName } from '../lib/suggest-name.ts'
import { badBody, bodyObject, type BodyRead, readBody } from './body.ts'
import { type Explain, outcomeReply, readName, readType } from './explain-route.ts'
import type { Asked } from './explaining/messages.ts'
import { refuse, type Reply } from './reply.ts'
import type { StatusSources, StatusViewSources } from './views/status-view.ts'

/** 200 with the classes of clients; 400 `bad-field`, 404 `not-steered`, 503 as /explain. */
export async function whoReply(explain: Explain, parameters: URLSearchParams): Promise<Reply> {
  const unknown = [...parameters.keys()].find((key) => key !== 'name' && key !== 'type')
  if (unknown !== undefined)
    return refuse(
      400,
      'bad-field',
      `unknown parameter ${JSON.stringify(unknown.slice(0, 60))}, expected name, type`,
    )
  const name = readName(parameters.get('name'))
  if (name.kind === 'bad') return refuse(400, 'bad-field', name.why)
  const type = readType(parameters.get('type'))
  if (type.kind === 'bad') return refuse(400, 'bad-field', type.why)
  const question = { name: name.value, type: type.value }
  return outcomeReply(await explain({ kind: 'who', question }))
}

/** Of the instances: who votes, and how. */
interface SimulateSources {
  readonly explain: Explain
  readonly states: StatusViewSources['states']
  readonly status: Pick<StatusSources, 'instance' | 'clusterStatus' | 'votesOn'>
}

/** 200 with what is answered before and after; 400 `bad-field`, 404 `not-steered`; 503 while another one is under way. */
export async function simulateReply(sources: SimulateSources, body: unknown): Promise<Reply> {
  const read = readWhatIf(body, (without) => judgedWithout(sources, without))
  return read.kind === 'refused' ? read.reply : outcomeReply(await sources.explain(read.value))
}

/** What the votes of the other instances amount to, where that is otherwise than what is in force. */
function judgedWithout(
  { states, status }: SimulateSources,
  without: readonly string[],
): BodyRead<Assumed['judged']> {
  const known = [status.instance, ...status.clusterStatus().peers.map(({ instance }) => instance)]
  const unknown = without.find((one) => !known.includes(one))
  if (unknown !== undefined)
    return badBody(
      'bad-field',
      `without: no instance ${JSON.stringify(unknown)}, ${suggestName('instance', known, unknown)}`,
    )
  if (without.length === 0) return { kind: 'valid', value: [] }
  const judged = states().flatMap(({ slot, state }) => {
    const current = state === 'unknown' ? 'unknown' : state === 'down' ? 'down' : 'up'
    const left = status.votesOn(slot).filter(({ instance }) => !without.includes(instance))
    const judgement = consensus(left, current)
    return judgement === current || judgement === 'unknown' ? [] : [[slot, judgement] as const]
  })
  return { kind: 'valid', value: judged }
}

const most = { names: 100, clients: 2000 }

const names = (field: string): z.ZodType<readonly string[] | undefined> => {
  const message = `${field}: expected a list of at most ${most.names} names of targets, addresses, pool:NAME or region:NAME`
  return z.array(z.string(message).max(255, message), message).max(most.names, message).optional()
}

const weightsText = `weights: expected at most ${most.names} names with a factor of 0 to 100`

const withoutText = `without: expected a list of at most ${most.names} instances whose votes are left out`

const schema = bodyObject({
  name: z.string('name: expected a name such as smtp.example.com').max(1024),
  type: z.string('type: expected a type such as MX').optional(),
  down: names('down'),
  drain: names('drain'),
  weights: z
    .record(
      z.string().max(255, weightsText),
      z.number(weightsText).min(0, weightsText).max(100, weightsText),
      weightsText,
    )
    .refine((all) => Object.keys(all).length <= most.names, weightsText)
    .optional(),
  without: z
    .array(z.string(withoutText).max(255, withoutText), withoutText)
    .max(most.names, withoutText)
    .optional(),
  at: z.string('at: expected a day or a time, such as 2026-12-03').optional(),
  clients: z
    .int(`clients: expected a number from 1 to ${most.clients}`)
    .min(1, `clients: expected a number from 1 to ${most.clients}`)
    .max(most.clients, `clients: expected a number from 1 to ${most.clients}`)
    .optional(),
  by: z.enum(groupings, `by: expected ${groupings.join(', ')}`).optional(),
  health: z.enum(['live', 'all-up'], 'health: expected live or all-up').optional(),
})

function readWhatIf(
  body: unknown,
  judgedBy: (without: readonly string[]) => BodyRead<Assumed['judged']>,
): BodyRead<Extract<Asked, { kind: 'what-if' }>> {
  const read = readBody(schema, body)
  if (read.kind === 'refused') return read
  const { value } = read
  const name = readName(value.name)
  if (name.kind === 'bad') return badBody('bad-field', name.why)
  const type = readType(value.type ?? null)
  if (type.kind === 'bad') return badBody('bad-field', type.why)
  const atMs = value.at === undefined ? null : Date.parse(value.at)
  if (Number.isNaN(atMs))
    return badBody(
      'bad-field',
      'at: expected a day or a time, such as 2026-12-03 or 2026-12-03T08:00:00Z',
    )
  const judged = judgedBy(value.without ?? [])
  if (judged.kind === 'refused') return judged
  const { down = [], drain = [], weights = {}, clients = most.clients } = value
  const question = {
    name: name.value,
    type: type.value,
    assumed: { down, drain, weights, atMs, judged: judged.value },
    clients,
    by: value.by ?? 'continent',
    health: value.health ?? 'live',
  } as const
  return { kind: 'valid', value: { kind: 'what-if', question } }
}
