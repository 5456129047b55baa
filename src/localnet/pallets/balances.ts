// Owns: free balances: transfers, and moving TAO for other pallets. Does not own: stake (staking.ts).
import { EXISTENTIAL_DEPOSIT } from '../../chain/codec/pallets/balances.js';
import { runtime } from '../../chain/codec/runtime.js';
import type { ValueOf } from '../../chain/codec/scale.js';
import { addressOf, type multiAddress } from '../../chain/codec/types.js';
import {
  type BlockContext,
  CallFailed,
  ensureRoot,
  ensureSigned,
  type Handlers,
  tokenFailed,
} from '../dispatch.js';
import type { StateView } from '../state.js';

const { Account } = runtime.System.storage;
const { TotalIssuance } = runtime.Balances.storage;

export const freeBalance = (state: StateView, who: string): bigint => state.get(Account, who).data.free;

/** `can_remove_balance_from_coldkey_account`: down to nothing, though what follows mostly keeps the account alive. */
export const canWithdraw = (state: StateView, who: string, amount: bigint): boolean =>
  freeBalance(state, who) >= amount;

/** `get_keep_alive_balance`: what an account can spend and live. */
export function spendableAlive(state: StateView, who: string): bigint {
  const free = freeBalance(state, who);
  return free > EXISTENTIAL_DEPOSIT ? free - EXISTENTIAL_DEPOSIT : 0n;
}

/** Free TAO out of nothing (genesis) or, negative, into nothing (a fee without a block author to earn it). */
export function issue(context: BlockContext, who: string, amount: bigint): void {
  addFree(context, who, amount);
  context.state.put(TotalIssuance, [], context.state.get(TotalIssuance) + amount);
}

/** @throws CallFailed `Token.FundsUnavailable`, `Token.BelowMinimum`, `Token.NotExpendable` */
export function transfer(
  context: BlockContext,
  from: string,
  to: string,
  amount: bigint,
  keepAlive: boolean,
): void {
  const { state } = context;
  const available = freeBalance(state, from);
  if (available < amount) throw tokenFailed('FundsUnavailable');
  if (from !== to && amount > 0n) {
    if (freeBalance(state, to) + amount < EXISTENTIAL_DEPOSIT) throw tokenFailed('BelowMinimum');
    if (available - amount < EXISTENTIAL_DEPOSIT && keepAlive) throw tokenFailed('NotExpendable');
    addFree(context, from, -amount);
    addFree(context, to, amount);
  }
  context.emit({ pallet: 'Balances', name: 'Transfer', data: { from, to, amount } });
}

function addFree(context: BlockContext, who: string, amount: bigint): void {
  const { state } = context;
  const account = state.get(Account, who);
  let free = account.data.free + amount;
  if (free < 0n) throw tokenFailed('FundsUnavailable');
  const endowed = account.providers === 0 && free >= EXISTENTIAL_DEPOSIT;
  const reaped = account.providers > 0 && free < EXISTENTIAL_DEPOSIT;
  if (reaped && free > 0n) {
    context.emit({ pallet: 'Balances', name: 'DustLost', data: { account: who, amount: free } });
    state.put(TotalIssuance, [], state.get(TotalIssuance) - free);
    free = 0n;
  }
  // the nonce survives a reaped account: dropping it would let old extrinsics in again
  const providers = endowed ? 1 : reaped ? 0 : account.providers;
  state.put(Account, [who], { ...account, providers, data: { ...account.data, free } });
  if (endowed) {
    context.emit({ pallet: 'System', name: 'NewAccount', data: { account: who } });
    context.emit({ pallet: 'Balances', name: 'Endowed', data: { account: who, free_balance: free } });
  }
  if (reaped) context.emit({ pallet: 'System', name: 'KilledAccount', data: { account: who } });
}

/** @throws CallFailed `CannotLookup` for an account index or an address of another kind */
export function lookup(address: ValueOf<typeof multiAddress>): string {
  if (address.type === 'Id') return address.value[0];
  if (address.type === 'Address32') return addressOf(address.value[0]);
  throw new CallFailed({ type: 'CannotLookup', value: [] });
}

export const balancesHandlers: Handlers<'Balances'> = {
  transfer_allow_death({ dest, value }, context) {
    transfer(context, ensureSigned(context.origin), lookup(dest), value, false);
  },
  transfer_keep_alive({ dest, value }, context) {
    transfer(context, ensureSigned(context.origin), lookup(dest), value, true);
  },
  /** All that can go: with `keep_alive` the existential deposit stays. */
  transfer_all({ dest, keep_alive }, context) {
    const who = ensureSigned(context.origin);
    const { state } = context;
    const amount = keep_alive ? spendableAlive(state, who) : freeBalance(state, who);
    transfer(context, who, lookup(dest), amount, keep_alive);
  },
  /** As root: less than the existential deposit is nothing. */
  force_set_balance({ who, new_free }, context) {
    ensureRoot(context.origin);
    const address = lookup(who);
    const free = new_free < EXISTENTIAL_DEPOSIT ? 0n : new_free;
    issue(context, address, free - freeBalance(context.state, address));
    context.emit({ pallet: 'Balances', name: 'BalanceSet', data: { who: address, free } });
  },
};
