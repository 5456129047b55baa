// Owns: whether an extrinsic may enter the pool: signature, nonce, mortality, guards. Codes and texts are Substrate's.
import { decodeExtrinsic, eraBirth, type SignedExtrinsic, signingPayload } from '../chain/codec/extrinsic.js';
import { type RuntimeCall, runtime, runtimeVersion } from '../chain/codec/runtime.js';
import type { Instead } from '../chain/codec/scale.js';
import { publicKeyOf } from '../chain/codec/types.js';
import { verifySignature } from '../keys/keypair.js';
import type { BlockContext, CallFailed } from './dispatch.js';
import { lookup } from './pallets/balances.js';
import { customCode, guardCall } from './pallets/subtensor/guards.js';
import type { State } from './state.js';

/** An error as JSON-RPC carries it (sc-rpc author/error.rs). */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: string,
  ) {
    super(message);
  }
}

export const invalidTransaction = (data: string): RpcError => new RpcError(1010, 'Invalid Transaction', data);

export interface Chain {
  readonly state: State;
  /** the block the extrinsic could get into */
  readonly nextBlock: number;
  readonly genesisHash: Uint8Array;
  /** of the runtime that the next block runs under */
  readonly specVersion: number;
  /** undefined when unknown or forgotten */
  hashOf(block: number): Uint8Array | undefined;
}

/**
 * @param instead codecs of the runtime that the next block runs under
 * @throws RpcError 1001 for bytes that are no signed extrinsic with a known call
 */
export function parseExtrinsic(bytes: Uint8Array, maxBytes: number, instead?: Instead): SignedExtrinsic {
  if (bytes.length > maxBytes)
    throw new RpcError(1001, 'Extrinsic has invalid format', `${bytes.length} bytes, at most ${maxBytes}`);
  let extrinsic: ReturnType<typeof decodeExtrinsic>;
  try {
    extrinsic = decodeExtrinsic(bytes, instead);
  } catch (error) {
    // whatever the bytes were, the reason names it; our own decoder throws nothing but RangeError
    throw new RpcError(1001, 'Extrinsic has invalid format', error instanceof Error ? error.message : '');
  }
  if (!extrinsic.signed) throw invalidTransaction('Transaction call is not expected');
  return extrinsic;
}

/** Who signed. @throws RpcError 1010 when nobody did */
export function checkSignature(extrinsic: SignedExtrinsic, chain: Chain): string {
  const { address, signature, extra, callBytes, extraBytes } = extrinsic;
  const who = signerOf(address);
  if (who === undefined) throw invalidTransaction('Transaction has a bad signature');
  // seen from the next block, as the chain sees it: past its period an era is born anew, and the old signature with
  // the old hash no longer fits (or the new birth block has no hash yet)
  const eraHash = chain.hashOf(eraBirth(extra.era, chain.nextBlock));
  if (eraHash === undefined) throw invalidTransaction('Transaction has an ancient birth block');
  const payload = signingPayload(callBytes, extraBytes, {
    specVersion: chain.specVersion,
    transactionVersion: runtimeVersion.transaction_version,
    genesisHash: chain.genesisHash,
    eraHash,
  });
  const isOurs = signature.type === 'Sr25519';
  if (!isOurs || !verifySignature(signature.value[0], payload, publicKeyOf(who)))
    throw invalidTransaction('Transaction has a bad signature');
  return who;
}

function signerOf(address: SignedExtrinsic['address']): string | undefined {
  try {
    return lookup(address);
  } catch {
    return undefined; // an index or a foreign kind of address: nobody here
  }
}

/** What holds for signed and in-process extrinsics alike: the nonce is not used up, and the guards let the call pass. */
export function checkCall(who: string, extrinsic: SignedExtrinsic, chain: Chain): void {
  const { state } = chain;
  if (extrinsic.extra.nonce < state.get(runtime.System.storage.Account, who).nonce)
    throw invalidTransaction('Transaction is outdated');
  const failure = guardFailure(who, extrinsic, chain);
  if (failure instanceof BadSigner) throw invalidTransaction('Invalid signing address');
  if (failure) throw invalidTransaction(`Custom error: ${customCode(failure)}`);
}

export const guardFailure = (
  who: string,
  { call }: SignedExtrinsic,
  { state, nextBlock }: Chain,
): CallFailed | BadSigner | undefined => callFailure(who, call, { state, block: nextBlock, emit: () => {} });

/** `InvalidTransaction::BadSigner`: no call's error, for the call is never carried out. */
class BadSigner extends Error {
  constructor() {
    super('BadSigner');
  }
}

/**
 * Why an extrinsic of this call may not be in the block of `context` (subtensor extensions/subtensor.rs and runtime
 * sudo_wrapper.rs); undefined when it may. Its message is the error's name.
 */
export function callFailure(
  who: string,
  call: RuntimeCall,
  context: BlockContext,
): CallFailed | BadSigner | undefined {
  if (call.pallet === 'Sudo' && context.state.get(runtime.Sudo.storage.Key) !== who) return new BadSigner();
  return guardCall(who, call, context);
}
