// dial and serve over both transports: what travels, what breaks a session, and what is left behind.
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readyKeys } from '../../../src/keys/keypair.js';
import { type Clock, systemClock } from '../../../src/model/clock.js';
import { AssayError, isAssayError } from '../../../src/model/errors.js';
import { type Hotkey, toHotkey } from '../../../src/model/ids.js';
import { createLog, silentLog } from '../../../src/model/log.js';
import { createSeededRandom, systemRandom } from '../../../src/model/prng.js';
import { dial } from '../../../src/protocol/dial.js';
import { decodeHeader } from '../../../src/protocol/envelope.js';
import { isRefusal } from '../../../src/protocol/errors.js';
import { type SignedFrame, verifyChain } from '../../../src/protocol/evidence.js';
import { createGrpcWire } from '../../../src/protocol/grpc/wire.js';
import type { Limits } from '../../../src/protocol/limits.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { serve } from '../../../src/protocol/serve.js';
import { createServerIdentity } from '../../../src/protocol/server-key.js';
import type { PeerOptions, ProofSession, ServeHandlers } from '../../../src/protocol/session.js';
import type { Wire, WireStream } from '../../../src/protocol/wire.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { createHandClock } from '../../support/hand-clock.js';
import { soon } from '../../support/soon.js';
import { cast, envelope, frameBytes, keyOf } from '../../unit/protocol/builders.js';

beforeAll(readyKeys);

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const echo: ServeHandlers = {
  describe: async (caller) => ({
    version: caller,
    kinds: ['compute'],
    slots: [{ index: 3, worker: 'w', kind: 'compute', paramsId: new Uint8Array(32).fill(1) }],
  }),
  async prove(session) {
    for (let got = await session.receive(); got; got = await session.receive())
      await session.send({
        case: 'commit',
        value: { body: got.frame.body.case === 'arm' ? got.frame.body.value.basis : new Uint8Array() },
      });
  },
};

interface Setup {
  handlers?: Partial<ServeHandlers>;
  admit?: (hotkey: Hotkey) => boolean | Promise<boolean>;
  serverClock?: Clock;
  clientClock?: Clock;
  serverLimits?: Partial<Limits>;
  clientLimits?: Partial<Limits>;
  log?: (line: string) => void;
  peer?: Partial<PeerOptions>;
}

async function start(make: (options: { clock: Clock }) => Wire, setup: Setup = {}) {
  const { miner, validator } = cast();
  const { serverClock = systemClock, clientClock = systemClock } = setup;
  const abort = new AbortController();
  const wire = make({ clock: serverClock });
  const served = await serve(
    {
      wire,
      keypair: miner,
      clock: serverClock,
      log: setup.log ? createLog(setup.log, { level: 'debug' }) : silentLog,
      random: systemRandom,
      admit: setup.admit ?? ((hotkey) => hotkey === validator.address),
      handlers: { ...echo, ...setup.handlers },
    },
    { host: '127.0.0.1', port: 0, netuid: 7, ...(setup.serverLimits ? { limits: setup.serverLimits } : {}) },
    abort.signal,
  );
  const connect = (keypair = validator, overrides: Partial<PeerOptions> = {}) => {
    const peer = dial(
      { wire, keypair, clock: clientClock, log: silentLog, random: systemRandom },
      {
        address: { host: served.host, port: served.port },
        hotkey: toHotkey(miner.address),
        netuid: 7,
        ...(setup.clientLimits ? { limits: setup.clientLimits } : {}),
        ...overrides,
      },
    );
    cleanups.push(() => peer.close());
    return peer;
  };
  const close = async () => {
    abort.abort();
    await served.closed;
  };
  cleanups.push(close);
  return { wire, served, connect, close, peer: connect(validator, setup.peer) };
}

