// Owns: what labels cost on one device, for the kinds that are made of them (compute, memory, liveness): products, hashing,
// labels, passes, several times over; which numbers of a class hang on them. Does not own: where devices and times come from.
import type { Devices } from '../../compute/compute.js';
import { operandMatrix } from '../../compute/spec/chain.js';
import { FILL, hashedBytes, MAX_HASH_SHARE, MIN_LABELS } from '../classes.js';
import { openLabels } from '../kinds/compute/labels.js';
import {
  type Advice,
  type Figure,
  type Findings,
  figureOf,
  KEPT_FOR_THE_WAY,
  type Measured,
  nominalAdvice,
  percent,
  unsteady,
} from './figures.js';
import { hashRate, type MeasureParts, rateOf } from './parts.js';

export interface LabelsSpec {
  readonly n: number;
  /** labels that there is memory for: a run ends with them, or with its window */
  readonly capacity: number;
  readonly windowMs: number;
  readonly runs: number;
}

/** One run. Amounts a second unless the name says otherwise. */
export interface LabelsRun {
  readonly productOpsPerS: number;
  /** SHA-256 on one thread, which is what one core adds; of a device that hashes for itself, all of it */
  readonly hashBytesPerS: number;
  /** of devices whose kernels can be asked one by one */
  readonly transposeBytesPerS?: number;
  /** labels that were finished, and passed over: at least one, however long it takes */
  readonly labels: number;
  /** product, hashes and all between them */
  readonly labelMs: number;
  /** both top trees, which a Commit needs */
  readonly rootsMs: number;
  /** labels and their roots within the window */
  readonly labelsInWindow: number;
  /** of labelMs: the product as it was measured by itself; the rest is tweak, transposition, fold, hashing and waiting */
  readonly productShare: number;
  /** undefined where labels are smaller than a block */
  readonly passBytesPerS: number | undefined;
}

/** What single kernels of a device do, where they can be asked. */
export interface KernelRates {
  readonly productOpsPerS: number;
  readonly hashBytesPerS: number;
  readonly transposeBytesPerS: number;
}

/** A product takes rows of labels; of large ones so many say the same and take less time. */
const PRODUCT_ROWS = 2048;
const BLOCK = 4096;

/**
 * Nothing of the first product counts: packing, threads and caches settle in it.
 * @throws the signal's reason when it aborts
 */
export async function measureLabels(
  {
    devices,
    random,
    now,
    onStep = () => {},
    kernels,
  }: MeasureParts & {
    readonly devices: Pick<Devices, 'compute'>;
    /** instead of products and hashes called through the device, whose results travel to the host. @default those */
    readonly kernels?: (() => Promise<KernelRates>) | undefined;
  },
  spec: LabelsSpec,
  signal: AbortSignal,
): Promise<readonly LabelsRun[]> {
  const { n, capacity, windowMs, runs } = spec;
  const basis = random.bytes(32);
  const done: LabelsRun[] = [];
  const rates = kernels ? { ask: kernels, release() {} } : await calledRates();
  try {
    await devices.compute.prepareLabels?.(basis, n);
    for (let run = 0; run < runs; run++) {
      signal.throwIfAborted();
      onStep(`run ${run + 1} of ${runs}: product and hashing`);
      const measured = await rates.ask();
      signal.throwIfAborted();
      onStep(`run ${run + 1} of ${runs}: labels`);
      done.push({ ...measured, ...(await labelsOf(measured.productOpsPerS)) });
    }
  } finally {
    rates.release();
  }
  return done;

  async function calledRates() {
    onStep('packing the operand');
    const rows = Math.min(n, PRODUCT_ROWS);
    const multiplier = await devices.compute.loadOperand(operandMatrix(basis, n), n);
    const a = new Int8Array(random.bytes(rows * n).slice().buffer);
    await multiplier.multiply(a);
    return {
      ask: async () => ({
        productOpsPerS: await rateOf(now, 2 * rows * n * n, () => multiplier.multiply(a)),
        hashBytesPerS: await hashRate(now, random),
      }),
      release: () => multiplier.release(),
    };
  }

  async function labelsOf(productOpsPerS: number): Promise<Omit<LabelsRun, keyof KernelRates>> {
    const params = { n, labels: capacity };
    const labels = await openLabels(devices, { params, basis, seed: random.bytes(32) });
    try {
      const from = now();
      let asked = 0; // labels count those of earlier calls only, until one ends
      const more = () => asked++ === 0 || now() - from < windowMs;
      const count = await labels.extend(capacity, more, signal);
      const labelMs = (now() - from) / count;
      const rootsFrom = now();
      await labels.roots(count);
      const rootsMs = now() - rootsFrom;
      const bytes = count * n * n;
      const passBytesPerS =
        n * n >= BLOCK ? await rateOf(now, bytes, () => labels.pass(count, random.bytes(32))) : undefined;
      return {
        labels: count,
        labelMs,
        rootsMs,
        labelsInWindow: Math.min(capacity, Math.max(0, Math.floor((windowMs - rootsMs) / labelMs))),
        productShare: (2 * n ** 3 * 1000) / productOpsPerS / labelMs,
        passBytesPerS,
      };
    } finally {
      labels.release();
    }
  }
}

