// Owns: the chain door's twin without a network: reader (embedded-reader.ts) and writer over a localnet in the same process.
// Does not own: the localnet's clock and blocks, which somebody else runs.
import { assertPort, toChainIp } from '../chain/address.js';
import type { ChainReader, ChainWriter, Landed, SendOptions, Signed, SudoCall } from '../chain/chain.js';
import { decodeExtrinsic, encodeExtra, encodeSigned, eraDeath, mortalEra } from '../chain/codec/extrinsic.js';
import { adminUtils } from '../chain/codec/pallets/admin-utils.js';
import { type RuntimeCall, runtimeCall } from '../chain/codec/runtime.js';
import { encode, u64 } from '../chain/codec/scale.js';
import { blake2b256 } from '../chain/codec/storage.js';
import { planEra } from '../chain/era.js';
import { CHAIN_LIMITS } from '../chain/limits.js';
import { assertRow } from '../chain/weights.js';
import type { Localnet, Receipt } from '../localnet/localnet.js';
import { nodeOf } from '../localnet/node.js';
import { errorOf, eventsOf } from '../localnet/outcomes.js';
import { concat, equals } from '../model/bytes.js';
import { AssayError, isAssayError } from '../model/errors.js';
import { toNetuid, toUid } from '../model/ids.js';
import { createEmbeddedReader } from './embedded-reader.js';

