// Owns: what a host's memory does, measured: filled, read in rounds, walked; which numbers of a class hang on it.
// Does not own: the memory and its threads (compute/host), what is credited (kinds/host-memory/credit.ts).
import type { HostMemory } from '../../compute/host.js';
import { labelCompressions } from '../../compute/spec/host-labels.js';
import { LEAF_STEPS } from '../../compute/spec/host-walk.js';
import { creditFor, nominalFor } from '../kinds/host-memory/credit.js';
import type { HostMemoryParams } from '../kinds/host-memory/params.js';
import { layOut } from '../kinds/host-memory/prove.js';
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

export interface HostMemorySpec {
  readonly params: HostMemoryParams;
  /** labels may take so much */
  readonly bytes: number;
  readonly runs: number;
}

export interface HostMemoryRun {
  readonly lanes: number;
  /** one thread at its best, while the others rest */
  readonly hashBytesPerS: number;
  /** of labels, by all lanes together */
  readonly filledBytes: number;
  readonly fillBytesPerS: number;
  readonly passBytesPerS: number;
  /** one step, all lanes walking at once */
  readonly stepNs: number;
}

/** So long rounds are read, and so long is walked: both go at one pace. */
const SAMPLE_MS = 2000;

/**
 * Each run fills until the memory is full or the class's time is over, whichever comes first.
 * @throws AssayError `unsupported` where there is not so much memory; the signal's reason when it aborts
 */
export async function measureHostMemory(
  { host, random, now, onStep = () => {} }: MeasureParts & { readonly host: HostMemory },
  { params, bytes, runs }: HostMemorySpec,
  signal: AbortSignal,
): Promise<readonly HostMemoryRun[]> {
  const { labelBytes, infoBytes, fillMs, maxLeaves } = params;
  const { lanes, capacity } = layOut(params, { lanes: host.lanes, bytes });
  const within = (ms: number): (() => boolean) => {
    const from = now();
    return () => now() - from < ms;
  };
  const done: HostMemoryRun[] = [];
  for (let run = 0; run < runs; run++) {
    signal.throwIfAborted();
    const step = (what: string) => onStep(`run ${run + 1} of ${runs}: ${what}`);
    step('hashing');
    const hashBytesPerS = await hashRate(now, random);
    step(`filling, up to ${Math.round(fillMs / 1000)} s`);
    const spec = { seed: random.bytes(32), labelBytes, infoBytes, lanes, capacity, maxLeaves };
    const open = await host.openLanes(spec, signal);
    try {
      let from = now();
      const labels = await open.fill(1, within(fillMs), signal);
      const fillTookMs = now() - from;
      await open.roots(labels);
      const filledBytes = labels * lanes * labelBytes;

      step('reading');
      let rounds = 0;
      from = now();
      const reading = within(Math.min(SAMPLE_MS, params.passMs));
      do {
        signal.throwIfAborted();
        await open.pass(labels, random.bytes(32));
        rounds++;
      } while (rounds < params.maxRounds && reading());
      const passTookMs = now() - from;

      step('walking');
      from = now();
      const walking = within(Math.min(SAMPLE_MS, params.walkMs));
      const leaves = await open.walk(labels, random.bytes(32), walking, signal);
      const walkTookMs = now() - from;
      done.push({
        lanes,
        hashBytesPerS,
        filledBytes,
        fillBytesPerS: perSecond(filledBytes, fillTookMs),
        passBytesPerS: perSecond(rounds * filledBytes, passTookMs),
        stepNs: (walkTookMs * 1e6) / (leaves * LEAF_STEPS),
      });
    } finally {
      open.release();
    }
  }
  return done;
}

const perSecond = (amount: number, ms: number): number => (amount * 1000) / Math.max(ms, Number.EPSILON);

/** Compressions of a label with its name, its leaf and the node above it. */
const hashedPerLabel = (params: HostMemoryParams): number =>
  (labelCompressions(params) + Math.ceil((params.labelBytes + 10) / 64) + 2 + 2) * 64;