/** Hashing of one label on so many cores: beside the product's, what cannot be saved. */
const hashShare = ({ hashBytesPerS, labelMs }: LabelsRun, n: number, cores: number): number =>
  (hashedBytes(n) * 1000) / (hashBytesPerS * cores) / labelMs;

/** What is measured against. */
export interface LabelsSet {
  readonly n: number;
  readonly windowMs: number;
  /** capacity; undefined where all labels are owed */
  readonly labels: number | undefined;
  /** what counts one, and what the class calls it */
  readonly nominal: { readonly name: string; readonly labels: number };
  /** of kinds with passes: how many rounds over so many labels count one, in what time */
  readonly passes?: { readonly rounds: number; readonly labels: number; readonly withinMs: number };
  /** of a card: what its data sheet says */
  readonly published?: {
    readonly opsPerS: number;
    readonly memoryBytesPerS: number;
    readonly hashBytesPerS: number;
  };
}

/** Below it a pass measures caches. */
const MIN_PASSED_BYTES = 2 * 2 ** 30;
const SIDES = [2048, 4096, 8192, 16_384] as const;

/**
 * @param host.cores that hash at once
 * @param host.memoryBytes of the device; what labels may fill of it is FILL
 */
export function labelFindings(
  runs: readonly LabelsRun[],
  set: LabelsSet,
  { cores, memoryBytes }: { readonly cores: number; readonly memoryBytes: number },
): Findings {
  const { n, windowMs, labels, nominal, passes, published } = set;
  const ofSheet = (value: number | undefined): Pick<Measured, 'peak'> =>
    value === undefined ? {} : { peak: { value, of: 'the data sheet' } };
  const of = (each: (run: LabelsRun) => number): Figure => figureOf(runs.map(each));
  const ops = 2 * n ** 3;
  const product = of((run) => run.productOpsPerS);
  const label = of((run) => run.labelMs);
  const roots = of((run) => run.rootsMs);
  const inWindow = of((run) => run.labelsInWindow);
  const hashing = of((run) => hashShare(run, n, cores));
  const rest = of((run) => Math.max(0, 1 - run.productShare - hashShare(run, n, cores)));
  const better = sideFor({ product, label, hashing }, n, windowMs, memoryBytes);
  const found = Math.floor(inWindow.median);
  const side = { name: 'n', set: n, here: better?.n ?? n };
  const counted = { name: nominal.name, set: nominal.labels, here: found };
  const figures: Measured[] = [
    { name: 'product alone', unit: 'op/s', ...product, parameter: side, ...ofSheet(published?.opsPerS) },
    {
      name: cores === 1 ? 'SHA-256' : 'SHA-256, one thread',
      unit: 'B/s',
      ...of((run) => run.hashBytesPerS),
      parameter: side,
      ...ofSheet(published?.hashBytesPerS),
    },
    ...transposed(runs).map((figure) => ({ ...figure, ...ofSheet(published?.memoryBytesPerS) })),
    {
      name: 'labels',
      unit: 'op/s',
      ...of((run) => (ops * 1000) / run.labelMs),
      peak: { value: product.median, of: 'the product, called by itself' },
      parameter: counted,
    },
    { name: 'one label', unit: 'ms', ...label, parameter: counted },
    { name: 'roots of all labels', unit: 'ms', ...roots, parameter: counted },
    { name: 'labels in a window', unit: 'labels', ...inWindow, parameter: counted },
    { name: 'of a label: product', unit: 'share', ...of((run) => run.productShare), parameter: side },
    { name: 'of a label: hashing', unit: 'share', ...hashing, parameter: side },
    { name: 'of a label: the rest', unit: 'share', ...rest },
  ];
  const passed = runs.flatMap(({ passBytesPerS }) => passBytesPerS ?? []);
  const pass = passed.length > 0 ? figureOf(passed) : undefined;
  const rounds =
    passes && pass && Math.floor((passes.withinMs * pass.median) / 1000 / (passes.labels * n * n));
  if (pass)
    figures.push({
      name: 'a pass over all labels',
      unit: 'B/s',
      ...pass,
      ...ofSheet(published?.memoryBytesPerS),
      ...(passes && rounds !== undefined
        ? { parameter: { name: 'nominalRounds', set: passes.rounds, here: rounds } }
        : {}),
    });

  const notes = [
    'windowMs stays: one window for all classes, or slots of two windows on one device would be credited more than it can do',
  ];
  const bytes = figureOf(runs.map((run) => run.labels)).median * n * n;
  const cached = bytes < MIN_PASSED_BYTES;
  const limits = [KEPT_FOR_THE_WAY];
  if (pass && cached)
    limits.push(
      `a pass read ${Math.round(bytes / 2 ** 20)} MiB, which caches may hold: no rate of memory (that takes ${MIN_PASSED_BYTES / 2 ** 30} GiB)`,
    );
  const tooUnsteady = unsteady('products or labels', [label, product]);
  if (tooUnsteady) return { figures, advice: [], notes: [...notes, tooUnsteady], limits };
  const advice: Advice[] = [];
  if (found === 0)
    notes.push(
      `one label takes ${Math.round(label.median)} ms, and the window ends after ${windowMs}: a class of smaller n is for this device`,
    );
  else if (labels === undefined)
    notes.push(
      found >= nominal.labels
        ? `all ${nominal.labels} labels are owed, and ${found} fit: nothing to change`
        : `all ${nominal.labels} labels are owed within ${windowMs} ms, and ${found} fit: this device does not pass`,
    );
  else {
    const why = `this device finishes ${found} labels and their roots within ${windowMs} ms (median; ${label.median.toFixed(1)} ms a label, ${roots.median.toFixed(0)} ms for roots)`;
    const said = nominalAdvice(nominal.name, { set: nominal.labels, found, why });
    advice.push(...said.advice);
    notes.push(...said.notes);
    if (inWindow.max >= labels)
      advice.push({
        parameter: 'labels',
        from: labels,
        to: 2 * labels,
        why: `a run reached the most that a Commit can name, ${labels}: what is beyond it is not credited`,
      });
    if (better !== undefined && better.n !== n)
      advice.push({ parameter: 'n', from: n, to: better.n, why: better.why });
  }
  if (passes && rounds !== undefined && !cached) {
    const why = `${passes.labels} labels are read ${rounds} times within ${passes.withinMs} ms at this rate`;
    const said = nominalAdvice('nominalRounds', { set: passes.rounds, found: rounds, why });
    advice.push(...said.advice);
    notes.push(...said.notes);
  }
  return { figures, advice, notes, limits };
}

