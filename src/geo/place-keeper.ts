// The databases in force: read, checked whole and compiled in a thread of their own, so that neither probes nor
// answers wait for one. What cannot be used changes nothing: what was in force before goes on.

import { basename, dirname } from 'node:path'

import type { PlaceNetworks } from '../steer/scope/place-networks.ts'
import { type DatabaseFacts, type DatabaseKind, databaseKinds } from './compile-database.ts'
import { type Compile, compileInThread } from './run-compile.ts'

export interface PlaceFiles {
  /** Path of a country or city database; absent: the one that comes with the server. */
  readonly country?: string | undefined
  /** Path of an ASN database; absent: no client's ASN is known. */
  readonly asn?: string | undefined
}

export type PlaceEvent =
  | { readonly kind: 'loaded'; readonly database: DatabaseKind; readonly facts: DatabaseFacts }
  /** `inForce`: an older one goes on; else nothing is known of anyone. */
  | {
      readonly kind: 'refused'
      readonly database: DatabaseKind
      readonly why: string
      readonly inForce: boolean
    }

interface DatabaseState {
  readonly database: DatabaseKind
  /** null: none is in force. */
  readonly facts: DatabaseFacts | null
  readonly lastReloadSuccessful: boolean
  /** When one was last taken over, in seconds since 1970; 0: never. */
  readonly successAtSeconds: number
}

export interface PlaceKeeper {
  current(): PlaceNetworks
  /** Of the databases that were asked for. */
  states(): readonly DatabaseState[]
  /** Reads what was never read; resolves when that is done, well or not. */
  open(): Promise<void>
  /** Reads again what the operator named, if it is in use. */
  reload(): Promise<void>
  /** From now on, reloads when files change, and tells what is in force when that changes. */
  follow(onChange: (networks: PlaceNetworks) => void): Promise<void>
  close(): void
}

/** Calls back when those files of the folder that matter have changed. */
type WatchFolder = (
  folder: string,
  matters: (name: string) => boolean,
  onChange: () => void,
) => Promise<{ close(): void }>

interface PlaceKeeperOptions {
  readonly files: PlaceFiles
  readonly watchFolder: WatchFolder
  readonly wallMs: () => number
  readonly onEvent: (event: PlaceEvent) => void
  /** For tests: another way to compile. */
  readonly compile?: Compile
}

export const createPlaceKeeper = (options: PlaceKeeperOptions): PlaceKeeper => new Keeper(options)

class Keeper implements PlaceKeeper {
  readonly #options: PlaceKeeperOptions
  readonly #states = new Map<DatabaseKind, DatabaseState>()
  #networks: PlaceNetworks = { country: null, asn: null }
  /** One at a time, so that the file read last is the one in force. */
  #queue: Promise<void> = Promise.resolve()
  #onChange: (networks: PlaceNetworks) => void = () => {}
  #watches: readonly { close(): void }[] = []

  constructor(options: PlaceKeeperOptions) {
    this.#options = options
  }

  current(): PlaceNetworks {
    return this.#networks
  }

  states(): readonly DatabaseState[] {
    return [...this.#states.values()]
  }

  open(): Promise<void> {
    return this.#each(
      (database) =>
        !this.#states.has(database) && (database === 'country' || this.#fileOf(database) !== null),
    )
  }

  reload(): Promise<void> {
    return this.#each((database) => this.#states.has(database) && this.#fileOf(database) !== null)
  }

  async follow(onChange: (networks: PlaceNetworks) => void): Promise<void> {
    this.#onChange = onChange
    const watching = databaseKinds.flatMap((database) => {
      const file = this.#fileOf(database)
      if (file === null) return []
      const changed = (): void => {
        void this.#each((one) => one === database && this.#states.has(one))
      }
      // The folder, since tools replace a file by renaming another one to its name.
      const isIt = (name: string): boolean => name === basename(file)
      return [this.#options.watchFolder(dirname(file), isIt, changed)]
    })
    this.#watches = await Promise.all(watching)
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
    this.#onChange = () => {}
  }

  /** null: what comes with the server, which does not change. */
  #fileOf(database: DatabaseKind): string | null {
    return this.#options.files[database] ?? null
  }

  #each(isWanted: (database: DatabaseKind) => boolean): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      for (const database of databaseKinds) if (isWanted(database)) await this.#read(database)
    })
    return this.#queue
  }

  async #read(database: DatabaseKind): Promise<void> {
    const { wallMs, onEvent, compile = compileInThread } = this.#options
    const compiled = await compile({ database, file: this.#fileOf(database) })
    if (compiled.kind === 'broken') {
      const { facts = null, successAtSeconds = 0 } = this.#states.get(database) ?? {}
      const state = { database, facts, successAtSeconds, lastReloadSuccessful: false }
      this.#states.set(database, state)
      onEvent({ kind: 'refused', database, why: compiled.why, inForce: facts !== null })
      return
    }
    const { facts, tree } = compiled
    const successAtSeconds = Math.floor(wallMs() / 1000)
    const state = { database, facts, successAtSeconds, lastReloadSuccessful: true }
    this.#states.set(database, state)
    this.#networks = { ...this.#networks, [database]: tree }
    onEvent({ kind: 'loaded', database, facts })
    this.#onChange(this.#networks)
  }
}
