// Owns: memories of an interpreted card, and that nobody reads or writes what he must not. Does not own: instructions.

/** Who touches bytes. Two of one block are in order when a wait of all its threads, or of their warp, lies between. */
export interface Toucher {
  /** within the launch */
  readonly thread: number;
  readonly warp: number;
  /** waits of all threads of the block so far, from 1 */
  readonly blockEpoch: number;
  readonly warpEpoch: number;
}

export class MemoryFault extends Error {}

const MANY = -2;
const NOBODY = -1;

function assertAligned(address: number, bytes: number): void {
  if (address % bytes !== 0) throw new MemoryFault(`${bytes} bytes at ${address}: not aligned`);
}

/** Allocations far apart from each other, so that a wrong address meets none. */
export class GlobalMemory {
  static readonly #APART = 2 ** 36;
  readonly #held = new Map<
    number,
    { readonly bytes: Uint8Array; marks?: { readonly read: Int32Array; readonly written: Int32Array } }
  >();
  #next = 1;

  /** zeros. @returns the address */
  allocate(bytes: number): number {
    const slot = this.#next++;
    this.#held.set(slot, { bytes: new Uint8Array(bytes) });
    return slot * GlobalMemory.#APART;
  }

  free(address: number): void {
    this.#held.delete(address / GlobalMemory.#APART);
  }

  bytesAt(address: number): Uint8Array {
    const held = this.#held.get(address / GlobalMemory.#APART);
    if (!held) throw new MemoryFault(`global memory: nothing begins at ${address}`);
    return held.bytes;
  }

  /** Forgets who touched what: launches are in order. */
  endLaunch(): void {
    for (const held of this.#held.values()) delete held.marks;
  }

  /** @returns where the bytes are, which may be read now */
  read(address: number, bytes: number, by: Toucher): { readonly from: Uint8Array; readonly at: number } {
    const { from, at, marks } = this.#place(address, bytes);
    for (let i = at; i < at + bytes; i++) {
      const writer = marks.written[i] - 1;
      if (writer !== NOBODY && writer !== by.thread)
        throw new MemoryFault(
          `global memory: thread ${by.thread} reads what thread ${writer} writes in the same launch`,
        );
      marks.read[i] = marks.read[i] === 0 || marks.read[i] - 1 === by.thread ? by.thread + 1 : MANY;
    }
    return { from, at };
  }

  write(address: number, bytes: number, by: Toucher): { readonly from: Uint8Array; readonly at: number } {
    const { from, at, marks } = this.#place(address, bytes);
    for (let i = at; i < at + bytes; i++) {
      const writer = marks.written[i] - 1;
      const reader = marks.read[i] === MANY ? MANY : marks.read[i] - 1;
      if ((writer !== NOBODY && writer !== by.thread) || (reader !== NOBODY && reader !== by.thread))
        throw new MemoryFault(
          `global memory: thread ${by.thread} writes what others touch in the same launch`,
        );
      marks.written[i] = by.thread + 1;
    }
    return { from, at };
  }

  #place(address: number, bytes: number) {
    assertAligned(address, bytes);
    const slot = Math.floor(address / GlobalMemory.#APART);
    const at = address - slot * GlobalMemory.#APART;
    const held = this.#held.get(slot);
    if (!held || at + bytes > held.bytes.length)
      throw new MemoryFault(`global memory: ${bytes} bytes at ${at} of ${held?.bytes.length ?? 'nothing'}`);
    held.marks ??= { read: new Int32Array(held.bytes.length), written: new Int32Array(held.bytes.length) };
    return { from: held.bytes, at, marks: held.marks };
  }
}

/** Of one block. Not zero at first, as no card promises: what nobody wrote must not be read. */
export class SharedMemory {
  /** in place of a wait's number: written by no thread */
  static readonly #BULK = -1;
  readonly bytes: Uint8Array;
  readonly #writer: Int32Array;
  readonly #writerWarp: Int32Array;
  readonly #writeBlock: Int32Array;
  readonly #writeWarp: Int32Array;
  readonly #reader: Int32Array;
  readonly #readerWarp: Int32Array;
  readonly #readBlock: Int32Array;
  readonly #readWarp: Int32Array;
  /** copies that are under way, by byte */
  readonly #pending: Uint8Array;

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes).fill(0xa5);
    this.#pending = new Uint8Array(bytes);
    const marks = (): Int32Array => new Int32Array(bytes);
    [this.#writer, this.#writerWarp, this.#writeBlock, this.#writeWarp] = [
      marks(),
      marks(),
      marks(),
      marks(),
    ];
    [this.#reader, this.#readerWarp, this.#readBlock, this.#readWarp] = [marks(), marks(), marks(), marks()];
  }

