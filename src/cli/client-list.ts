// The clients of a simulation: out of a file, or drawn at random.
//
// File: one address or network a line; what follows a `#` is a remark. A network is told of as a resolver would
// (EDNS Client Subnet). Every mistake is named with its line.
// At random: IPv4 addresses, each as likely as any other that the country database places.

import { readFile } from 'node:fs/promises'

import type { Subnet } from '../explain/question.ts'
import type { Random } from '../lib/clock.ts'
import { parseNetwork } from '../lib/ip.ts'
import { lookUp } from '../lib/prefix-tree.ts'
import type { PlaceTree } from '../steer/scope/place-networks.ts'

export type ClientList =
  | { readonly kind: 'clients'; readonly clients: readonly Subnet[] }
  | { readonly kind: 'bad'; readonly why: readonly string[] }

export const clientLimit = 1_000_000
const shownMistakes = 20

export async function readClients(file: string): Promise<ClientList> {
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch (error) {
    return { kind: 'bad', why: [`cannot read ${file}: ${(error as Error).message}`] }
  }
  return parseClients(file, content)
}

export function parseClients(file: string, content: string): ClientList {
  const clients: Subnet[] = []
  const why: string[] = []
  for (const [i, line] of content.split(/\r?\n/).entries()) {
    const text = line.replace(/#.*$/, '').trim()
    if (text === '') continue
    const parsed = parseNetwork(text)
    if (parsed.kind === 'bad') why.push(`${file}:${i + 1}: ${parsed.why}`)
    else clients.push({ octets: parsed.octets, prefixLength: parsed.prefixLength })
  }
  if (why.length > shownMistakes)
    why.splice(shownMistakes, Infinity, `${file}: and ${why.length - shownMistakes} lines more`)
  if (why.length === 0 && clients.length === 0) why.push(`${file}: there is no client in it`)
  if (clients.length > clientLimit) why.push(`${file}: more than ${clientLimit} clients`)
  return why.length > 0 ? { kind: 'bad', why } : { kind: 'clients', clients }
}

const attempts = 1000

export function drawClients(count: number, country: PlaceTree | null, random: Random): Subnet[] {
  return Array.from({ length: count }, () => ({
    octets: drawAddress(country, random),
    prefixLength: 32,
  }))
}

/** A database that places hardly anyone ends the search: then the client is at no place. */
function drawAddress(country: PlaceTree | null, random: Random): Uint8Array {
  let octets = new Uint8Array(4)
  for (let i = 0; i < attempts; i++) {
    octets = Uint8Array.from({ length: 4 }, () => Math.floor(random() * 256))
    // The first place of a tree is nowhere.
    if (country === null || lookUp(country, octets) !== 0) break
  }
  return octets
}
