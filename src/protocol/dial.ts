// Owns: the calling end: signed calls and sessions to one hotkey at one address.
// Does not own: order of frames (frames.ts), transports (wire.ts).
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { fromAddress } from '../keys/ss58.js';
import { equals } from '../model/bytes.js';
import { sha256 } from '../model/hash.js';
import { assertPlaintextAllowed } from './address.js';
import {
  CertificateCache,
  checkChannel,
  checkParties,
  checkSignature,
  createSessionKeys,
  PLAINTEXT_CHANNEL,
} from './certificate.js';
import { decode } from './codec.js';
import { CALL_ID_BYTES, checkFreshness, readEnvelope, readWallClock, seal } from './envelope.js';
import { authenticate, Session } from './frames.js';
import {
  DescribeRequestSchema,
  type DescribeResponse,
  DescribeResponseSchema,
} from './gen/assay/v1/miner_pb.js';
import { FILE_PIECE_BYTES, PIECED_FILE_BYTES, toLimits } from './limits.js';
import { assertSupported, channelOf } from './server-key.js';
import type { MinerPeer, PeerOptions, SessionParts } from './session.js';

/**
 * A peer to call. Connects when first used, and again when the connection broke; nothing is retried.
 * @throws AssayError `insecure-address`, `unsupported` for a server key of another kind, `invalid-input` for a hotkey that
 *   is no address
 */
export function dial(parts: SessionParts, peer: PeerOptions): MinerPeer {
  const { wire, keypair, clock, random } = parts;
  const { address, hotkey, netuid } = peer;
  const { serverKey } = address;
  if (serverKey) assertSupported(serverKey);
  else assertPlaintextAllowed(address.host);
  const binding = serverKey ? channelOf(serverKey) : PLAINTEXT_CHANNEL;
  const limits = toLimits(peer.limits);
  const other = fromAddress(hotkey);
  const own = keypair.publicKey;
  const sessionKey = createSessionKeys(
    { keypair, clock, random, limits },
    { peer: other, netuid, channel: binding },
  );
  const certificates = new CertificateCache(4); // one peer: its key before and after a renewal, and a restart
  const channel = wire.connect(address);
  const newCallId = () => Uint8Array.from(random.bytes(CALL_ID_BYTES)); // a Buffer's slice would not copy

  const ask = async (
    request: MessageInitShape<typeof DescribeRequestSchema>,
    signal: AbortSignal | undefined,
  ): Promise<DescribeResponse> => {
    const key = sessionKey();
    const callId = newCallId();
    const toUnixMs = readWallClock(clock);
    const sentAt = Math.floor(toUnixMs(clock.monotonic()));
    const sealed = seal(
      {
        direction: 'request',
        method: 'describe',
        netuid,
        sender: own,
        receiver: other,
        callId,
        sequence: 0,
        sentAt,
        expiresAt: sentAt + limits.envelopeMs,
      },
      toBinary(DescribeRequestSchema, create(DescribeRequestSchema, request)),
      key.sign,
      key.certificate,
    );
    const arrived = await channel.describe(sealed, limits.describeDeadlineMs, signal);
    const { message } = arrived;
    const header = readEnvelope(message, {
      direction: 'response',
      method: 'describe',
      netuid,
      sender: other,
      receiver: own,
      callId,
      sequence: 0,
    });
    const certificate = authenticate(message, certificates);
    checkParties(certificate, header);
    checkChannel(certificate, binding);
    checkSignature(certificate.key, message.header, message.signature);
    checkFreshness(header, toUnixMs(arrived.at), limits);
    return decode(DescribeResponseSchema, message.body, 'describe-response');
  };

  return {
    describe: (signal) => ask({}, signal),

    async content(digest, signal) {
      const { content } = await ask({ contentDigest: digest }, signal);
      // whoever sends another file does not have this one
      return content !== undefined && equals(sha256(content), digest) ? content : undefined;
    },

    async piece(digest, offset, signal) {
      const { content, contentBytes } = await ask(
        { contentDigest: digest, contentOffset: BigInt(offset) },
        signal,
      );
      if (content === undefined || contentBytes === undefined) return undefined;
      const fileBytes = Number(contentBytes);
      // a piece that its file cannot have is none; of more than we take the rest would never be asked for
      const isOne =
        fileBytes <= PIECED_FILE_BYTES &&
        content.length > 0 &&
        content.length === Math.min(FILE_PIECE_BYTES, fileBytes - offset);
      return isOne ? { data: content, fileBytes } : undefined;
    },

    prove(traceparent) {
      return new Session(channel.prove(traceparent), {
        clock,
        limits,
        certificates,
        channel: binding,
        netuid,
        own,
        other,
        peer: hotkey,
        id: newCallId(),
        key: sessionKey(),
        direction: 'request',
      });
    },

    close: () => channel.close(),
  };
}
