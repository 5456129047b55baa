import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import type { Clock } from '../../../src/model/clock.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { ECHO_LIMITS } from '../../../src/protocol/echo/answer.js';
import {
  ANSWER_BYTES,
  decodeEchoRequest,
  encodeAnswer,
  encodeEchoRequest,
  isAnswer,
  isSignedRequest,
  REQUEST_BYTES,
} from '../../../src/protocol/echo/codec.js';
import {
  askAll,
  askEcho,
  type EgressListener,
  listenForEgress,
  serveEchoes,
} from '../../../src/protocol/echo/net.js';
import { drawPorts, judgeReach } from '../../../src/protocol/echo/reach.js';
import { createHandClock, type HandClock } from '../../support/hand-clock.js';

beforeAll(readyKeys);
const MINER_IP = '127.0.1.1';
const VANTAGES = ['127.0.2.1', '127.0.3.1'];
const NETUID = 7;
const miner = () => devKeypair('miner');
const validator = () => devKeypair('validator');
const random = createSeededRandom('echo');

/** Of what is answered: by it nothing is ever late, however busy the machine. */
const patient = createHandClock();

const stop = { all: new AbortController() };
const closed: Promise<void>[] = [];
afterEach(async () => {
  stop.all.abort();
  await Promise.all(closed.splice(0));
  stop.all = new AbortController();
});

async function serve(
  of: { host?: string; ports?: number[]; egressAddress?: string; admit?: boolean; as?: string } = {},
) {
  const { host = MINER_IP, ports = [0, 0, 0], egressAddress = MINER_IP, admit = true, as = 'miner' } = of;
  const parts = { keypair: devKeypair(as), clock: patient, admit: () => admit };
  const served = await serveEchoes(parts, { host, ports, netuid: NETUID, egressAddress }, stop.all.signal);
  closed.push(served.closed);
  return served.ports;
}

/** Nobody will answer: time may pass as fast as the loop turns. */
async function silently<T>(act: (clock: HandClock) => Promise<T>): Promise<T> {
  const clock = createHandClock();
  let settled = false;
  const acting = act(clock).finally(() => {
    settled = true;
  });
  while (!settled) {
    clock.advance(100);
    await new Promise(setImmediate);
  }
  return acting;
}

async function ask(ports: readonly number[], clock: Clock = patient) {
  const listeners = new Map<string, EgressListener>();
  for (const vantage of VANTAGES)
    listeners.set(vantage, await listenForEgress({ clock }, { host: vantage, port: 0 }, stop.all.signal));
  return askAll(
    { keypair: validator(), clock, random, egressOf: (vantage) => listeners.get(vantage) },
    { netuid: NETUID, miner: miner().publicKey, ip: MINER_IP, ports, vantages: VANTAGES },
    stop.all.signal,
  );
}

