// Owns: pallet Swap (28): the weights of subnets' pools; their reserves are SubtensorModule's. It has calls and events on
// the chain; what the localnet serves needs none of them.
import { definePallet } from '../pallet.js';
import { bool, newtype, struct, u16, u64 } from '../scale.js';
import { map, storageOf, twox } from '../storage.js';

/** Parts of 10^18. */
const perquintill = newtype('sp_arithmetic::per_things::Perquintill', u64);
const netuid = [twox(u16)] as const;

export const swapPallet = definePallet({
  name: 'Swap',
  index: 28,
  storage: storageOf('Swap', {
    FeeRate: map(netuid, u16, 33),
    SwapBalancer: map(
      netuid,
      struct('pallet_subtensor_swap::pallet::balancer::Balancer', { quote: perquintill }),
      { quote: 500_000_000_000_000_000n },
    ),
    PalSwapInitialized: map(netuid, bool, false),
  }),
  calls: {},
  events: {},
  errors: [
    ['FeeRateTooHigh', 0],
    ['InsufficientInputAmount', 1],
    ['InsufficientLiquidity', 2],
    ['PriceLimitExceeded', 3],
    ['InsufficientBalance', 4],
    ['InvalidTickRange', 5],
    ['InvalidLiquidityValue', 6],
    ['ReservesTooLow', 7],
    ['MechanismDoesNotExist', 8],
    ['SubtokenDisabled', 9],
    ['ReservesOutOfBalance', 10],
    ['SwapInputTooLarge', 11],
    ['Deprecated', 12],
  ],
  constants: {},
});
