// Owns: memories of Argon2d at the speed of vectors. Does not own: what they are (spec/argon2d.ts).
import { type Argon2dInput, BLOCK_BYTES, firstBlocks } from '../spec/argon2d.js';
import { WASM } from './argon2d.wasm.js';
import { instantiate } from './instance.js';

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  fill(blocks: number, fromPass: number, untilPass: number): void;
}

/** Most blocks that the kernel has room for. */
export const MAX_BLOCKS = 1024;

let kernel: Kernel | undefined;

/**
 * The final memory; a view that is valid until the next call of this thread.
 * @throws RangeError when Argon2 has no such memory, or it is above 1 MiB
 */
export function fillArgon2d(input: Argon2dInput): Uint8Array {
  const first = firstBlocks(input);
  const { blocks, passes } = input;
  if (blocks > MAX_BLOCKS) throw new RangeError(`blocks: expected at most ${MAX_BLOCKS}, got ${blocks}`);
  kernel ??= instantiate<Kernel>(WASM);
  const memory = new Uint8Array(kernel.memory.buffer, 0, blocks * BLOCK_BYTES);
  memory.set(first);
  kernel.fill(blocks, 0, passes);
  return memory;
}
