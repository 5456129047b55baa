import { describe, expect, test } from 'vitest';
import type { BlockEvent } from '../../../src/chain/operator-reads.js';
import { isOfSubnet } from '../../../src/cli/commands/chain/subnet-events.js';

const event = (name: string, data: BlockEvent['data'], pallet = 'SubtensorModule'): BlockEvent => ({
  pallet,
  name,
  extrinsic: undefined,
  types: [],
  data,
});

// field orders are those of subtensor macros/events.rs at spec 425
describe('an event of the chain', () => {
  test.each([
    event('NeuronRegistered', { 0: 3, 1: 9, 2: '5F' }),
    event('StakeAdded', { 0: '5C', 1: '5H', 2: 1n, 3: 2n, 4: 3, 5: 0n }),
    event('StakeMoved', { 0: '5C', 1: '5H', 2: 1, 3: '5H', 4: 3, 5: 7n }),
    event('WeightsCommitted', { 0: '5H', 1: 3, 2: new Uint8Array(32) }),
    // of mechanism 2: 3 + 2 x 4096
    event('TimelockedWeightsRevealed', { 0: 8195, 1: '5H' }),
    event('EpochTriggered', { netuid: 3, by: '5C', firesAt: 10n }),
    event('Commitment', { netuid: 3, who: '5H' }, 'Commitments'),
  ])('$name is of the subnet that it names', (seen) => {
    expect(isOfSubnet(seen, 3)).toBe(true);
    expect(isOfSubnet(seen, 4)).toBe(false);
  });

  test.each([
    event('DefaultTakeSet', { 0: 3 }),
    event('AdminFreezeWindowSet', { 0: 3 }),
    event('StakeAdded', { 0: '5C', 1: '5H', 2: 3n, 3: 3n, 4: 1, 5: 3n }),
    event('Transfer', { from: '5A', to: '5B', amount: 3n }, 'Balances'),
    event('Deposit', { 0: 3 }, 'Balances'),
  ])('$name with the same number elsewhere is not', (seen) => {
    expect(isOfSubnet(seen, 3)).toBe(false);
  });
});
