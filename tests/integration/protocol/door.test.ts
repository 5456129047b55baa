// Every RPC of every service that is bound to the public port, against everything that is no valid envelope.

import { create } from '@bufbuild/protobuf';
import { Client, credentials, type MethodDefinition, Server, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readyKeys } from '../../../src/keys/keypair.js';
import { silentLog } from '../../../src/model/log.js';
import { systemRandom } from '../../../src/model/prng.js';
import { issueCertificate, PLAINTEXT_CHANNEL } from '../../../src/protocol/certificate.js';
import { decodeSigned, encodeSigned } from '../../../src/protocol/codec.js';
import type { Method } from '../../../src/protocol/envelope.js';
import { type Signed, SignedSchema } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { PUBLIC_SERVICES } from '../../../src/protocol/grpc/service.js';
import { createGrpcWire } from '../../../src/protocol/grpc/wire.js';
import { serve } from '../../../src/protocol/serve.js';
import { cast, clockAt, envelope, frameBytes, keyOf, NOW } from '../../unit/protocol/builders.js';

beforeAll(readyKeys);

interface Rpc {
  readonly path: string;
  readonly stream: boolean;
  /** the envelope's name of it */
  readonly method: Method;
  /** a body that this method takes */
  readonly body: Uint8Array;
}

const ARM = frameBytes({ case: 'arm', value: { slot: 1 } });
const RPCS: Rpc[] = PUBLIC_SERVICES.flatMap((service) =>
  service.methods.map((method) => ({
    path: `/${service.typeName}/${method.name}`,
    stream: method.methodKind !== 'unary',
    method: method.localName as Method,
    body: method.methodKind === 'unary' ? new Uint8Array() : ARM,
  })),
);
const other = (method: Method): Method => (method === 'describe' ? 'prove' : 'describe');

