// What probes and the checks of identity have seen of an address, as facts for the matrix of targets and names.

import type { AddressFacts } from '../coherence/matrix.ts'
import type { DialogueLine } from '../health/outcome.ts'
import { greetingOf, type Reverse } from './findings.ts'

/** `dialogues`: the last one of each probe of the address; `reverses`: what each check of its PTR found. */
export function addressFacts(
  presented: AddressFacts['presented'],
  dialogues: readonly (readonly DialogueLine[])[],
  reverses: readonly Reverse[],
): AddressFacts {
  const greetings = dialogues.flatMap((dialogue) => greetingOf(dialogue) ?? [])
  return {
    presented,
    greeting: greetings.flatMap(({ banner, ehlo }) => [banner ?? [], ehlo ?? []].flat()),
    ptr: ptrOf(reverses),
  }
}

/** null: nobody asked, or there was no answer. */
function ptrOf(all: readonly Reverse[]): readonly string[] | null {
  const known = all.filter(({ kind }) => kind !== 'unknown')
  if (known.length === 0) return null
  return known.flatMap((one) => (one.kind === 'confirmed' ? one.names : []))
}
