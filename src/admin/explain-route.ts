// GET /explain?name=smtp.example.com&type=MX&client=198.51.100.7: why a client is answered what it is.
//
//   type     MX unless told otherwise
//   client   who asks; without it somebody of whom nothing is known
//   ecs      the client's network, as its resolver would tell of it (EDNS Client Subnet)

import type { Explanation } from '../explain/explain.ts'
import type { Question } from '../explain/question.ts'
import { parseAddress, parseNetwork } from '../lib/ip.ts'
import { parseName } from '../wire/name.ts'
import { isMetaType, typeFromText } from '../wire/rrtype.ts'
import { type Reply, json } from './reply.ts'
import { refuse } from './write-request.ts'

export type Explain = (question: Question) => Explanation

const keys: readonly string[] = ['name', 'type', 'client', 'ecs']
const anyType = 255
/** Special, so at no place: the catch-all is for it. */
const nobody = '0.0.0.0'

export function explainReply(explain: Explain, parameters: URLSearchParams): Reply {
  const read = readQuestion(parameters)
  return 'why' in read ? refuse(400, 'bad-field', read.why) : json(explain(read))
}

export function readQuestion(parameters: URLSearchParams): Question | { readonly why: string } {
  const unknown = [...parameters.keys()].find((key) => !keys.includes(key))
  if (unknown !== undefined)
    return bad(`unknown parameter ${quote(unknown)}, expected ${keys.join(', ')}`)
  const name = parseName(parameters.get('name') ?? '')
  if (name.kind === 'bad') return bad(`name: ${name.why}`)
  const typeText = parameters.get('type') ?? 'MX'
  const type = typeText.toUpperCase() === 'ANY' ? anyType : typeFromText(typeText)
  if (type === undefined || (isMetaType(type) && type !== anyType))
    return bad(`type: ${quote(typeText)} is no type of records, such as MX, A, AAAA or SRV`)
  const client = parameters.get('client') ?? nobody
  const peer = parseAddress(client)
  if (peer === null) return bad(`client: ${quote(client)} is no address such as 198.51.100.7`)
  const ecs = parameters.get('ecs')
  const subnet = ecs === null ? null : parseNetwork(ecs)
  if (subnet?.kind === 'bad') return bad(`ecs: ${subnet.why}`)
  return { name: name.name, type, peer: peer.octets, subnet }
}

const bad = (why: string): { readonly why: string } => ({ why })
const quote = (text: string): string => JSON.stringify(text.slice(0, 60))
