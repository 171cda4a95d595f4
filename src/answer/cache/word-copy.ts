// Copies messages four octets a step, where they lie on whole words: a copy is most of an answer that was kept ready.

export class WordCopy {
  /** The buffer last written to, and the same as words, where it starts at one. */
  #out: Uint8Array | null = null
  #outWords: Int32Array | null = null

  /**
   * `octets` of them from word `from` on to `at`, where there is room for three more. `source` is the memory of `words`.
   */
  // oxlint-disable-next-line max-params -- on the answering path: an object would be an allocation a query
  copy(
    words: Int32Array,
    source: Uint8Array,
    from: number,
    octets: number,
    out: Uint8Array,
    at: number,
  ): void {
    if (out !== this.#out) this.#use(out)
    const outWords = this.#outWords
    if (outWords === null || (at & 3) !== 0) {
      const start = from * 4
      for (let i = 0; i < octets; i++) out[at + i] = source[start + i] as number
      return
    }
    const to = at >> 2
    const count = (octets + 3) >> 2
    for (let i = 0; i < count; i++) outWords[to + i] = words[from + i] as number
  }

  #use(out: Uint8Array): void {
    this.#out = out
    const isAligned = (out.byteOffset & 3) === 0
    this.#outWords = isAligned ? new Int32Array(out.buffer, out.byteOffset, out.length >> 2) : null
  }
}
