// Builders of envelopes and certificates for the tests of the wire.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { devKeypair, type Keypair } from '../../../src/keys/keypair.js';
import { type Clock, systemClock } from '../../../src/model/clock.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { createSessionKeys, PLAINTEXT_CHANNEL, type SessionKey } from '../../../src/protocol/certificate.js';
import { type Header, seal } from '../../../src/protocol/envelope.js';
import { FrameSchema, type Signed } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { toLimits } from '../../../src/protocol/limits.js';

export const NOW = 1_760_000_000_000;

/** A wall clock that stands where it is put; monotonic time stands still. */
export function clockAt(now = NOW): Clock & { set(now: number): void } {
  let at = now;
  return {
    now: () => at,
    monotonic: () => 0,
    sleep: systemClock.sleep,
    set: (next) => {
      at = next;
    },
  };
}

export function keyOf(
  keypair: Keypair,
  peer: Keypair,
  options: { now?: number; netuid?: number; seed?: string } = {},
): SessionKey {
  const { now = NOW, netuid = 7, seed = keypair.address } = options;
  return createSessionKeys(
    { keypair, clock: clockAt(now), random: createSeededRandom(seed), limits: toLimits() },
    { peer: peer.publicKey, netuid, channel: PLAINTEXT_CHANNEL },
  )();
}

export interface Envelope {
  from: Keypair;
  to: Keypair;
  key?: SessionKey;
  header?: Partial<Omit<Header, 'bodyHash'>>;
  body?: Uint8Array;
  certificate?: Uint8Array | undefined;
}

let calls = 0;

/** A good request of `describe` unless told otherwise. */
export function envelope(options: Envelope): Signed {
  const { from, to, header = {}, body = new Uint8Array() } = options;
  const sentAt = header.sentAt ?? NOW;
  const key = options.key ?? keyOf(from, to, { now: sentAt });
  const callId = new Uint8Array(16);
  new DataView(callId.buffer).setUint32(0, ++calls);
  return seal(
    {
      direction: 'request',
      method: 'describe',
      netuid: 7,
      sender: from.publicKey,
      receiver: to.publicKey,
      callId,
      sequence: 0,
      sentAt,
      expiresAt: sentAt + 30_000,
      ...header,
    },
    body,
    key.sign,
    'certificate' in options ? options.certificate : key.certificate,
  );
}

export const frameBytes = (body: MessageInitShape<typeof FrameSchema>['body']): Uint8Array =>
  toBinary(FrameSchema, create(FrameSchema, body === undefined ? {} : { body }));

/** Only after `readyKeys()`. */
export const cast = () => ({
  validator: devKeypair('validator'),
  miner: devKeypair('miner'),
  stranger: devKeypair('stranger'),
});
