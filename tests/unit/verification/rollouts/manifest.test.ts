import { beforeAll, describe, expect, it } from 'vitest';
import { devKeypair, readyKeys, verifySignature } from '../../../../src/keys/keypair.js';
import { concat, toHex, u32le, utf8 } from '../../../../src/model/bytes.js';
import { sha256 } from '../../../../src/model/hash.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { checkEquivocation, encodeEquivocation } from '../../../../src/verification/rollouts/equivocation.js';
import {
  bindManifest,
  encodeManifest,
  openManifest,
  signManifest,
} from '../../../../src/verification/rollouts/manifest.js';
import type { Manifest } from '../../../../src/verification/rollouts/rollout.js';
import { digestOf, WINDOW } from '../../../support/rollout-files.js';

beforeAll(readyKeys);

const alice = () => devKeypair('alice');
const manifestOf = (change: Partial<Manifest> = {}): Manifest => ({
  version: 1,
  genesis: WINDOW.genesis,
  netuid: WINDOW.netuid,
  window: WINDOW.window,
  hotkey: alice().publicKey,
  checkpointDigest: WINDOW.checkpointDigest,
  policyDigest: WINDOW.policyDigest,
  profileDigest: digestOf('profile'),
  groups: 100,
  forfeits: [7, 99],
  rollouts: 392,
  tokens: 12_345,
  fileBytes: 4321,
  fileSha256: digestOf('file'),
  merkleRoot: digestOf('root'),
  ...change,
});
const signed = (change: Partial<Manifest> = {}, key = alice()) => signManifest(manifestOf(change), key.sign);

describe('a manifest', () => {
  it('comes back from its bytes, its digest that of what is signed', () => {
    const { bytes, digest } = signed();
    const opened = openManifest(bytes, verifySignature);
    if (opened.kind === 'refused') throw new Error(opened.reason);
    expect(encodeManifest(opened.value.manifest)).toEqual(encodeManifest(manifestOf()));
    expect(opened.value.manifest).toMatchObject({ netuid: 3, window: 41, groups: 100, forfeits: [7, 99] });
    expect(toHex(opened.value.digest)).toBe(toHex(digest));
    expect(toHex(digest)).toBe(toHex(sha256(bytes.subarray(0, -64))));
    expect(bytes).toHaveLength(4 + 25 + 32 + 2 + 4 + 4 * 32 + 4 + 4 + 2 * 4 + 12 + 64 + 64);
  });

  it('keeps its digest under another signature, which sr25519 makes each time', () => {
    const [one, other] = [signed(), signed()];
    expect(toHex(one.bytes)).not.toBe(toHex(other.bytes));
    expect(toHex(one.digest)).toBe(toHex(other.digest));
  });

  it('is refused with any one of its bytes changed', () => {
    const { bytes } = signed();
    for (let at = 0; at < bytes.length; at++)
      for (const bit of [1, 0x80]) {
        const other = Uint8Array.from(bytes);
        other[at]! ^= bit;
        expect(openManifest(other, verifySignature).kind, `byte ${at}`).toBe('refused');
      }
  });

  it('is refused cut off, with bytes behind, above 4096 bytes, and as random bytes', () => {
    const { bytes } = signed();
    const always = () => true;
    const reason = (given: Uint8Array) => {
      const opened = openManifest(given, always);
      return opened.kind === 'refused' ? opened.reason : 'ok';
    };
    for (let length = 0; length < bytes.length; length++)
      expect(reason(bytes.subarray(0, length)), `${length} bytes`).toBe('manifest-malformed');
    expect(reason(concat(bytes, Uint8Array.of(0)))).toBe('manifest-malformed');
    expect(reason(new Uint8Array(4097))).toBe('manifest-size');
    const random = createSeededRandom('manifests');
    for (let run = 0; run < 500; run++) {
      expect(reason(random.bytes(random.below(4097)))).toBe('manifest-malformed');
      // and where only counts and digests are random
      const half = concat(bytes.subarray(0, 29), random.bytes(random.below(600)));
      expect(['manifest-malformed', 'ok']).toContain(reason(half));
    }
  });

  it('has forfeits ascending, none twice, all below its groups', () => {
    for (const forfeits of [[7, 7], [9, 7], [100], [-1], [0.5]])
      expect(() => encodeManifest(manifestOf({ forfeits })), String(forfeits)).toThrow('forfeits');
    const { bytes } = signed();
    const at = 4 + 25 + 32 + 2 + 4 + 4 * 32 + 4 + 4;
    for (const forfeits of [
      [7, 7],
      [9, 7],
      [7, 100],
    ] as const) {
      const other = Uint8Array.from(bytes);
      other.set(concat(...forfeits.map(u32le)), at);
      expect(openManifest(other, () => true)).toEqual({ kind: 'refused', reason: 'manifest-malformed' });
    }
  });

  it('cannot be written out of range or above its limit', () => {
    expect(() => encodeManifest(manifestOf({ netuid: 65_536 }))).toThrow(
      'manifest netuid: expected 16 bits, got 65536',
    );
    expect(() => encodeManifest(manifestOf({ window: -1 }))).toThrow('window');
    expect(() => encodeManifest(manifestOf({ merkleRoot: new Uint8Array(31) }))).toThrow('got 31');
    const fiftieth = (length: number) => Array.from({ length }, (_, i) => 50 * i);
    const written = encodeManifest(manifestOf({ groups: 50_000, forfeits: fiftieth(938) }));
    expect(written.length + 64).toBe(4095);
    expect(() => encodeManifest(manifestOf({ groups: 50_000, forfeits: fiftieth(939) }))).toThrow('4096');
    expect(() => signManifest(manifestOf(), () => new Uint8Array(63))).toThrow('expected 64 bytes');
  });

  it('is refused when another key signed it', () => {
    const { bytes } = signed({}, devKeypair('bob'));
    expect(openManifest(bytes, verifySignature)).toEqual({ kind: 'refused', reason: 'manifest-signature' });
  });
});

