// The handler of GET /explain?name=smtp.example.com&type=MX&client=198.51.100.7: why a client is
// answered what it is.
//
//   type     MX by default
//   client   the source address; by default 0.0.0.0, of which no database knows anything
//   ecs      the client's network, as its resolver would send it (EDNS Client Subnet)

import type { Question } from '../explain/question.ts'
import { parseAddress, parseNetwork } from '../lib/ip.ts'
import { type Name, parseName } from '../wire/name.ts'
import { isMetaType, RRType, typeFromText } from '../wire/rrtype.ts'
import type { ExplainOutcome } from './explaining/explain-worker.ts'
import type { Asked } from './explaining/messages.ts'
import { busy, refuse, type Reply } from './reply.ts'

export type Explain = (asked: Asked) => Promise<ExplainOutcome>

/**
 * 200 with the explanation; 400 `bad-field` with the first parameter that is wrong; 503 `busy` or
 * `unavailable` if the thread that explains has too much to do or is being started again.
 */
export async function explainReply(explain: Explain, parameters: URLSearchParams): Promise<Reply> {
  const read = readQuestion(parameters)
  if (read.kind === 'bad') return refuse(400, 'bad-field', read.why)
  return outcomeReply(await explain({ kind: 'explain', question: read.question }))
}

/** The reply to what the explaining thread said. */
export function outcomeReply(outcome: ExplainOutcome): Reply {
  switch (outcome.kind) {
    case 'explained': {
      const { body, spentMs } = outcome
      return { status: 200, contentType: 'application/json; charset=utf-8', body, spentMs }
    }
    case 'refused': {
      const { status, code, message, spentMs } = outcome
      return { ...refuse(status, code, message), spentMs }
    }
    case 'busy':
      return busy(1000)
    case 'unavailable': {
      const { why, afterMs } = outcome
      const message = `the thread that explains does not answer (${why}): ask again`
      return { ...refuse(503, 'unavailable', message), retryAfterSeconds: secondsOf(afterMs) }
    }
    default:
      return outcome satisfies never
  }
}

const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000))

type QuestionRead =
  | { readonly kind: 'question'; readonly question: Question }
  | { readonly kind: 'bad'; readonly why: string }

const keys: readonly string[] = ['name', 'type', 'client', 'ecs']

function readQuestion(parameters: URLSearchParams): QuestionRead {
  const unknown = [...parameters.keys()].find((key) => !keys.includes(key))
  if (unknown !== undefined)
    return bad(`unknown parameter ${quote(unknown)}, expected ${keys.join(', ')}`)
  const name = readName(parameters.get('name'))
  if (name.kind === 'bad') return name
  const type = readType(parameters.get('type'))
  if (type.kind === 'bad') return type
  const client = parameters.get('client') ?? '0.0.0.0'
  const peer = parseAddress(client)
  if (peer === null) return bad(`client: ${quote(client)} is no address such as 198.51.100.7`)
  const ecs = parameters.get('ecs')
  const subnet = ecs === null ? null : parseNetwork(ecs)
  if (subnet?.kind === 'bad') return bad(`ecs: ${subnet.why}`)
  const asked = { name: name.value, type: type.value, peer: peer.octets, subnet }
  return { kind: 'question', question: asked }
}

type Bad = Extract<QuestionRead, { kind: 'bad' }>

export function readName(
  text: string | null,
): { readonly kind: 'name'; readonly value: Name } | Bad {
  const name = parseName(text ?? '')
  return name.kind === 'bad' ? bad(`name: ${name.why}`) : { kind: 'name', value: name.name }
}

/** MX by default. */
export function readType(
  given: string | null,
): { readonly kind: 'type'; readonly value: number } | Bad {
  const text = given ?? 'MX'
  const type = text.toUpperCase() === 'ANY' ? RRType.ANY : typeFromText(text)
  return type === undefined || (isMetaType(type) && type !== RRType.ANY)
    ? bad(`type: ${quote(text)} is no type of records, such as MX, A, AAAA or SRV`)
    : { kind: 'type', value: type }
}

const bad = (why: string): Bad => ({ kind: 'bad', why })

const quote = (text: string): string => JSON.stringify(text.slice(0, 60))
