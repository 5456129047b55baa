import { beforeAll, describe, expect, it } from 'vitest';
import { encodeDelta } from '../../../../src/inference/checkpoint/delta.js';
import { parseHead, signHead } from '../../../../src/inference/checkpoint/head.js';
import {
  type Checkpoint,
  parseCheckpoint,
  signCheckpoint,
} from '../../../../src/inference/checkpoint/manifest.js';
import { changeOf, type Published, publishCheckpoint } from '../../../../src/inference/checkpoint/publish.js';
import { type Pulled, pullCheckpoint } from '../../../../src/inference/checkpoint/pull.js';
import { type CheckpointStore, openStore, type Source } from '../../../../src/inference/checkpoint/store.js';
import {
  encodeSafetensors,
  memorySource,
  parseSafetensors,
  type TensorType,
} from '../../../../src/inference/safetensors.js';
import { devKeypair, readyKeys } from '../../../../src/keys/keypair.js';
import { toHex } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { createMemoryDisk, type MemoryDisk } from '../../../support/memory-disk.js';

const FOLDER = '/store';
const never = new AbortController().signal;
const trainer = () => devKeypair('trainer');

/** Three tensors: one of bfloat16 that moves, one that stays, one of float32 that moves. */
function masterOf(step: number, rows = 600): Uint8Array {
  const words = Uint16Array.from({ length: rows * 8 }, (_, i) => 0x3c00 + (i % 64));
  for (let at = 1; at <= step; at++) {
    const random = createSeededRandom(`step ${at}`);
    for (let n = 0; n < 60; n++) words[random.below(words.length)]! += random.below(2) === 0 ? 1 : -1;
  }
  const bytes = (array: Uint16Array | Float32Array) => new Uint8Array(array.buffer);
  const tensor = (name: string, dtype: TensorType, shape: number[], data: Uint8Array) => ({
    name,
    dtype,
    shape,
    data,
  });
  return encodeSafetensors([
    tensor('moves', 'BF16', [rows, 8], bytes(words)),
    tensor('stays', 'BF16', [3], bytes(Uint16Array.of(1, 2, 3))),
    tensor('other', 'F32', [1], bytes(Float32Array.of(step))),
  ]);
}

const publish = (store: CheckpointStore, step: number, master = masterOf(step)): Promise<Published> =>
  publishCheckpoint(
    { store, keypair: trainer() },
    { master: memorySource(master), modelId: 'tiny', step, window: step },
    never,
  );

async function published(steps: number, disk = createMemoryDisk()) {
  const store = openStore(disk, FOLDER);
  const all: Published[] = [];
  for (let step = 0; step < steps; step++) all.push(await publish(store, step));
  return { disk, store, all };
}

const emptyStore = (disk = createMemoryDisk()) => ({ disk, store: openStore(disk, FOLDER) });

const pull = (store: CheckpointStore, source: Source, digest: Uint8Array): Promise<Pulled> =>
  pullCheckpoint({ store, source }, { digest, trainer: trainer().publicKey }, never);

const digestOf = (bytes: Uint8Array): string => toHex(sha256(bytes));

async function masterIn(store: CheckpointStore, { manifest }: Checkpoint): Promise<string> {
  const file = (await store.open(manifest.master.sha256))!;
  return digestOf(await file.read(0, file.size));
}

/** What is stored is what its name says, whatever happened. */
async function assertIntact(disk: MemoryDisk): Promise<void> {
  for (const [path, { bytes }] of disk.files)
    if (path.startsWith(`${FOLDER}/objects/`))
      expect(digestOf(bytes)).toBe(path.slice(`${FOLDER}/objects/`.length));
}

const pathOf = (digest: Uint8Array): string => `${FOLDER}/objects/${toHex(digest)}`;

beforeAll(readyKeys);

