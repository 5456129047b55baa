import { expect, test } from 'vitest';
import { movesIn } from '../../../src/cli/commands/chain/stake.js';

test('what was unstaked is read by subnet, each with its fee', () => {
  const event = (name: string, ...data: unknown[]) => ({ pallet: 'SubtensorModule', name, data });
  const events = [
    event('StakeRemoved', '5C', '5H', 7, 9, 1, 2),
    event('StakeRemoved', '5C', '5H', 10n ** 18n, 4, 3, 0),
    event('StakeAdded', '5C', '5H', 1, 1, 0, 0),
  ];
  expect(movesIn(events, 'unstake')).toEqual([
    { netuid: 1, taoRao: 7n, alphaRao: 9n, swapFeeRao: 2n },
    { netuid: 3, taoRao: 10n ** 18n, alphaRao: 4n, swapFeeRao: 0n },
  ]);
  expect(movesIn(events, 'stake')).toEqual([{ netuid: 0, taoRao: 1n, alphaRao: 1n, swapFeeRao: 0n }]);
});
