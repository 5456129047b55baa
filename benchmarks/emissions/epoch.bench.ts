// What one epoch costs: in doubles, in the BigInt reference (the baseline of the rows), and in plain float64, which is
// not the chain's result. All three measured in the same run on the same subnet, 256 neurons of whom 64 validate.
import { type EpochInput, runEpoch } from '../../src/emissions/epoch.js';
import { runEpochInDoubles } from '../../src/emissions/epoch-in-doubles.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { float64Epoch } from './float64-epoch.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

const NEURONS = 256;
const VALIDATORS = 64;
/** defaults of a subnet (subtensor lib.rs `DefaultAlphaValues`, `DefaultAlphaSigmoidSteepness`) */
const LIQUID_ALPHA = { low: 45_875, high: 58_982, steepness: 1000 };

export default async function bench(emit: Emit): Promise<void> {
  const kinds: readonly (readonly [name: string, change: Partial<EpochInput>])[] = [
    ['yuma3', {}],
    ['yuma3 liquid alpha', { liquidAlpha: LIQUID_ALPHA }],
    // every weight differs from consensus, so that none of the sigmoids is known beforehand
    ['yuma3 liquid alpha, penalty 0', { liquidAlpha: LIQUID_ALPHA, bondsPenalty: 0 }],
    ['classic', { yuma3On: false }],
  ];
  for (const [kind, change] of kinds) {
    const name = `epoch ${NEURONS}x${VALIDATORS} ${kind}`;
    const first = { ...subnet('first'), ...change };
    // other weights on the bonds of an epoch before, as on a subnet that has run for a while
    const input = { ...subnet('second'), ...change, bonds: runEpochInDoubles(first).bonds };
    const reference = median(15, () => runEpoch(input));
    const doubles = median(300, () => runEpochInDoubles(input));
    emit({ bench: name, metric: 'in doubles', value: doubles, unit: 'ms', baseline: reference });
    if (input.yuma3On) {
      const float = median(300, () => float64Epoch(input));
      emit({ bench: name, metric: 'float64, inexact', value: float, unit: 'ms', baseline: reference });
    }
    emit({ bench: name, metric: 'reference', value: reference, unit: 'ms' });
  }
}

function subnet(seed: string): EpochInput {
  const random = createSeededRandom(`benchmark epoch ${seed}`);
  const uids = Array.from({ length: NEURONS }, (_, uid) => uid);
  const isValidator = (uid: number) => uid < VALIDATORS;
  const miners = uids.slice(VALIDATORS);
  return {
    n: NEURONS,
    block: 1000,
    tempo: 360,
    activityCutoff: 5000,
    lastUpdate: uids.map(() => 900),
    blockAtRegistration: uids.map(() => 1),
    kappa: 32_767,
    bondsPenalty: 65_535,
    bondsMovingAverage: 900_000,
    maxValidators: VALIDATORS,
    stakeThreshold: 0n,
    stakes: uids.map((uid) => (isValidator(uid) ? BigInt(1 + random.below(10 ** 9)) * 1_000_000n : 0n)),
    ownerUid: undefined,
    weights: uids.map((uid) =>
      isValidator(uid) ? miners.map((miner) => [miner, random.below(65_536)] as const) : [],
    ),
    bonds: uids.map(() => []),
    validatorPermits: uids.map(isValidator),
    lastMechanismStep: 640,
    commitReveal: undefined,
    yuma3On: true,
    liquidAlpha: undefined,
    raoEmission: 148_000_000_000n,
  };
}

/** Milliseconds of the middle one of `runs`, after a quarter as many to warm up. */
function median(runs: number, run: () => unknown): number {
  const times: number[] = [];
  for (let i = -Math.ceil(runs / 4); i < runs; i++) {
    const start = performance.now();
    run();
    if (i >= 0) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[runs >> 1]!;
}