async function failure(promise: Promise<unknown>): Promise<AssayError> {
  const error = await promise.then(
    () => expect.fail('resolved'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AssayError);
  return error as AssayError;
}

const arm = (n: number) => ({ case: 'arm' as const, value: { basis: Uint8Array.of(n) } });
const shifted = (clock: Clock, ms: number): Clock => ({ ...clock, now: () => clock.now() + ms });

describe.each([
  ['loopback', createLoopback],
  ['grpc', createGrpcWire],
])('%s', (_name, make) => {
  test('describe: the caller is known, the answer typed', async () => {
    const { peer } = await start(make);
    const { version, kinds, slots } = await peer.describe();
    expect([version, kinds]).toEqual([cast().validator.address, ['compute']]);
    expect(slots.map((s) => [s.index, s.worker, s.kind, s.paramsId])).toEqual([
      [3, 'w', 'compute', new Uint8Array(32).fill(1)],
    ]);
  });

  test('a session: frames both ways, then an end in good order', async () => {
    let served: ProofSession | undefined;
    const { peer } = await start(make, {
      handlers: {
        prove: (session) => {
          served = session;
          return echo.prove(session);
        },
      },
    });
    const session = peer.prove();
    expect(session.peerCertificate()).toBeUndefined();
    for (let i = 0; i < 10; i++) {
      const sent = await session.send(arm(i));
      expect(sent.flushMs).toBeGreaterThanOrEqual(0);
      const got = await session.receive();
      expect(got?.frame.body).toMatchObject({ case: 'commit', value: { body: Uint8Array.of(i) } });
      expect(got!.at).toBeGreaterThanOrEqual(sent.at);
    }
    session.end();
    expect(await session.receive()).toBeUndefined();
    expect(served!.id).toEqual(session.id);
    expect([served!.peer, session.peer]).toEqual([cast().validator.address, cast().miner.address]);
    expect(served!.peerCertificate()).toEqual(session.ownCertificate);
    expect(session.peerCertificate()).toEqual(served!.ownCertificate);
  });

  test('what either end stored convicts the other', async () => {
    const { peer } = await start(make);
    const { miner, validator } = cast();
    const session = peer.prove();
    const sent = [await session.send(arm(0)), await session.send(arm(1))];
    const got = [await session.receive(), await session.receive()];
    const hotkeys = { miner: toHotkey(miner.address), validator: toHotkey(validator.address) };
    const theirs = verifyChain({
      certificate: session.peerCertificate()!,
      frames: got.map((r) => r!.signed),
      expect: { signer: hotkeys.miner, peer: hotkeys.validator, netuid: 7 },
    });
    const ours = verifyChain({
      certificate: session.ownCertificate,
      frames: sent.map((s) => s.signed),
      expect: { signer: hotkeys.validator, peer: hotkeys.miner, netuid: 7 },
    });
    for (const { headers } of [theirs, ours]) {
      expect(headers.map((h) => h.sequence)).toEqual([0, 1]);
      expect(headers[0]!.callId).toEqual(session.id);
    }
    session.cancel();
  });

  test('many sessions at once, over one peer', async () => {
    const { peer } = await start(make);
    await Promise.all(
      Array.from({ length: 32 }, async (_, n) => {
        const session = peer.prove();
        for (let i = 0; i < 5; i++) {
          await session.send(arm(n));
          expect((await session.receive())?.frame.body.value).toMatchObject({ body: Uint8Array.of(n) });
        }
        session.end();
        expect(await session.receive()).toBeUndefined();
      }),
    );
  });

  test('a hotkey that is not admitted is told so, calls and sessions', async () => {
    const { connect } = await start(make);
    const peer = connect(cast().stranger);
    const refused = await failure(peer.describe());
    expect([refused.code, isRefusal(refused)]).toEqual(['permission-denied', true]);
    const session = peer.prove();
    await session.send(arm(0)).catch(() => {});
    expect((await failure(session.receive())).code).toBe('permission-denied');
  });

  test('admission that cannot be decided is no admission, and our fault', async () => {
    const lines: string[] = [];
    const { peer } = await start(make, {
      admit: () => Promise.reject(new Error('the chain is down')),
      log: (line) => lines.push(line),
    });
    const error = await failure(peer.describe());
    expect([error.code, error.data]).toEqual(['refused', { reason: 'internal' }]);
    expect(lines.some((line) => line.includes('the chain is down'))).toBe(true);
  });

  test('a caller that expects another hotkey there does not believe the answer', async () => {
    const { connect } = await start(make);
    const peer = connect(cast().validator, { hotkey: toHotkey(cast().stranger.address) });
    expect((await failure(peer.describe())).data).toEqual({ reason: 'wrong-receiver' });
  });

  test.each([31_000, -31_000])(
    'clocks %i ms apart: refused, and the caller learns its own offset',
    async (ms) => {
      const clock = createHandClock(); // a busy machine would bring them nearer
      const { peer } = await start(make, { clientClock: shifted(clock, ms), serverClock: clock });
      const error = await failure(peer.describe());
      if (!isAssayError(error, 'unauthenticated')) return expect.fail(error.code);
      expect([error.data.reason, isRefusal(error)]).toEqual(['skew', true]);
      expect(error.data.skewMs).toBe(ms);
    },
  );

  test.each([-28_000, 28_000])('clocks %i ms apart work', async (ms) => {
    const clock = createHandClock();
    let started = false;
    // the server started a minute ago
    const serverClock = { ...clock, now: () => clock.now() + (started ? 60_000 : 0) };
    const { peer } = await start(make, { clientClock: shifted(clock, 60_000 + ms), serverClock });
    started = true;
    await peer.describe();
    const session = peer.prove();
    await session.send(arm(1));
    expect((await session.receive())?.frame.body.case).toBe('commit');
    session.cancel();
  });

  test('keys are renewed by both ends, and calls go on', async () => {
    let hours = 0;
    const clock = { ...systemClock, now: () => Date.now() + hours * 3_600_000 };
    const certificates = new Set<string>();
    const { peer } = await start(make, {
      clientClock: clock,
      serverClock: clock,
      handlers: {
        async prove(session) {
          certificates.add(Buffer.from(session.ownCertificate).toString('hex'));
          certificates.add(Buffer.from(session.peerCertificate()!).toString('hex'));
          await echo.prove(session);
        },
      },
    });
    for (; hours < 3; hours++) {
      await peer.describe();
      const session = peer.prove();
      await session.send(arm(1));
      expect((await session.receive())?.frame.body.case).toBe('commit');
      session.end();
      expect(await session.receive()).toBeUndefined();
    }
    expect(certificates.size).toBe(6);
  });

  test('a frame over the limit is refused here, and the session does not go on with a gap', async () => {
    const { peer } = await start(make);
    const session = peer.prove();
    await session.send(arm(0));
    await session.receive();
    const error = await failure(session.send({ case: 'open', value: { body: new Uint8Array(70_000) } }));
    expect(error.code).toBe('limit-exceeded');
    expect((await failure(session.send(arm(1)))).code).toBe('limit-exceeded');
    expect((await failure(session.receive())).code).toBe('limit-exceeded');
  });

  test('more streams than one peer may have are refused, and free again when they end', async () => {
    const { peer } = await start(make, { serverLimits: { streamsPerPeer: 2 } });
    const open = async () => {
      const session = peer.prove();
      await session.send(arm(0)).catch(() => {});
      return session;
    };
    const [first, second] = [await open(), await open()];
    await first.receive();
    await second.receive();
    const third = await open();
    expect((await failure(third.receive())).data).toEqual({ what: 'streams-per-peer', limit: 2, got: 3 });
    first.end();
    expect(await first.receive()).toBeUndefined();
    expect((await (await open()).receive())?.frame.body.case).toBe('commit');
  });

  test('calls over the rate of a peer are refused', async () => {
    const still = { ...systemClock, monotonic: () => 0 };
    const { peer } = await start(make, { serverClock: still, serverLimits: { callsPerSecondPerPeer: 1 } });
    for (let i = 0; i < 5; i++) await peer.describe();
    expect((await failure(peer.describe())).data).toMatchObject({ what: 'calls-per-peer' });
  });

  test('a handler that fails tells the caller nothing of why', async () => {
    const { peer } = await start(make, {
      handlers: {
        describe: () => Promise.reject(new Error('secret')),
        async prove(session) {
          await session.receive();
          throw new Error('secret');
        },
      },
    });
    expect((await failure(peer.describe())).data).toEqual({ reason: 'internal' });
    const session = peer.prove();
    await session.send(arm(0));
    const error = await failure(session.receive());
    expect([error.data, error.message.includes('secret')]).toEqual([{ reason: 'internal' }, false]);
  });

  test('a handler’s own refusal keeps its reason', async () => {
    const { peer } = await start(make, {
      handlers: {
        async prove(session) {
          await session.receive();
          throw new AssayError('refused', 'busy', { reason: 'busy' });
        },
      },
    });
    const session = peer.prove();
    await session.send(arm(0));
    const error = await failure(session.receive());
    expect([error.code, error.data, isRefusal(error)]).toEqual(['refused', { reason: 'busy' }, true]);
  });

  test('cancel here is unreachable there, and the server goes on', async () => {
    const seen: string[] = [];
    const { peer } = await start(make, {
      handlers: {
        async prove(session) {
          await session.receive();
          await session.send({ case: 'ready', value: {} });
          await session.receive().catch((error: AssayError) => seen.push(error.code));
        },
      },
    });
    const session = peer.prove();
    await session.send(arm(0));
    await session.receive();
    session.cancel();
    expect((await failure(session.receive())).data).toEqual({ reason: 'cancelled' });
    await peer.describe();
    await soon(() => expect(seen).toEqual(['unreachable']));
  });

  test('an aborted server breaks sessions, waits for its handlers, and leaves nothing', async () => {
    let returned = false;
    const { peer, close } = await start(make, {
      handlers: {
        async prove(session) {
          await session.receive();
          await session.send({ case: 'ready', value: {} });
          await session.receive().catch(() => {});
          returned = true;
        },
      },
    });
    const session = peer.prove();
    await session.send(arm(0));
    await session.receive();
    const pending = failure(session.receive());
    await close();
    expect(returned).toBe(true);
    expect((await pending).code).toBe('unreachable');
    expect((await failure(peer.describe())).code).toBe('unreachable');
  });

  test('both ends refuse plaintext beyond loopback unless told', async () => {
    const { miner, validator } = cast();
    const parts = {
      wire: make({ clock: systemClock }),
      clock: systemClock,
      log: silentLog,
      random: systemRandom,
    };
    const peer = { address: { host: '192.0.2.1', port: 1 }, hotkey: toHotkey(miner.address), netuid: 7 };
    expect(() => dial({ ...parts, keypair: validator }, peer)).toThrow(
      expect.objectContaining({ code: 'insecure-address' }),
    );
    const identity = createServerIdentity(new Uint8Array(32).fill(1));
    const { serverKey } = identity;
    dial({ ...parts, keypair: validator }, { ...peer, address: { ...peer.address, serverKey } }).close();
    const server = { ...parts, keypair: miner, admit: () => true, handlers: echo };
    const abort = new AbortController();
    const error = await failure(serve(server, { host: '0.0.0.0', port: 0, netuid: 7 }, abort.signal));
    expect(error.code).toBe('insecure-address');
    const served = await serve(
      server,
      { host: '0.0.0.0', port: 0, netuid: 7, identities: [identity] },
      abort.signal,
    );
    abort.abort();
    await served.closed;
  });

  test('no line of the log has bytes of a peer as text', async () => {
    const lines: string[] = [];
    const { wire, served } = await start(make, { log: (line) => lines.push(line) });
    const channel = wire.connect(served);
    cleanups.push(() => channel.close());
    const { validator, miner } = cast();
    const evil = new TextEncoder().encode('EVIL\n{"level":"error"}');
    const message = envelope({ from: validator, to: miner, body: evil, header: { sentAt: Date.now() } });
    for (const bad of [
      message,
      { ...message, header: evil },
      { ...message, signature: evil },
      { ...message, certificate: evil },
    ])
      await failure(channel.describe(bad, 5000));
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line).not.toContain('EVIL');
  });

  describe('a peer against the rules ends its session', () => {
    /** A hostile dialler over the raw wire: `frames` are sent as they are; the server's session reports how it ended. */
    async function attack(
      build: (
        good: (sequence: number, overrides?: object) => ReturnType<typeof envelope>,
      ) => ReturnType<typeof envelope>[],
    ) {
      let ended: AssayError | 'ok' | undefined;
      let frames = 0;
      const { wire, served } = await start(make, {
        handlers: {
          async prove(session) {
            try {
              while (await session.receive()) frames++;
              ended = 'ok';
            } catch (error) {
              ended = error as AssayError;
              expect(await failure(session.receive())).toBe(error);
              expect(await failure(session.send({ case: 'ready', value: {} }))).toBe(error);
            }
          },
        },
      });
      const { validator, miner } = cast();
      const now = Date.now();
      const key = keyOf(validator, miner, { now });
      const callId = systemRandom.bytes(16);
      const good = (sequence: number, overrides: object = {}) =>
        envelope({
          from: validator,
          to: miner,
          key,
          header: { method: 'prove', callId, sequence, sentAt: now, expiresAt: now + 30_000, ...overrides },
          body: frameBytes({ case: 'arm', value: {} }),
          certificate: sequence === 0 ? key.certificate : undefined,
        });
      const channel = wire.connect(served);
      cleanups.push(() => channel.close());
      const stream: WireStream = channel.prove();
      for (const frame of build(good)) stream.send(frame).catch(() => {});
      stream.end();
      const told = await stream.receive().then(
        () => 'ok' as const,
        (error: AssayError) => error,
      );
      expect(told === 'ok' ? told : [told.code, isRefusal(told)]).toEqual(
        ended === 'ok' ? 'ok' : [(ended as AssayError).code, true],
      );
      return { frames, fault: ended === 'ok' ? 'ok' : (ended as AssayError).data };
    }

    test.each<[string, Parameters<typeof attack>[0], number, unknown]>([
      ['in order: nothing is wrong', (f) => [f(0), f(1), f(2)], 3, 'ok'],
      ['a gap', (f) => [f(0), f(1), f(3)], 2, { reason: 'sequence-gap' }],
      ['a repeat', (f) => [f(0), f(1), f(1)], 2, { reason: 'sequence-repeat' }],
      ['the first again', (f) => [f(0), f(0)], 1, { reason: 'sequence-repeat' }],
      ['turned round', (f) => [f(0), f(2), f(1)], 1, { reason: 'sequence-gap' }],
      [
        'a frame of another session',
        (f) => [f(0), f(1, { callId: new Uint8Array(16) })],
        1,
        { reason: 'wrong-call' },
      ],
      ['another subnet', (f) => [f(0), f(1, { netuid: 8 })], 1, { reason: 'wrong-netuid' }],
      ['another method', (f) => [f(0), f(1, { method: 'describe' })], 1, { reason: 'wrong-method' }],
      ['our own direction', (f) => [f(0), f(1, { direction: 'response' })], 1, { reason: 'wrong-direction' }],
      ['another sender', (f) => [f(0), f(1, { sender: new Uint8Array(32) })], 1, { reason: 'wrong-sender' }],
      [
        'later frames whose clock was set back, or on: that is no fault',
        (f) => [f(0), f(1, { sentAt: 1e12, expiresAt: 1e12 + 1 }), f(2, { sentAt: 3e12, expiresAt: 1 })],
        3,
        'ok',
      ],
      [
        'a second certificate',
        (f) => [f(0), { ...f(1), certificate: f(0).certificate }],
        1,
        { reason: 'unexpected-certificate' },
      ],
      ['a changed body', (f) => [f(0), { ...f(1), body: new Uint8Array() }], 1, { reason: 'body-hash' }],
      [
        'a changed signature',
        (f) => [f(0), { ...f(1), signature: new Uint8Array(64) }],
        1,
        { reason: 'bad-signature' },
      ],
    ])('%s', async (_what, build, frames, fault) => {
      expect(await attack(build)).toEqual({ frames, fault });
    });

    test('a signed body that is no frame', async () => {
      for (const body of [new Uint8Array(4).fill(0xff), new Uint8Array()]) {
        const { frames, fault } = await attack((f) => {
          const { validator, miner } = cast();
          const { callId, sentAt, expiresAt } = decodeHeader(f(0).header);
          const key = keyOf(validator, miner, { now: sentAt });
          const header = { method: 'prove' as const, callId, sequence: 1, sentAt, expiresAt };
          return [f(0), envelope({ from: validator, to: miner, key, header, body, certificate: undefined })];
        });
        expect([frames, fault]).toEqual([1, expect.objectContaining({ what: 'frame' })]);
      }
    });

    test('a stream without frames is no session', async () => {
      const { wire, served } = await start(make);
      const channel = wire.connect(served);
      cleanups.push(() => channel.close());
      const stream = channel.prove();
      stream.end();
      expect((await failure(stream.receive())).data).toEqual({ reason: 'missing-envelope' });
    });
  });

  test.each([
    ['31 s behind', -31_000, 0, { reason: 'skew', skewMs: -31_000 }],
    ['two minutes behind', -120_000, 0, { reason: 'expired', skewMs: -120_000 }],
    ['31 s ahead', 31_000, 0, { reason: 'skew', skewMs: 31_000 }],
    ['an hour behind', 0, -3_600_000, undefined],
    ['an hour ahead', 0, 3_600_000, undefined],
  ])('a miner’s clock is looked at in its first frame only: %s', async (_what, firstMs, laterMs, fault) => {
    const { miner, validator } = cast();
    const clock = createHandClock();
    const wire = make({ clock });
    const now = clock.now();
    const key = keyOf(miner, validator, { now: now + Math.min(firstMs, 0) });
    const listener = await wire.listen(
      { host: '127.0.0.1', port: 0 },
      {
        describe: async () => expect.fail('not called'),
        async prove(stream) {
          const first = await stream.receive();
          const { callId } = decodeHeader(first!.message.header);
          for (const [sequence, ms] of [firstMs, laterMs].entries()) {
            const sentAt = now + ms;
            const header = {
              direction: 'response' as const,
              method: 'prove' as const,
              callId,
              sequence,
              sentAt,
              expiresAt: sentAt + 30_000,
            };
            const certificate = sequence === 0 ? key.certificate : undefined;
            const body = frameBytes({ case: 'ready', value: {} });
            await stream.send(envelope({ from: miner, to: validator, key, header, body, certificate }));
          }
          await stream.receive().catch(() => {});
        },
      },
    );
    cleanups.push(() => listener.close());
    const peer = dial(
      { wire, keypair: validator, clock, log: silentLog, random: systemRandom },
      { address: listener, hotkey: toHotkey(miner.address), netuid: 7 },
    );
    cleanups.push(() => peer.close());
    const session = peer.prove();
    await session.send(arm(0));
    if (fault) {
      const error = await failure(session.receive());
      expect([error.data, isRefusal(error)]).toEqual([fault, false]);
    } else {
      expect((await session.receive())?.frame.body.case).toBe('ready');
      expect((await session.receive())?.frame.body.case).toBe('ready');
    }
    session.cancel();
  });

  test('a miner against the rules is a fault found here, not a refusal', async () => {
    const { miner, validator } = cast();
    const wire = make({ clock: systemClock });
    const now = Date.now();
    const key = keyOf(miner, validator, { now });
    const listener = await wire.listen(
      { host: '127.0.0.1', port: 0 },
      {
        // answers every call with what it once said to another one
        describe: async () =>
          envelope({ from: miner, to: validator, key, header: { direction: 'response', sentAt: now } }),
        async prove(stream) {
          const first = await stream.receive();
          const { callId } = decodeHeader(first!.message.header);
          const header = { direction: 'response' as const, method: 'prove' as const, callId, sentAt: now };
          const body = frameBytes({ case: 'ready', value: {} });
          const options = { from: miner, to: validator, key, body };
          await stream.send(envelope({ ...options, header }));
          await stream.send(
            envelope({ ...options, header: { ...header, sequence: 2 }, certificate: undefined }),
          );
          await stream.receive();
        },
      },
    );
    cleanups.push(() => listener.close());
    const peer = dial(
      { wire, keypair: validator, clock: systemClock, log: silentLog, random: systemRandom },
      { address: listener, hotkey: toHotkey(miner.address), netuid: 7 },
    );
    cleanups.push(() => peer.close());
    const replayed = await failure(peer.describe());
    expect([replayed.data, isRefusal(replayed)]).toEqual([{ reason: 'wrong-call' }, false]);
    const session = peer.prove();
    await session.send(arm(0));
    expect((await session.receive())?.frame.body.case).toBe('ready');
    const gap = await failure(session.receive());
    expect([gap.data, isRefusal(gap)]).toEqual([{ reason: 'sequence-gap' }, false]);
    expect(await failure(session.send(arm(1)))).toBe(gap);
  });
});

