// Owns: how often a hotkey may do one kind of thing on a subnet (subtensor utils/rate_limiting.rs, `TransactionType`).
// Does not own: how long each kind must wait (the calls say), limits of the whole chain or of a neuron.
import { runtime } from '../../../chain/codec/runtime.js';
import type { State, StateView } from '../../state.js';

const { TransactionKeyLastBlock } = runtime.SubtensorModule.storage;

/** By the numbers that storage has them under. */
const TYPES = { 'set-children': 0, 'set-childkey-take': 1 } as const;

export interface LimitedTransaction {
  readonly hotkey: string;
  readonly netuid: number;
  readonly type: keyof typeof TYPES;
}

const keysOf = ({ hotkey, netuid, type }: LimitedTransaction) => [hotkey, netuid, TYPES[type]] as const;

/** `passes_rate_limit_on_subnet`: the first time always. */
export function passesTransactionLimit(
  state: StateView,
  transaction: LimitedTransaction,
  block: number,
  limitBlocks: bigint,
): boolean {
  const last = state.get(TransactionKeyLastBlock, ...keysOf(transaction));
  return last === 0 || BigInt(block - last) >= limitBlocks;
}

export const noteTransaction = (state: State, transaction: LimitedTransaction, block: number): void =>
  state.put(TransactionKeyLastBlock, keysOf(transaction), block);
