// What a validator opens towards miners' links, and what a miner's link port answers: sockets of this machine.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type OwnEndsOptions, openOwnEnds } from '../../../src/cli/own-ends.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { openTcpLink, type TcpLink } from '../../../src/compute/tcp/link.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createLinkDoor, type LinkDoor } from '../../../src/miner/link-door.js';
import { ed25519FromSeed } from '../../../src/model/ed25519.js';
import { type Hotkey, toHotkey, toNetuid } from '../../../src/model/ids.js';
import { type Log, silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { encodeEchoRequest, REQUEST_PREFIX } from '../../../src/protocol/echo/codec.js';
import { listenForEgress } from '../../../src/protocol/echo/net.js';
import { faultOf, type OfferedPort, type Reach, type Sight } from '../../../src/validator/reach.js';
import { bandwidthProof } from '../../../src/verification/kinds/bandwidth/index.js';
import { type BandwidthParams, paramsByClass } from '../../../src/verification/kinds/bandwidth/params.js';
import { createHandClock } from '../../support/hand-clock.js';
import { type Line, recordingLog } from '../../support/logs.js';
import { soon } from '../../support/soon.js';

beforeAll(readyKeys);
const NETUID = toNetuid(7);
const VALIDATOR_IP = '127.0.5.1';
const MINER_IP = '127.0.6.1';
/** By it nothing is ever late; where a test needs time to pass, it moves it. */
let clock = createHandClock();
const random = createSeededRandom('own ends');

let stop = new AbortController();
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  stop.abort();
  await Promise.all(closing.splice(0).map((close) => close()));
  stop = new AbortController();
  clock = createHandClock();
});

async function ends(of: Partial<OwnEndsOptions> = {}, log: Log = silentLog) {
  const options = {
    netuid: NETUID,
    isLive: false,
    host: VALIDATOR_IP,
    anchors: 2,
    anchorBytesPerS: 40e6,
    ...of,
  };
  const opened = await openOwnEnds({ keypair: devKeypair('validator'), clock, log }, options, stop.signal);
  closing.push(opened.close);
  return opened;
}

async function minerLink(
  of: { egressAddress?: string; admits?: (hotkey: Hotkey) => boolean; type?: string } = {},
): Promise<{ link: TcpLink; door: LinkDoor; offered: OfferedPort }> {
  const { egressAddress = MINER_IP, admits = () => true, type = 'development' } = of;
  const keypair = devKeypair('miner');
  const door = createLinkDoor({ keypair, clock }, { netuid: NETUID, egressAddress }, stop.signal);
  door.tell({ type });
  door.admitBy(admits);
  const link = await openTcpLink(
    { clock, key: ed25519FromSeed(random.bytes(32)), guest: door.guest },
    { host: MINER_IP, port: 0, localAddress: MINER_IP, mayDial: door.mayDial },
    stop.signal,
  );
  closing.push(() => link.closed);
  const offered = { hotkey: toHotkey(keypair.address), ip: MINER_IP, port: link.offer.port };
  return { link, door, offered };
}

/** Once the question is answered, or has ended without one. */
async function seen(reach: Reach, port: OfferedPort, holds: (sight: Sight) => boolean): Promise<Sight> {
  reach.look(port);
  return soon(() => {
    const sight = reach.sightOf(port);
    expect(sight).toSatisfy((seen?: Sight) => seen !== undefined && holds(seen));
    return sight!;
  });
}

/** Before the question has ended every port is silent: that it has, the log of the validator says. */
const seenAtTheEnd = (reach: Reach, port: OfferedPort, lines: readonly Line[]): Promise<Sight> => {
  const isOver = () =>
    lines.some((line) => line.msg === 'offered port did not answer' && line.port === port.port);
  return seen(reach, port, ({ answered }) => answered || isOver());
};

