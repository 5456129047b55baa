// Owns: what the demo of rollouts must have shown, from rows, pay and verdicts judged again. Pure. Does not own: the demo.
import type { RolloutMinerKind } from '../../testing/rollouts/miners.js';
import type { ReplayedVerdict } from '../../validator/rollouts/replay.js';
import type { RolloutRow } from '../rollout-rows.js';

export interface RolloutShown {
  /** kind of each miner, by hotkey */
  readonly kinds: ReadonlyMap<string, RolloutMinerKind>;
  /** windows that all validators judged */
  readonly windows: readonly number[];
  /** of all validators */
  readonly rows: readonly RolloutRow[];
  /** of the last window, at the validator whose verdicts are judged again */
  readonly last: readonly RolloutRow[];
  /** by hotkey */
  readonly incentives: ReadonlyMap<string, number>;
  readonly replayed: readonly ReplayedVerdict[];
}

/** Whoever leaves the stream or the checkpoint is found within three windows; of `int8` so few tokens differ that it may not be. */
const FOUND: readonly RolloutMinerKind[] = ['best-of-n', 'stale', 'copies'];

/** Nothing holds of nobody: each needs miners, rollouts or verdicts that it is said of. */
export function rolloutChecks({ kinds, windows, rows, last, incentives, replayed }: RolloutShown) {
  const check = (what: string, ok: boolean, found: string) => ({ what, ok, found, timing: false });
  const paid = (hotkey: string): number => incentives.get(hotkey) ?? 0;
  const of = (kind: RolloutMinerKind) => [...kinds].flatMap(([hotkey, is]) => (is === kind ? [hotkey] : []));
  const sum = (hotkey: string, value: (row: RolloutRow) => number): number =>
    rows.reduce((total, row) => total + (row.miner === hotkey ? value(row) : 0), 0);
  const honest = of('honest');
  const audited = honest.map((hotkey) => sum(hotkey, (row) => row.audited));
  const wrong = honest.reduce((total, hotkey) => total + sum(hotkey, (row) => row.wrong), 0);
  const found = FOUND.filter((kind) => of(kind).some((hotkey) => sum(hotkey, (row) => row.wrong) > 0));
  const convicted = last.filter((row) => row.convicted !== undefined);
  const same = replayed.filter(({ is }) => is === 'same');
  const unseen = windows.filter((window) => !same.some((each) => each.window === window));
  const all = (values: readonly number[], holds: (value: number) => boolean): boolean =>
    values.length > 0 && values.every(holds);
  return [
    check(
      'no rollout of an honest miner was found wrong',
      wrong === 0 && all(audited, (count) => count > 0),
      `${wrong} wrong of ${audited.join(' + ') || 'none'}`,
    ),
    check(
      'wrong rollouts were found of whoever left the stream or the checkpoint',
      found.length === FOUND.length,
      found.join(', ') || 'none',
    ),
    check(
      'honest miners are paid',
      all(honest.map(paid), (incentive) => incentive > 0),
      honest.map(paid).join(' / ') || 'there are none',
    ),
    check(
      'somebody was convicted, and whoever was is paid nothing',
      all(
        convicted.map(({ miner }) => paid(miner)),
        (incentive) => incentive === 0,
      ),
      convicted.map(({ miner }) => kinds.get(miner) ?? miner).join(', ') || 'nobody was',
    ),
    check(
      'every verdict of validator-a replays to the byte, in every window',
      windows.length > 0 && unseen.length === 0 && same.length === replayed.length,
      `${same.length} of ${replayed.length}${unseen.length > 0 ? `, none of window ${unseen.join(', ')}` : ''}`,
    ),
  ];
}
