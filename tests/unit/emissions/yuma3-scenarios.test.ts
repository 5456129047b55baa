// Upstream's Yuma3 tables that the vector file leaves out (subtensor tests/epoch.rs `test_yuma_3_*`), with upstream's
// own targets. Its bond targets are never compared there (the loop skips the columns it has); here they are.
import { describe, expect, it } from 'vitest';
import { parseEpochCases } from '../../../src/emissions/cases/parse.js';
import { runEpochCase } from '../../../src/emissions/cases/run.js';
import { type EpochOutput, runEpoch } from '../../../src/emissions/epoch.js';

const MAX = 65535;
const HALF = 32767;

interface Target {
  readonly epoch: number;
  /** proportions by validator */
  readonly dividends: readonly number[];
  /** proportions by validator and server */
  readonly bonds: readonly (readonly number[])[];
}

interface Scenario {
  /** by validator */
  readonly stakes: readonly number[];
  readonly servers: number;
  readonly epochs: number;
  /** u16 towards each server, by validator; undefined: as before */
  readonly weights: (epoch: number) => readonly (readonly number[])[] | undefined;
  readonly resetBondsTo?: { readonly epoch: number; readonly uid: number };
  readonly targets: readonly Target[];
}

/** Upstream's `setup_yuma_3_scenario`: all registered at block 1, an epoch at block 2 that grants the permits. */
function run({ stakes, servers, epochs, weights, resetBondsTo }: Scenario): readonly EpochOutput[] {
  const n = stakes.length + servers;
  const all = <T>(value: T): T[] => new Array<T>(n).fill(value);
  const uids = Array.from({ length: servers }, (_, k) => stakes.length + k);
  const [epochCase] = parseEpochCases({
    n,
    hyperparameters: {
      kappa: HALF,
      bonds_moving_average: 975_000,
      bonds_penalty: 0,
      activity_cutoff_factor_milli: 13_889,
      liquid_alpha: true,
      yuma3: true,
      alpha_low: 6553,
      alpha_high: 19_660,
      alpha_sigmoid_steepness: 1000,
      stake_threshold: 0,
      commit_reveal: false,
      owner_uid: null,
      tempo: 1,
      max_validators: stakes.length,
      last_mechanism_step: 0,
    },
    initial: {
      block: 1,
      block_at_registration: all(1),
      last_update: all(1),
      validator_permits: all(false),
      stakes: [...stakes, ...uids.map(() => 0)],
    },
    warmup: { epoch_block: 2, rao_emission: 1_000_000_000 },
    steps: Array.from({ length: epochs }, (_, epoch) => ({
      actions: [
        ...(weights(epoch) ?? []).map((values, uid) => {
          return { op: 'set_weights', uid, uids, values, at_block: epoch + 2 };
        }),
        ...(resetBondsTo?.epoch === epoch ? [{ op: 'reset_bonds_to', uid: resetBondsTo.uid }] : []),
      ],
      epoch_block: epoch + 3,
      rao_emission: 1_000_000_000,
    })),
  });
  return runEpochCase(epochCase!, runEpoch).steps;
}

function expectTargets(scenario: Scenario): void {
  const outputs = run(scenario);
  const validators = scenario.stakes.length;
  for (const { epoch, dividends, bonds } of scenario.targets) {
    const output = outputs[epoch]!;
    dividends.forEach((target, uid) => {
      expect(Math.abs(output.dividends[uid]! / MAX - target), `dividend ${epoch}/${uid}`).toBeLessThan(1e-3);
    });
    bonds.forEach((row, uid) => {
      const held = new Map(output.bonds[uid]);
      row.forEach((target, k) => {
        const bond = (held.get(validators + k) ?? 0) / MAX;
        expect(Math.abs(bond - target), `bond ${epoch}/${uid}/${k}`).toBeLessThan(1e-3);
      });
    });
  }
}

/** `weights` that change at the epochs named, and stay from the last of them on. */
const schedule =
  (...changes: readonly (readonly (readonly number[])[])[]): Scenario['weights'] =>
  (epoch) =>
    changes[epoch];

/** Targets of epochs 0, 1, 2, ... */
const fromFirst = (rows: readonly Omit<Target, 'epoch'>[]): readonly Target[] =>
  rows.map((row, epoch) => ({ epoch, ...row }));

const ONE = [MAX, 0];
const TWO = [0, MAX];

