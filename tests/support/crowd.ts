// Owns: a subnet of any size as an epoch reads it, for tests and benchmarks of the epoch.
import type { EpochInput } from '../../src/emissions/epoch.js';
import { createSeededRandom } from '../../src/model/prng.js';

/** The first neurons validate and weigh all others, each as it likes; Yuma3 on the defaults of a subnet, no bonds yet. */
export function crowd(n: number, validators: number, seed: string): EpochInput {
  const random = createSeededRandom(seed);
  const uids = Array.from({ length: n }, (_, uid) => uid);
  const miners = uids.slice(validators);
  const isValidator = (uid: number) => uid < validators;
  return {
    n,
    block: 1000,
    tempo: 360,
    activityCutoff: 5000,
    lastUpdate: uids.map(() => 900),
    blockAtRegistration: uids.map(() => 1),
    kappa: 32_767,
    bondsPenalty: 65_535,
    bondsMovingAverage: 900_000,
    maxValidators: 64,
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