describe('a declared address', () => {
  test('holds when all drawn ports answer from two places and the call back comes from it', async () => {
    const ports = await serve();
    const sightings = await ask(ports);
    expect(sightings).toHaveLength(12);
    expect(judgeReach({ ip: MINER_IP, ports }, sightings)).toEqual({ reachable: true, problems: [] });
    expect(
      judgeReach(
        { ip: MINER_IP, ports },
        sightings.filter(({ vantage }) => vantage === VANTAGES[0]),
      ),
    ).toEqual({
      reachable: false,
      problems: ['seen from 1 places, 2 are needed'],
    });
  });

  test('does not hold for a forwarder, whose connections leave elsewhere', async () => {
    const ports = await serve({ egressAddress: '127.0.1.9', ports: [0] });
    expect(judgeReach({ ip: MINER_IP, ports }, await ask(ports)).problems).toEqual([
      'it called 127.0.2.1 back from 127.0.1.9, not from 127.0.1.1',
      'it called 127.0.3.1 back from 127.0.1.9, not from 127.0.1.1',
    ]);
  });

  test('does not hold where a port answers with another key', async () => {
    const [other] = await serve({ ports: [0], as: 'somebody' });
    const sightings = await silently((clock) => ask([other], clock));
    expect(judgeReach({ ip: MINER_IP, ports: [other] }, sightings).problems).toEqual([
      `tcp port ${other} did not answer 127.0.2.1`,
      `udp port ${other} did not answer 127.0.2.1`,
      'it did not call 127.0.2.1 back',
      `tcp port ${other} did not answer 127.0.3.1`,
      `udp port ${other} did not answer 127.0.3.1`,
      'it did not call 127.0.3.1 back',
    ]);
  });

  test('is not told to strangers', async () => {
    const ports = await serve({ admit: false, ports: [0] });
    const sightings = await silently((clock) => ask(ports, clock));
    expect(sightings.some(({ answered }) => answered)).toBe(false);
  });

  test('whose ports are taken is an error of the host', async () => {
    const [port] = await serve({ ports: [0] });
    await expect(serve({ ports: [port] })).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('an echo port', () => {
  const requestFor = (port: number, of: Partial<Parameters<typeof encodeEchoRequest>[1]> = {}) =>
    encodeEchoRequest(validator(), {
      netuid: NETUID,
      miner: miner().publicKey,
      nonce: random.bytes(16),
      transport: 'tcp',
      port,
      callbackPort: 0,
      expiresAt: patient.now() + 10_000,
      ...of,
    });

  async function say(port: number, bytes: Uint8Array): Promise<number> {
    const socket = connect(port, MINER_IP);
    socket.on('error', () => {});
    let got = 0;
    socket.on('data', (chunk) => {
      got += chunk.length;
    });
    socket.write(bytes);
    await once(socket, 'close');
    return got;
  }

  test('answers a request once, in time, at the port and to the subnet that it names', async () => {
    const [port] = await serve({ ports: [0] });
    const request = requestFor(port);
    expect(await say(port, request)).toBeGreaterThan(0);
    expect(await say(port, request)).toBe(0);
    expect(await say(port, requestFor(port + 1))).toBe(0);
    expect(await say(port, requestFor(port, { netuid: 8 }))).toBe(0);
    expect(await say(port, requestFor(port, { transport: 'udp' }))).toBe(0);
    expect(await say(port, requestFor(port, { miner: devKeypair('other').publicKey }))).toBe(0);
    expect(await say(port, requestFor(port, { expiresAt: patient.now() - 31_000 }))).toBe(0);
    expect(await say(port, requestFor(port, { expiresAt: patient.now() + 90_000 }))).toBe(0);
    const forged = requestFor(port);
    forged[80] ^= 1;
    expect(await say(port, forged)).toBe(0);
  });

  // only a raw socket can say that it sends from no port
  const raw = process.getuid?.() === 0 && spawnSync('python3', ['--version']).status === 0;
  if (!raw) console.warn('no datagram from port 0: it takes root and python3');
  test.skipIf(!raw)('answers nobody behind a datagram from port 0, and goes on answering', async () => {
    const [port] = await serve({ ports: [0] });
    const request = requestFor(port, { transport: 'udp' });
    const sender = [
      'import socket,struct,sys',
      'host,port,body=sys.argv[1],int(sys.argv[2]),bytes.fromhex(sys.argv[3])',
      'to=socket.socket(socket.AF_INET,socket.SOCK_RAW,socket.IPPROTO_UDP)',
      "to.sendto(struct.pack('!HHHH',0,port,8+len(body),0)+body,(host,0))",
    ].join('\n');
    const hex = Buffer.from(request).toString('hex');
    expect(spawnSync('python3', ['-c', sender, MINER_IP, String(port), hex]).status).toBe(0);
    const asking = {
      netuid: NETUID,
      miner: miner().publicKey,
      ip: MINER_IP,
      port,
      transport: 'udp',
    } as const;
    const parts = { keypair: validator(), clock: patient, random };
    expect(await askEcho(parts, asking, stop.all.signal)).toMatchObject({ answered: true });
  });

  test('answers less than it is sent, and so many a second', async () => {
    const [port] = await serve({ ports: [0] });
    expect(await say(port, new Uint8Array(REQUEST_BYTES))).toBe(0);
    const most = 5 * ECHO_LIMITS.perSecondPerAddress; // in a burst, and this clock stands still
    for (let i = 0; i < most; i++) expect(await say(port, requestFor(port))).toBe(ANSWER_BYTES);
    expect(await say(port, requestFor(port))).toBe(0);
    expect(ANSWER_BYTES).toBeLessThan(REQUEST_BYTES);
  });

  test('never rejects its asker: silence is an answer', async () => {
    const sighting = await askEcho(
      { keypair: validator(), clock: patient, random },
      {
        netuid: NETUID,
        miner: miner().publicKey,
        ip: MINER_IP,
        port: 1,
        transport: 'tcp',
        vantage: '127.0.2.1',
      },
      stop.all.signal,
    );
    expect(sighting).toMatchObject({ answered: false, egress: undefined });
  });
});

describe('the bytes of an echo', () => {
  const request = () =>
    encodeEchoRequest(validator(), {
      netuid: 7,
      miner: miner().publicKey,
      nonce: new Uint8Array(16).fill(3),
      transport: 'udp',
      port: 65_535,
      callbackPort: 1,
      expiresAt: 1_700_000_000_000,
    });

  test('round-trip, and hold in every bit', () => {
    const bytes = request();
    expect(decodeEchoRequest(bytes)).toEqual({
      netuid: 7,
      validator: validator().publicKey,
      miner: miner().publicKey,
      nonce: new Uint8Array(16).fill(3),
      transport: 'udp',
      port: 65_535,
      callbackPort: 1,
      expiresAt: 1_700_000_000_000,
    });
    expect(isSignedRequest(bytes)).toBe(true);
    for (let bit = 0; bit < 8 * bytes.length; bit += 7) {
      const flipped = bytes.slice();
      flipped[bit >> 3] ^= 1 << (bit & 7);
      expect(isSignedRequest(flipped)).toBe(false);
    }
    expect(() => decodeEchoRequest(bytes.subarray(1))).toThrow(/167 bytes/);
    expect(() => decodeEchoRequest(bytes.with(7, 1))).toThrow(/layout 16/);
    expect(() => decodeEchoRequest(bytes.with(90, 9))).toThrow(/transport/);
  });

  test('an echo is no call back, and neither is one of another request or miner', () => {
    const bytes = request();
    const answer = encodeAnswer(miner(), 'echo', bytes);
    expect(isAnswer(answer, 'echo', bytes, miner().publicKey)).toBe(true);
    expect(isAnswer(answer, 'egress', bytes, miner().publicKey)).toBe(false);
    expect(isAnswer(answer, 'echo', bytes.with(80, 1), miner().publicKey)).toBe(false);
    expect(isAnswer(answer, 'echo', bytes, validator().publicKey)).toBe(false);
    expect(isAnswer(new Uint8Array(0), 'echo', bytes, miner().publicKey)).toBe(false);
  });

  test('ports are drawn from those declared, each as likely', () => {
    const drawn = Array.from({ length: 300 }, () => drawPorts([10, 20, 30, 40, 40], 3, random));
    for (const ports of drawn) expect(new Set(ports).size).toBe(3);
    for (const port of [10, 20, 30, 40])
      expect(Math.abs(drawn.filter((ports) => ports.includes(port)).length - 225)).toBeLessThan(40);
    expect(drawPorts([5], 3, random)).toEqual([5]);
  });
});
