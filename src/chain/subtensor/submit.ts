// Owns: one signed call from keypair to block: sign, send, watch, find it and its events. Never sends anything twice.
// Does not own: what the call should have changed (writer.ts).

import type { GenericMortalEra } from '@polkadot/types';
import type { DispatchError, EventRecord } from '@polkadot/types/interfaces';
import type { Codec } from '@polkadot/types/types';
import type { Keypair } from '../../keys/keypair.js';
import { concat, fromHex } from '../../model/bytes.js';
import { withTimeout } from '../../model/clock.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import type { Landed, SendOptions } from '../chain.js';
import { planEra } from '../era.js';
import { type Nodes, retryRead } from '../with-retry.js';
import { type BlockRef, readBlock, toHash, unknownBlock } from './blocks.js';
import { type Call, createExtrinsic, nameOf } from './calls.js';
import type { Connection, ConnectionParts } from './connection.js';
import { explainDispatch, rejected } from './errors.js';
import { type Following, type FollowOptions, sendAndFollow } from './fate.js';
import type { Nonces } from './nonces.js';
import { isRecord } from './plain.js';
import { type Runtime, runtimeAt } from './runtime.js';
import { codecOf, malformed, readAll } from './storage.js';

export interface ChainEvent {
  readonly pallet: string;
  readonly name: string;
  readonly data: readonly Codec[];
}

export interface Included extends Landed {
  readonly at: BlockRef;
  readonly runtime: Runtime;
  /** of this extrinsic alone */
  readonly events: readonly ChainEvent[];
}

export interface SubmitParts {
  readonly connection: Connection;
  readonly nonces: Nonces;
  readonly parts: Pick<ConnectionParts, 'clock' | 'log' | 'limits'> & {
    readonly nodes?: Nodes;
    /** as of RetryParts */
    readonly closed?: AbortSignal;
  };
}

export type SubmitOptions = SendOptions &
  FollowOptions & {
    /** The call anew, after the runtime changed: its arguments may have other places. @default the call as it was given */
    readonly encode?: () => Call;
  };

/**
 * Resolves once the extrinsic is in a block (with `finalized`, in a final one) and succeeded there. When the watch is lost
 * meanwhile, it is looked for in the blocks that can hold it.
 * @throws AssayError `chain-unknown` for a call that the metadata lacks, `chain-rejected` also when none of those blocks has
 *   it, `unreachable` when there was no node to send it to, `timeout` when its fate is unknown
 */
export async function submit(
  { connection, nonces, parts }: SubmitParts,
  signer: Keypair,
  call: Call,
  options: SubmitOptions = {},
): Promise<Included> {
  const { address } = signer;
  const sent = await nonces.use(address, (nonce) =>
    send({ connection, nonces, parts }, signer, call, nonce, options),
  );
  let landed = false;
  try {
    const blockHash = await withTimeout(
      parts.clock,
      parts.limits.inclusionTimeoutMs,
      sent.included,
      () =>
        new AssayError('timeout', `${nameOf(call)} is in no block yet`, {
          what: `inclusion of ${nameOf(call)}`,
          afterMs: parts.limits.inclusionTimeoutMs,
        }),
    );
    landed = true;
    // from here on only reads, which may be tried again
    return await retryRead(parts, nameOf(call), () => readIncluded(connection, sent, blockHash, call));
  } finally {
    sent.stop();
    nonces.settled(address, landed);
  }
}

interface Sent extends Following {
  /** hex of the whole extrinsic */
  readonly hex: string;
  readonly hash: Uint8Array;
}

/** Refused for being signed under another runtime than is in force by now, it is in no pool: then it is signed anew, once. */
async function send(
  parts: SubmitParts,
  signer: Keypair,
  call: Call,
  nonce: number,
  options: SubmitOptions,
): Promise<Sent> {
  const under = parts.connection.api;
  try {
    return await sendOnce(parts, signer, call, nonce, options);
  } catch (error) {
    if (!isAssayError(error, 'chain-rejected')) throw error;
    // what is asked of the node now must not hide its refusal; and the change may have been noticed since
    await parts.connection.refreshApi().catch(() => {});
    if (parts.connection.api === under) throw error;
    return await sendOnce(parts, signer, options.encode?.() ?? call, nonce, options);
  }
}

async function sendOnce(
  { connection, parts }: SubmitParts,
  signer: Keypair,
  call: Call,
  nonce: number,
  { deathBlock, onSigned, finalized = false }: SubmitOptions,
): Promise<Sent> {
  const { extrinsic, birth } = await signAt(
    connection,
    signer,
    call,
    nonce,
    parts.limits.eraBlocks,
    deathBlock,
  );
  const hex = extrinsic.toHex();
  const hash = extrinsic.hash.toU8a();
  const era = extrinsic.era.asMortalEra as unknown as GenericMortalEra; // what the registry makes of it
  const death = era.death(birth);
  const name = nameOf(call);
  await onSigned?.({
    bytes: extrinsic.toU8a(),
    hash,
    nonce,
    deathBlock: death,
    birthBlock: birth,
    call: name,
  });
  const sending = { hex, from: birth + 1, death, call: name };
  const following = await sendAndFollow({ ...parts, connection }, sending, { finalized });
  return { hex, hash, ...following };
}

