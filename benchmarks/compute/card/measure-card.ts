// Owns: what one card reaches: single kernels, whole labels, passes, copies, and cuBLASLt beside it. Does not own: what is made
// of the figures (../cuda.bench.ts, steps.ts).
import { type CudaContext, versionText } from '../../../src/compute/cuda/driver.js';
import type { ProductModule } from '../../../src/compute/cuda/kernels.js';
import type { CardState } from '../../../src/compute/cuda/nvml.js';
import { openCardGpu } from '../../../src/compute/cuda/open.js';
import { findDevices } from '../../../src/compute/find-devices.js';
import { createGpuCompute } from '../../../src/compute/gpu/compute.js';
import { wrongTiles } from '../../../src/compute/gpu/exact.js';
import type { Gpu } from '../../../src/compute/gpu/gpu.js';
import { measureGpu } from '../../../src/compute/gpu/measure.js';
import { type Clock, systemClock } from '../../../src/model/clock.js';
import { AssayError } from '../../../src/model/errors.js';
import { createLog, type Log } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { openLibraryProduct } from './cublas-lt.js';
import { peakAt, peakOf } from './peak.js';

export type Emit = (row: {
  bench: string;
  metric: string;
  value: number;
  unit: string;
  baseline?: number;
}) => void;

export const aloud: Log = createLog((line) => console.error(line));

/** A card that can be used, as a slot would have it. */
export interface ChosenCard {
  readonly id: string;
  readonly name: string;
  readonly memoryBytes: number;
  readonly uuid: string;
  readonly slice: boolean;
  /** as it is now */
  state(): Promise<CardState | undefined>;
}

/** @throws AssayError `unsupported` with what each backend says where there is none */
export async function chooseCard(): Promise<ChosenCard> {
  const { devices, absent } = await findDevices();
  const cards = devices.filter(({ nvidia }) => nvidia);
  const card = cards.find(({ problem }) => problem === undefined);
  if (!card?.nvidia) {
    const why = [
      ...cards.map(({ id, problem }) => `${id}: ${problem}`),
      ...absent.filter(({ backend }) => backend === 'cuda').map((each) => each.why),
    ].join('; ');
    throw new AssayError('unsupported', `no NVIDIA card can be used: ${why}`, { what: 'NVIDIA card', why });
  }
  const { uuid, slice } = card.nvidia;
  const state = async (): Promise<CardState | undefined> =>
    (await findDevices({ listWebGpu: async () => [] })).devices.find(({ id }) => id === card.id)?.nvidia
      ?.state;
  return { id: card.id, name: card.name, memoryBytes: card.memoryBytes ?? 0, uuid, slice, state };
}

export interface OpenedCard {
  readonly chosen: ChosenCard;
  readonly gpu: Gpu;
  readonly context: CudaContext;
  /** what the card multiplies with */
  readonly product: ProductModule;
  /** what else it could, the best first */
  readonly worse: readonly ProductModule[];
}

/**
 * In this process. What multiplies is compared with the plain product, and where it is wrong, or takes its context with it, the
 * next is opened: figures are of what a miner would use.
 * @param without what it is not to multiply with
 * @throws AssayError `unsupported` where nothing is left
 */
export async function openChosen(without: readonly ProductModule[] = []): Promise<OpenedCard> {
  const chosen = await chooseCard();
  process.env.CUDA_VISIBLE_DEVICES = chosen.uuid; // the driver looks at it once, when it starts
  for (const refused = [...without]; ; ) {
    const { gpu, narrow, context, product, worse } = await openCardGpu({ log: aloud }, refused);
    const wrong = await wrongTiles(gpu)
      .then((first) => first ?? wrongTiles(narrow))
      .catch((error: Error) => error.message);
    if (wrong === undefined) return { chosen, gpu, context, product, worse };
    context.close();
    aloud.error('a product is wrong', { product, wrong });
    refused.push(product);
    if (worse.length > 0) continue;
    const what = gpu.name;
    throw new AssayError('unsupported', `${what}: no product is exact: ${wrong}`, { what, why: wrong });
  }
}

const BATCH_MS = 50;
const BATCHES = 5;

/** Seconds of one run: the median of batches, which begin and end with the card at rest. */
async function timed(run: () => void, done: () => Promise<void>, clock: Clock): Promise<number> {
  const batch = async (runs: number): Promise<number> => {
    const from = clock.monotonic();
    for (let at = 0; at < runs; at++) run();
    await done();
    return (clock.monotonic() - from) / runs;
  };
  await batch(1);
  const once = await batch(1);
  const runs = Math.max(1, Math.min(1000, Math.round(BATCH_MS / Math.max(once, 1e-3))));
  const times: number[] = [];
  for (let at = 0; at < BATCHES; at++) times.push(await batch(runs));
  return times.sort((one, other) => one - other)[(BATCHES - 1) / 2] / 1000;
}

