// What one epoch costs: in doubles, in the BigInt reference (the baseline of the rows), and in plain float64, which is
// not the chain's result. All measured in the same run on the same subnets, 256 and 4,096 neurons of whom 64 validate.
// And how far float64 is from the chain, in units of u16.
import { type EpochInput, type EpochOutput, runEpoch, type U16Row } from '../../src/emissions/epoch.js';
import { runEpochInDoubles } from '../../src/emissions/epoch-in-doubles.js';
import { crowd } from '../../tests/support/crowd.js';
import { type FloatEpoch, float64Epoch } from './float64-epoch.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const VALIDATORS = 64;
const SIZES = [
  { neurons: 256, runs: 300, referenceRuns: 15 },
  { neurons: 4096, runs: 40, referenceRuns: 3 },
] as const;
/** defaults of a subnet (subtensor lib.rs `DefaultAlphaValues`, `DefaultAlphaSigmoidSteepness`) */
const LIQUID_ALPHA = { low: 45_875, high: 58_982, steepness: 1000 };
const KINDS: readonly (readonly [name: string, change: Partial<EpochInput>])[] = [
  ['yuma3', {}],
  ['yuma3 liquid alpha', { liquidAlpha: LIQUID_ALPHA }],
  // every weight differs from consensus, so that none of the sigmoids is known beforehand
  ['yuma3 liquid alpha, penalty 0', { liquidAlpha: LIQUID_ALPHA, bondsPenalty: 0 }],
  ['classic', { yuma3On: false }],
];

export default async function bench(emit: Emit): Promise<void> {
  for (const { neurons, runs, referenceRuns } of SIZES)
    for (const [kind, change] of KINDS) {
      const name = `epoch ${neurons}x${VALIDATORS} ${kind}`;
      const first = { ...subnet(neurons, 'first'), ...change };
      // other weights on the bonds of an epoch before, as on a subnet that has run for a while
      const input = { ...subnet(neurons, 'second'), ...change, bonds: runEpochInDoubles(first).bonds };
      const plain = { ...input, bonds: input.bonds.map((row) => [...row]) };
      const baseline = median(referenceRuns, () => runEpoch(plain));
      const row = (metric: string, value: number) =>
        emit({ bench: name, metric, value, unit: 'ms', baseline });
      row(
        'in doubles',
        median(runs, () => runEpochInDoubles(input)),
      );
      row(
        'in doubles, bonds given and taken as pairs',
        median(runs, () => entries(runEpochInDoubles(plain).bonds)),
      );
      if (input.yuma3On)
        row(
          'float64, inexact',
          median(runs, () => float64Epoch(plain)),
        );
      emit({ bench: name, metric: 'reference', value: baseline, unit: 'ms' });
    }
  for (const [kind, change] of KINDS) if (change.yuma3On !== false) emitErrors(emit, kind, change);
  emitTies(emit);
}

/** The largest distance of any value, after one epoch and after 100 epochs, each on the bonds of its own. */
function emitErrors(emit: Emit, kind: string, change: Partial<EpochInput>): void {
  const bench = `float64 against the chain, ${SIZES[0].neurons}x${VALIDATORS} ${kind}`;
  for (const keeps of ['u16', 'float64'] as const) {
    let exactBonds: readonly U16Row[] = subnet(SIZES[0].neurons, '').bonds;
    let floatBonds: FloatEpoch['bonds'] | undefined;
    for (let epoch = 1; epoch <= 100; epoch++) {
      const input = { ...subnet(SIZES[0].neurons, `epoch ${epoch}`), ...change, bonds: exactBonds };
      const exact = runEpochInDoubles(input);
      const float = float64Epoch(input, floatBonds);
      exactBonds = exact.bonds;
      floatBonds =
        keeps === 'u16' ? float.bonds.map((row) => row?.map((bond) => u16(bond) / 65_535)) : float.bonds;
      if (epoch !== 1 && epoch !== 100) continue;
      for (const [what, value] of Object.entries(errors(exact, float)))
        emit({ bench, metric: `${what}, epoch ${epoch}, bonds kept as ${keeps}`, value, unit: 'u16' });
    }
  }
}

/** What is stored: the floor of both, which is what weights and payments go by. */
function errors(exact: EpochOutput, float: FloatEpoch): Record<'incentive' | 'dividends' | 'bonds', number> {
  const furthest = (values: readonly number[], floats: Float64Array): number =>
    values.reduce((most, value, uid) => Math.max(most, Math.abs(value - u16(floats[uid]!))), 0);
  const bonds = exact.bonds.map((row, uid) => {
    const dense = new Array<number>(exact.bonds.length).fill(0);
    for (const [column, value] of row) dense[column] = value;
    return furthest(dense, float.bonds[uid] ?? new Float64Array(dense.length));
  });
  return {
    incentive: furthest(exact.incentive, float.incentive),
    dividends: furthest(exact.dividends, float.dividends),
    bonds: Math.max(...bonds),
  };
}
const u16 = (proportion: number): number => Math.floor(proportion * 65_535);

/** Ten equal validators, of whom kappa asks for two, four, six or eight: the median stands on a boundary. */
function emitTies(emit: Emit): void {
  const subnets = 1000;
  let differ = 0;
  let furthest = 0;
  for (let i = 0; i < subnets; i++) {
    const base = subnet(14, `tie ${i}`, 10);
    const input = {
      ...base,
      kappa: 13_107 * (1 + (i % 4)),
      stakes: base.stakes.map((_, uid) => (uid < 10 ? 10n : 0n)),
    };
    const { consensus } = runEpochInDoubles(input);
    const floats = float64Epoch(input).consensus;
    const errors = consensus.map((value, uid) => Math.abs(value - u16(floats[uid]!)));
    if (errors.some((error) => error > 1)) differ++;
    furthest = Math.max(furthest, ...errors);
  }
  const bench = 'float64 against the chain, 14x10 with kappa on a boundary';
  emit({ bench, metric: 'subnets of 1000 with another consensus', value: differ, unit: 'subnets' });
  emit({ bench, metric: 'consensus', value: furthest, unit: 'u16' });
}

const entries = (rows: readonly U16Row[]): number => rows.reduce((count, row) => count + row.length, 0);

const subnet = (neurons: number, seed: string, validators = VALIDATORS): EpochInput =>
  crowd(neurons, validators, `benchmark epoch ${seed}`);

/** Milliseconds of the middle one of `runs`, after three runs and half a second to warm up. */
function median(runs: number, run: () => unknown): number {
  const begin = performance.now();
  for (let i = 0; i < 3 || performance.now() - begin < 500; i++) run();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    run();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[runs >> 1]!;
}