/** Read and written; of devices that do it by themselves. */
function transposed(runs: readonly LabelsRun[]): Measured[] {
  const rates = runs.flatMap(({ transposeBytesPerS }) => transposeBytesPerS ?? []);
  return rates.length === 0 ? [] : [{ name: 'transposition', unit: 'B/s', ...figureOf(rates) }];
}

/** The rule of classes.ts with measured times in place of published ones; undefined where no side has enough labels. */
function sideFor(
  { product, label, hashing }: Readonly<Record<'product' | 'label' | 'hashing', Figure>>,
  n: number,
  windowMs: number,
  memoryBytes: number,
): { readonly n: number; readonly why: string } | undefined {
  const labelMs = label.median;
  const productMs = (side: number) => (2 * side ** 3 * 1000) / product.median;
  // what is not the product goes by bytes, as hashing does
  const byBytes = (ms: number, side: number) => (ms * hashedBytes(side)) / hashedBytes(n);
  const at = (side: number) => {
    const count = Math.floor((FILL * memoryBytes) / side ** 2);
    const perLabel = productMs(side) + byBytes(Math.max(0, labelMs - productMs(n)), side);
    const hashed = byBytes(hashing.median * labelMs, side) / perLabel;
    return { side, count, fillMs: count * perLabel, hashed };
  };
  const fits = SIDES.map(at).filter(({ count }) => count >= MIN_LABELS);
  const lasts = fits.find(({ fillMs, hashed }) => fillMs >= windowMs && hashed <= MAX_HASH_SHARE);
  const chosen = lasts ?? fits.at(-1);
  if (!chosen) return undefined;
  const { side, count, fillMs, hashed } = chosen;
  const why = lasts
    ? `the smallest at which ${count} labels in ${percent(FILL)} of memory last ${Math.round(fillMs)} ms, and hashing stays at ${percent(hashed)} of a label`
    : `no n lasts the window and keeps hashing below ${percent(MAX_HASH_SHARE)}: the largest with ${MIN_LABELS} labels`;
  return { n: side, why };
}