/** Bytes read, and as many written, in a second. */
export async function copyRate({ gpu, context }: OpenedCard, bytes: number): Promise<number> {
  const [from, to] = [context.allocate(bytes), context.allocate(bytes)];
  try {
    if (from === undefined || to === undefined) throw noRoom(gpu, 2 * bytes);
    return (
      (2 * bytes) /
      (await timed(
        () => context.copy(to, from, bytes),
        () => gpu.done(),
        systemClock,
      ))
    );
  } finally {
    for (const memory of [from, to]) if (memory !== undefined) context.free(memory);
  }
}

const noRoom = ({ name }: Gpu, bytes: number): AssayError => {
  const why = `${name} has no room for ${bytes} bytes; end other work`;
  return new AssayError('unsupported', why, { what: name, why });
};

export interface LabelRates {
  readonly labels: number;
  readonly opsPerS: number;
  readonly msPerLabel: number;
  /** bytes of labels read in a second; undefined where the card had no room for two labels */
  readonly passBytesPerS: number;
  /** NVML, in the middle of the labels */
  readonly loaded: CardState | undefined;
}

/** A chain as a slot makes it: memory, products, hashes, trees; then passes over it. */
export async function labelRates(
  { gpu, context, chosen }: OpenedCard,
  n: number,
  atMost: number,
): Promise<LabelRates> {
  const random = createSeededRandom(`labels of ${n}`);
  const room = Math.floor((0.85 * context.freeBytes()) / (1.05 * n * n)) - 6;
  const capacity = Math.max(2, Math.min(atMost, room));
  const compute = createGpuCompute(gpu);
  const { signal } = new AbortController();
  const labels = await compute.openLabels!({
    n,
    capacity,
    basis: random.bytes(32),
    seed: random.bytes(32),
  });
  try {
    await labels.extend(1, () => true, signal);
    const half = 1 + Math.ceil((capacity - 1) / 2);
    const from = systemClock.monotonic();
    const first = await labels.extend(half, () => true, signal);
    const middle = systemClock.monotonic();
    const loaded = await chosen.state(); // the card has just been working; what this takes is not counted
    const since = systemClock.monotonic();
    const count = await labels.extend(capacity, () => true, signal);
    const seconds = (middle - from + (systemClock.monotonic() - since)) / 1000;
    const made = count - 1;
    const key = random.bytes(32);
    await labels.pass(count, key);
    const times: number[] = [];
    for (let at = 0; at < BATCHES; at++) {
      const began = systemClock.monotonic();
      await labels.pass(count, random.bytes(32));
      times.push((systemClock.monotonic() - began) / 1000);
    }
    const pass = times.sort((one, other) => one - other)[(BATCHES - 1) / 2];
    if (count < first) throw new RangeError(`labels: expected ${first} or more, got ${count}`);
    return {
      labels: count,
      opsPerS: (made * 2 * n ** 3) / seconds,
      msPerLabel: (1000 * seconds) / made,
      passBytesPerS: (count * n * n) / pass,
      loaded,
    };
  } finally {
    labels.release();
  }
}

/** Rows of C that are made at once: whole ones of 16384 would be a gigabyte. */
const PRODUCT_ROWS = 4096;

/**
 * The best of the ways that cuBLASLt names, operations a second; its product is compared with ours.
 * @throws AssayError `unsupported` where the library is not
 */
