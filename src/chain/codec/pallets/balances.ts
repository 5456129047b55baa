// Owns: pallet Balances (5): u64 rao.
import { call, definePallet, event } from '../pallet.js';
import { bool, compact, u64 } from '../scale.js';
import { storageOf, value } from '../storage.js';
import { accountId, multiAddress } from '../types.js';

export const EXISTENTIAL_DEPOSIT = 500n;
const transfer = { dest: multiAddress, value: compact(u64) };

export const balances = definePallet({
  name: 'Balances',
  index: 5,
  storage: storageOf('Balances', { TotalIssuance: value(u64, 0n), InactiveIssuance: value(u64, 0n) }),
  calls: {
    transfer_allow_death: call(0, transfer),
    transfer_keep_alive: call(3, transfer),
    transfer_all: call(4, { dest: multiAddress, keep_alive: bool }),
    force_set_balance: call(8, { who: multiAddress, new_free: compact(u64) }),
  },
  events: {
    Endowed: event(0, { account: accountId, free_balance: u64 }),
    DustLost: event(1, { account: accountId, amount: u64 }),
    Transfer: event(2, { from: accountId, to: accountId, amount: u64 }),
    BalanceSet: event(3, { who: accountId, free: u64 }),
    Deposit: event(7, { who: accountId, amount: u64 }),
    Withdraw: event(8, { who: accountId, amount: u64 }),
  },
  errors: [
    ['VestingBalance', 0],
    ['LiquidityRestrictions', 1],
    ['InsufficientBalance', 2],
    ['ExistentialDeposit', 3],
    ['Expendability', 4],
    ['ExistingVestingSchedule', 5],
    ['DeadAccount', 6],
    ['TooManyReserves', 7],
    ['TooManyHolds', 8],
    ['TooManyFreezes', 9],
    ['IssuanceDeactivated', 10],
    ['DeltaZero', 11],
  ],
  constants: { ExistentialDeposit: { type: u64, value: EXISTENTIAL_DEPOSIT } },
});