/** @param bytes that labels may take on this host, whatever the runs took */
export function hostMemoryFindings(
  runs: readonly HostMemoryRun[],
  params: HostMemoryParams,
  bytes: number,
): Findings {
  const of = (each: (run: HostMemoryRun) => number): Figure => figureOf(runs.map(each));
  const lanes = runs[0]!.lanes;
  const hash = of((run) => run.hashBytesPerS);
  const fill = of((run) => run.fillBytesPerS);
  const pass = of((run) => run.passBytesPerS);
  const step = of((run) => run.stepNs);
  const room = Math.min(params.maxBytes, bytes);
  const filled = Math.floor((fill.median * params.fillMs) / 1000 / params.labelBytes) * params.labelBytes;
  const here = Math.min(room, filled);
  const rounds = Math.min(
    params.maxRounds,
    Math.floor((params.passMs * pass.median) / 1000 / Math.max(1, here)),
  );
  const walkMs = params.walkMs - params.passMs;
  const leaves = Math.min(params.maxLeaves, Math.floor((walkMs * 1e6) / (LEAF_STEPS * step.median)));
  const hashPeak = (hash.median * lanes * params.labelBytes) / hashedPerLabel(params);
  const figures: Measured[] = [
    {
      name: 'SHA-256, one thread',
      unit: 'B/s',
      ...hash,
      parameter: { name: 'hashBytesPerS', set: params.hashBytesPerS, here: Math.round(hash.median * lanes) },
    },
    {
      name: 'labels filled',
      unit: 'B/s',
      ...fill,
      peak: { value: hashPeak, of: 'what SHA-256 alone allows' },
      parameter: { name: 'nominalBytes', set: params.nominalBytes, here },
    },
    {
      name: 'read in rounds',
      unit: 'B/s',
      ...pass,
      parameter: { name: 'nominalRounds', set: params.nominalRounds, here: rounds },
    },
    {
      name: 'a step of the walk',
      unit: 'ns',
      ...step,
      peak: { value: params.stepNs, of: 'the fastest step that the class allows for' },
      parameter: { name: 'nominalLeaves', set: params.nominalLeaves, here: leaves },
    },
  ];
  const notes = [
    `fillMs, passMs and walkMs stay: they are the same for all hosts of a class, and as long as phases may be`,
  ];
  const limits = [KEPT_FOR_THE_WAY];
  const measured = Math.max(...runs.map(({ filledBytes }) => filledBytes));
  if (params.rateFromBytes > 0 && measured < params.rateFromBytes)
    limits.push(
      `rounds read ${gib(measured)}, which caches may help with: no rate is credited below ${gib(params.rateFromBytes)}`,
    );
  // of whatever spread: what else runs makes a host slower, never faster
  const bounds = [
    boundAdvice('hashBytesPerS', { set: params.hashBytesPerS, found: hash.max * lanes }),
    boundAdvice('stepNs', { set: params.stepNs, found: step.min, quicker: true }),
  ];
  const broken = bounds.flatMap((each) => each.advice);
  notes.push(...bounds.flatMap((each) => each.notes));
  const tooUnsteady = unsteady('rates', [fill, pass, step]);
  if (tooUnsteady) return { figures, advice: broken, notes: [...notes, tooUnsteady], limits };
  if (here < params.minBytes)
    return {
      figures,
      advice: broken,
      notes: [
        ...notes,
        `${gib(here)} is what this host fills in ${params.fillMs} ms and has room for; ${params.class} begins at ${gib(params.minBytes)}: a smaller class is for it`,
      ],
      limits,
    };
  const what = room < filled ? 'has room for' : `fills in ${params.fillMs} ms`;
  const all = [
    nominalAdvice('nominalLanes', {
      set: params.nominalLanes,
      found: lanes,
      why: 'so many threads of this host fill and walk at once',
    }),
    nominalAdvice('nominalBytes', {
      set: params.nominalBytes,
      found: here,
      why: `this host ${what} so much (median ${(fill.median / 1e6).toFixed(0)} MB/s)`,
    }),
    nominalAdvice('nominalRounds', {
      set: params.nominalRounds,
      found: rounds,
      why: `so often it reads that within ${params.passMs} ms (median ${(pass.median / 1e9).toFixed(1)} GB/s)`,
    }),
    nominalAdvice('nominalLeaves', {
      set: params.nominalLeaves,
      found: leaves,
      why: `so far each lane walks in the ${walkMs} ms that rounds leave (median ${step.median.toFixed(0)} ns a step)`,
    }),
  ];
  const credited = creditFor(params, {
    lanes,
    bytes: here,
    rounds: Math.max(1, rounds),
    leaves: Math.max(1, leaves),
  });
  const nominal = nominalFor(params);
  notes.push(
    ...all.flatMap((each) => each.notes),
    `by these a host is credited ${gib(credited.hostBytes ?? 0)} of the ${gib(nominal.hostBytes ?? 0)} that count one (${percent((credited.hostBytes ?? 0) / (nominal.hostBytes ?? 1))})`,
  );
  return { figures, advice: [...all.flatMap((each) => each.advice), ...broken], notes, limits };
}

const gib = (bytes: number): string =>
  bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(2)} GiB`;