describe('a store of checkpoints', () => {
  it('brings a miner from nothing, and from what it has, to the newest master', async () => {
    const trainers = await published(4);
    const { store } = emptyStore();
    const [first, , , last] = trainers.all;
    const whole = await pull(store, trainers.store, first!.checkpoint.digest);
    expect(whole.steps.map(({ kind }) => kind)).toEqual(['whole']);
    const further = await pull(store, trainers.store, last!.checkpoint.digest);
    expect(further.steps.map(({ kind }) => kind)).toEqual(['delta', 'delta', 'delta']);
    expect(await masterIn(store, further.checkpoint)).toBe(digestOf(masterOf(3)));
    expect((await pull(store, trainers.store, last!.checkpoint.digest)).steps).toEqual([]);
  });

  it('says how many weights moved, and by how much', async () => {
    const { all } = await published(2);
    expect(all[0]!.statistics).toBeUndefined();
    const { elements, changed, byOne } = all[1]!.statistics!;
    expect(elements).toBe(4803);
    expect(changed).toBeGreaterThan(55);
    expect(changed).toBeLessThanOrEqual(60);
    expect(byOne).toBeGreaterThan(50);
  });

  it('makes skips of eight, which cost less than the eight', async () => {
    const { store, all } = await published(9);
    const { deltas } = all[8]!.checkpoint.manifest;
    expect(deltas.map(({ base }) => toHex(base))).toEqual([
      toHex(all[7]!.checkpoint.digest),
      toHex(all[0]!.checkpoint.digest),
    ]);
    const miner = emptyStore();
    await pull(miner.store, store, all[0]!.checkpoint.digest);
    const pulled = await pull(miner.store, store, all[8]!.checkpoint.digest);
    expect(pulled.steps).toEqual([
      { kind: 'delta', digest: all[8]!.checkpoint.digest, bytes: deltas[1]!.bytes },
    ]);
    expect(await masterIn(miner.store, pulled.checkpoint)).toBe(digestOf(masterOf(8)));
  });

  it('makes an anchor when the deltas since the last weigh more than a third of it', async () => {
    const { all } = await published(20);
    const anchors = all.map(({ checkpoint }) => checkpoint.manifest.isAnchor);
    const second = anchors.indexOf(true, 1);
    expect(second).toBeGreaterThan(5);
    const bytes = (to: number) =>
      all.slice(1, to + 1).reduce((sum, { checkpoint }) => sum + checkpoint.manifest.deltas[0]!.bytes, 0);
    const third = all[0]!.checkpoint.manifest.master.bytes / 3;
    expect(bytes(second)).toBeGreaterThan(third);
    expect(bytes(second - 1)).toBeLessThanOrEqual(third);
  });

  it('makes an anchor after 32 deltas, however small', async () => {
    const store = emptyStore().store;
    const all: Published[] = [];
    for (let step = 0; step < 35; step++) {
      const words = new Uint16Array(20_000).fill(0x3c00 + step);
      words.fill(0x3c00, 1);
      const tensors = [
        { name: 'w', dtype: 'BF16' as const, shape: [20_000], data: new Uint8Array(words.buffer) },
      ];
      all.push(await publish(store, step, encodeSafetensors(tensors)));
    }
    const anchors = all.flatMap(({ checkpoint }, i) => (checkpoint.manifest.isAnchor ? [i] : []));
    expect(anchors).toEqual([0, 33]);
    // and who was there before it needs no whole file for it
    expect(all[33]!.checkpoint.manifest.deltas).toHaveLength(1);
  });

  it('begins anew where a tensor has another shape', async () => {
    const { store } = await published(2);
    const { checkpoint, statistics } = await publish(store, 2, masterOf(2, 601));
    expect(checkpoint.manifest).toMatchObject({ isAnchor: true, deltas: [] });
    expect(statistics).toBeUndefined();
  });

  it('tells when far more weights move than before', async () => {
    const { store, all } = await published(6);
    expect(all.map(({ alert }) => alert)).toEqual(all.map(() => undefined));
    const wild = masterOf(5);
    for (let at = wild.length - 9600; at < wild.length - 400; at += 2) wild[at]! ^= 1;
    const { alert } = await publish(store, 6, wild);
    expect(alert!.density).toBeGreaterThan(0.5);
    expect(alert!.usual).toBeLessThan(0.02);
  });

  it('takes no second checkpoint for a window, no earlier step, no other trainer', async () => {
    const { store } = await published(2);
    const given = { master: memorySource(masterOf(9)), modelId: 'tiny', step: 9, window: 9 };
    const parts = { store, keypair: trainer() };
    await expect(publishCheckpoint(parts, { ...given, window: 1 }, never)).rejects.toThrow(/window/);
    await expect(publishCheckpoint(parts, { ...given, step: 1 }, never)).rejects.toThrow(/step/);
    await expect(publishCheckpoint(parts, { ...given, modelId: 'other' }, never)).rejects.toThrow(/model id/);
    const other = { store, keypair: devKeypair('other') };
    await expect(publishCheckpoint(other, given, never)).rejects.toThrow(/trainer/);
  });
});

