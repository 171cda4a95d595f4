// The messages between the control thread and the thread that explains answers. Everything sent can be
// cloned (structured clone) or lies in shared memory.

import type { DatabaseView } from '../../explain/client-view.ts'
import type { MemberFactors, ProbeNote } from '../../explain/pool-view.ts'
import type { Question } from '../../explain/question.ts'
import type { WhatIfQuestion } from '../../explain/what-if.ts'
import type { PlaceNetworks } from '../../steer/scope/place-networks.ts'
import type { PackedCatalog } from '../../zone/packed-catalog.ts'

/** The `workerData` that the thread starts with. */
export interface ExplainInit {
  readonly healthBuffer: SharedArrayBuffer
}

/** What answers are made of, beside the health table. */
export interface World {
  readonly catalog: PackedCatalog
  readonly places: PlaceNetworks
  readonly databases: readonly DatabaseView[]
}

/** What only the control thread knows of the members and addresses in an explanation. */
export interface Notes {
  readonly members: ReadonlyMap<number, MemberFactors>
  readonly probes: ReadonlyMap<number, ProbeNote>
}

/** Rows of members and slots of addresses in the health table. */
export interface NoteKeys {
  readonly rows: readonly number[]
  readonly slots: readonly number[]
}

/** What the thread is asked: why an answer, who gets whom, or what if. */
export type Asked =
  | { readonly kind: 'explain'; readonly question: Question }
  | { readonly kind: 'who'; readonly question: Pick<Question, 'name' | 'type'> }
  | { readonly kind: 'what-if'; readonly question: WhatIfQuestion }

/** Control thread → explaining thread. */
export type ToExplainer =
  /** What is in force, where it is another than that of the question before. */
  | { readonly kind: 'world'; readonly world: World }
  | { readonly kind: 'question'; readonly asked: Asked }
  | { readonly kind: 'notes'; readonly notes: Notes }

/** Explaining thread → control thread. */
export type FromExplainer =
  /** The question is understood; its explanation needs these notes. */
  | { readonly kind: 'needs'; readonly keys: NoteKeys }
  /** `body`: the explanation as JSON. `spentMs`: CPU time of this thread. */
  | { readonly kind: 'explained'; readonly body: string; readonly spentMs: number }
  /** There is no such answer: the name is not steered, or something assumed is not there. */
  | {
      readonly kind: 'refused'
      readonly status: 400 | 404
      readonly code: 'bad-field' | 'not-steered'
      readonly message: string
      readonly spentMs: number
    }
