import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority } from 'node:os';
import { describe, expect, test } from 'vitest';
import { GrowingTree } from '../../../../src/compute/host/growing-tree.js';
import { createLaneMemory } from '../../../../src/compute/host/lane-memory.js';
import { createPlainHost } from '../../../../src/compute/host/plain.js';
import { createThreadedHost } from '../../../../src/compute/host/threads.js';
import type { HostLanes, HostMemory, LanesSpec } from '../../../../src/compute/host.js';
import { digestBlock, digestKey } from '../../../../src/compute/spec/digest.js';
import { readAt, walkColumns } from '../../../../src/compute/spec/host-walk.js';
import { toHex } from '../../../../src/model/bytes.js';
import { isAssayError } from '../../../../src/model/errors.js';
import { createMerkleTree, HASH_BYTES, pathLength } from '../../../../src/model/merkle.js';
import { createSeededRandom } from '../../../../src/model/prng.js';

const { signal } = new AbortController();
const always = () => true;
const spec = (change: Partial<LanesSpec> = {}): LanesSpec => ({
  seed: createSeededRandom('seed').bytes(32),
  labelBytes: 4096,
  infoBytes: 918,
  lanes: 2,
  capacity: 20,
  maxLeaves: 5,
  ...change,
});

/** Everything that can be asked of lanes, as one text. */
async function transcript(host: HostMemory, of: LanesSpec): Promise<string> {
  const lanes = await host.openLanes(of, signal);
  try {
    const labels = await lanes.fill(1, always, signal);
    const key = new Uint8Array(32).fill(7);
    const parts = [await lanes.roots(labels), await lanes.roots(labels - 3)];
    parts.push(await lanes.pass(labels, key), await lanes.pass(labels - 3, key));
    const leaves = await lanes.walk(labels, key, always, signal);
    parts.push(await lanes.walkRoots(leaves), await lanes.walkRoots(leaves - 1));
    const places = [1, 0, 1].map((lane, i) => ({ lane, index: i }));
    for (const opened of [
      await lanes.openLabels(labels, places),
      await lanes.openDigests(labels, 0, places),
      await lanes.openWalk(leaves, places),
    ])
      parts.push(...opened.flatMap(({ bytes, path }) => [bytes, path]));
    return [labels, leaves, ...parts.map(toHex)].join('\n');
  } finally {
    lanes.release();
  }
}

