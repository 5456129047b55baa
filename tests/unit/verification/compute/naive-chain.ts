// The chain once more, from docs/proofs/compute.md and nothing else: no shared helper but node:crypto, BigInt where
// wrap-around matters, no thought for speed. A second opinion for the golden digests.
import { createCipheriv, createHash } from 'node:crypto';

const sha = (...parts: (Uint8Array | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const u32 = (x: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(x);
  return out;
};
const stream = (key: Uint8Array, length: number): Buffer =>
  createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));

type Matrix = number[][];
const toMatrix = (bytes: Uint8Array, n: number): Matrix =>
  Array.from({ length: n }, (_, i) => [...bytes.subarray(i * n, (i + 1) * n)]);
const transposed = (m: Matrix): Matrix => m.map((_, i) => m.map((row) => row[i]));
const signed = (byte: number): number => (byte > 127 ? byte - 256 : byte);

export const naiveOperand = (basis: Uint8Array, n: number): Matrix =>
  toMatrix(stream(sha('assay/compute/1/operand', basis, u32(n)), n * n), n).map((row) =>
    row.map((byte) => (byte % 128) - 64),
  );

export const naiveOrigin = (seed: Uint8Array, n: number): Matrix =>
  toMatrix(stream(sha('assay/compute/1/origin', seed, u32(n)), n * n), n);

export function naiveBackEdge(seed: Uint8Array, j: number): number {
  const bound = Math.max(0, j - 4) + 1;
  if (bound === 1) return 0;
  for (let attempt = 0; ; attempt++) {
    const digest = sha('assay/compute/1/edge', seed, u32(j), u32(attempt));
    for (let at = 0; at < 32; at += 4) {
      const word = digest.readUInt32LE(at);
      if (word < 2 ** 32 - (2 ** 32 % bound)) return word % bound;
    }
  }
}

export function naiveLeaf(tag: 1 | 2, bytes: readonly number[]): Buffer {
  const row = Uint8Array.from(bytes);
  if (row.length <= 1024) return sha(Uint8Array.of(tag), row);
  const chunks: Buffer[] = [];
  for (let at = 0; at < row.length; at += 1024)
    chunks.push(sha(Uint8Array.of(3), row.subarray(at, at + 1024)));
  return sha(Uint8Array.of(tag), ...chunks);
}

function naiveTree(leaves: readonly Buffer[], tag: 4 | 5): Buffer {
  let level: Buffer[] = [...leaves];
  let width = 1;
  while (width < level.length) width *= 2;
  while (level.length < width) level.push(Buffer.alloc(32));
  while (level.length > 1)
    level = level.flatMap((left, i) => (i % 2 ? [] : [sha(Uint8Array.of(tag), left, level[i + 1])]));
  return level[0];
}

export interface NaiveChain {
  readonly operands: Matrix[];
  readonly products: Matrix[];
  readonly labels: Matrix[];
  readonly root: Buffer;
}

export function naiveChain(basis: Uint8Array, seed: Uint8Array, n: number, count: number): NaiveChain {
  const b = naiveOperand(basis, n);
  const labels: Matrix[] = [naiveOrigin(seed, n)];
  const operands: Matrix[] = [[]];
  const products: Matrix[] = [[]];
  for (let j = 1; j <= count; j++) {
    const previous = labels[j - 1];
    const columns = transposed(labels[naiveBackEdge(seed, j)]);
    const y = stream(sha('assay/compute/1/y', seed, u32(j)), 4 * n);
    const a = previous.map((row, i) => {
      const bound = sha('assay/compute/x', seed, u32(j), u32(i), naiveLeaf(1, row), naiveLeaf(2, columns[i]));
      const x = BigInt(bound.readUInt32LE(0)) | 1n;
      return row.map((byte, k) => {
        const tweak = Number(((x * BigInt(y.readUInt32LE(4 * k))) % 2n ** 32n) >> 24n);
        return (byte + columns[i][k] + tweak) % 256;
      });
    });
    const c = a.map((row) =>
      b[0].map((_, col) => row.reduce((sum, byte, k) => sum + signed(byte) * b[k][col], 0)),
    );
    operands.push(a);
    products.push(c);
    labels.push(c.map((row) => row.map((x) => (x ^ (x >> 8) ^ (x >> 16)) & 255)));
  }
  const edges = Array.from({ length: count }, (_, j) => naiveBackEdge(seed, j + 1));
  const referenced = [...new Set(edges)].filter((j) => j > 0).sort((p, q) => p - q);
  const rows = naiveTree(
    labels.slice(1).map((m) =>
      naiveTree(
        m.map((row) => naiveLeaf(1, row)),
        4,
      ),
    ),
    5,
  );
  const columns = naiveTree(
    referenced.map((j) =>
      naiveTree(
        transposed(labels[j]).map((column) => naiveLeaf(2, column)),
        4,
      ),
    ),
    5,
  ) as Buffer | undefined;
  const root = sha('assay/compute/1/root', seed, u32(count), rows, columns ?? Buffer.alloc(32));
  return { operands, products, labels, root };
}
