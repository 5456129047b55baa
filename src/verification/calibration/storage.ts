// Owns: what a disk with a plot does, measured: leaves at random, whole sectors in a random order, sectors encoded; which
// numbers of a class hang on it. Does not own: the disk (compute/disk), where a plot for it comes from (cli).
import type { Plot } from '../../compute/disk.js';
import { BLOCK_BYTES } from '../../compute/spec/argon2d.js';
import { sectorBytes } from '../../compute/spec/plot.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { shuffled } from '../../model/prng.js';
import { leavesPerSector } from '../kinds/storage/codec.js';
import type { StorageParams } from '../kinds/storage/params.js';
import {
  boundAdvice,
  type Figure,
  type Findings,
  figureOf,
  KEPT_FOR_THE_WAY,
  type Measured,
  nominalAdvice,
  percent,
  unsteady,
} from './figures.js';
import { hashRate, type MeasureParts } from './parts.js';

export interface StorageParts extends MeasureParts {
  /** of the class's sectors and leaves; how often it was passed over while it was made does not matter for reading it */
  readonly plot: Plot;
  /** encodes sectors of the class on all threads and says how many */
  readonly encode: (signal: AbortSignal) => Promise<number>;
  /** bytes that came from a disk so far, and not from memory; undefined where the system does not tell */
  readonly diskBytes?: () => number | undefined;
}

export interface StorageSpec {
  readonly params: StorageParams;
  readonly runs: number;
}

export interface StorageRun {
  readonly hashBytesPerS: number;
  readonly leavesPerS: number;
  readonly sectorBytesPerS: number;
  readonly encodedPerS: number;
  /** of what was read; undefined where nobody knows */
  readonly fromDisk: number | undefined;
}

/** @throws the signal's reason when it aborts */
export async function measureStorage(
  { plot, encode, diskBytes = () => undefined, random, now, onStep = () => {} }: StorageParts,
  { params, runs }: StorageSpec,
  signal: AbortSignal,
): Promise<readonly StorageRun[]> {
  const { leaves, answerMs, rangeMs, maxRange, pieceBlocks } = params;
  const size = sectorBytes(params);
  const perSector = leavesPerSector(params);
  const all = Array.from({ length: plot.sectors }, (_, i) => i);
  const done: StorageRun[] = [];
  for (let run = 0; run < runs; run++) {
    signal.throwIfAborted();
    const step = (what: string) => onStep(`run ${run + 1} of ${runs}: ${what}`);
    step('hashing');
    const hashBytesPerS = await hashRate(now, random);
    const before = diskBytes();

    step('leaves');
    const asked = {
      sectors: Uint32Array.from({ length: leaves }, () => random.below(plot.sectors)),
      leaves: Uint32Array.from({ length: leaves }, () => random.below(perSector)),
    };
    let from = now();
    await plot.digestLeaves(random.bytes(32), asked, signal);
    const leavesMs = now() - from;

    step('whole sectors');
    const order = Uint32Array.from(shuffled(all, random).slice(0, maxRange));
    from = now();
    const until = from + rangeMs - answerMs;
    const range = {
      key: random.bytes(32),
      order,
      pieceBytes: pieceBlocks * BLOCK_BYTES,
      leftMs: () => until - now(),
    };
    const sectors = (await plot.digestRange(range, signal)).length / HASH_BYTES;
    const sectorsMs = now() - from;
    const after = diskBytes();
    const read = leaves * (size / perSector) + sectors * size;

    step('encoding');
    from = now();
    const encoded = await encode(signal);
    const encodeMs = now() - from;
    done.push({
      hashBytesPerS,
      leavesPerS: perSecond(leaves, leavesMs),
      sectorBytesPerS: perSecond(sectors * size, sectorsMs),
      encodedPerS: perSecond(encoded, encodeMs),
      fromDisk:
        before === undefined || after === undefined ? undefined : Math.min(1, (after - before) / read),
    });
  }
  return done;
}

