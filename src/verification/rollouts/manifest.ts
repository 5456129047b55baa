// Owns: the one spelling of a manifest, its digest and signature, what window and hotkey it belongs to. Does not own: keys, which
// are handed in, the chain, on which the digest is.
import { lengthPrefixed } from '../../inference/spec/tagged.js';
import type { WindowContext } from '../../inference/spec/window.js';
import { concat, equals, u16le, u32le, utf8 } from '../../model/bytes.js';
import { sha256 } from '../../model/hash.js';
import { HASH_BYTES } from '../../model/merkle.js';
import { MAX_MANIFEST_BYTES } from './limits.js';
import { accept, type Checked, refuse } from './reasons.js';
import type { Manifest } from './rollout.js';

/** First of the signed bytes, so that neither signature nor digest can be those of anything else. */
const HEAD = lengthPrefixed(utf8('assay/rollouts/manifest/1'));
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** As of keys/keypair.ts: false, never an exception, for whatever is no signature of this key. */
export type Verify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

export interface SignedManifest {
  readonly manifest: Manifest;
  /** SHA-256 of the manifest without its signature: a signature has many spellings, and this is what is on the chain */
  readonly digest: Uint8Array;
  /** manifest and signature, as they travel */
  readonly bytes: Uint8Array;
}

/** The signed bytes. @throws RangeError for a manifest that cannot be written: a bug of the caller */
export function encodeManifest(manifest: Manifest): Uint8Array {
  const number = (
    name: 'netuid' | 'window' | 'groups' | 'rollouts' | 'tokens' | 'fileBytes',
    bits: number,
  ) => {
    const value = manifest[name];
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits)
      throw new RangeError(`manifest ${name}: expected ${bits} bits, got ${value}`);
    return bits === 16 ? u16le(value) : u32le(value);
  };
  const digest = (name: keyof Manifest, value: Uint8Array) => {
    if (value.length !== HASH_BYTES)
      throw new RangeError(`manifest ${name}: expected ${HASH_BYTES} bytes, got ${value.length}`);
    return value;
  };
  const { forfeits, groups } = manifest;
  if (!isAscending(forfeits, groups))
    throw new RangeError(`manifest forfeits: expected ascending numbers below ${groups}, got ${forfeits}`);
  const bytes = concat(
    HEAD,
    digest('genesis', manifest.genesis),
    number('netuid', 16),
    number('window', 32),
    digest('hotkey', manifest.hotkey),
    digest('checkpointDigest', manifest.checkpointDigest),
    digest('policyDigest', manifest.policyDigest),
    digest('profileDigest', manifest.profileDigest),
    number('groups', 32),
    u32le(forfeits.length),
    ...forfeits.map(u32le),
    number('rollouts', 32),
    number('tokens', 32),
    number('fileBytes', 32),
    digest('fileSha256', manifest.fileSha256),
    digest('merkleRoot', manifest.merkleRoot),
  );
  if (bytes.length + SIGNATURE_BYTES > MAX_MANIFEST_BYTES)
    throw new RangeError(`manifest: expected at most ${MAX_MANIFEST_BYTES} bytes with its signature`);
  return bytes;
}

/**
 * A miner signs one manifest a window and keeps it: a second one, whatever its reason, is what equivocation.ts proves.
 * @param sign sr25519 of the hotkey that the manifest names
 */
export function signManifest(manifest: Manifest, sign: (bytes: Uint8Array) => Uint8Array): SignedManifest {
  const body = encodeManifest(manifest);
  const signature = sign(body);
  if (signature.length !== SIGNATURE_BYTES)
    throw new RangeError(`signature: expected ${SIGNATURE_BYTES} bytes, got ${signature.length}`);
  return { manifest, digest: sha256(body), bytes: concat(body, signature) };
}

/** Never throws. */
export function openManifest(bytes: Uint8Array, verify: Verify): Checked<SignedManifest> {
  if (bytes.length > MAX_MANIFEST_BYTES) return refuse('manifest-size');
  if (bytes.length < SIGNATURE_BYTES) return refuse('manifest-malformed');
  // a copy, which its fields are views of: a caller's buffer may be one that is read into again
  const own = Uint8Array.from(bytes);
  const body = own.subarray(0, own.length - SIGNATURE_BYTES);
  const manifest = decodeManifest(body);
  if (!manifest) return refuse('manifest-malformed');
  if (!verify(own.subarray(body.length), body, manifest.hotkey)) return refuse('manifest-signature');
  return accept({ manifest, digest: sha256(body), bytes: own });
}

/** Every field is of one length but the forfeits, which say theirs: bytes that are read to their end are the one spelling. */
function decodeManifest(body: Uint8Array): Manifest | undefined {
  if (!equals(body.subarray(0, HEAD.length), HEAD)) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let at = HEAD.length;
  const step = (length: number) => {
    at += length;
    return at - length;
  };
  const u16 = () => view.getUint16(step(2), true);
  const u32 = () => view.getUint32(step(4), true);
  const take = (length: number) => {
    const from = step(length);
    return body.subarray(from, from + length);
  };
  // all before the forfeits, then all behind them
  if (body.length < at + HASH_BYTES + 2 + 4 + KEY_BYTES + 3 * HASH_BYTES + 8) return undefined;
  const genesis = take(HASH_BYTES);
  const netuid = u16();
  const window = u32();
  const hotkey = take(KEY_BYTES);
  const checkpointDigest = take(HASH_BYTES);
  const policyDigest = take(HASH_BYTES);
  const profileDigest = take(HASH_BYTES);
  const groups = u32();
  const given = u32();
  if (body.length !== at + 4 * given + 12 + 2 * HASH_BYTES) return undefined;
  const forfeits = Array.from({ length: given }, u32);
  if (!isAscending(forfeits, groups)) return undefined;
  const rollouts = u32();
  const tokens = u32();
  const fileBytes = u32();
  const fileSha256 = take(HASH_BYTES);
  const merkleRoot = take(HASH_BYTES);
  return {
    version: 1,
    genesis,
    netuid,
    window,
    hotkey,
    checkpointDigest,
    policyDigest,
    profileDigest,
    groups,
    forfeits,
    rollouts,
    tokens,
    fileBytes,
    fileSha256,
    merkleRoot,
  };
}

const isAscending = (numbers: readonly number[], below: number): boolean =>
  numbers.every((n, i) => Number.isInteger(n) && n < below && n > (i > 0 ? numbers[i - 1]! : -1));

/** Whether it was made for this window, by this hotkey. @param committed the digest that the chain has of it, where there is one */
export function bindManifest(
  signed: SignedManifest,
  to: { readonly window: WindowContext; readonly hotkey: Uint8Array; readonly committed?: Uint8Array },
): Checked<Manifest> {
  const { manifest } = signed;
  if (!equals(manifest.genesis, to.window.genesis)) return refuse('other-chain');
  if (manifest.netuid !== to.window.netuid) return refuse('other-netuid');
  if (manifest.window !== to.window.window) return refuse('other-window');
  if (!equals(manifest.hotkey, to.hotkey)) return refuse('other-hotkey');
  if (!equals(manifest.checkpointDigest, to.window.checkpointDigest)) return refuse('other-checkpoint');
  if (!equals(manifest.policyDigest, to.window.policyDigest)) return refuse('other-policy');
  if (to.committed && !equals(signed.digest, to.committed)) return refuse('other-commitment');
  return accept(manifest);
}