describe('Yuma3 bonds and dividends', () => {
  it('pay the small validator that moves first and the big one that moves second', () => {
    expectTargets({
      stakes: [8, 1, 1],
      servers: 2,
      epochs: 6,
      weights: schedule([ONE, ONE, ONE], [ONE, TWO, ONE], [TWO, TWO, ONE], [TWO, TWO, TWO]),
      targets: fromFirst([
        {
          dividends: [0.8, 0.1, 0.1],
          bonds: [
            [0.1013, 0],
            [0.1013, 0],
            [0.1013, 0],
          ],
        },
        {
          dividends: [0.8446, 0.0498, 0.1056],
          bonds: [
            [0.1924, 0],
            [0.0908, 0.2987],
            [0.1924, 0],
          ],
        },
        {
          dividends: [0.6868, 0.3132, 0],
          bonds: [
            [0.1715, 0.1013],
            [0.0815, 0.3697],
            [0.4336, 0],
          ],
        },
        {
          dividends: [0.7421, 0.209, 0.0489],
          bonds: [
            [0.1531, 0.1924],
            [0.0731, 0.4336],
            [0.3608, 0.1013],
          ],
        },
        {
          dividends: [0.7625, 0.1706, 0.0669],
          bonds: [
            [0.1369, 0.2742],
            [0.0656, 0.491],
            [0.3103, 0.1924],
          ],
        },
        {
          dividends: [0.773, 0.1508, 0.0762],
          bonds: [
            [0.1225, 0.3478],
            [0.0588, 0.5426],
            [0.2712, 0.2742],
          ],
        },
      ]),
    });
  });

  it('pay the big validator that moves last less than its stake until its bonds have grown', () => {
    expectTargets({
      stakes: [8, 1, 1],
      servers: 2,
      epochs: 6,
      weights: schedule([ONE, ONE, ONE], [ONE, TWO, ONE], [ONE, TWO, TWO], [TWO, TWO, TWO]),
      targets: fromFirst([
        {
          dividends: [0.8, 0.1, 0.1],
          bonds: [
            [0.1013, 0],
            [0.1013, 0],
            [0.1013, 0],
          ],
        },
        {
          dividends: [0.8446, 0.0498, 0.1056],
          bonds: [
            [0.1924, 0],
            [0.0908, 0.2987],
            [0.1924, 0],
          ],
        },
        {
          dividends: [0.8966, 0.0333, 0.0701],
          bonds: [
            [0.2742, 0],
            [0.0815, 0.5081],
            [0.1715, 0.2987],
          ],
        },
        {
          dividends: [0.4663, 0.321, 0.2127],
          bonds: [
            [0.2416, 0.1013],
            [0.0731, 0.558],
            [0.1531, 0.3697],
          ],
        },
        {
          dividends: [0.5976, 0.234, 0.1683],
          bonds: [
            [0.2141, 0.1924],
            [0.0656, 0.6028],
            [0.1369, 0.4336],
          ],
        },
        {
          dividends: [0.6592, 0.1932, 0.1475],
          bonds: [
            [0.1903, 0.2742],
            [0.0588, 0.643],
            [0.1225, 0.491],
          ],
        },
      ]),
    });
  });

  it('move less where a miner keeps its weight', () => {
    const first = [HALF, 0, HALF];
    const second = [0, HALF, HALF];
    expectTargets({
      stakes: [8, 1, 1],
      servers: 3,
      epochs: 6,
      weights: schedule(
        [first, first, first],
        [first, second, first],
        [second, second, first],
        [second, second, second],
      ),
      targets: fromFirst([
        {
          dividends: [0.8, 0.1, 0.1],
          bonds: [
            [0.0507, 0, 0.0507],
            [0.0507, 0, 0.0507],
            [0.0507, 0, 0.0507],
          ],
        },
        {
          dividends: [0.8226, 0.0745, 0.1028],
          bonds: [
            [0.0962, 0, 0.0962],
            [0.0455, 0.1, 0.0962],
            [0.0962, 0, 0.0962],
          ],
        },
        {
          dividends: [0.775, 0.1685, 0.0565],
          bonds: [
            [0.0863, 0.0507, 0.1371],
            [0.0408, 0.1405, 0.1371],
            [0.177, 0, 0.1371],
          ],
        },
        {
          dividends: [0.7864, 0.1372, 0.0764],
          bonds: [
            [0.0774, 0.0962, 0.1739],
            [0.0367, 0.177, 0.1739],
            [0.1579, 0.0507, 0.1739],
          ],
        },
        {
          dividends: [0.7912, 0.1241, 0.0847],
          bonds: [
            [0.0694, 0.1371, 0.2069],
            [0.0329, 0.2097, 0.2069],
            [0.1411, 0.0962, 0.2069],
          ],
        },
        {
          dividends: [0.7937, 0.1173, 0.089],
          bonds: [
            [0.0623, 0.1739, 0.2366],
            [0.0296, 0.2391, 0.2366],
            [0.1263, 0.1371, 0.2366],
          ],
        },
      ]),
    });
  });

  it('start anew for a miner whose bonds are reset, over 41 epochs', () => {
    expectTargets({
      stakes: [8, 1, 1],
      servers: 2,
      epochs: 41,
      weights: (epoch) => {
        if (epoch === 1) return [ONE, TWO, TWO];
        if (epoch === 21) return [TWO, ONE, ONE];
        return epoch === 0 || epoch > 21 ? [ONE, ONE, ONE] : [TWO, TWO, TWO];
      },
      resetBondsTo: { epoch: 20, uid: 3 },
      targets: [
        {
          epoch: 0,
          dividends: [0.8, 0.1, 0.1],
          bonds: [
            [0.1013, 0],
            [0.1013, 0],
            [0.1013, 0],
          ],
        },
        {
          epoch: 1,
          dividends: [0.8944, 0.0528, 0.0528],
          bonds: [
            [0.1924, 0],
            [0.0908, 0.2987],
            [0.0908, 0.2987],
          ],
        },
        {
          epoch: 2,
          dividends: [0.523, 0.2385, 0.2385],
          bonds: [
            [0.1715, 0.1013],
            [0.0815, 0.3697],
            [0.0815, 0.3697],
          ],
        },
        {
          epoch: 19,
          dividends: [0.7919, 0.104, 0.104],
          bonds: [
            [0.0269, 0.8539],
            [0.0131, 0.8975],
            [0.0131, 0.8975],
          ],
        },
        {
          epoch: 20,
          dividends: [0.7928, 0.1036, 0.1036],
          bonds: [
            [0, 0.8687],
            [0, 0.9079],
            [0, 0.9079],
          ],
        },
        {
          epoch: 21,
          dividends: [0.8467, 0.0766, 0.0766],
          bonds: [
            [0, 0.882],
            [0.2987, 0.6386],
            [0.2987, 0.6386],
          ],
        },
        {
          epoch: 40,
          dividends: [0.7928, 0.1036, 0.1036],
          bonds: [
            [0.8687, 0.0578],
            [0.9079, 0.0523],
            [0.9079, 0.0523],
          ],
        },
      ],
    });
  });
});
