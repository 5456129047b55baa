// Owns: the public port: the door before every call, and a signature on every answer.
// Does not own: who comes in (door.ts), order of frames (frames.ts), transports (wire.ts).
import { create, toBinary } from '@bufbuild/protobuf';
import { readyKeys } from '../keys/keypair.js';
import type { Clock } from '../model/clock.js';
import { AssayError, isAssayError } from '../model/errors.js';
import type { Hotkey } from '../model/ids.js';
import { assertPlaintextAllowed } from './address.js';
import { CertificateCache } from './certificate.js';
import { decode } from './codec.js';
import { Door, notAdmitted, shortId, toLogData } from './door.js';
import { seal } from './envelope.js';
import { limitExceeded, timedOut, unauthenticated } from './errors.js';
import { Session } from './frames.js';
import { DescribeRequestSchema, DescribeResponseSchema, type Signed } from './gen/assay/v1/miner_pb.js';
import { FILE_PIECE_BYTES, type Limits, PIECED_FILE_BYTES, toLimits } from './limits.js';
import type { Served, ServeOptions, ServeParts } from './session.js';
import type { Arrived, Origin, WireHandlers, WireStream } from './wire.js';

/**
 * The public port: every call passes the door, and every answer is signed.
 * @param signal ends it: no new calls, open sessions broken, `closed` once their handlers returned
 * @throws AssayError `insecure-address`, `unreachable` when the address cannot be bound
 */
export async function serve(parts: ServeParts, options: ServeOptions, signal: AbortSignal): Promise<Served> {
  const { wire, clock, log } = parts;
  const { host, port, identities = [] } = options;
  if (identities.length === 0) assertPlaintextAllowed(host);
  const limits = toLimits(options.limits);
  await readyKeys();
  const listener = await wire.listen(
    { host, port, identities },
    createHandlers(parts, options.netuid, limits),
  );
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const closed = aborted.then(async () => {
    const done = new AbortController();
    const patience = clock.sleep(limits.closeMs, done.signal).then(() => {
      if (!done.signal.aborted) log.warn('server left handlers behind', { afterMs: limits.closeMs });
    });
    await Promise.race([listener.close(), patience]);
    done.abort();
  });
  return { host: listener.host, port: listener.port, rekey: listener.rekey, closed };
}

/** Told whose signature was found good, before it is known whether they may come in. */
type Signer = (hotkey: Hotkey) => void;

function createHandlers(parts: ServeParts, netuid: number, limits: Limits): WireHandlers {
  const { clock, keypair, handlers, log, onCall = () => {} } = parts;
  const door = new Door(parts, netuid, limits);
  // no certificate reaches a session's cache on this end: the door has its own
  const certificates = new CertificateCache(1);

  const describe = async (arrived: Arrived, origin: Origin, signed: Signer): Promise<Signed> => {
    door.knock(origin);
    const { header, peer, filesOnly } = await door.enter(arrived, 'describe', origin, signed);
    const request = decode(DescribeRequestSchema, arrived.message.body, 'describe-request');
    const { contentDigest: digest, contentOffset: offset } = request;
    if (digest.length === 0 && filesOnly) throw notAdmitted();
    const now = clock.monotonic();
    if (digest.length > 0 && offset === undefined && filesOnly) peer.files.take('contents-per-neuron', now);
    else if (digest.length > 0 && offset === undefined) peer.contents.take('contents-per-peer', now);
    else if (digest.length > 0 && filesOnly) peer.filePieces.take('pieces-per-neuron', now);
    else if (digest.length > 0) peer.pieces.take('pieces-per-peer', now);
    const response = create(
      DescribeResponseSchema,
      digest.length === 0
        ? await handlers.describe(peer.hotkey)
        : offset === undefined
          ? toContent(handlers.content?.(digest))
          : await pieceOf(handlers, digest, offset),
    );
    const key = peer.sessionKey(origin.channel);
    const sentAt = Math.floor(clock.now());
    return seal(
      {
        direction: 'response',
        method: 'describe',
        netuid,
        sender: keypair.publicKey,
        receiver: header.sender,
        callId: header.callId,
        sequence: 0,
        sentAt,
        expiresAt: sentAt + limits.envelopeMs,
      },
      toBinary(DescribeResponseSchema, response),
      key.sign,
      key.certificate,
    );
  };

  const prove = async (stream: WireStream, origin: Origin, signed: Signer): Promise<void> => {
    door.knock(origin);
    const arrived = await firstFrame(stream, clock, limits);
    const { header, certificate, peer } = await door.enter(arrived, 'prove', origin, signed);
    if (peer.streams >= limits.streamsPerPeer)
      throw limitExceeded('streams-per-peer', limits.streamsPerPeer, peer.streams + 1);
    peer.streams++;
    const session = new Session(stream, {
      clock,
      limits,
      certificates,
      channel: origin.channel,
      netuid,
      own: keypair.publicKey,
      other: certificate.hotkey,
      peer: peer.hotkey,
      id: header.callId.slice(),
      key: peer.sessionKey(origin.channel),
      direction: 'response',
      traceparent: origin.traceparent,
      first: { arrived, certificate },
    });
    try {
      await handlers.prove(session);
    } catch (error) {
      throw session.fault ?? error; // the handler may have wrapped what broke its session
    } finally {
      session.close();
      peer.streams--;
    }
    if (session.fault && !isAssayError(session.fault, 'refused')) throw session.fault;
    log.debug('session ended', { session: shortId(session.id), peer: peer.hotkey });
  };

  const logged = async <T>(
    method: string,
    origin: Origin,
    call: (signed: Signer) => Promise<T>,
  ): Promise<T> => {
    const { address } = origin;
    let caller: Hotkey | undefined;
    try {
      const answer = await call((hotkey) => {
        caller = hotkey;
      });
      onCall({ address, caller });
      return answer;
    } catch (error) {
      onCall({ address, caller, error });
      const data = { method, origin: origin.address, ...toLogData(error) };
      // anybody can make us refuse, so a refusal must not be able to fill a disk
      if (error instanceof AssayError && error.code !== 'internal') log.debug('call refused', data);
      else log.error('call failed here', data);
      throw error;
    }
  };

  return {
    describe: (arrived, origin) => logged('describe', origin, (signed) => describe(arrived, origin, signed)),
    prove: (stream, origin) => logged('prove', origin, (signed) => prove(stream, origin, signed)),
  };
}

/** Nothing for an offset that is no piece's: which bytes are a piece is no choice of the caller's. */
async function pieceOf(handlers: ServeParts['handlers'], digest: Uint8Array, offset: bigint) {
  const isPiece = offset < PIECED_FILE_BYTES && offset % BigInt(FILE_PIECE_BYTES) === 0n;
  const piece = isPiece ? await handlers.piece?.(digest, Number(offset)) : undefined;
  return piece ? { content: piece.data, contentBytes: BigInt(piece.fileBytes) } : {};
}

const toContent = (content: Uint8Array | undefined) => (content === undefined ? {} : { content });

async function firstFrame(stream: WireStream, clock: Clock, limits: Limits): Promise<Arrived> {
  const done = new AbortController();
  // not withTimeout: a stream that breaks meanwhile must not wait for the clock, nor the clock for the stream
  const late = clock.sleep(limits.firstFrameMs, done.signal).then(() => {
    if (!done.signal.aborted) stream.cancel(timedOut('first-frame', limits.firstFrameMs));
  });
  try {
    const arrived = await stream.receive();
    if (!arrived) throw unauthenticated('missing-envelope');
    return arrived;
  } finally {
    done.abort();
    await late;
  }
}
