// Owns: how often an account may do one kind of thing on a subnet (subtensor utils/rate_limiting.rs, `TransactionType`).
// Does not own: how long each kind must wait (the calls say), limits of the whole chain or of a neuron.
import { runtime } from '../../../chain/codec/runtime.js';
import type { State, StateView } from '../../state.js';

const { TransactionKeyLastBlock } = runtime.SubtensorModule.storage;

/** By the numbers that storage has them under (`From<TransactionType> for u16`). */
const TYPES = {
  SetChildren: 0,
  SetChildkeyTake: 1,
  SetWeightsVersionKey: 4,
  MechanismCountUpdate: 7,
  MechanismEmission: 8,
  MaxUidsTrimming: 9,
  TempoUpdate: 11,
} as const;

export type TransactionType = keyof typeof TYPES;

export interface LimitedTransaction {
  /** a hotkey for what it does itself, the owner's coldkey for what it does to its subnet */
  readonly account: string;
  readonly netuid: number;
  readonly type: TransactionType;
}

const keysOf = ({ account, netuid, type }: LimitedTransaction) => [account, netuid, TYPES[type]] as const;

/** Whether the wait since block `last` is over; 0 is never, and the first time always passes. */
export const isOver = (last: number, block: number, limitBlocks: bigint): boolean =>
  last === 0 || BigInt(block - last) >= limitBlocks;

/** `passes_rate_limit_on_subnet` */
export function passesTransactionLimit(
  state: StateView,
  transaction: LimitedTransaction,
  block: number,
  limitBlocks: bigint,
): boolean {
  return isOver(state.get(TransactionKeyLastBlock, ...keysOf(transaction)), block, limitBlocks);
}

export const noteTransaction = (state: State, transaction: LimitedTransaction, block: number): void =>
  state.put(TransactionKeyLastBlock, keysOf(transaction), block);