  read(address: number, bytes: number, by: Toucher): void {
    this.#within(address, bytes);
    for (let i = address; i < address + bytes; i++) {
      this.#afterWrites(i, by, 'reads');
      if (this.#writeBlock[i] === 0)
        throw new MemoryFault(`shared memory: thread ${by.thread} reads byte ${i}, which nobody wrote`);
      if (this.#readBlock[i] === by.blockEpoch) {
        if (this.#readerWarp[i] !== by.warp) this.#readerWarp[i] = MANY;
        else if (this.#readWarp[i] === by.warpEpoch && this.#reader[i] !== by.thread) this.#reader[i] = MANY;
        else this.#reader[i] = by.thread;
      } else {
        this.#readBlock[i] = by.blockEpoch;
        this.#readerWarp[i] = by.warp;
        this.#reader[i] = by.thread;
      }
      this.#readWarp[i] = by.warpEpoch;
    }
  }

  write(address: number, bytes: number, by: Toucher): void {
    this.#within(address, bytes);
    for (let i = address; i < address + bytes; i++) {
      this.#afterWrites(i, by, 'writes');
      if (this.#readBlock[i] === by.blockEpoch) {
        const elsewhere = this.#readerWarp[i] !== by.warp;
        const beside = this.#readWarp[i] === by.warpEpoch && this.#reader[i] !== by.thread;
        if (elsewhere || beside)
          throw new MemoryFault(
            `shared memory: thread ${by.thread} writes byte ${i}, which others read meanwhile`,
          );
      }
      this.#writer[i] = by.thread;
      this.#writerWarp[i] = by.warp;
      this.#writeBlock[i] = by.blockEpoch;
      this.#writeWarp[i] = by.warpEpoch;
    }
  }

  /** The bytes come at `endCopy`; until then nobody may touch them. */
  beginCopy(address: number, bytes: number, by: Toucher): void {
    this.write(address, bytes, by);
    this.#pending.fill(1, address, address + bytes);
  }

  endCopy(address: number, data: Uint8Array, by: Toucher): void {
    this.#pending.fill(0, address, address + data.length);
    this.write(address, data.length, by);
    this.bytes.set(data, address);
  }

  /** As `beginCopy`, by the card itself. What lies there is gone at once. */
  beginBulk(address: number, bytes: number): void {
    this.#inside(address, bytes);
    for (let i = address; i < address + bytes; i++)
      if (this.#pending[i] !== 0) throw new MemoryFault(`shared memory: two copies to byte ${i}`);
    this.#pending.fill(1, address, address + bytes);
    this.bytes.fill(0xa5, address, address + bytes);
  }

  endBulk(
    address: number,
    bytes: number,
    chunks: readonly { readonly offset: number; readonly data: Uint8Array }[],
  ): void {
    this.#pending.fill(0, address, address + bytes);
    this.#writeBlock.fill(SharedMemory.#BULK, address, address + bytes);
    for (const { offset, data } of chunks) this.bytes.set(data, address + offset);
  }

  /** By the card itself: threads' own stores are no part of what it sees. */
  bulkRead(address: number, bytes: number): Uint8Array {
    this.#inside(address, bytes);
    for (let i = address; i < address + bytes; i++) {
      if (this.#pending[i] !== 0)
        throw new MemoryFault(`shared memory: byte ${i} is read while a copy is under way`);
      if (this.#writeBlock[i] !== SharedMemory.#BULK)
        throw new MemoryFault(`shared memory: byte ${i} is read, which no copy brought`);
    }
    return this.bytes.subarray(address, address + bytes);
  }

  #inside(address: number, bytes: number): void {
    if (address < 0 || address + bytes > this.bytes.length)
      throw new MemoryFault(`shared memory: ${bytes} bytes at ${address} of ${this.bytes.length}`);
  }

  #within(address: number, bytes: number): void {
    assertAligned(address, bytes);
    this.#inside(address, bytes);
  }

  #afterWrites(i: number, by: Toucher, does: string): void {
    if (this.#pending[i] !== 0)
      throw new MemoryFault(`shared memory: thread ${by.thread} ${does} byte ${i} while a copy is under way`);
    if (this.#writeBlock[i] !== by.blockEpoch || this.#writer[i] === by.thread) return;
    if (this.#writerWarp[i] !== by.warp || this.#writeWarp[i] === by.warpEpoch)
      throw new MemoryFault(
        `shared memory: thread ${by.thread} ${does} byte ${i}, which thread ${this.#writer[i]} writes meanwhile`,
      );
  }
}
