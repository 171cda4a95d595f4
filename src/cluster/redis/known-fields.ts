// The fields of a hash of the store that belong to targets of zones here. They bound what is read of a hash that is too
// large to be read whole, in turns: so many fields per read that it takes a few milliseconds.

const fieldsPerTurn = 2000

export class KnownFields {
  #list: readonly string[] = []
  /** null until the zones are known. */
  #set: ReadonlySet<string> | null = null
  #at = 0

  replace(fields: Iterable<string>): void {
    this.#set = new Set(fields)
    this.#list = [...this.#set]
    this.#at = 0
  }

  /** Whether zones here have the target of a field; until zones are known, every field counts as one of theirs. */
  has(field: string): boolean {
    return this.#set?.has(field) ?? true
  }

  /** The fields whose turn it is. */
  next(): readonly string[] {
    const part = this.#list.slice(this.#at, this.#at + fieldsPerTurn)
    const end = this.#at + part.length
    this.#at = end >= this.#list.length ? 0 : end
    return part
  }
}