describe("a miner's link port", () => {
  test('answers a validator beside serving peers, and calls it back from its own address', async () => {
    const { reach } = await ends({ echoPort: 0 });
    const { offered } = await minerLink();
    const sight = await seen(reach, offered, ({ answered }) => answered);
    expect(sight).toEqual({
      ip: MINER_IP,
      port: offered.port,
      answered: true,
      calledFrom: MINER_IP,
      mustCall: true,
    });
    expect(faultOf(sight)).toBeUndefined();
  });

  test('of a host whose connections leave elsewhere gives that away', async () => {
    const { reach } = await ends({ echoPort: 0 });
    const { offered } = await minerLink({ egressAddress: '127.0.6.9' });
    expect(faultOf(await seen(reach, offered, ({ answered }) => answered))).toBe('elsewhere');
  });

  test('is not asked to call where nobody listens', async () => {
    const { reach } = await ends();
    const { offered } = await minerLink({ egressAddress: '127.0.6.9' });
    const sight = await seen(reach, offered, ({ answered }) => answered);
    expect(sight).toMatchObject({ answered: true, calledFrom: undefined, mustCall: false });
    expect(faultOf(sight)).toBeUndefined();
  });

  test("is silent to whom its miner does not admit, and another hotkey's is no answer", async () => {
    const { log, lines } = recordingLog();
    const { reach } = await ends({}, log);
    const { offered } = await minerLink({ admits: () => false });
    const { offered: other } = await minerLink();
    const mine = { ...other, hotkey: toHotkey(devKeypair('somebody').address) };
    for (const port of [offered, mine])
      expect(faultOf(await seenAtTheEnd(reach, port, lines))).toBe('unreachable');
    expect(lines).toHaveLength(2);
  });

  test("ends a stranger's connection at once: nothing is owed to it", async () => {
    const { offered } = await minerLink({ admits: () => false });
    const socket = connect(offered.port, MINER_IP);
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    const request = encodeEchoRequest(devKeypair('validator'), {
      netuid: NETUID,
      miner: devKeypair('miner').publicKey,
      nonce: random.bytes(16),
      transport: 'tcp',
      port: offered.port,
      callbackPort: 0,
      expiresAt: clock.now() + 1000,
    });
    socket.write(request);
    await once(socket, 'close');
    expect(bytes).toBe(16);
  });

  test('gives no more than it is asked with', async () => {
    const { offered } = await minerLink();
    const request = encodeEchoRequest(devKeypair('validator'), {
      netuid: NETUID,
      miner: devKeypair('miner').publicKey,
      nonce: random.bytes(16),
      transport: 'tcp',
      port: offered.port,
      callbackPort: 0,
      expiresAt: clock.now() + 1000,
    });
    const socket = connect(offered.port, MINER_IP);
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
    });
    socket.write(request);
    await once(socket, 'close');
    expect(bytes).toBe(16 + 104);
    expect(bytes).toBeLessThan(request.length);
  });

  test('of a live chain dials nothing but the internet, whatever a validator names', async () => {
    const { link: source } = await minerLink();
    const { link, door } = await minerLink({ type: 'live' });
    const ticket = {
      ticket: random.bytes(32),
      pass: random.bytes(32),
      linkKey: source.offer.linkKey,
      host: MINER_IP,
      port: source.offer.port,
    };
    const shape = { segmentLeaves: 1, maxSegments: 1 };
    const end = await link.pull(ticket, shape, { leftMs: () => 10_000 }, () => undefined, stop.signal);
    expect(end).toBe('unreachable');
    expect(door.mayDial('1.1.1.1')).toBe(true);
  });
});

