// What is asked of all servers: the same questions for each, in words of dnsperf or as whole messages.

export type Questions =
  | { readonly kind: 'text'; readonly lines: readonly string[] }
  /** Whole messages, for what dnsperf cannot say in words. */
  | { readonly kind: 'messages'; readonly messages: readonly Uint8Array[] }

export const asking = (...lines: string[]): Questions => ({ kind: 'text', lines })

/** Repeatable random numbers: every server gets the same questions. */
export function numbers(seed: number): Below {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export function randomNames(count: number): string[] {
  const next = numbers(7)
  return Array.from({ length: count }, () => {
    const label = `${next(2 ** 31).toString(36)}${next(2 ** 31).toString(36)}`
    return `${label}.bench.test A`
  })
}

type Below = (below: number) => number

const respelled = (name: string, next: Below): string =>
  name.replace(/[a-z]/g, (letter) => (next(2) === 0 ? letter : letter.toUpperCase()))

/** The question in so many random spellings, as resolvers ask that guard against forged answers so (0x20). */
export function inRandomCase(question: string, count: number): Questions {
  const next = numbers(23)
  const [name, type] = question.split(' ') as [string, string]
  const lines = Array.from({ length: count }, () => `${respelled(name, next)} ${type}`)
  return { kind: 'text', lines }
}

interface SubnetQuestion {
  readonly name: string
  readonly isDnssecOk: boolean
}

/** Two octets in front of each, as over TCP: what dnsperf -B reads. */
function messageWithSubnet(
  id: number,
  network: readonly [number, number, number],
  { name: text, isDnssecOk }: SubnetQuestion,
): Uint8Array {
  const labels = text.split('.').map((label) => [label.length, ...Buffer.from(label)])
  const name = [...labels.flat(), 0]
  const subnet = [0, 8, 0, 7, 0, 1, 24, 0, ...network]
  const flags = isDnssecOk ? 0x80 : 0
  const opt = [0, 0, 41, 4, 208, 0, 0, flags, 0, 0, subnet.length, ...subnet]
  const message = [id >> 8, id & 255, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, ...name, 0, 1, 0, 1, ...opt]
  return Uint8Array.of(message.length >> 8, message.length & 255, ...message)
}

export function randomSubnets(
  count: number,
  question: (next: Below) => SubnetQuestion = () => ({ name: 'geo.bench.test', isDnssecOk: false }),
): Questions {
  const [next, letters] = [numbers(11), numbers(29)]
  const messages = Array.from({ length: count }, (_, id) => {
    const network = [11 + next(89), next(256), next(256)] as const
    return messageWithSubnet(id & 0xffff, network, question(letters))
  })
  return { kind: 'messages', messages }
}

export const asGoogle = (next: Below): SubnetQuestion => ({
  name: respelled('geo.bench.test', next),
  isDnssecOk: true,
})