const abort = new AbortController();
const clock = clockAt();
const handled: string[] = [];
const bound: string[] = [];
let client: Client;
let served: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  const { miner, validator } = cast();
  const addService = vi.spyOn(Server.prototype, 'addService');
  served = await serve(
    {
      wire: createGrpcWire({ clock }),
      keypair: miner,
      clock,
      log: silentLog,
      random: systemRandom,
      admit: (hotkey) => hotkey === validator.address,
      handlers: {
        async describe() {
          handled.push('describe');
          return { version: '1' };
        },
        async prove(session) {
          handled.push('prove');
          while (await session.receive()) await session.send({ case: 'ready', value: {} });
        },
      },
    },
    { host: '127.17.0.1', port: 0, netuid: 7 },
    abort.signal,
  );
  for (const [definition] of addService.mock.calls)
    bound.push(...Object.values(definition).map((m: MethodDefinition<unknown, unknown>) => m.path));
  addService.mockRestore();
  client = new Client(`${served.host}:${served.port}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  abort.abort();
  await served.closed;
});

interface Answer {
  readonly code: number;
  readonly reason: string;
  readonly skewMs: string | undefined;
  readonly messages: Buffer[];
}

/** A caller without any of our code but the encoding. */
function call(rpc: Pick<Rpc, 'path' | 'stream'>, ...messages: Uint8Array[]): Promise<Answer> {
  const raw = (bytes: Uint8Array) => Buffer.from(bytes);
  return new Promise((resolve) => {
    const got: Buffer[] = [];
    const done = (s: { code: number; metadata: { get(key: string): unknown[] } }) =>
      resolve({
        code: s.code,
        reason: String(s.metadata.get('assay-reason')[0] ?? ''),
        skewMs: s.metadata.get('assay-skew-ms')[0] as string | undefined,
        messages: got,
      });
    if (rpc.stream) {
      const stream = client.makeBidiStreamRequest(rpc.path, raw, (b: Buffer) => b);
      stream.on('data', (b: Buffer) => got.push(b));
      stream.on('error', () => {});
      stream.on('status', done);
      for (const message of messages) stream.write(message);
      stream.end();
    } else {
      const unary = client.makeUnaryRequest(
        rpc.path,
        raw,
        (b: Buffer) => b,
        messages[0]!,
        (_error, b) => {
          if (b) got.push(b);
        },
      );
      unary.on('status', done);
    }
  });
}

const valid = (rpc: Rpc, header = {}, to = cast().miner): Signed =>
  envelope({ from: cast().validator, to, header: { method: rpc.method, ...header }, body: rpc.body });

test('what this file walks is what is bound, and all of it', () => {
  expect(bound.sort()).toEqual(RPCS.map((rpc) => rpc.path).sort());
  expect(bound).toEqual(['/assay.v1.MinerService/Describe', '/assay.v1.MinerService/Prove']);
});

test('nothing else is served there: no health, no reflection', async () => {
  for (const path of [
    '/grpc.health.v1.Health/Check',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/x/y',
  ])
    expect((await call({ path, stream: false }, new Uint8Array())).code).toBe(status.UNIMPLEMENTED);
});

describe.each(RPCS)('$path', (rpc) => {
  const refuses = async (message: Signed | Uint8Array, code: number, reason: string): Promise<Answer> => {
    handled.length = 0;
    const answer = await call(rpc, message instanceof Uint8Array ? message : encodeSigned(message));
    expect([answer.code, answer.reason]).toEqual([code, reason]);
    expect(answer.messages).toEqual([]);
    expect(handled).toEqual([]);
    return answer;
  };
  const unauthenticated = status.UNAUTHENTICATED;

  test('answers a valid envelope, once, with a signed one', async () => {
    handled.length = 0;
    const message = encodeSigned(valid(rpc));
    const answer = await call(rpc, message);
    expect([answer.code, handled, answer.messages.length]).toEqual([status.OK, [rpc.method], 1]);
    const signed = decodeSigned(answer.messages[0]!);
    expect([signed.header.length, signed.signature.length, signed.certificate.length]).toEqual([
      144, 64, 218,
    ]);
    await refuses(message, unauthenticated, 'replayed');
  });

  test('refuses what has no envelope', async () => {
    await refuses(new Uint8Array(), unauthenticated, 'missing-envelope');
    await refuses(create(SignedSchema, { body: rpc.body }), unauthenticated, 'missing-envelope');
  });

  test('refuses garbage', async () => {
    await refuses(new Uint8Array(100).fill(0xff), status.INVALID_ARGUMENT, 'message');
    await refuses(create(SignedSchema, { header: new Uint8Array(144) }), status.INVALID_ARGUMENT, 'header');
    await refuses(
      create(SignedSchema, { header: new TextEncoder().encode('<script>') }),
      status.INVALID_ARGUMENT,
      'header',
    );
  });

  test('refuses a header with a byte behind it, and a signature of another length', async () => {
    const good = valid(rpc);
    const longer = new Uint8Array([...good.header, 0]);
    await refuses({ ...good, header: longer }, status.INVALID_ARGUMENT, 'header');
    await refuses(
      { ...valid(rpc), signature: good.signature.subarray(0, 63) },
      status.INVALID_ARGUMENT,
      'signature',
    );
    await refuses(
      { ...valid(rpc), certificate: new Uint8Array([...good.certificate, 0]) },
      status.INVALID_ARGUMENT,
      'certificate',
    );
  });

  test('refuses another subnet, receiver, direction, sequence', async () => {
    const { validator, miner, stranger } = cast();
    await refuses(valid(rpc, { netuid: 8 }), unauthenticated, 'wrong-netuid');
    await refuses(valid(rpc, {}, stranger), unauthenticated, 'wrong-receiver');
    await refuses(valid(rpc, { direction: 'response' }), unauthenticated, 'wrong-direction');
    await refuses(valid(rpc, { sequence: 1 }), unauthenticated, 'sequence-gap');
    const elsewhere = keyOf(validator, miner, { netuid: 8 });
    await refuses(
      envelope({
        from: validator,
        to: miner,
        key: elsewhere,
        header: { method: rpc.method },
        body: rpc.body,
      }),
      unauthenticated,
      'certificate-parties',
    );
  });

  test('refuses the envelope of another method', async () => {
    await refuses(valid(rpc, { method: other(rpc.method) }), unauthenticated, 'wrong-method');
  });

  test('refuses a hotkey that is not admitted', async () => {
    const { stranger, miner } = cast();
    await refuses(
      envelope({ from: stranger, to: miner, header: { method: rpc.method }, body: rpc.body }),
      status.PERMISSION_DENIED,
      'not-admitted',
    );
  });

  test('refuses a changed body', async () => {
    await refuses({ ...valid(rpc), body: new Uint8Array([...rpc.body, 0]) }, unauthenticated, 'body-hash');
  });

  test('refuses a signature that is not the session key’s', async () => {
    const good = valid(rpc);
    await refuses({ ...good, signature: new Uint8Array(64) }, unauthenticated, 'bad-signature');
    await refuses({ ...valid(rpc), signature: good.signature }, unauthenticated, 'bad-signature');
  });

  test('refuses a certificate that is missing, somebody else’s, for another peer, or self-made', async () => {
    const { validator, miner, stranger } = cast();
    const good = valid(rpc);
    await refuses({ ...good, certificate: new Uint8Array() }, unauthenticated, 'missing-certificate');
    // the stranger signs frames in the validator's name, with its own certificate
    const own = keyOf(stranger, miner);
    const named = envelope({
      from: validator,
      to: miner,
      key: own,
      header: { method: rpc.method },
      body: rpc.body,
    });
    await refuses(named, unauthenticated, 'certificate-parties');
    // or with the validator's real certificate, whose key it lacks
    await refuses(
      { ...named, certificate: keyOf(validator, miner).certificate },
      unauthenticated,
      'bad-signature',
    );
    // a certificate that the validator gave to another miner, relayed
    const relayed = keyOf(validator, stranger);
    await refuses(
      envelope({ from: validator, to: miner, key: relayed, header: { method: rpc.method }, body: rpc.body }),
      unauthenticated,
      'certificate-parties',
    );
    const selfMade = Uint8Array.from(own.certificate);
    selfMade.set(validator.publicKey, 10);
    await refuses({ ...named, certificate: selfMade }, unauthenticated, 'certificate-signature');
  });

  test('refuses a certificate that expired, or for a channel that this is not', async () => {
    const { validator, miner } = cast();
    await refuses(
      envelope({
        from: validator,
        to: miner,
        key: keyOf(validator, miner, { now: NOW - 3_600_001 }),
        header: { method: rpc.method },
        body: rpc.body,
      }),
      unauthenticated,
      'certificate-expired',
    );
    const key = keyOf(validator, miner);
    const bound = issueCertificate(validator, {
      netuid: 7,
      peer: miner.publicKey,
      sessionKey: key.certificate.subarray(74, 106),
      channel: PLAINTEXT_CHANNEL.with(0, 1),
      issuedAt: NOW,
      expiresAt: NOW + 1000,
    });
    await refuses({ ...valid(rpc), certificate: bound }, unauthenticated, 'wrong-channel');
  });

  test('refuses what is old, and tells a caller whose clock is off by how much', async () => {
    clock.set(NOW + 200_000); // so that the server's start is not what refuses
    const at = (sentAt: number) => valid(rpc, { sentAt, expiresAt: sentAt + 30_000 });
    expect((await refuses(at(NOW + 200_000 - 60_001), unauthenticated, 'expired')).skewMs).toBe('-60001');
    expect((await refuses(at(NOW + 200_000 - 31_000), unauthenticated, 'skew')).skewMs).toBe('-31000');
    expect((await refuses(at(NOW + 200_000 + 31_000), unauthenticated, 'skew')).skewMs).toBe('31000');
    await refuses(
      valid(rpc, { sentAt: NOW + 200_000, expiresAt: NOW + 200_000 + 30_001 }),
      unauthenticated,
      'envelope-lifetime',
    );
    expect((await call(rpc, encodeSigned(at(NOW + 170_000)))).code).toBe(status.OK);
    expect((await call(rpc, encodeSigned(at(NOW + 230_000)))).code).toBe(status.OK);
    clock.set(NOW);
  });

  test('refuses what was signed before the server started: its call ids may have been forgotten', async () => {
    await refuses(valid(rpc, { sentAt: NOW - 1, expiresAt: NOW + 29_000 }), unauthenticated, 'before-start');
  });

  test('of two at once, one is answered', async () => {
    const message = encodeSigned(valid(rpc));
    const codes = (await Promise.all([call(rpc, message), call(rpc, message)])).map((a) => a.code);
    expect(codes.sort()).toEqual([status.OK, status.UNAUTHENTICATED]);
  });

  test('refuses a message over the limit', async () => {
    handled.length = 0;
    const answer = await call(rpc, encodeSigned(create(SignedSchema, { body: new Uint8Array(70_000) })));
    expect([answer.code, answer.messages, handled]).toEqual([status.RESOURCE_EXHAUSTED, [], []]);
  });

  test('refuses a body that is not of this method, signed as it may be', async () => {
    const { validator, miner } = cast();
    const body = new Uint8Array(8).fill(0xff);
    const answer = await call(
      rpc,
      encodeSigned(envelope({ from: validator, to: miner, header: { method: rpc.method }, body })),
    );
    expect([answer.code, answer.messages]).toEqual([status.INVALID_ARGUMENT, []]);
  });
});
