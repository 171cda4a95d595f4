// The handler of GET /explain?name=smtp.example.com&type=MX&client=198.51.100.7: why a client is
// answered what it is.
//
//   type     MX by default
//   client   the source address; by default 0.0.0.0, of which no database knows anything
//   ecs      the client's network, as its resolver would send it (EDNS Client Subnet)

import type { Explanation } from '../explain/explain.ts'
import type { Question } from '../explain/question.ts'
import { parseAddress, parseNetwork } from '../lib/ip.ts'
import { parseName } from '../wire/name.ts'
import { isMetaType, RRType, typeFromText } from '../wire/rrtype.ts'
import { json, refuse, type Reply } from './reply.ts'

export type Explain = (question: Question) => Explanation

/** 200 with the explanation, or 400 `bad-field` with the first parameter that is wrong. */
export function explainReply(explain: Explain, parameters: URLSearchParams): Reply {
  const read = readQuestion(parameters)
  return read.kind === 'question'
    ? json(explain(read.question))
    : refuse(400, 'bad-field', read.why)
}

type QuestionRead =
  | { readonly kind: 'question'; readonly question: Question }
  | { readonly kind: 'bad'; readonly why: string }

const keys: readonly string[] = ['name', 'type', 'client', 'ecs']

function readQuestion(parameters: URLSearchParams): QuestionRead {
  const unknown = [...parameters.keys()].find((key) => !keys.includes(key))
  if (unknown !== undefined)
    return bad(`unknown parameter ${quote(unknown)}, expected ${keys.join(', ')}`)
  const name = parseName(parameters.get('name') ?? '')
  if (name.kind === 'bad') return bad(`name: ${name.why}`)
  const typeText = parameters.get('type') ?? 'MX'
  const type = typeText.toUpperCase() === 'ANY' ? RRType.ANY : typeFromText(typeText)
  if (type === undefined || (isMetaType(type) && type !== RRType.ANY))
    return bad(`type: ${quote(typeText)} is no type of records, such as MX, A, AAAA or SRV`)
  const client = parameters.get('client') ?? '0.0.0.0'
  const peer = parseAddress(client)
  if (peer === null) return bad(`client: ${quote(client)} is no address such as 198.51.100.7`)
  const ecs = parameters.get('ecs')
  const subnet = ecs === null ? null : parseNetwork(ecs)
  if (subnet?.kind === 'bad') return bad(`ecs: ${subnet.why}`)
  return { kind: 'question', question: { name: name.name, type, peer: peer.octets, subnet } }
}

const bad = (why: string): QuestionRead => ({ kind: 'bad', why })

const quote = (text: string): string => JSON.stringify(text.slice(0, 60))
