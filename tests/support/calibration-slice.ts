// Owns: a calibration small enough to be made again at every run of the tests: two engines of one table model, one of them with a
// rounding of its own. `npx tsx tests/support/calibration-slice.ts` writes it anew.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import {
  type CalibrationJournal,
  type CalibrationStep,
  calibrate,
} from '../../src/testing/rollouts/calibrate.js';
import { rolloutLiars } from '../../src/testing/rollouts/liars/rollout-liars.js';
import { createTableModel } from '../../src/testing/rollouts/table-model.js';
import { type Calibration, signCalibration } from '../../src/verification/rollouts/calibration.js';
import { digestOf } from './rollout-files.js';
import { POLICY, tableEnvironment } from './table-rollouts.js';

export const SLICE = fileURLToPath(new URL('../vectors/rollouts/calibration-slice.json', import.meta.url));
export const SLICE_HOTKEY = 'calibration slice';
const NOTHING: CalibrationJournal = { noise: [], acceptance: [], attacks: [] };

/** Some 500 honest rollouts and 36 liars: two seconds. */
export const slice = (
  signal: AbortSignal,
  done = NOTHING,
  onStep: (step: CalibrationStep) => void = () => {},
): Promise<Calibration> =>
  calibrate(
    {
      miner: createTableModel({ noise: 1e-5, noiseSeed: 'miner' }),
      verifier: createTableModel(),
      substitutes: {},
      environment: tableEnvironment(),
      policy: POLICY,
      checkpointDigest: digestOf('slice'),
    },
    {
      seed: 'slice',
      noiseRollouts: 99,
      alphaPpm: 10_000,
      leastTolerance: 1,
      acceptanceRollouts: 400,
      liars: rolloutLiars,
      attackWindows: 2,
      groups: 10,
      draw: { rollouts: 6, deep: 6, positions: 8 },
      weights: 'random',
      without: ['steered-tenth'],
    },
    { done, onStep },
    signal,
  );

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await readyKeys();
  writeFileSync(SLICE, signCalibration(await slice(new AbortController().signal), devKeypair(SLICE_HOTKEY)));
}
