// Owns: one signed call from keypair to block: sign, send, watch, find it and its events. Never sends anything twice.
// Does not own: what the call should have changed (writer.ts).
import type { DispatchError, EventRecord } from '@polkadot/types/interfaces';
import type { Codec } from '@polkadot/types/types';
import { stringCamelCase } from '@polkadot/util';
import type { Keypair } from '../../keys/keypair.js';
import { concat, fromHex } from '../../model/bytes.js';
import { withTimeout } from '../../model/clock.js';
import { AssayError } from '../../model/errors.js';
import type { Landed } from '../chain.js';
import { retryRead } from '../with-retry.js';
import type { Connection, ConnectionParts, SubscriptionKind } from './connection.js';
import { dispatchErrorName, rejected, unreachable } from './errors.js';
import type { Nonces } from './nonces.js';
import { type BlockRef, readBlock } from './reader.js';
import { codecOf, isRecord, malformed, type Runtime, readAll, runtimeAt } from './storage.js';

/** A call by the chain's own names; arguments in the metadata's order. */
export interface Call {
  readonly pallet: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

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
  readonly parts: ConnectionParts;
}

export const nameOf = ({ pallet, name }: Pick<Call, 'pallet' | 'name'>): string => `${pallet}.${name}`;

/**
 * Resolves once the extrinsic is in a block and succeeded there.
 * @throws AssayError `chain-unknown` for a call that the metadata lacks, `chain-rejected`, and `unreachable` or `timeout`
 *   when its fate is unknown
 */
export async function submit(
  { connection, nonces, parts }: SubmitParts,
  signer: Keypair,
  call: Call,
): Promise<Included> {
  const { address } = signer;
  const sent = await nonces.use(address, (nonce) => send({ connection, nonces, parts }, signer, call, nonce));
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

interface Sent {
  /** hex of the whole extrinsic */
  readonly hex: string;
  readonly hash: Uint8Array;
  /** resolves to the block's hash in hex */
  readonly included: Promise<string>;
  stop(): void;
}

const WATCH: SubscriptionKind = {
  event: 'author_extrinsicUpdate',
  subscribe: 'author_submitAndWatchExtrinsic',
  unsubscribe: 'author_unwatchExtrinsic',
};

async function send(
  { connection, parts }: SubmitParts,
  signer: Keypair,
  call: Call,
  nonce: number,
): Promise<Sent> {
  const extrinsic = await sign(connection, signer, call, nonce, parts.limits.eraBlocks);
  const hex = extrinsic.toHex();
  let resolve = (_: string) => {};
  let reject = (_: unknown) => {};
  const included = new Promise<string>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  included.catch(() => {}); // awaited by submit(), perhaps after it has failed
  const watch = await connection.subscribe(
    WATCH,
    [hex],
    (status) => {
      const end = toEnd(status);
      if (end?.kind === 'included') resolve(end.blockHash);
      else if (end) reject(rejected(nameOf(call), end.error));
    },
    nameOf(call),
  );
  void watch.lost.then(() => reject(unreachable(connection.url)));
  return { hex, hash: extrinsic.hash.toU8a(), included, stop: watch.stop };
}

/** What a status of sc_transaction_pool_api::TransactionStatus decides, undefined while nothing is decided. */
function toEnd(
  status: unknown,
): { kind: 'included'; blockHash: string } | { kind: 'gone'; error: string } | undefined {
  if (status === 'invalid') return { kind: 'gone', error: 'Invalid' };
  if (status === 'dropped') return { kind: 'gone', error: 'Dropped' };
  if (!isRecord(status)) return undefined; // future, ready
  const blockHash = status.inBlock ?? status.finalized;
  if (typeof blockHash === 'string') return { kind: 'included', blockHash };
  if ('usurped' in status) return { kind: 'gone', error: 'Usurped' };
  return undefined; // broadcast, retracted (it is back in the pool), finalityTimeout
}

async function sign(connection: Connection, signer: Keypair, call: Call, nonce: number, eraBlocks: number) {
  const { api } = connection;
  const { registry } = api;
  const extrinsic = createExtrinsic(connection, call);
  const birth = await readBirth(connection, eraBlocks);
  return extrinsic.sign(
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

/** @throws AssayError `chain-unknown` for no such call, `invalid-input` for arguments that do not encode */
export function createExtrinsic({ api }: Connection, call: Call) {
  const create = api.tx[stringCamelCase(call.pallet)]?.[stringCamelCase(call.name)];
  if (!create)
    throw new AssayError('chain-unknown', `the chain has no call ${nameOf(call)}`, {
      what: `call ${nameOf(call)}`,
    });
  try {
    return create(...call.args);
  } catch (cause) {
    // wrong number or type of arguments for this runtime's metadata
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new AssayError(
      'invalid-input',
      `${nameOf(call)}: ${got}`,
      { what: `arguments of ${nameOf(call)}`, expected: 'what the metadata says', got: got.slice(0, 300) },
      { cause },
    );
  }
}

/**
 * The block from which the era counts: the finalised one, which no fork takes away (its hash is signed, so the
 * extrinsic would die with it); the best one where finality lags by so much that little of the era would be left.
 */
async function readBirth(connection: Connection, eraBlocks: number): Promise<BlockRef> {
  const [best, finalizedHash] = await Promise.all([
    readBlock(connection),
    connection.request('chain_getFinalizedHead', []),
  ]);
  if (typeof finalizedHash !== 'string') throw malformed('chain_getFinalizedHead');
  const finalized = await readBlock(connection, finalizedHash);
  return best.number - finalized.number > eraBlocks / 4 ? best : finalized;
}

async function readIncluded(
  connection: Connection,
  { hex, hash }: Sent,
  blockHash: string,
  call: Call,
): Promise<Included> {
  const [at, body] = await Promise.all([
    readBlock(connection, blockHash),
    connection.request('chain_getBlock', [blockHash]),
  ]);
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
    throw rejected(nameOf(call), dispatchErrorName(runtime.registry, failed.data[0] as DispatchError)); // its first field
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
