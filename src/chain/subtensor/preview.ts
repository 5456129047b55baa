// Owns: what an operation would send and what the chain says to it, without sending it. Does not own: sending (operate.ts).
import { Compact, GenericCall, Int, Option, Struct, UInt } from '@polkadot/types';
import type { DispatchError } from '@polkadot/types/interfaces';
import type { Codec } from '@polkadot/types/types';
import type { Keypair } from '../../keys/keypair.js';
import { concat, fromHex, toHex } from '../../model/bytes.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { readBlock } from './blocks.js';
import { createExtrinsic, nameOf, toCall } from './calls.js';
import type { Connection } from './connection.js';
import { type Explained, explain, explainDispatch, explainInvalid } from './errors.js';
import type { Operation, Refusal } from './operations/operation.js';
import { asBigint, asRecord, plainOf } from './plain.js';
import { currentRuntime } from './runtime.js';
import { type SubmitParts, sign } from './submit.js';

export interface Preview {
  /** `Pallet.call`, in the form that this chain has */
  readonly call: string;
  /** arguments by the metadata's names, as polkadot-js prints them; integers are numbers, or bigints where those are not exact */
  readonly args: Readonly<Record<string, unknown>>;
  /** the encoded call (no signature), hex */
  readonly encoded: string;
  /** 0 for calls that pay nothing; undefined where the node estimates no fees */
  readonly feeRao: bigint | undefined;
  /** what state speaks against it, most important first; [] when nothing known does */
  readonly refusals: readonly (Refusal & Explained)[];
  readonly dryRun: DryRun;
}

export type DryRun =
  /** the whole call was run on the head's state, and its changes thrown away */
  | { readonly by: 'system_dryRun'; readonly ok: true }
  | ({ readonly by: 'system_dryRun'; readonly ok: false } & Explained)
  /** the pool's own check was run: it would be taken, and may still fail in its block */
  | { readonly by: 'validate_transaction'; readonly ok: true }
  | ({ readonly by: 'validate_transaction'; readonly ok: false } & Explained)
  /** neither: what the chain says to it can only be known by sending it */
  | { readonly by: 'none'; readonly why: string };

/**
 * Blocks for which the signature of a dry run holds, the fewest that Substrate knows: the node gets a valid extrinsic, and
 * one that passes it on instead of throwing it away must have little time for it.
 */
const DRY_RUN_ERA_BLOCKS = 4;

export const createPreviewer =
  (
    parts: SubmitParts,
    refusalsOf: (signer: Keypair, operation: Operation) => Promise<readonly Refusal[]>,
  ): ((signer: Keypair, operation: Operation) => Promise<Preview>) =>
  async (signer, operation) => {
    const { connection } = parts;
    const call = toCall(connection, operation);
    const extrinsic = createExtrinsic(connection, call);
    const [refusals, signed] = await Promise.all([
      refusalsOf(signer, operation),
      signForDryRun(parts, signer, operation),
    ]);
    const [feeRao, dryRun] = await Promise.all([
      feeOf(connection, signed),
      dryRunOf(connection, signed, operation),
    ]);
    const names = extrinsic.meta.args.map(({ name }) => name.toString());
    return {
      call: nameOf(call),
      args: Object.fromEntries(names.map((name, i) => [name, shown(extrinsic.method.args[i])])),
      encoded: extrinsic.method.toHex(),
      feeRao,
      refusals: refusals.map((refusal) => ({ ...explain(refusal.error), ...refusal })),
      dryRun,
    };
  };

/** As Codec.toHuman, whose integers have commas. */
function shown(codec: Codec | undefined): unknown {
  if (codec instanceof UInt || codec instanceof Int) return plainOf(codec);
  if (codec instanceof Compact || codec instanceof Option)
    return codec.isEmpty ? null : shown(codec.unwrap() as Codec);
  if (codec instanceof GenericCall) {
    const { section, method, args, meta } = codec;
    const named = meta.args.map(({ name }, i) => [name.toString(), shown(args[i])]);
    return { section, method, args: Object.fromEntries(named) };
  }
  if (codec instanceof Struct)
    return Object.fromEntries([...(codec as Map<string, Codec>)].map(([key, of]) => [key, shown(of)]));
  if (Array.isArray(codec)) return codec.map((element: Codec) => shown(element));
  return codec?.toHuman();
}

