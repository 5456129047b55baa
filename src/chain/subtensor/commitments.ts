// Owns: what hotkeys committed to a subnet (pallet Commitments). Does not own: opening what is time-locked.
import { AssayError } from '../../model/errors.js';
import { type Hotkey, type Netuid, toHotkey } from '../../model/ids.js';
import type { Commitment, CommittedField } from '../operator-reads.js';
import type { Connection } from './connection.js';
import { asBigint, asBytes, asCapped, asList, asNumber, asPair, asRecord, asVariant } from './plain.js';
import { entryOf, hasItem, keysOf, lastAccountOf, optionOf, readAll, readLists, readOr } from './storage.js';
import { stateAt } from './subnet.js';

const PALLET = 'Commitments';

/** Two turns of requests: the block, the values. Undefined where the hotkey committed to nothing. */
export async function readCommitmentOf(
  connection: Connection,
  netuid: Netuid,
  hotkey: Hotkey,
  at?: Uint8Array,
): Promise<Commitment | undefined> {
  const { runtime, at: hash } = await stateAt(connection, at);
  if (!hasItem(runtime, PALLET, 'CommitmentOf')) throw noCommitments();
  const args = [netuid, hotkey];
  const [registration, revealed] = await readAll(
    connection,
    [
      optionOf(runtime, PALLET, 'CommitmentOf', args, asRegistration),
      readOr(runtime, PALLET, 'RevealedCommitments', args, asRevealed, []),
    ],
    hash,
  );
  return registration && { hotkey, ...registration, revealed };
}

const noCommitments = (): AssayError =>
  new AssayError('unsupported', 'this chain keeps no commitments', {
    what: 'commitments',
    why: 'its runtime has no pallet Commitments',
  });

/** Four turns of requests: two for the block, the keys (one more for each thousand), the values. */
export async function readCommitments(
  connection: Connection,
  netuid: Netuid,
  at?: Uint8Array,
): Promise<readonly Commitment[]> {
  const { runtime, at: hash } = await stateAt(connection, at);
  if (!hasItem(runtime, PALLET, 'CommitmentOf')) throw noCommitments();
  const place = { pallet: PALLET, name: 'CommitmentOf', args: [netuid] };
  const keys = await keysOf(connection, runtime, place, hash);
  const hotkeys = keys.map(lastAccountOf);
  const [found, revealed] = await readLists(
    connection,
    [
      keys.map((key) => entryOf(runtime, PALLET, 'CommitmentOf', key, asRegistration)),
      hotkeys.map((hotkey) =>
        readOr(runtime, PALLET, 'RevealedCommitments', [netuid, hotkey], asRevealed, []),
      ),
    ],
    hash,
  );
  return hotkeys.flatMap((hotkey, i) => {
    const registration = found[i];
    return registration ? [{ hotkey: toHotkey(hotkey), ...registration, revealed: revealed[i]! }] : [];
  });
}

function asRegistration(plain: unknown): Omit<Commitment, 'hotkey' | 'revealed'> {
  const { deposit, block, info } = asRecord(plain);
  return {
    block: asNumber(block),
    depositRao: asBigint(deposit),
    fields: asList(asField)(asRecord(info).fields),
  };
}

const asRevealed = (plain: unknown): Commitment['revealed'] =>
  asList(asPair(asBytes, asNumber))(plain).map(([bytes, block]) => ({ block, bytes }));

const HASHES: ReadonlySet<string> = new Set(['BlakeTwo256', 'Sha256', 'Keccak256', 'ShaThree256']);

/** `Data` of subtensor pallets/commitments/src/types.rs: a variant for each length of raw bytes, Raw0 to Raw128. */
export function asField(plain: unknown): CommittedField {
  const { kind, value } = asVariant(plain);
  if (kind === 'None') return { kind: 'none' };
  if (/^Raw\d+$|^BigRaw$/.test(kind)) return { kind: 'raw', bytes: asBytes(value) };
  if (HASHES.has(kind)) return { kind: 'hash', algorithm: kind, digest: asBytes(value) };
  if (kind === 'ResetBondsFlag') return { kind: 'reset-bonds' };
  if (kind === 'TimelockEncrypted') {
    const { encrypted, revealRound } = asRecord(value);
    return { kind: 'timelocked', bytes: asBytes(encrypted), revealRound: asCapped(revealRound) };
  }
  return { kind: 'unknown', variant: kind };
}
