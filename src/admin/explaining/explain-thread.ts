// Entry of the thread that explains answers (GET /explain, GET /who, POST /simulate): thousands of draws, which neither probes nor
// answers should wait for. A question of /explain is gone through twice: first with a single draw, to learn which
// notes of the control thread its explanation needs. Importing this module starts the thread.

import { randomFillSync } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

import { type ExplainContext, explain } from '../../explain/explain.ts'
import type { Question } from '../../explain/question.ts'
import { whatIf } from '../../explain/what-if.ts'
import { whoGetsWhom } from '../../explain/who.ts'
import { createLocate } from '../../geo/places.ts'
import { openHealthTable } from '../../health/table.ts'
import { systemClock } from '../../lib/clock.ts'
import { createRandom, seededRandom } from '../../lib/random.ts'
import { Scopes } from '../../steer/scope/scope-cache.ts'
import { nameToText } from '../../wire/name.ts'
import { typeToText } from '../../wire/rrtype.ts'
import { openCatalog } from '../../zone/packed-catalog.ts'
import { json } from '../reply.ts'
import type {
  Asked,
  ExplainInit,
  FromExplainer,
  NoteKeys,
  Notes,
  ToExplainer,
  World,
} from './messages.ts'

/** Draws of the client's own answer, from which its shares are counted. */
const draws = 10_000

const control = parentPort as MessagePort

const send = (message: FromExplainer): void => control.postMessage(message)

const { healthBuffer } = workerData as ExplainInit

type Context = Omit<ExplainContext, 'memberOf' | 'probeOf' | 'draws'>

const scopes = new Scopes()
let context: Context | null = null
let question: Question | null = null
let beganAt = process.threadCpuUsage()

function contextOf({ catalog, places, databases }: World): Context {
  scopes.use(places)
  return {
    catalog: openCatalog(catalog),
    health: openHealthTable(healthBuffer),
    clock: systemClock,
    locate: createLocate(places),
    scopes,
    places,
    databases,
    random: createRandom(randomFillSync(new Int32Array(4))),
  }
}

/** A source of notes that has none, and adds what it is asked for to `keys`. */
const noted =
  (keys: Set<number>) =>
  (key: number): null => {
    keys.add(key)
    return null
  }

/** Which notes the explanation looks for. */
function keysFor(world: Context, asked: Question): NoteKeys {
  const [rows, slots] = [new Set<number>(), new Set<number>()]
  explain({ ...world, draws: 1, memberOf: noted(rows), probeOf: noted(slots) }, asked)
  return { rows: [...rows], slots: [...slots] }
}

const spentMs = (): number => {
  const { user, system } = process.threadCpuUsage(beganAt)
  return (user + system) / 1000
}

/** Answers what needs no notes. */
function answered(world: Context, asked: Exclude<Asked, { kind: 'explain' }>): FromExplainer {
  const result =
    asked.kind === 'who'
      ? whoGetsWhom({ world, question: asked.question, random: world.random })
      : whatIf({ world, question: asked.question, seeded: () => seededRandom(1) })
  const { name, type } = asked.question
  const named = { name: nameToText(name).slice(0, -1), type: typeToText(type) }
  switch (result.kind) {
    case 'who':
      return { kind: 'explained', body: json({ ...named, ...result.who }).body, spentMs: spentMs() }
    case 'simulated':
      return {
        kind: 'explained',
        body: json({ ...named, ...result.view }).body,
        spentMs: spentMs(),
      }
    case 'bad': {
      const refusal = { status: 400, code: 'bad-field', message: result.why } as const
      return { kind: 'refused', ...refusal, spentMs: spentMs() }
    }
    case 'not-steered': {
      const { found = 'nothing' } = result.steps.at(-1) ?? {}
      const message = `no steering answers ${named.name} ${named.type}: it is found as ${found}`
      return { kind: 'refused', status: 404, code: 'not-steered', message, spentMs: spentMs() }
    }
    default:
      return result satisfies never
  }
}

function explained(world: Context, asked: Question, { members, probes }: Notes): FromExplainer {
  const explanation = explain(
    {
      ...world,
      draws,
      memberOf: (row) => members.get(row) ?? null,
      probeOf: (slot) => probes.get(slot) ?? null,
    },
    asked,
  )
  const { body } = json(explanation)
  return { kind: 'explained', body, spentMs: spentMs() }
}

control.on('message', (message: ToExplainer) => {
  switch (message.kind) {
    case 'world':
      context = contextOf(message.world)
      return
    case 'question': {
      if (context === null) return
      beganAt = process.threadCpuUsage()
      if (message.asked.kind !== 'explain') return send(answered(context, message.asked))
      question = message.asked.question
      return send({ kind: 'needs', keys: keysFor(context, question) })
    }
    case 'notes':
      if (context !== null && question !== null) send(explained(context, question, message.notes))
      return
    default:
      return message satisfies never
  }
})
