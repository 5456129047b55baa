// Owns: all liars about a window of rollouts in one list, and the honest miner beside them. Does not own: any one of them.
import { byteLiars } from './byte-liars.js';
import type { RolloutLiar } from './liar.js';
import { tokenLiars } from './token-liars.js';
import { handIn, mine } from './window.js';

export const rolloutLiars: readonly RolloutLiar[] = [...tokenLiars, ...byteLiars];

/** Whoever finds something here is wrong. */
export const honestMiner: RolloutLiar = {
  name: 'honest',
  lie: 'none',
  caughtBy: [],
  of: 'tokens',
  make: async (mining, signal) => handIn(mining, await mine(mining, {}, signal)),
};