describe('what is no master', () => {
  it('is refused before anything of it is in the store, and so are weights that nobody could open', async () => {
    const odd = (dtype: TensorType, data: Uint16Array | Float32Array) =>
      encodeSafetensors([
        { name: 'odd', dtype, shape: [data.length], data: new Uint8Array(data.buffer) },
        { name: 'rest', dtype: 'U8', shape: [1], data: Uint8Array.of(255) },
      ]);
    const { disk, store } = await published(1);
    const files = [...disk.files.keys()];
    for (const [bytes, message] of [
      [new Uint8Array(5000).fill(7), /master: /],
      [masterOf(1).subarray(0, 9000), /as its header says/],
      [odd('BF16', Uint16Array.of(0x3f80, 0x7fc0)), /odd of the master: expected finite/],
      [odd('BF16', Uint16Array.of(0xff80)), /finite/],
      [odd('F16', Uint16Array.of(0x7c00)), /finite/],
      [odd('F32', Float32Array.of(1, Number.NaN)), /finite/],
    ] as const)
      await expect(publish(store, 1, bytes)).rejects.toThrow(message);
    expect([...disk.files.keys()]).toEqual(files);
    await publish(store, 1, odd('BF16', Uint16Array.of(0x7f7f, 0xff7f)));
  });

  it('leaves no file open where another cannot be opened', async () => {
    const trainers = await published(2);
    const { disk } = trainers;
    let open = 0;
    const counting = {
      ...disk,
      async open(path: string) {
        if (path === broken) throw new Error('too many files');
        const file = await disk.open(path);
        if (file) open++;
        return file && { ...file, close: async () => void open-- };
      },
    };
    const { master } = trainers.all[1]!.checkpoint.manifest;
    const broken = pathOf(master.sha256);
    await expect(publish(openStore(counting, FOLDER), 2)).rejects.toThrow('too many files');
    expect(open).toBe(0);
  });
});

describe('heads', () => {
  it('that cannot be read give way to the window before, but none is signed for theirs', async () => {
    const { disk, all } = await published(3);
    const path = `${FOLDER}/heads/0000000000000002`;
    disk.files.get(path)!.bytes[60]! ^= 1;
    const warnings: string[] = [];
    const store = openStore(disk, FOLDER, { onWarning: (message) => warnings.push(message) });
    expect((await store.newest())!.window).toBe(1);
    await expect(store.headOf(2)).rejects.toThrow(path);
    const files = disk.files.size;
    await expect(publish(store, 2)).rejects.toThrow(/window: expected after 2/);
    expect(disk.files.size).toBe(files);
    expect(toHex((await publish(store, 3)).checkpoint.manifest.parent!)).toBe(
      toHex(all[1]!.checkpoint.digest),
    );
    await store.collect();
    expect(disk.files.has(path)).toBe(true);
    // once for each
    expect(warnings).toEqual([expect.stringMatching(/0002: .*; without it the window before counts/)]);

    for (const [name, { bytes }] of disk.files) if (name.startsWith(`${FOLDER}/heads/`)) bytes[60]! ^= 255;
    disk.files.get(path)!.bytes[60]! ^= 1;
    await expect(openStore(disk, FOLDER).newest()).rejects.toThrow(/heads/);
  });

  it('two for one window are a conflict, an earlier window is no news', async () => {
    const { store, all } = await published(3);
    const head = (window: number, digest: Uint8Array) =>
      signHead({ modelId: 'tiny', window, digest }, trainer());
    const other = new Uint8Array(32).fill(9);
    expect(await store.putHead(head(2, other))).toBe('conflict');
    expect(await store.putHead(head(1, other))).toBe('conflict');
    expect(await store.putHead(head(1, all[1]!.checkpoint.digest))).toBe('same');
    expect(toHex((await store.newest())!.digest)).toBe(toHex(all[2]!.checkpoint.digest));
    expect(await store.putHead(head(7, other))).toBe('newer');
    expect(await store.putHead(head(5, other))).toBe('older');
    await expect(
      store.putHead(signHead({ modelId: 'tiny', window: 8, digest: other }, devKeypair('x'))),
    ).rejects.toThrow(/trainer/);
  });

  it('and manifests are their trainer’s in every byte', async () => {
    const { all } = await published(2);
    const { head, checkpoint } = all[1]!;
    for (const [bytes, parse] of [
      [head.bytes, parseHead],
      [checkpoint.bytes, parseCheckpoint],
    ] as const)
      for (let at = 0; at < bytes.length; at++) {
        const flipped = bytes.slice();
        flipped[at]! ^= 1 << (at % 8);
        expect(() => parse(flipped), `byte ${at}`).toThrow(expect.objectContaining({ name: 'AssayError' }));
      }
    expect(() => parseCheckpoint(checkpoint.bytes.subarray(1))).toThrow(/version 1/);
  });

  it('a manifest cannot lie about sizes, tensors, deltas', async () => {
    const { manifest } = (await published(2)).all[1]!.checkpoint;
    const tensor = manifest.tensors[0]!;
    for (const lie of [
      { master: { ...manifest.master, bytes: 2 ** 52 } },
      { tensors: [{ ...tensor, shape: [2 ** 50, 2 ** 50] }] },
      { tensors: [...manifest.tensors, tensor] },
      { parent: undefined, isAnchor: false },
      { deltas: [...manifest.deltas, ...manifest.deltas] },
      { deltas: [{ ...manifest.deltas[0]!, bytes: 2 ** 31 }] },
      { deltas: [{ ...manifest.deltas[0]!, base: new Uint8Array(32) }] },
      { modelId: '../../etc' },
    ])
      expect(
        () => signCheckpoint({ ...manifest, ...lie }, trainer()),
        JSON.stringify(Object.keys(lie)),
      ).toThrow(RangeError);
  });
});