async function signForDryRun(
  { connection }: SubmitParts,
  signer: Keypair,
  operation: Operation,
): Promise<Uint8Array> {
  const nonce = await connection.request('system_accountNextIndex', [signer.address]);
  const call = toCall(connection, operation);
  const extrinsic = await sign(connection, signer, call, Number(nonce), DRY_RUN_ERA_BLOCKS);
  return extrinsic.toU8a();
}

/** TransactionPaymentApi.query_info: weight, class and the fee without a tip. */
async function feeOf(connection: Connection, signed: Uint8Array): Promise<bigint | undefined> {
  const length = Uint8Array.of(0, 8, 16, 24).map((shift) => (signed.length >>> shift) & 255);
  const answer = await unlessAbsent(
    connection.request('state_call', ['TransactionPaymentApi_query_info', hex(concat(signed, length))]),
  );
  if (typeof answer !== 'string') return undefined;
  const { registry } = currentRuntime(connection.api);
  const info = plainOf(registry.createType('RuntimeDispatchInfo', fromHex(answer)));
  return asBigint(asRecord(info).partialFee);
}

async function dryRunOf(connection: Connection, signed: Uint8Array, call: Operation): Promise<DryRun> {
  const run = await unlessAbsent(connection.request('system_dryRun', [hex(signed)]));
  if (typeof run === 'string') return { by: 'system_dryRun', ...applied(connection, fromHex(run), call) };
  const head = await readBlock(connection);
  const source = Uint8Array.of(2); // TransactionSource::External, as author_submitExtrinsic has it
  const verdict = await unlessAbsent(
    connection.request('state_call', [
      'TaggedTransactionQueue_validate_transaction',
      hex(concat(source, signed, fromHex(head.hash))),
      head.hash,
    ]),
  );
  if (typeof verdict === 'string') {
    const bytes = fromHex(verdict);
    const rest =
      bytes[0] === 0 ? { ok: true as const } : { ok: false as const, ...invalid(bytes.subarray(1), call) };
    return { by: 'validate_transaction', ...rest };
  }
  return {
    by: 'none',
    why: 'the node offers neither system_dryRun nor its pool’s check: only sending it would tell',
  };
}

/** ApplyExtrinsicResult: Result<Result<(), DispatchError>, TransactionValidityError>. */
function applied(connection: Connection, bytes: Uint8Array, call: Operation) {
  if (bytes[0] === 1) return { ok: false as const, ...invalid(bytes.subarray(1), call) };
  if (bytes[1] === 0) return { ok: true as const };
  const { registry } = currentRuntime(connection.api);
  // the type of every dispatch error that the metadata describes
  const error = registry.createType('DispatchError', bytes.subarray(2)) as unknown as DispatchError;
  return { ok: false as const, ...explainDispatch(registry, error) };
}

/** TransactionValidityError: Invalid(InvalidTransaction) 0, Unknown(UnknownTransaction) 1. */
const invalid = (bytes: Uint8Array, call: Operation): Explained =>
  bytes[0] === 0 ? explainInvalid(bytes.subarray(1), nameOf(call)) : explain('UnknownValidity');

const hex = (bytes: Uint8Array): string => `0x${toHex(bytes)}`;

/** undefined where the node has no such method, or does not offer it to everybody; outages pass. */
async function unlessAbsent(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (isAssayError(error, 'unsupported') || isAssayError(error, 'refused')) return undefined;
    if (error instanceof AssayError) throw error;
    throw new AssayError('internal', 'preview of a call', { what: 'preview of a call' }, { cause: error });
  }
}