/** Calls go into the next block unsigned (whoever holds the localnet is trusted); everything else is the chain's own. */
export function createEmbeddedChain(localnet: Localnet): ChainReader & ChainWriter {
  const node = nodeOf(localnet);

  async function send(call: RuntimeCall, signer: string, options: SendOptions = {}): Promise<Receipt> {
    return named(call, () =>
      options.onSigned ? sendSigned(call, signer, options) : localnet.submit(call, signer),
    );
  }

  async function sendSigned(call: RuntimeCall, signer: string, options: SendOptions): Promise<Receipt> {
    const signed = prepare(call, signer, options.deathBlock);
    await options.onSigned?.(signed);
    return node.submitPrepared(signed.bytes);
  }

  /** An extrinsic as a client makes it, but for the signature: that is random, and would make block hashes so. */
  function prepare(call: RuntimeCall, signer: string, deathBlock: number | undefined): Signed {
    const { number } = localnet.head();
    const longest = CHAIN_LIMITS.eraBlocks;
    const plan = planEra({ best: number, finalized: number, longest, deathBlock });
    if (!plan) throw rejection(call, 'AncientBirthBlock');
    const era = mortalEra(plan.birth, plan.period);
    const nonce = node.nextNonce(signer);
    const bytes = encodeSigned({
      address: { type: 'Id', value: [signer] },
      signature: { type: 'Sr25519', value: [new Uint8Array(64)] },
      callBytes: encode(runtimeCall, call),
      extraBytes: encodeExtra({ era, nonce, tip: 0n, mode: 0 }),
    });
    return { bytes, hash: blake2b256(bytes), nonce, deathBlock: eraDeath(era, number) };
  }

  /** Where these bytes stand in the chain's blocks, as far back as they could. */
  function find({ bytes, hash, deathBlock }: Signed, eraBlocks: number): Receipt | undefined {
    const last = Math.min(localnet.head().number, deathBlock - 1);
    for (let number = last; number >= Math.max(0, deathBlock - eraBlocks); number--) {
      const block = node.block(number);
      const index = block?.extrinsics.findIndex((other) => equals(other, bytes)) ?? -1;
      if (!block || index < 0) continue;
      const events = eventsOf(block.events, index);
      return { block: number, blockHash: block.hash, extrinsicHash: hash, error: errorOf(events), events };
    }
    return undefined;
  }

  async function resend(signed: Signed): Promise<Landed> {
    const extrinsic = decodeExtrinsic(signed.bytes);
    if (!extrinsic.signed) throw new RangeError('signed: expected a signed extrinsic');
    const { call, extra } = extrinsic;
    const eraBlocks = extra.era.type === 'mortal' ? extra.era.period : signed.deathBlock;
    const receipt = await named(call, async () => {
      const found = find(signed, eraBlocks);
      if (found) return found;
      if (localnet.head().number + 1 >= signed.deathBlock) throw rejection(call, 'AncientBirthBlock');
      if (node.pendingExtrinsics().some((bytes) => equals(bytes, signed.bytes)))
        return untilFound(() => find(signed, eraBlocks), signed.deathBlock, call);
      return node.submitPrepared(signed.bytes);
    });
    return landed(receipt);
  }

  function untilFound(
    look: () => Receipt | undefined,
    deathBlock: number,
    call: RuntimeCall,
  ): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const stop = localnet.onBlock(({ number }) => {
        const found = look();
        if (found) resolve(found);
        else if (number + 1 >= deathBlock) reject(rejection(call, 'AncientBirthBlock'));
        else return;
        stop();
      });
    });
  }

  return {
    ...createEmbeddedReader(localnet),

    transfer: async (from, to, value) =>
      landed(
        await send(
          {
            pallet: 'Balances',
            name: 'transfer_keep_alive',
            args: { dest: { type: 'Id', value: [to] }, value },
          },
          from.address,
        ),
      ),
    async registerNetwork(coldkey, hotkey) {
      const receipt = await send(
        { pallet: 'SubtensorModule', name: 'register_network', args: { hotkey } },
        coldkey.address,
      );
      for (const event of receipt.events)
        if (event.name === 'NetworkAdded') return { ...landed(receipt), netuid: toNetuid(event.data[0]) };
      throw new AssayError('not-landed', 'register_network: no NetworkAdded', {
        call: 'register_network',
        expected: 'NetworkAdded',
        got: receipt.events.map(({ name }) => name).join(', '),
      });
    },
    startCall: async (coldkey, netuid) =>
      landed(
        await send({ pallet: 'SubtensorModule', name: 'start_call', args: { netuid } }, coldkey.address),
      ),
    async burnedRegister(coldkey, netuid, hotkey) {
      const receipt = await send(
        { pallet: 'SubtensorModule', name: 'burned_register', args: { netuid, hotkey } },
        coldkey.address,
      );
      return { ...landed(receipt), uid: toUid(localnet.query('SubtensorModule', 'Uids', netuid, hotkey)!) };
    },
    addStake: async (coldkey, netuid, hotkey, amount_staked) =>
      landed(
        await send(
          { pallet: 'SubtensorModule', name: 'add_stake', args: { hotkey, netuid, amount_staked } },
          coldkey.address,
        ),
      ),
    async serveAxon(hotkey, netuid, axon) {
      const { value: ip, type: ip_type } = toChainIp(axon.ip);
      assertPort(axon);
      const args = {
        netuid,
        version: 1000,
        ip,
        port: axon.port,
        ip_type,
        protocol: 4,
        placeholder1: 0,
        placeholder2: 0,
      };
      const { serverKey } = axon;
      if (!serverKey)
        return landed(await send({ pallet: 'SubtensorModule', name: 'serve_axon', args }, hotkey.address));
      const certificate = concat(Uint8Array.of(serverKey.algorithm), serverKey.publicKey);
      const call = {
        pallet: 'SubtensorModule',
        name: 'serve_axon_tls',
        args: { ...args, certificate },
      } as const;
      return landed(await send(call, hotkey.address));
    },
    async setWeights(hotkey, netuid, row, version_key, mecid = 0, options) {
      assertRow(row);
      const args = { netuid, mecid, ...columns(row), version_key };
      return landed(await send(ofMechanism('set_weights', args), hotkey.address, options));
    },
    async commitWeights(hotkey, netuid, commit_hash, mecid = 0, options) {
      if (commit_hash.length !== 32)
        throw new RangeError(`hash: expected 32 bytes, got ${commit_hash.length}`);
      const args = { netuid, mecid, commit_hash };
      return landed(await send(ofMechanism('commit_weights', args), hotkey.address, options));
    },
    async revealWeights(hotkey, netuid, { weights, salt, versionKey }, mecid = 0, options) {
      assertRow(weights);
      const { dests: uids, weights: values } = columns(weights);
      const args = { netuid, mecid, uids, values, salt, version_key: versionKey };
      return landed(await send(ofMechanism('reveal_weights', args), hotkey.address, options));
    },
    async commitTimelockedWeights(hotkey, netuid, { bytes, revealRound, version }, mecid = 0, options) {
      const args = {
        netuid,
        mecid,
        commit: bytes,
        reveal_round: BigInt(revealRound),
        commit_reveal_version: version,
      };
      return landed(await send(ofMechanism('commit_timelocked_weights', args), hotkey.address, options));
    },
    resend,
    sudo: async (root, call) =>
      landed(await send({ pallet: 'Sudo', name: 'sudo', args: { call: toAdminCall(call) } }, root.address)),
  };
}