describe('pulling from who lies, or breaks', () => {
  /** Gives other bytes for one file. */
  const lying = (
    source: Source,
    about: Uint8Array,
    change: (bytes: Uint8Array) => Uint8Array | undefined,
  ): Source => ({
    async get(digest, signal) {
      const pieces = await source.get(digest, signal);
      if (!pieces || toHex(digest) !== toHex(about)) return pieces;
      const all: Uint8Array[] = [];
      for await (const piece of pieces) all.push(piece);
      const changed = change(new Uint8Array(Buffer.concat(all)));
      return (
        changed &&
        (async function* () {
          yield changed;
        })()
      );
    },
  });

  it('keeps the old master and takes the next way, whichever byte of a delta is flipped', async () => {
    const trainers = await published(3);
    const [, second, third] = trainers.all;
    const delta = third!.checkpoint.manifest.deltas[0]!;
    const miner = emptyStore();
    await pull(miner.store, trainers.store, second!.checkpoint.digest);
    for (let at = 0; at < delta.bytes; at += 19) {
      const source = lying(trainers.store, delta.sha256, (bytes) => {
        bytes[at]! ^= 0x10;
        return bytes;
      });
      const { store, disk } = emptyStore(createMemoryDisk(new Map(miner.disk.files)));
      const { steps } = await pull(store, source, third!.checkpoint.digest);
      expect(steps.map(({ kind }) => kind)).toEqual(['whole']);
      expect(disk.files.has(pathOf(second!.checkpoint.manifest.master.sha256))).toBe(true);
      await assertIntact(disk);
    }
  });

  it('fails with what is there untouched, when nobody has a way', async () => {
    const trainers = await published(3);
    const [, second, third] = trainers.all.map(({ checkpoint }) => checkpoint);
    const miner = emptyStore();
    await pull(miner.store, trainers.store, second!.digest);
    const before = await masterIn(miner.store, second!);
    for (const change of [
      () => undefined,
      (bytes: Uint8Array) => bytes.subarray(1),
      (bytes: Uint8Array) => Buffer.concat([bytes, bytes]),
    ]) {
      const noDelta = lying(trainers.store, third!.manifest.deltas[0]!.sha256, change);
      const source = lying(noDelta, third!.manifest.master.sha256, change);
      await expect(pull(miner.store, source, third!.digest)).rejects.toThrow(/no deltas/);
    }
    const noManifest = lying(trainers.store, third!.digest, (bytes) => bytes.fill(0, 3));
    const fresh = emptyStore();
    await expect(pull(fresh.store, noManifest, third!.digest)).rejects.toThrow(/manifest/);
    expect(await masterIn(miner.store, second!)).toEqual(before);
    await assertIntact(miner.disk);
  });

  it('takes no other trainer’s checkpoint', async () => {
    const trainers = await published(1);
    const { store } = emptyStore();
    const input = { digest: trainers.all[0]!.checkpoint.digest, trainer: devKeypair('other').publicKey };
    await expect(pullCheckpoint({ store, source: trainers.store }, input, never)).rejects.toMatchObject({
      code: 'unreachable',
      cause: { code: 'unauthenticated' },
    });
  });

  it('a signed delta that leads elsewhere is not taken for the target', async () => {
    const trainers = await published(3);
    const [, second, third] = trainers.all.map(({ checkpoint }) => checkpoint);
    const own = third!.manifest.deltas[0]!;
    // the trainer signs the delta of the step before as the one to this checkpoint
    const wrong = { ...own, ...second!.manifest.deltas[0]!, base: own.base };
    const lie = signCheckpoint({ ...third!.manifest, deltas: [wrong] }, trainer());
    const miner = emptyStore();
    await pull(miner.store, trainers.store, second!.digest);
    await trainers.store.put((append) => append(lie.bytes));
    await trainers.store.collect({ keep: 'masters' });
    const noWhole = lying(trainers.store, third!.manifest.master.sha256, () => undefined);
    const withLie: Source = {
      get: async (digest, signal) =>
        toHex(digest) === toHex(lie.digest)
          ? (async function* () {
              yield lie.bytes;
            })()
          : noWhole.get(digest, signal),
    };
    await expect(pull(miner.store, withLie, lie.digest)).rejects.toThrow(/no deltas/);
    expect(await masterIn(miner.store, second!)).toBe(digestOf(masterOf(1)));
  });

  it('a signed delta between the right checkpoints with other steps in it is not taken either', async () => {
    const trainers = await published(2);
    const [first, second] = trainers.all.map(({ checkpoint }) => checkpoint);
    const frames = [masterOf(0), masterOf(7)].map((master) => {
      const { tensors } = parseSafetensors(master, 'master');
      return tensors.map(({ at, bytes }) => master.subarray(at, at + bytes));
    });
    const changes = [0, 2].map((tensor) =>
      changeOf(tensor, tensor === 0, frames[0]![tensor]!, frames[1]![tensor]!),
    );
    const bytes = encodeDelta({ baseRoot: first!.root, resultRoot: second!.root, changes });
    const facts = await trainers.store.put((append) => append(bytes));
    const own = second!.manifest.deltas[0]!;
    const lie = signCheckpoint({ ...second!.manifest, deltas: [{ ...own, ...facts }] }, trainer());
    await trainers.store.put((append) => append(lie.bytes));
    const { store, disk } = emptyStore();
    await pull(store, trainers.store, first!.digest);
    const noWhole = lying(trainers.store, second!.manifest.master.sha256, () => undefined);
    await expect(pull(store, noWhole, lie.digest)).rejects.toThrow(/no deltas/);
    expect(await masterIn(store, first!)).toBe(digestOf(masterOf(0)));
    expect([...disk.files.keys()].filter((path) => path.includes('/parts/'))).toEqual([]);
    await assertIntact(disk);
  });

  it('fetches anew what rotted on its own disk', async () => {
    const trainers = await published(3);
    const [first, , third] = trainers.all.map(({ checkpoint }) => checkpoint);
    const miner = emptyStore();
    await pull(miner.store, trainers.store, first!.digest);
    miner.disk.files.get(pathOf(first!.manifest.master.sha256))!.bytes[9000]! ^= 4;
    const noTarget = lying(trainers.store, third!.manifest.master.sha256, () => undefined);
    const { steps } = await pull(miner.store, noTarget, third!.digest);
    expect(steps.map(({ kind }) => kind)).toEqual(['whole', 'delta', 'delta']);
    await assertIntact(miner.disk);
  });
});