describe('what a manifest is bound to', () => {
  it('names what it was made for instead', () => {
    const to = { window: WINDOW, hotkey: alice().publicKey };
    const reason = (change: Partial<Manifest>, key = alice()) => {
      const bound = bindManifest(signed(change, key), to);
      return bound.kind === 'refused' ? bound.reason : 'ok';
    };
    expect(reason({})).toBe('ok');
    expect(reason({ genesis: digestOf('testnet') })).toBe('other-chain');
    expect(reason({ netuid: 4 })).toBe('other-netuid');
    expect(reason({ window: 40 })).toBe('other-window');
    expect(reason({ checkpointDigest: digestOf('stale') })).toBe('other-checkpoint');
    expect(reason({ policyDigest: digestOf('hotter') })).toBe('other-policy');
    const bob = devKeypair('bob');
    expect(reason({ hotkey: bob.publicKey }, bob)).toBe('other-hotkey');
  });

  it('is the digest on the chain, where there is one', () => {
    const manifest = signed();
    const to = { window: WINDOW, hotkey: alice().publicKey };
    expect(bindManifest(manifest, { ...to, committed: manifest.digest }).kind).toBe('ok');
    expect(bindManifest(manifest, { ...to, committed: signed({ tokens: 1 }).digest })).toEqual({
      kind: 'refused',
      reason: 'other-commitment',
    });
  });
});

describe('a proof of two manifests', () => {
  const proofOf = (one = signed(), other = signed({ tokens: 1 })) => encodeEquivocation(one, other);
  const none = { kind: 'refused', reason: 'equivocation-none' };

  it('shows who signed two for which window, in whatever order they are given', () => {
    const [one, other] = [signed(), signed({ tokens: 1 })];
    const proof = proofOf(one, other);
    expect(proofOf(other, one)).toEqual(proof);
    const found = checkEquivocation(proof, verifySignature);
    if (found.kind === 'refused') throw new Error(found.reason);
    expect(toHex(found.value.hotkey)).toBe(toHex(alice().publicKey));
    expect(found.value).toMatchObject({ netuid: 3, window: 41 });
    expect(toHex(found.value.genesis)).toBe(toHex(WINDOW.genesis));
  });

  it('is none for one manifest signed twice, other windows, chains, subnets or hotkeys', () => {
    const bob = devKeypair('bob');
    expect(checkEquivocation(proofOf(signed(), signed()), verifySignature)).toEqual(none);
    expect(checkEquivocation(proofOf(signed(), signed({ window: 42 })), verifySignature)).toEqual(none);
    // one hotkey on two chains, each of them with subnet 3 in window 41
    const elsewhere = signed({ genesis: digestOf('testnet'), tokens: 1 });
    expect(checkEquivocation(proofOf(signed(), elsewhere), verifySignature)).toEqual(none);
    expect(checkEquivocation(proofOf(signed(), signed({ netuid: 4 })), verifySignature)).toEqual(none);
    const others = signed({ hotkey: bob.publicKey }, bob);
    expect(checkEquivocation(proofOf(signed(), others), verifySignature)).toEqual(none);
  });

  it('is refused when a signature is forged, and for every byte changed, cut or added', () => {
    const forged = signed({ tokens: 1 }, devKeypair('bob'));
    expect(checkEquivocation(proofOf(signed(), forged), verifySignature)).toEqual({
      kind: 'refused',
      reason: 'manifest-signature',
    });
    const proof = proofOf();
    for (let at = 0; at < proof.length; at += at < 40 ? 1 : 13) {
      const other = Uint8Array.from(proof);
      other[at]! ^= 1;
      expect(checkEquivocation(other, verifySignature).kind, `byte ${at}`).toBe('refused');
      expect(checkEquivocation(proof.subarray(0, at), verifySignature).kind).toBe('refused');
    }
    const longer = concat(proof, Uint8Array.of(0));
    const malformed = { kind: 'refused', reason: 'equivocation-malformed' };
    expect(checkEquivocation(longer, verifySignature)).toEqual(malformed);
    expect(checkEquivocation(new Uint8Array(10_000), verifySignature)).toEqual(malformed);
    // the two the other way round would be a second spelling
    const head = utf8('assay/rollouts/equivocation/1').length + 4;
    const size = signed().bytes.length + 4;
    const turned = concat(
      proof.subarray(0, head),
      proof.subarray(head + size),
      proof.subarray(head, head + size),
    );
    expect(checkEquivocation(turned, verifySignature)).toEqual(malformed);
  });
});
