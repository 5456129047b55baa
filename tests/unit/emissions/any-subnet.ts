import type { EpochInput } from '../../../src/emissions/epoch.js';
import fc from '../../support/properties.js';

/** Any state a chain could hold, and some it could not (rows in any order, stale registrations). */
export const anySubnet: fc.Arbitrary<EpochInput> = fc.integer({ min: 1, max: 9 }).chain((n) => {
  const perUid = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
    fc.array(value, { minLength: n, maxLength: n });
  // the bounds often: weights, bonds and settings of exactly 0 and 1 meet there
  const u16 = fc.oneof(fc.integer({ min: 0, max: 65535 }), fc.constantFrom(0, 65535));
  const block = fc.integer({ min: 0, max: 1200 });
  const row = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: n - 1 }), u16), {
    selector: ([uid]) => uid,
    maxLength: n,
  });
  return fc.record({
    n: fc.constant(n),
    block: fc.constant(1000),
    tempo: fc.constantFrom(1, 100, 360),
    activityCutoff: fc.constantFrom(1, 200, 5000),
    lastUpdate: perUid(block),
    blockAtRegistration: perUid(block),
    kappa: u16,
    bondsPenalty: u16,
    bondsMovingAverage: fc.integer({ min: 0, max: 1_000_000 }),
    maxValidators: fc.integer({ min: 0, max: 12 }),
    stakeThreshold: fc.constantFrom(0n, 1_000n),
    stakes: perUid(fc.bigInt({ min: 0n, max: 21_000_000_000_000_000n })),
    ownerUid: fc.option(fc.integer({ min: 0, max: n - 1 }), { nil: undefined }),
    weights: perUid(row),
    bonds: perUid(row),
    validatorPermits: perUid(fc.boolean()),
    lastMechanismStep: fc.constantFrom(0, 500, 999),
    commitReveal: fc.option(fc.record({ earliestCommit: perUid(fc.option(block, { nil: undefined })) }), {
      nil: undefined,
    }),
    yuma3On: fc.boolean(),
    liquidAlpha: fc.option(
      fc.record({ low: u16, high: u16, steepness: fc.integer({ min: -32768, max: 32767 }) }),
      { nil: undefined },
    ),
    raoEmission: fc.bigInt({ min: 0n, max: 360_000_000_000n }),
  });
});
