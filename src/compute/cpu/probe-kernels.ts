// Owns: whether the WebAssembly kernels give here what the specification says, extremes first. Does not own: products and
// whole chains (probe.ts, probe-labels.ts).
import { createSeededRandom } from '../../model/prng.js';
import { fold, joinRow } from '../spec/chain.js';
import { DIGEST_BYTES, digestBlock, digestKey } from '../spec/digest.js';
import { BLOCK_BYTES } from '../spec/plain-labels.js';
import { createMemory, createSharedMemory, type WasmMemory } from '../wasm/instance.js';
import { type BankKernels, bankKernels, type LaneKernels, laneKernels } from './kernels.js';
import { CHUNK_MARGIN, rowShape } from './store.js';

/** A label within one chunk, and one whose rows have two. */
const SIDES = [64, 2048];
const ROWS = 4;

export interface Kernels {
  bank(memory: WasmMemory<SharedArrayBuffer>): BankKernels;
  lane(memory: WasmMemory<ArrayBuffer>): LaneKernels;
}

/** The first operation that differs from the specification, or undefined. @param kernels a test hands in wrong ones */
export function wrongKernel(kernels: Kernels = { bank: bankKernels, lane: laneKernels }): string | undefined {
  for (const n of SIDES) {
    const wrong = wrongLane(kernels, n) ?? wrongTranspose(kernels, n);
    if (wrong !== undefined) return `${wrong}, n ${n}`;
  }
  return wrongDigest(kernels);
}

const random = (name: string, bytes: number): Uint8Array => createSeededRandom(`kernel-${name}`).bytes(bytes);

/** Row `r` of a fill: all ones, all zeros, alternating, random. */
function fill(name: string, rows: number, n: number): Uint8Array {
  const bytes = random(name, rows * n);
  return bytes.map((byte, i) => [255, 0, i % 2 === 0 ? 128 : 127, byte][Math.floor(i / n) % 4]);
}

function inChunks(rows: Uint8Array, n: number): Uint8Array {
  const { chunk, stride } = rowShape(n);
  const out = new Uint8Array((rows.length / n) * stride);
  for (let from = 0, to = CHUNK_MARGIN; from < rows.length; from += chunk, to += chunk + CHUNK_MARGIN)
    out.set(rows.subarray(from, from + chunk), to);
  return out;
}

function wrongLane(kernels: Kernels, n: number): string | undefined {
  const { chunk, stride } = rowShape(n);
  const at = { rows: 0, columns: 1 << 16, x: 2 << 16, y: 3 << 16, out: 4 << 16, c: 5 << 16, chunks: 7 << 16 };
  const memory = createMemory(8 << 16);
  const lane = kernels.lane(memory);
  const bytes = new Uint8Array(memory.buffer);
  const rows = fill('rows', ROWS, n);
  const columns = fill('columns', ROWS, n).reverse();
  const x = Uint32Array.of(0xffff_ffff, 1, 0x8000_0001, 0x9e37_79b9);
  const y = Uint32Array.from({ length: n }, (_, k) => [0xffff_ffff, 0, 0x8000_0000, k * 0x85eb_ca6b][k % 4]);
  for (const flip of [0, 128]) {
    bytes.set(rows, at.rows);
    bytes.set(inChunks(columns, n), at.columns);
    bytes.set(new Uint8Array(x.buffer), at.x);
    bytes.set(new Uint8Array(y.buffer), at.y);
    lane.join(at.rows, at.columns, at.x, at.y, at.out, ROWS, n, chunk, flip);
    const expected = new Uint8Array(ROWS * n);
    for (let r = 0; r < ROWS; r++) {
      const part = (all: Uint8Array): Uint8Array => all.subarray(r * n, (r + 1) * n);
      joinRow(part(rows), part(columns), x[r], y, part(expected));
    }
    const wrong = difference(
      expected.map((byte) => byte ^ flip),
      bytes.subarray(at.out, at.out + ROWS * n),
    );
    if (wrong) return `join, flip ${flip}: ${wrong}`;
  }

  const words = random('accumulators', 4 * ROWS * n);
  const extremes = [-(2 ** 31), 2 ** 31 - 1, -1, 0, 255, -256, 2 ** 22 - 1, -(2 ** 22)];
  const c = new Int32Array(words.buffer, 0, ROWS * n);
  for (let k = 0; k < n; k++) c[k] = extremes[k % extremes.length];
  const folded = new Uint8Array(ROWS * n);
  fold(c, folded);
  bytes.set(words, at.c);
  bytes.fill(0, at.chunks);
  lane.fold(at.c, at.out, at.chunks, ROWS, n, chunk);
  const plain = difference(folded, bytes.subarray(at.out, at.out + ROWS * n));
  if (plain) return `fold: ${plain}`;
  const spread = inChunks(folded, n);
  const chunks = difference(spread, bytes.subarray(at.chunks, at.chunks + ROWS * stride));
  if (chunks) return `fold in chunks: ${chunks}`;
  bytes.fill(0, at.chunks);
  lane.spread(at.out, at.chunks, ROWS * n, chunk);
  const copied = difference(spread, bytes.subarray(at.chunks, at.chunks + ROWS * stride));
  return copied && `spread: ${copied}`;
}

function wrongTranspose(kernels: Kernels, n: number): string | undefined {
  const { chunk, stride, strip } = rowShape(n);
  const memory = createSharedMemory(n * n + strip * stride);
  const bytes = new Uint8Array(memory.buffer);
  const label = random('label', n * n);
  bytes.set(label);
  const first = n - strip;
  kernels.bank(memory).transpose(0, n, first, strip, n * n, chunk, stride);
  const expected = new Uint8Array(strip * n);
  for (let r = 0; r < strip; r++) for (let k = 0; k < n; k++) expected[r * n + k] = label[k * n + first + r];
  const wrong = difference(inChunks(expected, n), bytes.subarray(n * n, n * n + strip * stride));
  return wrong && `transpose: ${wrong}`;
}

function wrongDigest(kernels: Kernels): string | undefined {
  const blocks = 5;
  const keysAt = blocks * BLOCK_BYTES;
  const outAt = keysAt + 4 * BLOCK_BYTES;
  const memory = createSharedMemory(outAt + blocks * DIGEST_BYTES);
  const bytes = new Uint8Array(memory.buffer);
  const bank = kernels.bank(memory);
  const filled = fill('blocks', blocks, BLOCK_BYTES).map((byte) => (byte === 255 ? 128 : byte));
  for (const keys of [
    new Int8Array(4 * BLOCK_BYTES).fill(-64),
    new Int8Array(4 * BLOCK_BYTES).fill(63),
    digestKey(random('key', 32), BLOCK_BYTES),
  ]) {
    bytes.set(filled);
    bytes.set(new Uint8Array(keys.buffer), keysAt);
    bank.digest(0, blocks, keysAt, outAt);
    const expected = new Uint8Array(blocks * DIGEST_BYTES);
    for (let block = 0; block < blocks; block++)
      digestBlock(
        filled.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES),
        keys,
        expected,
        block * DIGEST_BYTES,
      );
    const wrong = difference(expected, bytes.subarray(outAt, outAt + expected.length));
    if (wrong) return `digest, first key ${keys[0]}: ${wrong}`;
  }
  return undefined;
}

function difference(expected: Uint8Array, got: Uint8Array): string | undefined {
  const at = expected.findIndex((byte, i) => byte !== got[i]);
  return at < 0 ? undefined : `byte ${at} is ${got[at]}, expected ${expected[at]}`;
}
