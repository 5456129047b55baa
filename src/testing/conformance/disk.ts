// Owns: what every disk with plots must do, whoever wrote it. Does not own: how plots come to be on it.
import assert from 'node:assert/strict';
import { encodeSectors, plotOver } from '../../compute/disk/memory.js';
import type { Disk } from '../../compute/disk.js';
import { type PlotName, sectorBytes } from '../../compute/spec/plot.js';
import { toHex } from '../../model/bytes.js';
import { isAssayError } from '../../model/errors.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { createSeededRandom, shuffled } from '../../model/prng.js';
import type { ConformanceCase } from './proof.js';

export interface DiskSubject {
  /** has the plot `name` of `sectors` sectors, and no other of its place */
  readonly disk: Disk;
  readonly name: PlotName;
  readonly sectors: number;
}

/**
 * The cases, for any test runner:
 *
 *     for (const { name, run } of diskConformance(subject)) test(name, run);
 */
export function diskConformance({ disk, name, sectors }: DiskSubject): readonly ConformanceCase[] {
  const { signal } = new AbortController();
  const random = createSeededRandom('disk');
  const twin = plotOver(name, encodeSectors(name, sectors));
  const pieceBytes = sectorBytes(name) / 2;
  const everySector = Uint32Array.from({ length: sectors }, (_, i) => i);
  const unhurried = (): number => Number.POSITIVE_INFINITY;

  return [
    {
      name: 'has the sectors of its place, and says so by their tree',
      async run() {
        const plot = await disk.open(name, signal);
        assert.equal(plot.sectors, sectors);
        assert.equal(toHex(plot.tree.root), toHex(twin.tree.root));
        for (const index of [0, sectors - 1])
          assert.equal(toHex(await plot.readSector(index)), toHex(await twin.readSector(index)));
      },
    },
    {
      name: 'digests leaves under any key, in the order asked, some of them twice',
      async run() {
        const plot = await disk.open(name, signal);
        const last = name.sectorBlocks / name.leafBlocks - 1;
        const asked = {
          sectors: Uint32Array.of(sectors - 1, 0, sectors - 1, 0),
          leaves: Uint32Array.of(0, last, 0, 0),
        };
        for (const key of [random.bytes(32), random.bytes(32)]) {
          const digests = await plot.digestLeaves(key, asked, signal);
          assert.equal(toHex(digests), toHex(await twin.digestLeaves(key, asked, signal)));
        }
      },
    },
    {
      name: 'digests sectors in the order given, and no others',
      async run() {
        const plot = await disk.open(name, signal);
        for (const order of [
          Uint32Array.of(0),
          Uint32Array.of(sectors - 1, 0),
          everySector.toReversed(),
          Uint32Array.from(shuffled([...everySector], random)),
        ]) {
          const range = { key: random.bytes(32), order, pieceBytes, leftMs: unhurried };
          const roots = await plot.digestRange(range, signal);
          assert.equal(roots.length, order.length * HASH_BYTES);
          assert.equal(toHex(roots), toHex(await twin.digestRange(range, signal)));
        }
      },
    },
    {
      name: 'gives one sector at least when there is no time, and whole sectors only',
      async run() {
        const plot = await disk.open(name, signal);
        const late = { key: random.bytes(32), order: everySector, pieceBytes, leftMs: () => -1 };
        const roots = await plot.digestRange(late, signal);
        assert.ok(roots.length >= HASH_BYTES && roots.length % HASH_BYTES === 0);
        const whole = await twin.digestRange({ ...late, leftMs: unhurried }, signal);
        assert.equal(toHex(roots), toHex(whole.subarray(0, roots.length)));
      },
    },
    {
      name: 'stops when aborted, with the reason given, and answers again afterwards',
      async run() {
        const plot = await disk.open(name, signal);
        const reason = new Error('enough');
        const aborted = AbortSignal.abort(reason);
        const range = { key: random.bytes(32), order: Uint32Array.of(0), pieceBytes, leftMs: unhurried };
        const one = { sectors: new Uint32Array(1), leaves: new Uint32Array(1) };
        await assert.rejects(disk.open(name, aborted), reason);
        await assert.rejects(plot.digestLeaves(range.key, one, aborted), reason);
        await assert.rejects(plot.digestRange(range, aborted), reason);
        assert.equal((await plot.digestRange(range, signal)).length, HASH_BYTES);
      },
    },
    {
      name: 'opens one plot once, whoever asks',
      async run() {
        const [one, other] = await Promise.all([disk.open(name, signal), disk.open(name, signal)]);
        assert.equal(one, other);
      },
    },
  ];
}

/** For disks that do not make plots when they are asked: there is none of another place or shape. */
export function missingPlots({ disk, name }: Omit<DiskSubject, 'sectors'>): readonly ConformanceCase[] {
  const { signal } = new AbortController();
  const isUnsupported = (error: unknown): boolean => isAssayError(error, 'unsupported');
  const others: readonly PlotName[] = [
    { ...name, place: new Uint8Array(32) },
    { ...name, passes: name.passes + 1 },
    { ...name, leafBlocks: name.leafBlocks * 2 },
  ];
  return [
    {
      name: 'says that it has no plot of another place or shape',
      async run() {
        for (const other of others) await assert.rejects(disk.open(other, signal), isUnsupported);
      },
    },
  ];
}
