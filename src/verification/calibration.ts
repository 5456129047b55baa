// Owns: measured runs as figures with a spread, and which parameter they would change, with a reason. Pure.
// Does not own: measuring (measure.ts), who signs what was found (cli).
import { FILL, hashedBytes, MAX_HASH_SHARE, MIN_LABELS } from './classes.js';
import { hashShare, type Run } from './measure.js';

/** Of one figure over all runs. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Figures {
  readonly labels: Figure;
  readonly productOpsPerS: Figure;
  readonly hashBytesPerS: Figure;
  readonly labelMs: Figure;
  readonly rootsMs: Figure;
  readonly labelsInWindow: Figure;
  readonly productShare: Figure;
  /** of labelMs, on all cores */
  readonly hashShare: Figure;
  /** the rest: tweak, transposition, fold, moving bytes, waiting */
  readonly otherShare: Figure;
  /** absent where labels are smaller than a block */
  readonly passBytesPerS?: Figure;
}

export function figureOf(values: readonly number[]): Figure {
  if (values.length === 0) throw new RangeError('values: expected at least one, got none');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Between the extremes, of the median. */
export const spreadOf = ({ median, min, max }: Figure): number => (median === 0 ? 0 : (max - min) / median);

/** @param cores that hash at once */
export function figuresOf(runs: readonly Run[], { n, cores }: { n: number; cores: number }): Figures {
  const of = (each: (run: Run) => number): Figure => figureOf(runs.map(each));
  const passes = runs.flatMap(({ passBytesPerS }) => passBytesPerS ?? []);
  const hash = (run: Run) => hashShare(run, n, cores);
  return {
    labels: of((run) => run.labels),
    productOpsPerS: of((run) => run.productOpsPerS),
    hashBytesPerS: of((run) => run.hashBytesPerS),
    labelMs: of((run) => run.labelMs),
    rootsMs: of((run) => run.rootsMs),
    labelsInWindow: of((run) => run.labelsInWindow),
    productShare: of((run) => run.productShare),
    hashShare: of(hash),
    otherShare: of((run) => Math.max(0, 1 - run.productShare - hash(run))),
    ...(passes.length > 0 ? { passBytesPerS: figureOf(passes) } : {}),
  };
}

/** What is measured against. */
export interface CalibratedSet {
  readonly n: number;
  /** capacity */
  readonly labels: number;
  readonly nominalLabels: number;
  readonly windowMs: number;
}

export interface Advice {
  readonly parameter: 'nominalLabels' | 'labels' | 'n';
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

/** Above it runs differ by more than what one would change for. */
export const STEADY_SPREAD = 0.15;
/** Below it a pass measures caches. */
const MIN_PASSED_BYTES = 2 * 2 ** 30;
/** A class is for many devices: a tenth more or less is the same class. */
const SAME_CLASS = 0.1;
const SIDES = [2048, 4096, 8192, 16_384] as const;

export interface Advised {
  readonly advice: readonly Advice[];
  /** what was looked at and is no reason to change anything */
  readonly notes: readonly string[];
}

/**
 * @param memoryBytes of the device; what labels may fill of it is FILL
 */
export function advise(figures: Figures, set: CalibratedSet, memoryBytes: number): Advised {
  const { n, labels, nominalLabels, windowMs } = set;
  const { labelMs, labelsInWindow, rootsMs } = figures;
  const notes: string[] = [
    `windowMs stays: one window for all classes, or slots of two windows on one device would be credited more than it can do`,
  ];
  const spread = Math.max(spreadOf(labelMs), spreadOf(figures.productOpsPerS));
  if (spread > STEADY_SPREAD) {
    notes.push(
      `products or labels differ by ${percent(spread)} between runs, more than ${percent(STEADY_SPREAD)}: end what else runs here, and measure again`,
    );
    return { advice: [], notes };
  }
  const passed = figures.labels.median * n * n;
  if (figures.passBytesPerS && passed < MIN_PASSED_BYTES)
    notes.push(
      `a pass read ${Math.round(passed / 2 ** 20)} MiB, which caches may hold: no rate of memory (that takes ${MIN_PASSED_BYTES / 2 ** 30} GiB)`,
    );
  const advice: Advice[] = [];
  const found = Math.floor(labelsInWindow.median);
  if (found === 0)
    notes.push(
      `one label takes ${Math.round(labelMs.median)} ms, and the window ends after ${windowMs}: a class of smaller n is for this device`,
    );
  else if (Math.abs(found / nominalLabels - 1) > SAME_CLASS)
    advice.push({
      parameter: 'nominalLabels',
      from: nominalLabels,
      to: found,
      why: `this device finishes ${found} labels and their roots within ${windowMs} ms (median; ${labelMs.median.toFixed(1)} ms a label, ${rootsMs.median.toFixed(0)} ms for roots)`,
    });
  else notes.push(`nominalLabels stays: ${found} labels in a window, ${nominalLabels} count one`);
  if (labelsInWindow.max >= labels)
    advice.push({
      parameter: 'labels',
      from: labels,
      to: 2 * labels,
      why: `a run reached the most that a Commit can name, ${labels}: what is beyond it is not credited`,
    });
  const better = sideFor(figures, n, windowMs, memoryBytes);
  if (better !== undefined && better.n !== n)
    advice.push({ parameter: 'n', from: n, to: better.n, why: better.why });
  return { advice, notes };
}

/** The rule of classes.ts with measured times in place of published ones; undefined where no side has enough labels. */
function sideFor(
  figures: Figures,
  n: number,
  windowMs: number,
  memoryBytes: number,
): { readonly n: number; readonly why: string } | undefined {
  const labelMs = figures.labelMs.median;
  const productMs = (side: number) => (2 * side ** 3 * 1000) / figures.productOpsPerS.median;
  // what is not the product goes by bytes, as hashing does
  const byBytes = (ms: number, side: number) => (ms * hashedBytes(side)) / hashedBytes(n);
  const at = (side: number) => {
    const count = Math.floor((FILL * memoryBytes) / side ** 2);
    const perLabel = productMs(side) + byBytes(Math.max(0, labelMs - productMs(n)), side);
    const hashing = byBytes(figures.hashShare.median * labelMs, side) / perLabel;
    return { side, count, fillMs: count * perLabel, hashing };
  };
  const fits = SIDES.map(at).filter(({ count }) => count >= MIN_LABELS);
  const lasts = fits.find(({ fillMs, hashing }) => fillMs >= windowMs && hashing <= MAX_HASH_SHARE);
  const chosen = lasts ?? fits.at(-1);
  if (!chosen) return undefined;
  const { side, count, fillMs, hashing } = chosen;
  const why = lasts
    ? `the smallest at which ${count} labels in ${percent(FILL)} of memory last ${Math.round(fillMs)} ms, and hashing stays at ${percent(hashing)} of a label`
    : `no n lasts the window and keeps hashing below ${percent(MAX_HASH_SHARE)}: the largest with ${MIN_LABELS} labels`;
  return { n: side, why };
}

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;
