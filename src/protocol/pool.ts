// Owns: counting who holds how many of something bounded, and naming whose goes when there is no room.
// Does not own: what is counted and how it is ended (grpc/connections.ts).

/** At most `total`, and `each` of one owner. What is longest in comes first everywhere. */
export class Pool<T> {
  readonly total: number;
  readonly each: number;
  readonly #byOwner = new Map<string, Set<T>>();
  #size = 0;

  constructor(total: number, each: number) {
    this.total = total;
    this.each = each;
  }

  get size(): number {
    return this.#size;
  }

  of(owner: string): number {
    return this.#byOwner.get(owner)?.size ?? 0;
  }

  add(owner: string, item: T): void {
    const items = this.#byOwner.get(owner) ?? new Set();
    this.#byOwner.set(owner, items);
    if (items.has(item)) return;
    items.add(item);
    this.#size++;
  }

  delete(owner: string, item: T): void {
    const items = this.#byOwner.get(owner);
    if (!items?.delete(item)) return;
    this.#size--;
    if (items.size === 0) this.#byOwner.delete(owner);
  }

  oldest(owner: string): T | undefined {
    const [item] = this.#byOwner.get(owner) ?? [];
    return item;
  }

  /**
   * What must go before one more of `owner` can come: its own oldest when it has its share, else the oldest of whoever holds most. So a
   * few owners, however fast, push out only themselves, and a newcomer is never the one who pays.
   */
  victim(owner: string): T | undefined {
    if (this.of(owner) >= this.each) return this.oldest(owner);
    if (this.#size < this.total) return undefined;
    let heaviest = owner;
    let most = this.of(owner);
    for (const [name, items] of this.#byOwner)
      if (items.size > most) {
        heaviest = name;
        most = items.size;
      }
    return this.oldest(heaviest);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const items of this.#byOwner.values()) yield* items;
  }
}