export const sign = async (...args: Parameters<typeof signAt>) => (await signAt(...args)).extrinsic;

/** @returns with it the block that its era counts from */
async function signAt(
  connection: Connection,
  signer: Keypair,
  call: Call,
  nonce: number,
  eraBlocks: number,
  deathBlock?: number,
) {
  const { birth, period } = await readBirth(connection, nameOf(call), eraBlocks, deathBlock);
  const extrinsic = signFrom(connection, signer, call, { nonce, eraBlocks: period, birth });
  return { extrinsic, birth: birth.number };
}

/** Asks the node for nothing. @param birth the block that its era counts from */
export function signFrom(
  { api }: Pick<Connection, 'api'>,
  signer: Keypair,
  call: Call,
  { nonce, eraBlocks, birth }: { nonce: number; eraBlocks: number; birth: Pick<BlockRef, 'number' | 'hash'> },
) {
  const { registry } = api;
  return createExtrinsic({ api }, call).sign(
    {
      address: signer.address,
      addressRaw: signer.publicKey,
      publicKey: signer.publicKey,
      // MultiSignature's variant 1 is Sr25519
      sign: (message: Uint8Array) => concat(Uint8Array.of(1), signer.sign(message)),
    },
    {
      nonce,
      era: registry.createType('ExtrinsicEra', { current: birth.number, period: eraBlocks }),
      blockHash: birth.hash,
      genesisHash: api.genesisHash,
      runtimeVersion: api.runtimeVersion,
      signedExtensions: registry.signedExtensions,
    },
  );
}

/**
 * The block from which the era counts, and for how long.
 * @throws AssayError `chain-rejected` when not even the next block would be early enough
 */
async function readBirth(
  connection: Connection,
  call: string,
  eraBlocks: number,
  deathBlock: number | undefined,
): Promise<{ birth: Pick<BlockRef, 'number' | 'hash'>; period: number }> {
  const [best, finalizedHash] = await Promise.all([
    readBlock(connection),
    connection.request('chain_getFinalizedHead', []),
  ]);
  const finalized = await readBlock(connection, toHash(finalizedHash, 'chain_getFinalizedHead'));
  const era = planEra({ best: best.number, finalized: finalized.number, longest: eraBlocks, deathBlock });
  if (!era) throw rejected(call, 'AncientBirthBlock');
  const { birth: number, period } = era;
  const known = [finalized, best].find((block) => block.number === number);
  if (known) return { birth: known, period };
  const hash = await connection.request('chain_getBlockHash', [number]);
  if (hash === null) throw unknownBlock(`block ${number}`);
  return { birth: { number, hash: toHash(hash, 'chain_getBlockHash') }, period };
}

/** What an extrinsic did in a block that has it. */
export async function readIncluded(
  connection: Connection,
  { hex, hash }: Pick<Sent, 'hex' | 'hash'>,
  blockHash: string,
  call: Pick<Call, 'pallet' | 'name'>,
): Promise<Included> {
  const [at, body] = await Promise.all([
    readBlock(connection, blockHash),
    connection.request('chain_getBlock', [blockHash]),
  ]);
  if (body === null) throw unknownBlock(`block ${blockHash}`);
  const extrinsics = isRecord(body) && isRecord(body.block) ? body.block.extrinsics : undefined;
  if (!Array.isArray(extrinsics)) throw malformed('chain_getBlock');
  const index = extrinsics.indexOf(hex);
  if (index < 0) throw notLanded(call, `extrinsic in block ${at.number}`, 'a block without it');

  const runtime = await runtimeAt(connection, at.hash, at.parent);
  const [records] = await readAll(connection, [codecOf(runtime, 'System', 'Events', [])], at.hash);
  const events = [...(records as unknown as Iterable<EventRecord>)] // System.Events is Vec<EventRecord> on every chain
    .filter(({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.eq(index))
    .map(({ event }): ChainEvent => ({ pallet: event.section, name: event.method, data: [...event.data] }));

  const failed = events.find((event) => event.pallet === 'system' && event.name === 'ExtrinsicFailed');
  if (failed)
    throw rejected(nameOf(call), explainDispatch(runtime.registry, failed.data[0] as DispatchError)); // its first field
  if (!events.some((event) => event.pallet === 'system' && event.name === 'ExtrinsicSuccess'))
    throw notLanded(
      call,
      'System.ExtrinsicSuccess',
      events.map((event) => event.name).join(', ') || 'no event',
    );
  return {
    block: at.number,
    blockHash: fromHex(at.hash),
    extrinsicHash: hash,
    at,
    runtime,
    events,
  };
}

export function notLanded(
  call: Pick<Call, 'pallet' | 'name'>,
  expected: string,
  got: string,
): AssayError<'not-landed'> {
  return new AssayError(
    'not-landed',
    `${nameOf(call)} is in a block, but not its effect: expected ${expected}, got ${got}`,
    {
      call: nameOf(call),
      expected,
      got,
    },
  );
}
