// Owns: who may change a subnet's parameters, when, and how often (subtensor utils/{misc,rate_limiting}.rs).
// Does not own: which parameters there are and their bounds (admin-utils*.ts, tempo.ts).
import { runtime } from '../../../chain/codec/runtime.js';
import type { ValueOf } from '../../../chain/codec/scale.js';
import type { hyperparameter } from '../../../chain/codec/types.js';
import { blocksUntilNextEpoch } from '../../../emissions/schedule.js';
import { type BlockContext, badOrigin, type CallContext, ensure, ensureSigned } from '../../dispatch.js';
import type { StateView } from '../../state.js';
import { durationOf } from './durations.js';
import {
  isOver,
  noteTransaction,
  passesTransactionLimit,
  type TransactionType,
} from './transaction-limits.js';

const S = runtime.SubtensorModule.storage;

/** Blocks between two of them. */
const TRANSACTION_LIMITS = {
  SetWeightsVersionKey: (state, netuid) => tempoOf(state, netuid) * state.get(S.WeightsVersionKeyRateLimit),
  MechanismCountUpdate: (state) => BigInt(durationOf(state, 'mechanismCount')),
  MechanismEmission: (state) => BigInt(durationOf(state, 'mechanismEmission')),
  MaxUidsTrimming: (state) => BigInt(durationOf(state, 'trimming')),
  /** `MIN_TEMPO` */
  TempoUpdate: () => 360n,
} as const satisfies Partial<Record<TransactionType, (state: StateView, netuid: number) => bigint>>;

const tempoOf = (state: StateView, netuid: number): bigint => BigInt(state.get(S.Tempo, netuid));

/** What an owner does and is limited in: each hyperparameter by itself, some calls by numbers of their own. */
type OwnerAction = keyof typeof TRANSACTION_LIMITS | ValueOf<typeof hyperparameter>;

const isTransaction = (action: OwnerAction): action is keyof typeof TRANSACTION_LIMITS =>
  action in TRANSACTION_LIMITS;
const updateKey = (netuid: number, action: ValueOf<typeof hyperparameter>) =>
  ({ type: 'OwnerHyperparamUpdate', value: [netuid, action] }) as const;

/**
 * Carries out `change` as the subnet's owner or root: never in the freeze window, and the owner no oftener than the
 * action's limit. Checks in the order of `ensure_sn_owner_or_root_with_limits`, `ensure_admin_window_open`; whether the
 * subnet exists is for `change` to ask, as not every call does.
 *
 * @throws CallFailed `BadOrigin`, `TxRateLimitExceeded`, `AdminActionProhibitedDuringWeightsWindow`
 */
export function asOwner(
  context: CallContext,
  netuid: number,
  action: OwnerAction,
  change: (owner: string | undefined) => void,
): void {
  const owner = ensureOwnerOrRoot(context, netuid);
  if (owner !== undefined) ensureNotTooSoon(context, owner, netuid, action);
  ensureWindowOpen(context, netuid);
  change(owner);
  if (owner !== undefined) recordAction(context, owner, netuid, action);
}

/** @returns the owner's coldkey, undefined for root. @throws CallFailed `BadOrigin` */
export function ensureOwnerOrRoot(context: CallContext, netuid: number): string | undefined {
  return context.origin.type === 'root' ? undefined : ensureOwner(context, netuid);
}

/** @throws CallFailed `BadOrigin`, also for root */
export function ensureOwner({ origin, state }: CallContext, netuid: number): string {
  const who = ensureSigned(origin);
  if (who !== state.get(S.SubnetOwner, netuid)) throw badOrigin();
  return who;
}

/** Nobody moves the goalposts in the last AdminFreezeWindow blocks before an epoch (`ensure_admin_window_open`). */
export function ensureWindowOpen({ state, block }: BlockContext, netuid: number): void {
  const tempo = state.get(S.Tempo, netuid);
  if (tempo === 0) return;
  const remaining = blocksUntilNextEpoch(
    { tempo, lastEpochBlock: state.get(S.LastEpochBlock, netuid) },
    block,
  );
  const isOpen = state.get(S.PendingEpochAt, netuid) <= block && remaining >= state.get(S.AdminFreezeWindow);
  ensure(isOpen, 'AdminActionProhibitedDuringWeightsWindow');
}

/** `passes_rate_limit_on_subnet`. @throws CallFailed `TxRateLimitExceeded` */
export function ensureNotTooSoon(
  { state, block }: BlockContext,
  who: string,
  netuid: number,
  action: OwnerAction,
): void {
  const passes = isTransaction(action)
    ? passesTransactionLimit(
        state,
        { account: who, netuid, type: action },
        block,
        TRANSACTION_LIMITS[action](state, netuid),
      )
    : isOver(
        state.get(S.LastRateLimitedBlock, updateKey(netuid, action)),
        block,
        tempoOf(state, netuid) * BigInt(state.get(S.OwnerHyperparamRateLimit)),
      );
  ensure(passes, 'TxRateLimitExceeded');
}

/** `record_owner_rl` */
export function recordAction(
  { state, block }: BlockContext,
  who: string,
  netuid: number,
  action: OwnerAction,
): void {
  if (isTransaction(action)) noteTransaction(state, { account: who, netuid, type: action }, block);
  else state.put(S.LastRateLimitedBlock, [updateKey(netuid, action)], block);
}
