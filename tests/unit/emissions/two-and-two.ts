import type { EpochInput, U16Row } from '../../../src/emissions/epoch.js';

const equally: U16Row = [
  [2, 65_535],
  [3, 65_535],
];

/** Two validators of equal stake (uids 0, 1) and two miners (2, 3), all active, on the defaults of a subnet; classic bonds. */
export const twoAndTwo = (change: Partial<EpochInput> = {}): EpochInput => ({
  n: 4,
  block: 1000,
  tempo: 360,
  activityCutoff: 5000,
  lastUpdate: [900, 900, 900, 900],
  blockAtRegistration: [1, 1, 1, 1],
  kappa: 32_767,
  bondsPenalty: 65_535,
  bondsMovingAverage: 900_000,
  maxValidators: 64,
  stakeThreshold: 0n,
  stakes: [1_000n, 1_000n, 0n, 0n],
  ownerUid: undefined,
  weights: [equally, equally, [], []],
  bonds: [[], [], [], []],
  validatorPermits: [true, true, false, false],
  lastMechanismStep: 640,
  commitReveal: undefined,
  yuma3On: false,
  liquidAlpha: undefined,
  raoEmission: 1_000_000_000n,
  ...change,
});
