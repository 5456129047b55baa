// Owns: what every runtime API is asked over. Does not own: the answers.
import type { StateView } from '../state.js';

/** The state as of the end of a block. */
export interface At {
  readonly state: StateView;
  readonly block: number;
}