describe('under a virtual clock (loopback)', () => {
  async function virtual(handlers: Partial<ServeHandlers>, serverLimits: Partial<Limits> = {}) {
    const clock = createVirtualClock();
    const setup = await clock.runUntil(
      start(createLoopback, { serverClock: clock, clientClock: clock, handlers, serverLimits }),
    );
    return { clock, ...setup };
  }

  test('a session without frames ends after streamIdleMs, at both ends', async () => {
    let there: AssayError | undefined;
    const { clock, peer } = await virtual({
      async prove(session) {
        await session.receive();
        await session.send({ case: 'ready', value: {} });
        await session.receive().catch((error: AssayError) => {
          there = error;
        });
      },
    });
    const session = peer.prove();
    const at = clock.monotonic();
    const error = await clock.runUntil(
      (async () => {
        await session.send(arm(0));
        await session.receive();
        return failure(session.receive());
      })(),
    );
    expect([error.code, error.data]).toEqual(['timeout', { what: 'frame', afterMs: 240_000 }]);
    expect(clock.monotonic() - at).toBe(240_000);
    expect(there?.code).toMatch(/timeout|unreachable/);
  });

  describe.each([3_600_000, -3_600_000])('a wall clock stepped by %i ms', (ms) => {
    /** Wall clocks that can be stepped over one monotonic time. */
    async function stepping() {
      const clock = createVirtualClock();
      const offsets = { miner: 0, validator: 0 };
      const of = (end: keyof typeof offsets): Clock => ({ ...clock, now: () => clock.now() + offsets[end] });
      const minerSent: SignedFrame[] = [];
      const setup = await clock.runUntil(
        start(createLoopback, {
          serverClock: of('miner'),
          clientClock: of('validator'),
          handlers: {
            async prove(session) {
              while (await session.receive())
                minerSent.push((await session.send({ case: 'ready', value: {} })).signed);
            },
          },
        }),
      );
      return { clock, offsets, minerSent, ...setup };
    }
    const hotkeys = () => {
      const { miner, validator } = cast();
      return { miner: toHotkey(miner.address), validator: toHotkey(validator.address) };
    };

    test.each([
      ['the miner', ['miner']],
      ['the validator', ['validator']],
      ['both', ['miner', 'validator']],
    ] as const)(
      'at %s within a session: no frame is a fault, and all of it is evidence',
      async (_who, ends) => {
        const { clock, offsets, peer } = await stepping();
        const session = peer.prove();
        const [sent, got]: [SignedFrame[], SignedFrame[]] = [[], []];
        await clock.runUntil(
          (async () => {
            for (let i = 0; i < 6; i++) {
              sent.push((await session.send(arm(i))).signed);
              got.push((await session.receive())!.signed);
              if (i === 2) for (const end of ends) offsets[end] += ms;
              await clock.sleep(30_000);
            }
            session.end();
            expect(await session.receive()).toBeUndefined();
          })(),
        );
        const { miner, validator } = hotkeys();
        for (const [certificate, frames, signer, to] of [
          [session.ownCertificate, sent, validator, miner],
          [session.peerCertificate()!, got, miner, validator],
        ] as const) {
          const { headers } = verifyChain({ certificate, frames, expect: { signer, peer: to, netuid: 7 } });
          expect(headers.map((h) => h.sequence)).toEqual([0, 1, 2, 3, 4, 5]);
          // an end counts on from when the session began, so its own step does not show either
          expect(headers[5]!.sentAt - headers[0]!.sentAt).toBe(150_000);
        }
      },
    );

    test.each(['miner', 'validator'] as const)(
      'at the %s between the first frames of the two directions',
      async (end) => {
        const { clock, offsets, peer, minerSent } = await stepping();
        const session = peer.prove();
        await clock.runUntil(session.send(arm(0)));
        // by turns alone: time that leaps meanwhile would end the session
        while (end === 'miner' && minerSent.length === 0) await turn();
        offsets[end] += ms;
        const got = await clock.runUntil(session.receive());
        expect(got?.frame.body.case).toBe('ready');
        await clock.runUntil(session.send(arm(1)));
        expect((await clock.runUntil(session.receive()))?.frame.body.case).toBe('ready');
      },
    );

    test('before a session is still found: the first frame is too old, or too new', async () => {
      const { clock, offsets, peer } = await stepping();
      await clock.runUntil(clock.sleep(7_200_000)); // so that the server's start is not what refuses
      offsets.validator += ms;
      const session = peer.prove();
      const error = await clock.runUntil(
        failure(
          (async () => {
            await session.send(arm(0));
            await session.receive();
          })(),
        ),
      );
      expect([error.code, error.data, isRefusal(error)]).toEqual([
        'unauthenticated',
        { reason: ms > 0 ? 'skew' : 'expired', skewMs: ms },
        true,
      ]);
    });
  });

  test('a session that goes on for ever ends after streamMs', async () => {
    const { clock, peer } = await virtual({});
    const session = peer.prove();
    const error = await clock.runUntil(
      failure(
        (async () => {
          for (;;) {
            await session.send(arm(0));
            await session.receive();
            await clock.sleep(60_000);
          }
        })(),
      ),
    );
    expect([error.code, error.data]).toEqual(['timeout', { what: 'stream', afterMs: 900_000 }]);
  });

  test('a stream that brings no first frame ends after firstFrameMs', async () => {
    const { clock, wire, served } = await virtual({});
    const stream = wire.connect(served).prove();
    const error = await clock.runUntil(failure(stream.receive()));
    expect([error.code, error.data]).toEqual(['timeout', { what: 'first-frame', afterMs: 10_000 }]);
    expect(clock.monotonic()).toBe(10_000);
  });

  test('a handler that never returns does not hold up the end of the server', async () => {
    const { clock, peer, close } = await virtual({ prove: () => new Promise(() => {}) });
    const session = peer.prove();
    await clock.runUntil(session.send(arm(0)));
    const before = clock.monotonic();
    await clock.runUntil(close());
    expect(clock.monotonic() - before).toBe(5_000);
  });

  test('the same seeds give the same bytes', async () => {
    const run = async () => {
      const clock = createVirtualClock();
      const { miner, validator } = cast();
      const wire = createLoopback({ clock });
      const abort = new AbortController();
      const served = await serve(
        {
          wire,
          keypair: miner,
          clock,
          log: silentLog,
          random: createSeededRandom('m'),
          admit: () => true,
          handlers: echo,
        },
        { host: '127.0.0.1', port: 0, netuid: 7 },
        abort.signal,
      );
      const peer = dial(
        { wire, keypair: validator, clock, log: silentLog, random: createSeededRandom('v') },
        { address: served, hotkey: toHotkey(miner.address), netuid: 7 },
      );
      const session = peer.prove();
      const sent = await session.send(arm(1));
      const got = await session.receive();
      peer.close();
      abort.abort();
      await clock.runUntil(served.closed);
      return [session.id, sent.signed, got!.signed];
    };
    expect(await run()).toEqual(await run());
  });
});