describe('stopping between any two steps', () => {
  it('of a pull leaves the old checkpoint, and the next pull goes on', async () => {
    const trainers = await published(3);
    const [first, , third] = trainers.all.map(({ checkpoint }) => checkpoint);
    const have = emptyStore();
    await pull(have.store, trainers.store, first!.digest);
    const copy = () =>
      createMemoryDisk(new Map([...have.disk.files].map(([path, kept]) => [path, { ...kept }])));
    const dry = emptyStore(copy());
    await pull(dry.store, trainers.store, third!.digest);
    const [old, wanted] = [digestOf(masterOf(0)), digestOf(masterOf(2))];
    for (let stop = 1; stop <= dry.disk.steps; stop++) {
      const { disk, store } = emptyStore(copy());
      disk.stopAt(stop);
      await expect(pull(store, trainers.store, third!.digest)).rejects.toThrow();
      // a process that ended, or a power cut: by turns, which is half the time
      const after = stop % 2 === 0 ? disk : disk.afterPowerCut();
      after.stopAt(undefined);
      await assertIntact(after);
      const again = openStore(after, FOLDER);
      expect(await masterIn(again, first!)).toBe(old);
      await pull(again, trainers.store, third!.digest);
      expect(await masterIn(again, third!)).toBe(wanted);
    }
    expect(dry.disk.steps).toBeGreaterThan(30);
  });

  it('of a publication leaves the head before it, and the next publication goes on', async () => {
    const trainers = await published(2);
    const head = (await trainers.store.newest())!;
    const copy = () =>
      createMemoryDisk(new Map([...trainers.disk.files].map(([path, kept]) => [path, { ...kept }])));
    const dry = emptyStore(copy());
    await publish(dry.store, 2);
    for (let stop = 1; stop <= dry.disk.steps; stop++) {
      const { disk, store } = emptyStore(copy());
      disk.stopAt(stop);
      await expect(publish(store, 2)).rejects.toThrow();
      const after = disk.afterPowerCut();
      await assertIntact(after);
      const again = openStore(after, FOLDER);
      expect((await again.newest())!.bytes).toEqual(head.bytes);
      expect((await publish(again, 2)).checkpoint.manifest.deltas).toHaveLength(1);
    }
  });
});

