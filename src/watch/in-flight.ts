// Counts what is under way, for who has to wait until nothing is. A number and no promise each: a thousand probes a second
// begin and end.

export class InFlight {
  #count = 0
  #onLanded: (() => void) | null = null

  begin(): void {
    this.#count++
  }

  end(): void {
    if (--this.#count === 0) this.#onLanded?.()
  }

  /** For one at a time. */
  landed(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onLanded = resolve
    })
  }
}
