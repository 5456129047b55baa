import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { words16 } from '../../../../src/inference/bf16.js';
import { follow } from '../../../../src/inference/checkpoint/apply.js';
import { toOrdered } from '../../../../src/inference/checkpoint/bf16-order.js';
import {
  encodeDelta,
  parseDelta,
  readChanges,
  type StepsFrame,
} from '../../../../src/inference/checkpoint/delta.js';
import { parseHead } from '../../../../src/inference/checkpoint/head.js';
import { parseCheckpoint } from '../../../../src/inference/checkpoint/manifest.js';
import { assertMaster } from '../../../../src/inference/checkpoint/master-file.js';
import { changeOf } from '../../../../src/inference/checkpoint/publish.js';
import { memorySource } from '../../../../src/inference/safetensors.js';
import { readyKeys } from '../../../../src/keys/keypair.js';
import { fromHex, toHex } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';

interface Vectors {
  readonly orderSha256: string;
  readonly tensors: readonly { name: string; base: string[]; next: string[]; delta: string }[];
  readonly far: { elements: number; positions: number[]; steps: number[]; delta: string };
  readonly checkpoint: { master: string; bytes: string; root: string; digest: string; head: string };
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/rollouts-delta.json', import.meta.url), 'utf8'),
) as Vectors;

beforeAll(readyKeys);

describe('golden vectors of deltas', () => {
  it.each(vectors.tensors)('$name: the same bytes, and the same weights', ({ base, next, delta }) => {
    const [before, after] = [base.map(fromHex), next.map(fromHex)];
    const changes = before.flatMap((bytes, i) =>
      base[i] === next[i] ? [] : [changeOf(i, true, bytes, after[i]!)],
    );
    const roots = { baseRoot: new Uint8Array(32).fill(1), resultRoot: new Uint8Array(32).fill(2) };
    expect(toHex(encodeDelta({ ...roots, changes }))).toBe(delta);
    for (const frame of parseDelta(fromHex(delta)).frames)
      if (frame.kind === 'raw') before[frame.tensor] = frame.bytes;
      else follow(frame, words16(before[frame.tensor]!));
    expect(before.map(toHex)).toEqual(next);
  });

  it('places beyond 2^31, 2^32 and up to 2^53', () => {
    const { elements, positions, steps, delta } = vectors.far;
    const [frame] = parseDelta(fromHex(delta)).frames;
    const [at, by] = [new Float64Array(positions.length), new Int32Array(positions.length)];
    expect(readChanges(frame as StepsFrame, elements).read(at, by)).toBe(positions.length);
    expect([...at]).toEqual(positions);
    expect([...by]).toEqual(steps);
  });

  it('the order of all words', () => {
    const order = Uint16Array.from({ length: 65_536 }, (_, bits) => toOrdered(bits));
    expect(toHex(sha256(new Uint8Array(order.buffer)))).toBe(vectors.orderSha256);
  });

  it('a manifest, its master and its head', async () => {
    const { master, bytes, root, digest, head } = vectors.checkpoint;
    const checkpoint = parseCheckpoint(fromHex(bytes));
    expect(toHex(checkpoint.digest)).toBe(digest);
    expect(toHex(checkpoint.root)).toBe(root);
    const source = memorySource(fromHex(master));
    await assertMaster(source, checkpoint.manifest, new AbortController().signal);
    expect(parseHead(fromHex(head))).toMatchObject({ modelId: 'golden', window: 7 });
    expect(toHex(parseHead(fromHex(head)).digest)).toBe(digest);
  });
});
