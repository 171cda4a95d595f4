// The GeoIP databases in force. Each is read, checked and compiled in a thread of its own, so that neither probes nor
// answers wait for it. A database that cannot be used changes nothing: the one in force stays.

import { basename, dirname } from 'node:path'

import type { PlaceNetworks } from '../steer/scope/place-networks.ts'
import { type DatabaseFacts, type DatabaseKind, databaseKinds } from './compile-database.ts'
import { type Compile, compileInThread } from './run-compile.ts'

/** The operator's databases. */
export interface PlaceFiles {
  /** The path of a country or city database; absent: the one that is shipped with the server. */
  readonly country?: string | undefined
  /** The path of an ASN database; absent: no client's ASN is known. */
  readonly asn?: string | undefined
}

export type PlaceEvent =
  /** A database was put in force. */
  | { readonly kind: 'loaded'; readonly database: DatabaseKind; readonly facts: DatabaseFacts }
  /** A database cannot be used. `inForce`: an older one stays in force; else no client's place is known. */
  | {
      readonly kind: 'refused'
      readonly database: DatabaseKind
      readonly why: string
      readonly inForce: boolean
    }

interface DatabaseState {
  readonly database: DatabaseKind
  /** The database in force; null: none. */
  readonly facts: DatabaseFacts | null
  readonly lastReloadSuccessful: boolean
  /** Why the last file that was read is not in force; null: it is. */
  readonly refusal: string | null
  /** When a database was last put in force, in seconds since 1970; 0: never. */
  readonly successAtSeconds: number
}

export interface PlaceKeeper {
  /** The prefix trees that are in force now. */
  current(): PlaceNetworks
  /** The state of each database that was opened. */
  states(): readonly DatabaseState[]
  /** Reads the databases that were not read before. Resolves when that is done, whether it succeeded or not. */
  open(): Promise<void>
  /** Reads the operator's databases again, those that were opened. Resolves when that is done. */
  reload(): Promise<void>
  /** From now on, reloads databases whose files change, and calls back with the trees each time these change. */
  follow(onChange: (networks: PlaceNetworks) => void): Promise<void>
  /**
   * Stops watching the folder and reloading databases. Resolves when no thread compiles one any more:
   * one that waits for its file system does not end.
   */
  close(): Promise<void>
}

/** What files were at one moment. */
interface FolderLook {
  readonly fingerprint: string
}

/** The files of a folder with a name that `matters` accepts. */
interface FolderWatching {
  look(folder: string, matters: (name: string) => boolean): Promise<FolderLook>
  /** Calls back when they have changed, and if they have since the look. */
  watch(
    folder: string,
    matters: (name: string) => boolean,
    onChange: () => void,
    since?: FolderLook,
  ): Promise<{ close(): void }>
}

interface PlaceKeeperOptions {
  readonly files: PlaceFiles
  /** null: the databases are read once. */
  readonly folders: FolderWatching | null
  readonly wallMs: () => number
  readonly onEvent: (event: PlaceEvent) => void
  /** For tests: replaces the compilation in a thread. */
  readonly compile?: Compile
}

export const createPlaceKeeper = (options: PlaceKeeperOptions): PlaceKeeper => new Keeper(options)

class Keeper implements PlaceKeeper {
  readonly #options: PlaceKeeperOptions
  readonly #states = new Map<DatabaseKind, DatabaseState>()
  /** Taken before a database was first read. */
  readonly #looks = new Map<DatabaseKind, FolderLook>()
  #networks: PlaceNetworks = { country: null, asn: null }
  /** Compilations run one at a time, so that the file read last is the one in force. */
  #queue: Promise<void> = Promise.resolve()
  #onChange: (networks: PlaceNetworks) => void = () => {}
  #watches: readonly { close(): void }[] = []
  readonly #closing = new AbortController()

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
    return this.#readEach(
      (database) =>
        !this.#states.has(database) && (database === 'country' || this.#fileOf(database) !== null),
    )
  }

  reload(): Promise<void> {
    return this.#readEach(
      (database) => this.#states.has(database) && this.#fileOf(database) !== null,
    )
  }

  async follow(onChange: (networks: PlaceNetworks) => void): Promise<void> {
    this.#onChange = onChange
    const { folders } = this.#options
    const opening = databaseKinds.flatMap((database) => {
      const file = this.#fileOf(database)
      if (file === null || folders === null) return []
      const onFileChange = (): void => {
        void this.#readEach((changed) => changed === database && this.#states.has(changed))
      }
      // The folder is watched, since tools replace a file by renaming another one to its name.
      const since = this.#looks.get(database)
      return [folders.watch(dirname(file), isNamed(file), onFileChange, since)]
    })
    this.#watches = await Promise.all(opening)
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close()
    this.#onChange = () => {}
    this.#closing.abort()
    await this.#queue
  }

  /** The operator's file; null: the shipped one, which does not change. */
  #fileOf(database: DatabaseKind): string | null {
    return this.#options.files[database] ?? null
  }

  #readEach(shouldRead: (database: DatabaseKind) => boolean): Promise<void> {
    const read = this.#queue.then(async () => {
      for (const database of databaseKinds) if (shouldRead(database)) await this.#read(database)
    })
    this.#queue = read.catch(() => {})
    return read
  }

  async #read(database: DatabaseKind): Promise<void> {
    const { folders, wallMs, onEvent, compile = compileInThread } = this.#options
    const { signal } = this.#closing
    const file = this.#fileOf(database)
    if (file !== null && folders !== null && !this.#looks.has(database))
      this.#looks.set(database, await folders.look(dirname(file), isNamed(file)))
    if (signal.aborted) return
    const compiled = await compile({ database, file }, signal)
    if (signal.aborted) return
    if (compiled.kind === 'broken') {
      const { facts = null, successAtSeconds = 0 } = this.#states.get(database) ?? {}
      const outcome = { lastReloadSuccessful: false, refusal: compiled.why }
      const state = { database, facts, successAtSeconds, ...outcome }
      this.#states.set(database, state)
      onEvent({ kind: 'refused', database, why: compiled.why, inForce: facts !== null })
      return
    }
    const { facts, tree } = compiled
    const successAtSeconds = Math.floor(wallMs() / 1000)
    const outcome = { lastReloadSuccessful: true, refusal: null }
    const state = { database, facts, successAtSeconds, ...outcome }
    this.#states.set(database, state)
    this.#networks = { ...this.#networks, [database]: tree }
    onEvent({ kind: 'loaded', database, facts })
    this.#onChange(this.#networks)
  }
}

const isNamed =
  (file: string) =>
  (name: string): boolean =>
    name === basename(file)
