// Owns: judging stored signatures: hotkey -> session key -> frame, without network, clock or state.
// Does not own: what the frames say (verification), how they are stored (validator/ledger).

import { create } from '@bufbuild/protobuf';
import { fromAddress } from '../keys/ss58.js';
import { equals } from '../model/bytes.js';
import type { Hotkey } from '../model/ids.js';
import { type Certificate, checkParties, checkSignature, verifyCertificate } from './certificate.js';
import { decodeHeader, type Header, readEnvelope } from './envelope.js';
import { invalidInput, unauthenticated } from './errors.js';
import { SignedSchema } from './gen/assay/v1/miner_pb.js';

/** A message's bytes as they travelled: evidence, never re-encoded. */
export interface SignedFrame {
  readonly header: Uint8Array;
  readonly signature: Uint8Array;
  readonly body: Uint8Array;
}

export interface VerifiedChain {
  readonly certificate: Certificate;
  /** one for each frame: session id, sequence, sent-at */
  readonly headers: readonly Header[];
}

/**
 * Proves that `signer` sent these frames to `peer`, in this order, in one session, however long ago. As in the session itself, the
 * certificate must have been valid at sent-at of the first frame (sequence 0), and sent-at of later ones decides nothing.
 * Sequences must rise but may skip, because evidence keeps only the frames that matter. `readyKeys()` must have resolved.
 * @throws AssayError `invalid-input` or `unauthenticated` naming what does not hold
 */
export function verifyChain(chain: {
  certificate: Uint8Array;
  frames: readonly SignedFrame[];
  expect: { signer: Hotkey; peer: Hotkey; netuid: number };
}): VerifiedChain {
  const { frames, expect } = chain;
  const sender = fromAddress(expect.signer);
  const receiver = fromAddress(expect.peer);
  const certificate = verifyCertificate(chain.certificate);
  // again below for each frame; here it matters when there is none
  if (
    certificate.netuid !== expect.netuid ||
    !equals(certificate.hotkey, sender) ||
    !equals(certificate.peer, receiver)
  )
    throw unauthenticated('certificate-parties');
  const headers: Header[] = [];
  for (const frame of frames) {
    // the frame's own direction and sequence are no claim of ours: only that all frames agree
    const { direction, method, sequence, callId } = decodeHeader(frame.header);
    const before = headers.at(-1);
    const header = readEnvelope(create(SignedSchema, { ...frame }), {
      direction: before?.direction ?? direction,
      method: before?.method ?? method,
      netuid: expect.netuid,
      sender,
      receiver,
      callId: before?.callId ?? callId,
      sequence,
    });
    if (before && before.sequence >= sequence)
      throw invalidInput('frames', 'rising sequences', `${before.sequence} before ${sequence}`);
    checkParties(certificate, header);
    checkSignature(certificate.key, frame.header, frame.signature);
    headers.push(header);
  }
  return { certificate, headers };
}
