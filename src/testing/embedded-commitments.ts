// Owns: what owners publish, and what windows of rollouts ask of a chain beside its door, over a localnet in the same process: commitments and rounds.
// Does not own: the rest of the chain (embedded-chain.ts).
import type { Landed } from '../chain/chain.js';
import { runtime } from '../chain/codec/runtime.js';
import type { Commitment, CommittedField, SubtensorReader } from '../chain/operator-reads.js';
import type { Keypair } from '../keys/keypair.js';
import type { Localnet } from '../localnet/localnet.js';
import { equals } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { type Netuid, toHotkey } from '../model/ids.js';
import { encodePublication, type Publication } from '../verification/publication.js';

const { CommitmentOf } = runtime.Commitments.storage;
const { Pulses } = runtime.Drand.storage;

export interface EmbeddedCommitments extends Pick<SubtensorReader, 'commitments' | 'commitmentOf' | 'pulse'> {
  /** Replaces what the hotkey published with one SHA-256. @throws AssayError `chain-rejected` */
  commit(hotkey: Keypair, netuid: Netuid, digest: Uint8Array): Promise<Landed>;
  /** The same with an owner's publication. */
  publish(hotkey: Keypair, netuid: Netuid, publication: Publication): Promise<Landed>;
}

export function createEmbeddedCommitments(localnet: Localnet): EmbeddedCommitments {
  const stateAt = (at: Uint8Array | undefined) => {
    const head = localnet.head();
    if (at === undefined || equals(at, head.hash)) return localnet.state();
    for (let block = head.number - 1; block >= 0; block--)
      if (equals(localnet.blockHash(block), at)) return localnet.state(block);
    throw new AssayError('chain-unknown', 'no block with that hash', { what: 'block with that hash' });
  };
  const commitmentOf = (
    state: ReturnType<typeof stateAt>,
    netuid: Netuid,
    hotkey: string,
  ): Commitment | undefined => {
    const stored = state.get(CommitmentOf, netuid, hotkey);
    return (
      stored && {
        hotkey: toHotkey(hotkey),
        block: stored.block,
        depositRao: stored.deposit,
        fields: stored.info.fields.map(toField),
        revealed: [],
      }
    );
  };
  async function commit(
    hotkey: Keypair,
    netuid: Netuid,
    field: { readonly type: 'Sha256' | 'Raw126'; readonly value: readonly [Uint8Array] },
  ): Promise<Landed> {
    const info = { fields: [field] };
    const call = { pallet: 'Commitments', name: 'set_commitment', args: { netuid, info } } as const;
    const { error, block, blockHash, extrinsicHash } = await localnet.submit(call, hotkey.address);
    if (error === undefined) return { block, blockHash, extrinsicHash };
    const short = error.slice(error.indexOf('.') + 1);
    const message = `Commitments.set_commitment: ${short}`;
    throw new AssayError('chain-rejected', message, { call: 'Commitments.set_commitment', error: short });
  }
  return {
    async commitments(netuid, at) {
      const state = stateAt(at);
      return state
        .keys(CommitmentOf, netuid)
        .flatMap(([, hotkey]) => commitmentOf(state, netuid, hotkey) ?? []);
    },
    commitmentOf: async (netuid, hotkey, at) => commitmentOf(stateAt(at), netuid, hotkey),
    pulse: async (round, at) => stateAt(at).get(Pulses, round)?.signature,
    commit: (hotkey, netuid, digest) => commit(hotkey, netuid, { type: 'Sha256', value: [digest] }),
    publish: (hotkey, netuid, publication) =>
      commit(hotkey, netuid, { type: 'Raw126', value: [encodePublication(publication)] }),
  };
}

/** Hashes are of use to windows and raw bytes are publications; everything else is what it is called. */
function toField({ type, value }: { readonly type: string; readonly value?: unknown }): CommittedField {
  const digest = Array.isArray(value) ? (value[0] as unknown) : undefined;
  if (/^(BlakeTwo256|Sha256|Keccak256|ShaThree256)$/.test(type) && digest instanceof Uint8Array)
    return { kind: 'hash', algorithm: type, digest };
  if (type.startsWith('Raw') && digest instanceof Uint8Array) return { kind: 'raw', bytes: digest };
  return type === 'None' ? { kind: 'none' } : { kind: 'unknown', variant: type };
}