describe('what was finished', () => {
  it('is there after a power cut: a publication with its head, a pull with its master', async () => {
    const trainers = await published(2);
    const { digest } = trainers.all[1]!.checkpoint;
    const after = openStore(trainers.disk.afterPowerCut(), FOLDER);
    expect(toHex((await after.newest())!.digest)).toBe(toHex(digest));
    const miner = emptyStore();
    const { checkpoint } = await pull(miner.store, after, digest);
    const kept = openStore(miner.disk.afterPowerCut(), FOLDER);
    expect(await masterIn(kept, checkpoint)).toBe(digestOf(masterOf(1)));
  });
});

describe('what is collected', () => {
  it('is nothing that a head needs: every way to it is there still', async () => {
    const { store, all, disk } = await published(20);
    const before = disk.files.size;
    const { removed } = await store.collect({ heads: 2 });
    expect(removed).toBeGreaterThan(10);
    expect(disk.files.size).toBeLessThan(before - 10);
    const target = all[19]!.checkpoint;
    const fresh = emptyStore();
    await pull(fresh.store, store, target.digest);
    expect(await masterIn(fresh.store, target)).toBe(digestOf(masterOf(19)));
    // from the last anchor, and from the checkpoint before, without a whole file
    const anchor = all.findLast(({ checkpoint }) => checkpoint.manifest.isAnchor)!.checkpoint;
    const from = emptyStore();
    await pull(from.store, store, anchor.digest);
    const { steps } = await pull(from.store, store, target.digest);
    expect(steps.every(({ kind }) => kind === 'delta')).toBe(true);
    await publish(store, 20);
  });

  it('is nothing at all where a checkpoint of a chain is missing', async () => {
    const { store, all, disk } = await published(4);
    await disk.remove(pathOf(all[2]!.checkpoint.digest));
    const before = disk.files.size;
    await expect(store.collect()).rejects.toMatchObject({ code: 'corrupt' });
    expect(disk.files.size).toBe(before);
  });

  it('of who only uses checkpoints is all but the newest masters, and parts that were left', async () => {
    const trainers = await published(4);
    const { store, disk } = emptyStore();
    for (const { checkpoint, head } of trainers.all) {
      await pull(store, trainers.store, checkpoint.digest);
      await store.putHead(head);
    }
    disk.files.set(`${FOLDER}/parts/left`, { bytes: new Uint8Array(3), synced: 0 });
    await store.collect({ heads: 1, keep: 'masters' });
    const newest = trainers.all[3]!.checkpoint;
    expect([...disk.files.keys()].filter((path) => path.includes('/parts/'))).toEqual([]);
    const objects = [...disk.files.keys()].filter((path) => path.includes('/objects/')).sort();
    const delta = newest.manifest.deltas[0]!.sha256;
    expect(objects).toEqual([newest.digest, newest.manifest.master.sha256, delta].map(pathOf).sort());
  });
});
