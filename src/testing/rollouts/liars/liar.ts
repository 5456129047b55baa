// Owns: what a liar about a window of rollouts is. Does not own: any one of them, who judges them (meet.ts).
import type { Check } from '../../../verification/rollouts/evidence.js';
import type { RolloutReason } from '../../../verification/rollouts/reasons.js';
import type { HandedIn, Mining, Substitute } from './window.js';

/** What a validator can hold against a window: a reason of its bytes, or a check of its tokens. */
export type Finding = RolloutReason | Check;

export interface RolloutLiar {
  readonly name: string;
  readonly lie: string;
  /** Any of them; none where no check of ours finds it, and none is claimed to. */
  readonly caughtBy: readonly Finding[];
  /** `bytes`: found at every window, without a model; `tokens`: where the draw falls on what was changed */
  readonly of: 'bytes' | 'tokens';
  /** the model that it runs, where that is another than the window's */
  readonly runs?: Substitute;
  make(mining: Mining, signal: AbortSignal): Promise<HandedIn>;
}
