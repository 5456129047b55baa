// Owns: Commitments: publishing, the space each hotkey has for it, revealing what was time-locked
// (subtensor pallets/commitments/src/lib.rs). Deposits are zero on Subtensor's chains and so left out.
import { type Runtime, runtime } from '../../chain/codec/runtime.js';
import type { FieldsValue } from '../../chain/codec/scale.js';
import { openTimelocked } from '../../chain/codec/timelock.js';
import { publicKeyOf } from '../../chain/codec/types.js';
import { compare } from '../../model/bytes.js';
import { isAssayError } from '../../model/errors.js';
import { type BlockContext, ensureRoot, ensureSigned, type Handlers, moduleError } from '../dispatch.js';
import type { State } from '../state.js';
import { mechanismIndices } from './subtensor/mechanisms.js';

const S = runtime.SubtensorModule.storage;
const C = runtime.Commitments.storage;
/** what any commitment costs at least, however short */
const MIN_SPACE = 100n;
const KEPT_REVEALS = 10;

type Fields = FieldsValue<Runtime['Commitments']['calls']['set_commitment']['fields']>['info']['fields'];
type Field = Fields[number];

export const commitmentsHandlers: Handlers<'Commitments'> = {
  // more than three fields are no call: MaxFields binds the decoder, so TooManyFieldsInCommitmentInfo is never seen
  set_commitment({ netuid, info }, context) {
    const { state, block } = context;
    const who = ensureSigned(context.origin);
    if (!state.has(S.Uids, netuid, who)) throw moduleError('Commitments', 'AccountNotAllowedCommit');
    if (info.fields.some(({ type }) => type === 'ResetBondsFlag')) {
      state.put(C.LastBondsReset, [netuid, who], block);
      resetBonds(state, netuid, who);
    }
    takeSpace(state, netuid, who, info.fields);
    state.put(C.CommitmentOf, [netuid, who], { deposit: 0n, block, info });
    state.put(C.LastCommitment, [netuid, who], block);
    const locked = info.fields.find((field) => field.type === 'TimelockEncrypted');
    if (locked) {
      const data = { netuid, who, reveal_round: locked.value.reveal_round };
      context.emit({ pallet: 'Commitments', name: 'TimelockCommitment', data });
      addToIndex(state, netuid, who);
    } else {
      context.emit({ pallet: 'Commitments', name: 'Commitment', data: { netuid, who } });
      removeFromIndex(state, netuid, who);
    }
  },
  set_max_space({ new_limit }, { state, origin }) {
    ensureRoot(origin);
    state.put(C.MaxSpace, [], new_limit);
  },
};

/** MaxSpace bytes an epoch. @throws CallFailed `SpaceLimitExceeded` */
function takeSpace(state: State, netuid: number, who: string, fields: Fields): void {
  const bytes = fields.reduce((sum, field) => sum + BigInt(sizeOf(field)), 0n);
  const needed = bytes > MIN_SPACE ? bytes : MIN_SPACE;
  const epoch = BigInt(state.get(S.SubnetEpochIndex, netuid));
  const usage = state.get(C.UsedSpaceOf, netuid, who);
  const used = (usage?.last_epoch === epoch ? usage.used_space : 0n) + needed;
  if (used > BigInt(state.get(C.MaxSpace))) throw moduleError('Commitments', 'SpaceLimitExceeded');
  state.put(C.UsedSpaceOf, [netuid, who], { last_epoch: epoch, used_space: used });
}

/** `len_for_rate_limit` */
function sizeOf(field: Field): number {
  if (field.type === 'None' || field.type === 'ResetBondsFlag') return 0;
  return field.type === 'TimelockEncrypted' ? field.value.encrypted.length : field.value[0].length;
}

/** `do_reset_bonds` of every mechanism: nobody keeps bonds towards `hotkey`, where the subnet has that switched on. */
function resetBonds(state: State, netuid: number, hotkey: string): void {
  const uid = state.get(S.Uids, netuid, hotkey);
  if (uid === undefined || !state.get(S.BondsResetOn, netuid)) return;
  for (const index of mechanismIndices(state, netuid)) {
    for (const [, from] of state.keys(S.Bonds, index)) {
      const row = state.get(S.Bonds, index, from);
      if (row.some(([to]) => to === uid))
        state.put(
          S.Bonds,
          [index, from],
          row.filter(([to]) => to !== uid),
        );
    }
  }
}

/**
 * `reveal_timelocked_commitments`, at the start of a block: fields whose round is there are opened and leave the
 * commitment. One that does not open leaves too, without a word.
 */
export function revealCommitments(context: BlockContext): void {
  const { state } = context;
  for (const [netuid, who] of state.get(C.TimelockedIndex)) {
    const registration = state.get(C.CommitmentOf, netuid, who);
    if (registration === undefined) {
      removeFromIndex(state, netuid, who);
      continue;
    }
    const { remaining, revealed, isDue } = openDue(state, registration.info.fields);
    if (!isDue) continue;
    addReveals(context, netuid, who, revealed);
    if (remaining.length === 0) state.delete(C.CommitmentOf, netuid, who);
    else state.put(C.CommitmentOf, [netuid, who], { ...registration, info: { fields: remaining } });
    if (!remaining.some(({ type }) => type === 'TimelockEncrypted')) removeFromIndex(state, netuid, who);
  }
}

function openDue(
  state: State,
  fields: Fields,
): { readonly remaining: Fields; readonly revealed: readonly Uint8Array[]; readonly isDue: boolean } {
  const remaining: Field[] = [];
  const revealed: Uint8Array[] = [];
  for (const field of fields) {
    const pulse =
      field.type === 'TimelockEncrypted'
        ? state.get(runtime.Drand.storage.Pulses, field.value.reveal_round)
        : undefined;
    if (field.type !== 'TimelockEncrypted' || pulse === undefined) {
      remaining.push(field);
      continue;
    }
    const opened = open(field.value.encrypted, pulse.signature);
    if (opened !== undefined && opened.length > 0) revealed.push(opened);
  }
  return { remaining, revealed, isDue: remaining.length < fields.length };
}

function open(encrypted: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  try {
    return openTimelocked(encrypted, signature);
  } catch (error) {
    if (!isAssayError(error, 'invalid-input')) throw error; // somebody's bytes: theirs to lose
    return undefined;
  }
}

function addReveals(
  { state, block, emit }: BlockContext,
  netuid: number,
  who: string,
  revealed: readonly Uint8Array[],
): void {
  if (revealed.length === 0) return;
  const all = [
    ...(state.get(C.RevealedCommitments, netuid, who) ?? []),
    ...revealed.map((opened) => [opened, BigInt(block)] as const),
  ];
  state.put(C.RevealedCommitments, [netuid, who], all.slice(-KEPT_REVEALS));
  for (const _ of revealed)
    emit({ pallet: 'Commitments', name: 'CommitmentRevealed', data: { netuid, who } });
}

function addToIndex(state: State, netuid: number, who: string): void {
  const index = state.get(C.TimelockedIndex);
  if (index.some((entry) => entry[0] === netuid && entry[1] === who)) return;
  const added = [...index, [netuid, who] as const];
  added.sort((a, b) => a[0] - b[0] || compare(publicKeyOf(a[1]), publicKeyOf(b[1])));
  state.put(C.TimelockedIndex, [], added);
}

function removeFromIndex(state: State, netuid: number, who: string): void {
  const index = state.get(C.TimelockedIndex);
  const rest = index.filter((entry) => entry[0] !== netuid || entry[1] !== who);
  if (rest.length < index.length) state.put(C.TimelockedIndex, [], rest);
}
