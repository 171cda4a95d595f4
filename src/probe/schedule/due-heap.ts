// What is due next: a binary heap that knows where each item is, so that items leave from anywhere in it
// and a reload leaves no dead ones behind.

export interface Due {
  dueMs: number
  /** Place in the heap, kept by the heap; -1: not in it. */
  heapIndex: number
}

export class DueHeap<Item extends Due> {
  readonly #items: Item[] = []

  get size(): number {
    return this.#items.length
  }

  peek(): Item | undefined {
    return this.#items[0]
  }

  add(item: Item): void {
    this.#place(item, this.#items.length)
    this.#up(item)
  }

  remove(item: Item): void {
    const at = item.heapIndex
    if (at < 0) return
    item.heapIndex = -1
    const last = this.#items.pop() as Item
    if (last === item) return
    this.#place(last, at)
    this.#up(last)
    this.#down(last)
  }

  #place(item: Item, at: number): void {
    this.#items[at] = item
    item.heapIndex = at
  }

  #up(item: Item): void {
    let at = item.heapIndex
    while (at > 0) {
      const parent = this.#items[(at - 1) >> 1] as Item
      if (parent.dueMs <= item.dueMs) break
      this.#place(parent, at)
      at = (at - 1) >> 1
    }
    this.#place(item, at)
  }

  #down(item: Item): void {
    let at = item.heapIndex
    for (;;) {
      const left = this.#items[2 * at + 1]
      const right = this.#items[2 * at + 2]
      const child = left && right && right.dueMs < left.dueMs ? right : left
      if (!child || child.dueMs >= item.dueMs) break
      const childAt = child.heapIndex
      this.#place(child, at)
      at = childAt
    }
    this.#place(item, at)
  }
}