const perSecond = (amount: number, ms: number): number => (amount * 1000) / Math.max(ms, Number.EPSILON);

/** Below it figures are of the memory that the system keeps files in. */
const FROM_DISK = 0.9;

/** @param cores that hash at once */
export function storageFindings(
  runs: readonly StorageRun[],
  params: StorageParams,
  { cores }: { readonly cores: number },
): Findings {
  const of = (each: (run: StorageRun) => number): Figure => figureOf(runs.map(each));
  const { leaves, answerMs, rangeMs, regeneratedPerS, nominalBytesPerS } = params;
  const hash = of((run) => run.hashBytesPerS);
  const leavesPerS = of((run) => run.leavesPerS);
  const sectors = of((run) => run.sectorBytesPerS);
  const encoded = of((run) => run.encodedPerS);
  const answered = Math.floor((leavesPerS.median * answerMs) / 1000);
  // the range begins when the leaves are answered, and is credited over the whole time from the Pass
  const leftMs = Math.max(0, rangeMs - (leaves * 1000) / leavesPerS.median);
  const ranged = Math.floor((sectors.median * leftMs) / rangeMs);
  const figures: Measured[] = [
    { name: 'SHA-256, one thread', unit: 'B/s', ...hash },
    {
      name: 'leaves at random',
      unit: 'leaves/s',
      ...leavesPerS,
      parameter: { name: 'leaves', set: leaves, here: answered },
    },
    {
      name: 'whole sectors, in any order',
      unit: 'B/s',
      ...sectors,
      peak: { value: hash.median * cores, of: 'SHA-256 on all cores' },
      parameter: { name: 'nominalBytesPerS', set: nominalBytesPerS, here: ranged },
    },
    {
      name: 'sectors encoded, all threads',
      unit: 'sectors/s',
      ...encoded,
      parameter: { name: 'regeneratedPerS', set: regeneratedPerS, here: Math.ceil(encoded.median) },
    },
  ];
  const shares = runs.flatMap(({ fromDisk }) => fromDisk ?? []);
  const notes = ['nominalSectors is not measured: a plot is as large as its owner makes it'];
  const limits = [KEPT_FOR_THE_WAY];
  if (shares.length > 0) figures.push({ name: 'came from the disk', unit: 'share', ...figureOf(shares) });
  const bounds = boundAdvice('regeneratedPerS', { set: regeneratedPerS, found: encoded.max });
  notes.push(...bounds.notes);
  const fromDisk = shares.length > 0 ? figureOf(shares).median : undefined;
  if (fromDisk === undefined || fromDisk < FROM_DISK) {
    limits.push(
      fromDisk === undefined
        ? 'this system does not tell what came from the disk and what from memory: rates of reading may be those of memory, and change nothing'
        : `${percent(fromDisk)} of what was read came from the disk, the rest from memory: no rates of the disk, and they change nothing. Name a plot larger than memory (--plots), or make one (--gib)`,
    );
    return { figures, advice: bounds.advice, notes, limits };
  }
  const tooUnsteady = unsteady('rates', [leavesPerS, sectors]);
  if (tooUnsteady) return { figures, advice: bounds.advice, notes: [...notes, tooUnsteady], limits };
  notes.push(
    answered >= leaves
      ? `leaves stays: all ${leaves} are answered in ${Math.round((leaves * 1000) / leavesPerS.median)} of ${answerMs} ms`
      : `${answered} of ${leaves} leaves are answered within ${answerMs} ms: this disk is none of the class ${params.class}, and fewer would let more be made again`,
  );
  const rate = nominalAdvice('nominalBytesPerS', {
    set: nominalBytesPerS,
    found: ranged,
    why: `so much is read in the ${Math.round(leftMs)} ms that leaves leave of ${rangeMs}, over all of them`,
  });
  return { figures, advice: [...rate.advice, ...bounds.advice], notes: [...notes, ...rate.notes], limits };
}
