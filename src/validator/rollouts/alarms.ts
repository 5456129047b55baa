// Owns: what of a window a human should look at, in words, and what changed of it. Does not own: when one rings (judge.ts).
import type { Hotkey } from '../../model/ids.js';

/** None of them costs anybody anything. */
export type Alarm =
  /** nobody was convicted: the fault seems to be this validator's */
  | { readonly is: 'broken' }
  /** more miners have wrong rollouts than there should be: liars at once, or a verifier that begins to fail */
  | { readonly is: 'above-bound' }
  /** this miner's rollouts cannot be judged more often than others' */
  | { readonly is: 'evasive'; readonly miner: Hotkey };

export const ALARMS: Readonly<Record<Alarm['is'], string>> = {
  broken: 'nobody is convicted: so many miners have wrong rollouts that the fault must be here',
  'above-bound': 'more miners have wrong rollouts than there should be: liars at once, or a fault here',
  evasive: 'rollouts of a miner cannot be judged more often than those of others',
};

/** Those of the first that are not among the others. */
export const alarmsBeyond = (some: readonly Alarm[], others: readonly Alarm[]): Alarm[] =>
  some.filter((one) => !others.some((other) => keyOf(other) === keyOf(one)));

const keyOf = (alarm: Alarm): string => (alarm.is === 'evasive' ? `${alarm.is} ${alarm.miner}` : alarm.is);