const landed = ({ block, blockHash, extrinsicHash }: Receipt): Landed => ({
  block,
  blockHash,
  extrinsicHash,
});

/** The chain client names errors without their pallet. */
function rejection(call: RuntimeCall, error: string): AssayError<'chain-rejected'> {
  const name = `${call.pallet}.${call.name}`;
  const short = error.slice(error.indexOf('.') + 1);
  return new AssayError('chain-rejected', `${name}: ${short}`, { call: name, error: short });
}

async function named(call: RuntimeCall, submit: () => Promise<Receipt>): Promise<Receipt> {
  const receipt = await submit().catch((error: unknown) => {
    throw isAssayError(error, 'chain-rejected') ? rejection(call, error.data.error) : error;
  });
  if (receipt.error !== undefined) throw rejection(call, receipt.error);
  return receipt;
}

const columns = (row: readonly (readonly [uid: number, value: number])[]) => ({
  dests: row.map(([uid]) => uid),
  weights: row.map(([, value]) => value),
});

type WeightsCall = 'set_weights' | 'commit_weights' | 'reveal_weights' | 'commit_timelocked_weights';
const MECHANISM_CALLS = {
  set_weights: 'set_mechanism_weights',
  commit_weights: 'commit_mechanism_weights',
  reveal_weights: 'reveal_mechanism_weights',
  commit_timelocked_weights: 'commit_timelocked_mechanism_weights',
} as const;

/** The main mechanism has calls of its own, which differ in the mechanism alone. */
function ofMechanism<N extends WeightsCall>(
  name: N,
  args: Extract<RuntimeCall, { readonly name: (typeof MECHANISM_CALLS)[N] }>['args'],
): RuntimeCall {
  const { mecid, ...rest } = args as { readonly mecid: number };
  const call = mecid === 0 ? { name, args: rest } : { name: MECHANISM_CALLS[name], args };
  return { pallet: 'SubtensorModule', ...call } as RuntimeCall; // `args` are those of the mechanism's call
}

/** By position to by name; a u64 is a bigint in the codec whatever the caller wrote. */
function toAdminCall({ call, args }: SudoCall): RuntimeCall {
  const definition = adminUtils.calls[call as keyof typeof adminUtils.calls];
  if (!definition)
    throw new AssayError('chain-unknown', `no call AdminUtils.${call}`, { what: `AdminUtils.${call}` });
  const named = Object.entries(definition.fields).map(([name, codec], i) => {
    const value = args[i];
    return [name, codec === u64 && typeof value === 'number' ? BigInt(value) : value];
  });
  // the names and types are the definition's own; a wrong value fails in its codec
  return { pallet: 'AdminUtils', name: call, args: Object.fromEntries(named) } as RuntimeCall;
}
