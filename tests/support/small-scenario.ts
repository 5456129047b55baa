// Owns: a scenario file that runs in some milliseconds and has somebody in it who is not honest.
import type { ScenarioFile } from '../../src/emissions/simulator/scenario.js';

/** Three validators, one of them a cabal of 40 %, and four miners, one of them its friend. */
export const smallScenario: ScenarioFile = {
  name: 'small',
  title: 'Small',
  epochs: 5,
  subnet: { tempo: 20 },
  validators: [
    { name: 'honest', count: 2, stakeAlpha: 30_000 },
    {
      name: 'cabal',
      stakeAlpha: 40_000,
      coalition: 'cabal',
      behaviour: { kind: 'cabal', favours: 'friends' },
    },
  ],
  miners: [
    { name: 'farm', count: 3, costTaoPerHour: 0.05 },
    { name: 'friends', coalition: 'cabal' },
  ],
};
