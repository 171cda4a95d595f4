// Which node of a Redis Cluster has our keys: all of them are in one slot, and the primary of that slot is all that is
// ever talked to. A node that is asked for a key says so itself: it answers, or names another one (MOVED). The names of
// the others (CLUSTER SLOTS) are kept, so that the loss of the seeds is survived; a user that may not ask for them has
// the seeds alone.
//
// What a node says is taken for true only as far as it can be connected to, and is bounded: nodes, and questions a round.

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** What a node says when it is asked for one of our keys. */
export type NodeAnswer =
  | { readonly kind: 'owner'; readonly nodes: readonly HostPort[] }
  | { readonly kind: 'moved'; readonly to: HostPort; readonly nodes: readonly HostPort[] }
  /** `code`: why it is of no use. `hasAnswered`: it said so itself. */
  | { readonly kind: 'unusable'; readonly code: string; readonly hasAnswered: boolean }

export type OwnerSearch =
  | { readonly kind: 'found'; readonly at: HostPort }
  | { readonly kind: 'not-found'; readonly code: string }

type AskNode = (at: HostPort) => Promise<NodeAnswer>

/** Nodes that are remembered beside the seeds. */
const knownLimit = 64

/** Finds the primary of our slot, again and again. */
export class SlotOwner {
  readonly #seeds: readonly HostPort[]
  readonly #ask: AskNode
  #known: readonly HostPort[] = []
  #last: HostPort | null = null

  constructor(seeds: readonly HostPort[], ask: AskNode) {
    this.#seeds = seeds
    this.#ask = ask
  }

  /** Asks each node once at most: the last owner, where that leads to, then the seeds and all others that are known. */
  async find(isWanted: () => boolean): Promise<OwnerSearch> {
    const asked = new Set<string>()
    const open = [...(this.#last ? [this.#last] : []), ...this.#seeds, ...this.#known]
    let code: string | null = null
    let said: string | null = null
    for (let at = open.shift(); at !== undefined && isWanted(); at = open.shift()) {
      if (asked.has(nameOf(at))) continue
      asked.add(nameOf(at))
      const answer = await this.#ask(at)
      if (answer.kind !== 'unusable' && answer.nodes.length > 0)
        this.#known = distinct(answer.nodes).slice(0, knownLimit)
      if (answer.kind === 'owner') {
        this.#last = at
        return { kind: 'found', at }
      }
      if (answer.kind === 'moved') open.unshift(answer.to)
      else if (answer.hasAnswered) said ??= answer.code
      else code = answer.code
      // A chain of redirections without an end is one of made-up names.
      if (asked.size >= knownLimit + this.#seeds.length) break
    }
    return { kind: 'not-found', code: said ?? code ?? 'MOVED' }
  }
}

const nameOf = ({ host, port }: HostPort): string => `${host} ${port}`

const distinct = (nodes: readonly HostPort[]): readonly HostPort[] => [
  ...new Map(nodes.map((node) => [nameOf(node), node])).values(),
]

/**
 * Where an error sends us, `MOVED SLOT HOST:PORT` or `ASK SLOT HOST:PORT`; null: nowhere. Without a host it is that of
 * the node which said so.
 */
export function redirectionOf(
  kind: 'MOVED' | 'ASK',
  message: string,
  askedHost: string,
): HostPort | null {
  const match = /^(MOVED|ASK) \d{1,5} (\S{0,255}):(\d{1,5})$/.exec(message)
  return match?.[1] === kind ? nodeAt(match[2], Number(match[3]), askedHost) : null
}

/** The nodes in a reply to CLUSTER SLOTS: `[[first, last, [host, port, …], …], …]`. */
export function nodesOf(value: unknown, askedHost: string): readonly HostPort[] {
  const ranges = Array.isArray(value) ? (value as unknown[]) : []
  return ranges
    .flatMap((range) => (Array.isArray(range) ? (range as unknown[]).slice(2) : []))
    .flatMap((node) => {
      const [host, port] = Array.isArray(node) ? (node as unknown[]) : []
      return nodeAt(host, Number(port), askedHost) ?? []
    })
}

/** `?` and nothing: a node that does not know how it is called. */
function nodeAt(host: unknown, port: number, askedHost: string): HostPort | null {
  const named = host === null || host === '' || host === '?' ? askedHost : host
  const isHost = typeof named === 'string' && /^[\w.:-]{1,253}$/.test(named)
  const isPort = Number.isInteger(port) && port > 0 && port <= 65_535
  return isHost && isPort ? { host: named, port } : null
}