export async function libraryRate(
  { gpu, context }: OpenedCard,
  n: number,
): Promise<{ opsPerS: number; ways: number }> {
  const rows = Math.min(n, PRODUCT_ROWS);
  const random = createSeededRandom(`cublasLt ${n}`);
  const held = { a: rows * n, b: n * n, ours: 4 * rows * n, theirs: 4 * rows * n };
  // through the processor for ours, by address for theirs: the same memory twice over would need a second seam
  const [a, b, ours] = [
    await gpu.allocate(held.a),
    await gpu.allocate(held.b),
    await gpu.allocate(held.ours),
  ];
  const theirs = {
    a: context.allocate(held.a),
    b: context.allocate(held.b),
    to: context.allocate(held.theirs),
  };
  try {
    const { a: at, b: bt, to } = theirs;
    if (!a || !b || !ours || at === undefined || bt === undefined || to === undefined)
      throw noRoom(gpu, 2 * (held.a + held.b + held.ours));
    const left = random.bytes(held.a);
    const right = random.bytes(held.b).map((byte) => (byte & 127) - 64);
    gpu.write(a, 0, left);
    gpu.write(b, 0, right);
    context.toDevice(at, left);
    context.toDevice(bt, right);
    gpu.run('product', { a, b, to: ours, rows, n });
    const library = await openLibraryProduct(context, { a: at, b: bt, to, rows, n });
    try {
      let best = Number.POSITIVE_INFINITY;
      for (let way = 0; way < library.ways; way++)
        best = Math.min(
          best,
          await timed(
            () => library.run(way),
            () => gpu.done(),
            systemClock,
          ),
        );
      const tail = Math.min(held.ours, 4 * n);
      const [expected] = await gpu.read([{ memory: ours, at: held.ours - tail, bytes: tail }]);
      const got = new Uint8Array(tail);
      context.toHost(to + BigInt(held.ours - tail), got);
      if (library.ways === 0) throw new Error(`cuBLASLt, n ${n}: it names no way for this shape`);
      if (Buffer.compare(expected, got) !== 0)
        throw new Error(`cuBLASLt, n ${n}: its last row is not ours: one of the two is wrong`);
      return { opsPerS: (2 * rows * n * n) / best, ways: library.ways };
    } finally {
      library.close();
    }
  } finally {
    for (const memory of [a, b, ours]) if (memory) gpu.free(memory);
    for (const memory of Object.values(theirs)) if (memory !== undefined) context.free(memory);
  }
}

/** All figures of one side of labels. */
export async function measureSide(emit: Emit, card: OpenedCard, n: number, atMost: number): Promise<void> {
  const { gpu, context, product, chosen } = card;
  const { driver } = context;
  const bench = `${gpu.name}, ${product}, CUDA ${versionText(driver)}, n=${n}`;
  const row = (metric: string, value: number, unit: string, baseline?: number): void =>
    emit({ bench, metric, value, unit, ...(baseline === undefined ? {} : { baseline }) });
  const rates = await measureGpu(gpu, { n, clock: systemClock, random: createSeededRandom('card') });
  const labels = await labelRates(card, n, atMost);
  const copied = await copyRate(card, Math.min(1 << 30, Math.max(1 << 20, 16 * n * n)));
  const library = await libraryRate(card, n).catch((error: unknown) => {
    console.error(`no baseline by cuBLASLt: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
  const peak = peakOf(context.card, product, chosen.slice);
  const clock = labels.loaded?.clockHz;
  const held = clock === undefined ? undefined : peakAt(context.card, product, clock, 'clock under load');
  const [tera, giga] = [1e-12, 1e-9];
  const theirs = library && library.opsPerS * tera;
  if (library) row('cuBLASLt int8, ways it named and were timed', library.ways, 'ways');
  row('product (baseline: cuBLASLt int8)', rates.productOpsPerS * tera, 'TOPS', theirs);
  row('product with fold (baseline: cuBLASLt int8)', rates.productFoldOpsPerS * tera, 'TOPS', theirs);
  row(
    'whole labels (baseline: product with fold)',
    labels.opsPerS * tera,
    'TOPS',
    rates.productFoldOpsPerS * tera,
  );
  for (const [of, what] of [
    [peak, 'peak'],
    [held, 'peak at the clock under load'],
  ] as const) {
    if (!of) {
      console.error(`${bench}: no ${what}: its capability or clock is not known`);
      continue;
    }
    row(`${what}: ${of.from}`, of.opsPerS * tera, 'TOPS');
    row(`product with fold, of ${what}`, (100 * rates.productFoldOpsPerS) / of.opsPerS, '%');
    row(`whole labels, of ${what}`, (100 * labels.opsPerS) / of.opsPerS, '%');
    if (library) row(`cuBLASLt, of ${what}`, (100 * library.opsPerS) / of.opsPerS, '%');
  }
  row(`one label, all of it (${labels.labels} labels)`, labels.msPerLabel, 'ms');
  row('copy on the card, read and written', copied * giga, 'GB/s');
  row(
    'pass over labels, read (baseline: copy, read and written)',
    labels.passBytesPerS * giga,
    'GB/s',
    copied * giga,
  );
  row('digests alone, read', rates.digestBytesPerS * giga, 'GB/s', copied * giga);
  row('transposition, read and written', rates.transposeBytesPerS * giga, 'GB/s', copied * giga);
  row('left operand, read and written', rates.joinBytesPerS * giga, 'GB/s', copied * giga);
  row('SHA-256 of runs of 1 KiB, read', rates.hashBytesPerS * giga, 'GB/s');
  const { loaded } = labels;
  if (loaded?.powerW !== undefined)
    row('power in the middle of labels', loaded.powerW, 'W', loaded.powerLimitW);
  if (loaded?.temperatureC !== undefined)
    row('temperature in the middle of labels', loaded.temperatureC, 'C');
}
