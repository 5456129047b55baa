import { beforeAll, expect, test } from 'vitest';
import type { Keypair } from '../../../src/keys/keypair.js';
import { readyKeys } from '../../../src/keys/keypair.js';
import { isAssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { type SignedFrame, verifyChain } from '../../../src/protocol/evidence.js';
import { cast, envelope, frameBytes, keyOf, NOW } from './builders.js';

beforeAll(readyKeys);

const ID = new Uint8Array(16).fill(3);

/** What a validator keeps of a miner's session: Ready, Commit, one piece. */
function evidence(
  options: { from?: Keypair; to?: Keypair; sentAt?: number; laterAt?: number; callId?: Uint8Array } = {},
) {
  const { miner, validator } = cast();
  const { from = miner, to = validator, sentAt = NOW, laterAt = sentAt, callId = ID } = options;
  const key = keyOf(from, to);
  const bodies = [
    frameBytes({ case: 'ready', value: {} }),
    frameBytes({ case: 'commit', value: { nonces: [new Uint8Array(16)], body: Uint8Array.of(1) } }),
    frameBytes({ case: 'opening', value: { piece: 0, last: true, data: Uint8Array.of(2) } }),
  ];
  const frames: SignedFrame[] = bodies.map((body, sequence) => {
    const header = {
      direction: 'response' as const,
      method: 'prove' as const,
      callId,
      sequence,
      sentAt: sequence === 0 ? sentAt : laterAt,
    };
    const { header: bytes, signature, body: sent } = envelope({ from, to, key, header, body });
    return { header: bytes, signature, body: sent };
  });
  const expect = { signer: toHotkey(from.address), peer: toHotkey(to.address), netuid: 7 };
  return { certificate: key.certificate, frames, expect };
}

const verdictOn = (chain: Parameters<typeof verifyChain>[0]): string => {
  try {
    verifyChain(chain);
    return 'holds';
  } catch (error) {
    if (isAssayError(error, 'unauthenticated')) return error.data.reason;
    if (isAssayError(error, 'invalid-input')) return error.data.what;
    throw error;
  }
};

test('a stored session convicts its signer, years later', () => {
  const chain = evidence();
  const { certificate, headers } = verifyChain(chain);
  expect(certificate.hotkey).toEqual(cast().miner.publicKey);
  expect(headers.map((h) => [h.sequence, h.sentAt, h.callId])).toEqual([
    [0, NOW, ID],
    [1, NOW, ID],
    [2, NOW, ID],
  ]);
});

test('frames may be left out, but not turned round or repeated', () => {
  const { frames, ...rest } = evidence();
  const [ready, commit, opening] = frames as [SignedFrame, SignedFrame, SignedFrame];
  expect(verdictOn({ ...rest, frames: [commit, opening] })).toBe('holds');
  expect(verdictOn({ ...rest, frames: [opening, commit] })).toBe('frames');
  expect(verdictOn({ ...rest, frames: [ready, ready] })).toBe('frames');
});

test('another signer, peer or subnet is not convicted, with frames or without', () => {
  const { stranger } = cast();
  const chain = evidence();
  const other = toHotkey(stranger.address);
  for (const frames of [chain.frames, []]) {
    expect(verdictOn({ ...chain, frames })).toBe('holds');
    expect(verdictOn({ ...chain, frames, expect: { ...chain.expect, signer: other } })).not.toBe('holds');
    expect(verdictOn({ ...chain, frames, expect: { ...chain.expect, peer: other } })).not.toBe('holds');
    expect(verdictOn({ ...chain, frames, expect: { ...chain.expect, netuid: 8 } })).not.toBe('holds');
  }
});

test('the certificate of another pair of hotkeys does not carry over', () => {
  const { miner, stranger } = cast();
  const chain = evidence();
  expect(verdictOn({ ...chain, certificate: keyOf(miner, stranger).certificate })).toBe(
    'certificate-parties',
  );
  expect(verdictOn({ ...chain, certificate: keyOf(stranger, miner).certificate })).toBe(
    'certificate-parties',
  );
});

test('frames of two sessions are no session', () => {
  const chain = evidence();
  const other = evidence({ callId: new Uint8Array(16).fill(4) });
  expect(verdictOn({ ...chain, frames: [chain.frames[0]!, other.frames[1]!] })).toBe('wrong-call');
});

test('a session that began outside the life of its certificate is not convicted', () => {
  expect(verdictOn(evidence({ sentAt: NOW - 1 }))).toBe('certificate-expired');
  expect(verdictOn(evidence({ sentAt: NOW + 3_600_000 }))).toBe('holds');
  expect(verdictOn(evidence({ sentAt: NOW + 3_600_001 }))).toBe('certificate-expired');
});

test.each([3_600_001, -3_600_000])('a clock stepped by %i ms within the session changes nothing', (ms) => {
  const chain = evidence({ laterAt: NOW + ms });
  expect(verdictOn(chain)).toBe('holds');
  // nor when the frame that began it was not kept
  expect(verdictOn({ ...chain, frames: chain.frames.slice(1) })).toBe('holds');
});

test('one stored bit flipped anywhere breaks the chain', () => {
  const chain = evidence();
  const flip = (bytes: Uint8Array, i: number) => bytes.with(i, bytes[i]! ^ (1 << (i % 8)));
  for (let i = 0; i < chain.certificate.length; i++)
    expect(verdictOn({ ...chain, certificate: flip(chain.certificate, i) })).not.toBe('holds');
  const commit = chain.frames[1]!;
  for (const field of ['header', 'signature', 'body'] as const)
    for (let i = 0; i < commit[field].length; i++)
      expect(verdictOn({ ...chain, frames: [{ ...commit, [field]: flip(commit[field], i) }] })).not.toBe(
        'holds',
      );
});