describe('lanes of host memory', () => {
  test('give the same bytes on threads as in the plain', async () => {
    const threaded = createThreadedHost({ lanes: 2, bytes: 2 ** 24 });
    for (const of of [spec(), spec({ labelBytes: 512, infoBytes: 84, capacity: 300 })])
      expect(await transcript(threaded, of)).toBe(await transcript(createPlainHost(), of));
    expect(threaded.bytes()).toBe(2 ** 24);
  });

  const own = getPriority();
  const lowest = constants.priority.PRIORITY_LOW;
  test.skipIf(process.platform !== 'linux' || own === lowest)(
    'leave cores to others where they are told to',
    async () => {
      const ofThreads = (): string[] =>
        readdirSync('/proc/self/task').map((id) => {
          const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
          return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]; // what `nice` gives
        });
      const givingWay = () =>
        ofThreads().filter((nice) => Number(nice) === Math.min(lowest, own + 10)).length;
      const before = givingWay();
      const lanes = await createThreadedHost({ lanes: 2, bytes: 2 ** 24, givesWay: true }).openLanes(
        spec(),
        signal,
      );
      expect(givingWay() - before).toBe(2);
      lanes.release();
    },
  );

  test('stop when told, not before the least', async () => {
    for (const host of [createPlainHost(), createThreadedHost({ lanes: 2, bytes: 2 ** 24 })]) {
      const lanes = await host.openLanes(spec(), signal);
      const labels = await lanes.fill(4, () => false, signal);
      expect(labels).toBe(4);
      expect(await lanes.fill(4, always, signal)).toBe(20);
      expect(await lanes.walk(labels, new Uint8Array(32), () => false, signal)).toBe(1);
      lanes.release();
    }
  });

  test('refuse more memory than there is, by name, and count what others hold', async () => {
    const isUnsupported = (error: unknown): boolean => isAssayError(error, 'unsupported');
    const bytes = 2 * 20 * 4096;
    const host = createThreadedHost({ lanes: 2, bytes });
    const lanes = await host.openLanes(spec(), signal);
    expect(host.bytes()).toBe(0);
    await expect(host.openLanes(spec(), signal)).rejects.toSatisfy(isUnsupported);
    lanes.release();
    lanes.release();
    expect(host.bytes()).toBe(bytes);
    await expect(createPlainHost({ bytes: 1 }).openLanes(spec(), signal)).rejects.toSatisfy(isUnsupported);
    // a size that no memory can have: the thread says so, and nothing stays behind
    const endless = createThreadedHost({ lanes: 1, bytes: Number.MAX_SAFE_INTEGER });
    await expect(endless.openLanes(spec({ lanes: 1, capacity: 2 ** 30 }), signal)).rejects.toSatisfy(
      isUnsupported,
    );
    expect(endless.bytes()).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('end with the reason of the signal, and reject what runs when they are released', async () => {
    const host = createThreadedHost({ lanes: 2, bytes: 2 ** 28 });
    const reason = new Error('enough');
    await expect(host.openLanes(spec(), AbortSignal.abort(reason))).rejects.toBe(reason);
    const lanes = await host.openLanes(spec({ capacity: 10_000 }), signal);
    const during = new AbortController();
    const filling = lanes.fill(1, always, during.signal);
    during.abort(reason);
    await expect(filling).rejects.toBe(reason);
    const again: Promise<unknown> = lanes.fill(1, always, signal);
    lanes.release();
    await expect(again).rejects.toSatisfy((error) => isAssayError(error, 'unreachable'));
    await expect((lanes as HostLanes).roots(1)).rejects.toSatisfy((error) =>
      isAssayError(error, 'unreachable'),
    );
  });
});

test('a growing tree has the nodes of a finished one, for any first so many leaves', () => {
  const random = createSeededRandom('tree');
  const leaves = random.bytes(13 * HASH_BYTES);
  const growing = new GrowingTree(16, 9);
  for (let i = 0; i < 13; i++)
    growing.append((out, at) => out.set(leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), at));
  for (let count = 1; count <= 13; count++) {
    const tree = createMerkleTree(leaves.subarray(0, count * HASH_BYTES), 9);
    expect(growing.root(count)).toEqual(tree.root);
    for (let i = 0; i < count; i++) {
      const path = new Uint8Array(pathLength(count) * HASH_BYTES);
      tree.path(i, path, 0);
      expect(growing.path(i, count)).toEqual(path);
      // what is to the left of a leaf was there before it, however many came after
      const lefts = Array.from({ length: pathLength(count) }, (_, h) => h)
        .filter((h) => ((i >> h) & 1) === 1)
        .map((h) => path.subarray(h * HASH_BYTES, (h + 1) * HASH_BYTES));
      expect(growing.lefts(i)).toEqual(lefts);
    }
  }
});

test('the kernel gives the digests of the plain arithmetic, at every shift', () => {
  const random = createSeededRandom('kernel');
  const memory = createLaneMemory(4096, 3);
  memory.labels.set(random.bytes(3 * 4096));
  memory.labels.fill(128, 0, 2000);
  const key = random.bytes(32);
  memory.setKey(key);
  memory.setWalkKey(key);
  const expected = new Uint8Array(3 * 16);
  for (let i = 0; i < 3; i++)
    digestBlock(memory.labels.slice(i * 4096, (i + 1) * 4096), digestKey(key, 4096), expected, i * 16);
  expect(memory.digests(0, 3)).toEqual(expected);
  const columns = walkColumns(key, 4096);
  expect(columns.subarray(0, 4 * 4096)).toEqual(digestKey(key, 4096));
  for (const shift of [0, 1, 2047, 4095]) {
    const out = new Uint8Array(16);
    digestBlock(memory.labels.slice(4096, 8192), columns.subarray(shift, shift + 4 * 4096), out, 0);
    expect(memory.shifted(1, shift)).toEqual(new Int32Array(out.buffer));
  }
});

test('a state reads every label and every place', () => {
  const read = (a: number, b: number) => readAt(Uint32Array.of(a, b, 0, 0), 0, 1_000_003, 4096);
  expect(read(0, 0)).toEqual({ label: 0, shift: 0 });
  expect(read(2 ** 32 - 1, 2 ** 32 - 1)).toEqual({ label: 1_000_002, shift: 4095 });
});
