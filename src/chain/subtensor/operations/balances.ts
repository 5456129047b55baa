// Owns: transfers of TAO. Does not own: stake (staking.ts).
import { fromAddress } from '../../../keys/ss58.js';
import { canPay } from './checks.js';
import { emitted, type Operation, operation, SIGNER } from './operation.js';

const PALLET = 'Balances';
const toMultiAddress = (address: string) => {
  fromAddress(address); // the codec would take a hex account too
  return { Id: address };
};

/** `transfer_keep_alive`: the sender's account stays. @throws AssayError `invalid-input` for no address */
export const transfer = (to: string, amountRao: bigint): Operation =>
  operation(
    PALLET,
    'transfer_keep_alive',
    { dest: toMultiAddress(to), value: amountRao },
    {
      checks: [canPay(amountRao, 'Token.NotExpendable', true)],
      // balances of a block say what all its extrinsics did together; the event, stored in the same state, is this one's
      effects: [emitted('Transfer', [SIGNER, to, amountRao], PALLET)],
    },
  );

/** `transfer_allow_death`: may empty the sender's account, which is then removed. */
export const transferAllowingDeath = (to: string, amountRao: bigint): Operation =>
  operation(
    PALLET,
    'transfer_allow_death',
    { dest: toMultiAddress(to), value: amountRao },
    {
      checks: [canPay(amountRao, 'Token.FundsUnavailable')],
      effects: [emitted('Transfer', [SIGNER, to, amountRao], PALLET)],
    },
  );

/** `transfer_all`: all that the fee leaves. @param keepAlive leave the existential deposit @default true */
export const transferAll = (to: string, keepAlive = true): Operation =>
  operation(
    PALLET,
    'transfer_all',
    { dest: toMultiAddress(to), keep_alive: keepAlive },
    { effects: [emitted('Transfer', [SIGNER, to], PALLET)] },
  );
