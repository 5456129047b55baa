// Owns: what a hotkey publishes under a subnet (pallet Commitments). Does not own: sealing to a beacon (../../codec/timelock.ts).
import { registered } from './checks.js';
import { type Arg, type Check, type Operation, operation, same, show } from './operation.js';

/** `Data` of pallet commitments/types.rs. */
export type CommitmentField =
  | { readonly kind: 'none' }
  /** at most 128 bytes; up to 512 as `BigRaw` */
  | { readonly kind: 'raw'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'blake2-256' | 'sha2-256' | 'keccak-256' | 'sha3-256';
      /** 32 bytes */
      readonly hash: Uint8Array;
    }
  /** opened by the chain once it has the round; at most 1024 bytes */
  | { readonly kind: 'timelocked'; readonly encrypted: Uint8Array; readonly revealRound: number }
  /** drops everybody's bonds towards this hotkey, where the subnet allows it */
  | { readonly kind: 'reset-bonds' };

const PALLET = 'Commitments';
const HASHES = {
  'blake2-256': 'BlakeTwo256',
  'sha2-256': 'Sha256',
  'keccak-256': 'Keccak256',
  'sha3-256': 'ShaThree256',
} as const;
const MAX = { fields: 3, raw: 128, bigRaw: 512, encrypted: 1024 };

/** The variant and what it carries, as one object each. */
function toVariant(field: CommitmentField): readonly [variant: string, carries: Arg] {
  switch (field.kind) {
    case 'none':
      return ['None', undefined];
    case 'reset-bonds':
      return ['ResetBondsFlag', undefined];
    case 'raw':
      assertBytes('raw field', field.bytes, MAX.bigRaw);
      return [field.bytes.length > MAX.raw ? 'BigRaw' : `Raw${field.bytes.length}`, field.bytes];
    case 'timelocked':
      assertBytes('sealed field', field.encrypted, MAX.encrypted);
      return ['TimelockEncrypted', { encrypted: field.encrypted, revealRound: field.revealRound }];
    default:
      if (field.hash.length !== 32)
        throw new RangeError(`${field.kind}: expected 32 bytes, got ${field.hash.length}`);
      return [HASHES[field.kind], field.hash];
  }
}

function assertBytes(what: string, bytes: Uint8Array, most: number): void {
  if (bytes.length > most)
    throw new RangeError(`${what}: expected at most ${most} bytes, got ${bytes.length}`);
}

/**
 * Replaces what the hotkey published in this subnet.
 * @throws RangeError for more fields or bytes than the chain takes
 */
export function setCommitment(netuid: number, fields: readonly CommitmentField[]): Operation {
  if (fields.length > MAX.fields)
    throw new RangeError(`commitment: expected at most ${MAX.fields} fields, got ${fields.length}`);
  const variants = fields.map(toVariant);
  return operation(
    PALLET,
    'set_commitment',
    { netuid, info: { fields: variants.map(([variant, carries]) => ({ [variant]: carries })) } },
    {
      signer: 'hotkey',
      checks: [fieldsFit(fields.length), registered(netuid, undefined, 'AccountNotAllowedCommit')],
      effects: [
        async ({ after }) => {
          const got = await after.get(`${PALLET}.CommitmentOf`, netuid, after.signer);
          const kept = (got as { block?: unknown; info?: { fields?: unknown } } | undefined) ?? {};
          const wanted = variants.map(([kind, value]) => ({ kind, value }));
          return same(kept.block, after.block) && same(wanted, kept.info?.fields)
            ? undefined
            : { expected: `commitment ${show(wanted)} of block ${after.block}`, got: show(got) };
        },
      ],
    },
  );
}

/** A runtime that takes fewer cannot even decode more: its pool would refuse the bytes without saying why. */
const fieldsFit =
  (count: number): Check =>
  async (state) => {
    const most = state.constant(PALLET, 'MaxFields');
    return typeof most === 'number' && count > most
      ? { error: 'TooManyFieldsInCommitmentInfo', detail: `${count} fields, this chain takes ${most}` }
      : undefined;
  };