describe('ends of a validator', () => {
  const params: BandwidthParams = {
    ...paramsByClass('paced')!,
    windowMs: 600,
    maxSegments: 24,
    goLeadMs: 100,
  };

  test('make a round with a single host over TCP, both ways', async () => {
    const { anchors } = await ends({ anchorPort: 0 });
    const { link } = await minerLink();
    // time in which this process stands still is not the window's: it goes on by turns of the event loop
    const beat = setInterval(() => clock.advance(1), 1);
    closing.push(async () => clearInterval(beat));
    const round = bandwidthProof.round!;
    const devices = { compute: createReferenceCompute(), link };
    const self = devKeypair('validator').publicKey;
    const participant = { hotkey: random.bytes(32), coldkey: random.bytes(32), slot: 0, address: MINER_IP };
    const host = { ...participant, offer: round.offer(devices, params) };
    const own = anchors.map(({ address, devices: of, bytesPerS }, slot) => {
      const offer = round.offer(of, params);
      return { hotkey: self, coldkey: self, slot, address, offer, bytesPerS };
    });
    const event = { eventId: random.bytes(32), beacon: random.bytes(32), validator: self };
    const told = round.brief(params, { ...event, participants: [host], anchors: own }, random);
    const { told: brief } = told.participants[0]!;
    const until = clock.monotonic() + params.windowMs;
    const leftMs = () => until - clock.monotonic();
    const works = anchors.map(
      (anchor, i) => round.anchor!({ ...anchor.devices, leftMs }, params, told.anchors[i]!, stop.signal)!,
    );
    const challenge = { params, basis: random.bytes(32), seed: random.bytes(32), brief };
    const proving = await bandwidthProof.prove({ ...devices, leftMs }, challenge, stop.signal);
    const commits = [proving.commit];
    await clock.sleep(Math.max(0, leftMs()));
    clearInterval(beat);
    proving.release();
    expect(bandwidthProof.credit(params, commits)!.downBytesPerS).toBeGreaterThan(0);
    const reports = works.map((work, i) => ({
      hotkey: self,
      slot: i,
      told: told.anchors[i]!,
      commits: work.commits(),
    }));
    const [up] = round.settle(params, [{ ...host, told: brief, commits }, ...reports]);
    expect(up!.upBytesPerS).toBeGreaterThan(0);
    expect(works[0]!.bytesPerS).toBeCloseTo((24 * 16_384 * 1000) / 600);
  });

  test('are told to nobody unless asked for, and must have an address that hosts can reach', async () => {
    expect((await ends()).anchors).toEqual([]);
    expect((await ends({ anchorPort: 0, anchors: 3 })).anchors).toMatchObject([
      { address: VALIDATOR_IP, bytesPerS: 40e6 / 3 },
      { address: VALIDATOR_IP },
      { address: VALIDATOR_IP },
    ]);
    const wrong = (of: Partial<OwnEndsOptions>) =>
      expect(ends({ anchorPort: 0, ...of })).rejects.toMatchObject({ code: 'invalid-config' });
    await wrong({ isLive: true });
    await wrong({ isLive: true, announceIp: '192.168.1.4' });
    await wrong({ announceIp: '0.0.0.0' });
    await wrong({ announceIp: 'validator.example' });
    expect((await ends({ anchorPort: 0, isLive: true, announceIp: '1.1.1.1' })).anchors).toHaveLength(2);
  });

  test('of a live chain hear call backs where they can come', async () => {
    for (const host of ['127.0.0.1', '::1'])
      await expect(ends({ isLive: true, host, echoPort: 0 })).rejects.toMatchObject({
        code: 'invalid-config',
      });
    await ends({ isLive: true, host: '0.0.0.0', echoPort: 0 });
  });

  test('of a live chain ask no port of a network that is not the internet', async () => {
    const { log, lines } = recordingLog();
    const { reach } = await ends({ isLive: true }, log);
    const { offered } = await minerLink();
    expect(faultOf(await seenAtTheEnd(reach, offered, lines))).toBe('unreachable');
  });

  test('of a live chain take from no such address either, whatever a miner announces', async () => {
    const { anchors } = await ends({ isLive: true, anchorPort: 0, announceIp: '1.1.1.1' });
    const { link: source } = await minerLink();
    const { link } = anchors[0]!.devices;
    const ticket = { ticket: random.bytes(32), pass: random.bytes(32), linkKey: source.offer.linkKey };
    const at = { host: MINER_IP, port: source.offer.port };
    const shape = { segmentLeaves: 1, maxSegments: 1 };
    const end = link!.pull(
      { ...ticket, ...at },
      shape,
      { leftMs: () => 10_000 },
      () => undefined,
      stop.signal,
    );
    expect(await end).toBe('unreachable');
  });

  test('whose port is taken are an error of the host', async () => {
    const { link } = await minerLink();
    const { port } = link.offer;
    for (const of of [{ anchorPort: port }, { echoPort: port }])
      await expect(ends({ ...of, host: MINER_IP })).rejects.toMatchObject({ code: 'unreachable' });
  });
});

/** Signals that hang on this one: Node 20 keeps something of each that `AbortSignal.any` made, long after it is gone. */
function hangingOn(signal: AbortSignal): number {
  const symbol = Object.getOwnPropertySymbols(signal).find(
    (each) => each.description === 'kDependantSignals',
  );
  const hanging = symbol && (signal as unknown as Record<symbol, { size: number } | undefined>)[symbol];
  return hanging?.size ?? 0;
}

test('a port that strangers come to keeps nothing of those that are gone', async () => {
  const { offered } = await minerLink({ admits: () => false });
  const own = new AbortController();
  const { port } = await listenForEgress({ clock }, { host: VALIDATOR_IP, port: 0 }, own.signal);
  const before = [hangingOn(stop.signal), hangingOn(own.signal)];
  for (let i = 0; i < 20; i++)
    for (const at of [
      { host: MINER_IP, port: offered.port },
      { host: VALIDATOR_IP, port },
    ]) {
      const socket = connect(at);
      socket.on('error', () => {});
      socket.resume();
      socket.end(Buffer.from([...REQUEST_PREFIX, ...new Uint8Array(200)]));
      await once(socket, 'close');
    }
  expect([hangingOn(stop.signal), hangingOn(own.signal)]).toEqual(before);
  own.abort();
});
