// Owns: a device's memory as chains of labels have it: what one holds, and what lies ready for the next. Does not own: what
// is kept in it (labels.ts), how a device hands it out (gpu.ts and who implements it).
import { type AssayError, unsupported } from '../../model/errors.js';
import type { Gpu, GpuMemory } from './gpu.js';

export const noRoomFor = ({ name }: Pick<Gpu, 'name'>, what: string, bytes: number) =>
  unsupported(what, `${name} has no room for ${bytes} bytes; other work may hold its memory`);

/**
 * Memory for as long as `use` takes.
 * @param what what it is for, as an error says it
 */
export async function withRoom<T>(
  gpu: Gpu,
  what: string,
  use: (room: (bytes: number) => Promise<GpuMemory>) => Promise<T>,
): Promise<T> {
  const held: GpuMemory[] = [];
  try {
    return await use(async (bytes) => {
      const memory = await gpu.allocate(bytes);
      if (!memory) throw noRoomFor(gpu, what, bytes);
      held.push(memory);
      return memory;
    });
  } finally {
    for (const memory of held) gpu.free(memory);
  }
}

/** Memory that one step leaves to the next of the same size, as long as there is a chain: between chains it is the host's. */
export class GpuPool {
  readonly #free = new Map<number, GpuMemory[]>();

  constructor(private readonly gpu: Gpu) {}

  /** @returns undefined when there is no room even without what lies here; bytes are anything */
  async take(bytes: number): Promise<GpuMemory | undefined> {
    const kept = this.#free.get(bytes)?.pop();
    if (kept) return kept;
    const fresh = await this.gpu.allocate(bytes);
    if (fresh) return fresh;
    this.clear();
    return this.gpu.allocate(bytes);
  }

  give(memory: GpuMemory): void {
    const same = this.#free.get(memory.bytes);
    if (same) same.push(memory);
    else this.#free.set(memory.bytes, [memory]);
  }

  clear(): void {
    for (const memories of this.#free.values()) for (const memory of memories) this.gpu.free(memory);
    this.#free.clear();
  }
}

/** What one chain holds, with an emergency reserve: all of it is given back at once, whatever was being done with it. */
export class GpuHoldings {
  readonly #parts: { readonly gpu: Gpu; readonly pool: GpuPool; readonly what: string };
  readonly #held: GpuMemory[] = [];
  #reserve: GpuMemory | undefined;
  #released = false;

  /** @param parts.what what it is for, as an error says it */
  constructor(parts: { readonly gpu: Gpu; readonly pool: GpuPool; readonly what: string }) {
    this.#parts = parts;
  }

  /** @throws RangeError once all was given back */
  assertAlive(): void {
    if (this.#released) throw new RangeError('labels: released');
  }

  /** @returns undefined when there is no room */
  async take(bytes: number): Promise<GpuMemory | undefined> {
    const memory = await this.#parts.pool.take(bytes);
    if (memory && this.#released) this.#parts.gpu.free(memory); // while it was asked for: nobody would give it back
    this.assertAlive();
    if (memory) this.#held.push(memory);
    return memory;
  }

  /** All of them or none. */
  async takeAll(sizes: readonly number[]): Promise<GpuMemory[] | undefined> {
    const got: GpuMemory[] = [];
    for (const bytes of sizes) {
      const memory = await this.take(bytes);
      if (!memory) {
        for (const each of got) this.give(each);
        return undefined;
      }
      got.push(memory);
    }
    return got;
  }

  /** Spends the reserve where there is no room otherwise. @throws AssayError `unsupported` */
  async need(bytes: number): Promise<GpuMemory> {
    const memory = (await this.take(bytes)) ?? (this.#spend() ? await this.take(bytes) : undefined);
    if (memory) return memory;
    throw this.noRoom(bytes);
  }

  noRoom(bytes: number): AssayError<'unsupported'> {
    const { gpu, what } = this.#parts;
    return noRoomFor(gpu, what, bytes);
  }

  /** @returns whether there is a reserve now */
  async setAside(bytes: number): Promise<boolean> {
    this.#reserve ??= await this.take(bytes);
    return this.#reserve !== undefined;
  }

  /** For the next of the same size. Nothing happens to what was given back already. */
  give(memory: GpuMemory): void {
    if (this.#forget(memory)) this.#parts.pool.give(memory);
  }

  /** Of a size that nobody asks for again. */
  free(memory: GpuMemory): void {
    if (this.#forget(memory)) this.#parts.gpu.free(memory);
  }

  /** @returns whether it was the first time */
  release(): boolean {
    if (this.#released) return false;
    this.#released = true;
    this.#reserve = undefined;
    for (const memory of this.#held.splice(0)) this.#parts.pool.give(memory);
    return true;
  }

  #forget(memory: GpuMemory): boolean {
    const at = this.#held.indexOf(memory);
    if (at >= 0) this.#held.splice(at, 1);
    return at >= 0;
  }

  #spend(): boolean {
    const reserve = this.#reserve;
    if (!reserve) return false;
    this.#reserve = undefined;
    this.free(reserve);
    return true;
  }
}
