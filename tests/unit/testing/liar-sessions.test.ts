// Liars that lie by what they send: each must really do what its name says, or its refusal proves nothing.
import { beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createAnswer } from '../../../src/miner/answer.js';
import { noReceipts } from '../../../src/miner/receipts.js';
import type { Slot } from '../../../src/miner/slot.js';
import { createTickets } from '../../../src/miner/tickets.js';
import { toHex, utf8 } from '../../../src/model/bytes.js';
import type { AssayError } from '../../../src/model/errors.js';
import { silentLog } from '../../../src/model/log.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import type { FrameBody, ProofSession } from '../../../src/protocol/session.js';
import {
  createRelayingSlot,
  createReplayingSlot,
  type Leak,
  silentAnswer,
  withForwarding,
  withLeak,
} from '../../../src/testing/liars/sessions.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import { recordingLog } from '../../support/logs.js';
import {
  armOf,
  bytes16,
  bytes32,
  commitOf,
  goOf,
  piece,
  scriptedMiner,
  take,
} from '../../support/sessions.js';
import { NETUID } from '../../support/subnets.js';
import { TOY_COMMIT, TOY_PARAMS_ID } from '../../support/toy-kind.js';

beforeAll(readyKeys);

const CLAIM = { index: 0, worker: 'host-1', kind: 'toy', paramsId: TOY_PARAMS_ID };
const NONCE = bytes16('nonce');
const job = (event: string) => ({ eventId: bytes32(event), basis: bytes32('basis'), seed: bytes32(event) });
const { signal } = new AbortController();

const underClock = async (body: (clock: VirtualClock) => Promise<void>): Promise<void> => {
  const clock = createVirtualClock();
  await clock.runUntil(body(clock));
};

describe('replays', () => {
  test('answers every challenge with the one transcript it has', async () => {
    const transcript = { commit: utf8('old commit'), opening: utf8('old opening') };
    const slot = createReplayingSlot(CLAIM, transcript);
    for (const event of ['one', 'two']) {
      const proving = await slot.start(job(event), signal);
      expect(proving.commit).toBe(transcript.commit);
      expect(await proving.open(utf8(`request of ${event}`))).toBe(transcript.opening);
      proving.release();
    }
  });
});

describe('silent', () => {
  test('accepts the stream and never answers', () =>
    underClock(async (clock) => {
      const stop = new AbortController();
      const miner = await scriptedMiner({ clock }, silentAnswer, stop.signal);
      const peer = miner.peer(devKeypair('validator'));
      const session = peer.prove();
      await session.send(armOf(NONCE));
      await session.send(goOf(NONCE));
      const answered = session.receive();
      const first = await Promise.race([
        answered.then(() => 'answered'),
        clock.sleep(60_000).then(() => 'silent'),
      ]);
      expect(first).toBe('silent');
      session.end();
      expect(await answered).toBeUndefined();
      peer.close();
      stop.abort();
    }));
});

describe('relays', () => {
  test('sends what its neighbour sent in the same event, as soon as it hears of it', () =>
    underClock(async (clock) => {
      const slot = createRelayingSlot(CLAIM);
      const started = slot.start(job('event'), signal);
      slot.leaked({ eventId: bytes32('another event'), slot: 0, commit: utf8('not this') });
      await clock.sleep(10);
      slot.leaked({ eventId: bytes32('event'), slot: 0, commit: utf8('commit') });
      const proving = await started;
      expect(toHex(proving.commit)).toBe(toHex(utf8('commit')));
      const opened = proving.open(utf8('request'));
      await clock.sleep(10);
      slot.leaked({ eventId: bytes32('event'), slot: 0, opening: utf8('opening') });
      expect(toHex(await opened)).toBe(toHex(utf8('opening')));
      // what was leaked before it was asked is there as well
      expect(toHex((await slot.start(job('another event'), signal)).commit)).toBe(toHex(utf8('not this')));
    }));

  test('gives up when its session does, before or after it began to wait', async () => {
    const slot = createRelayingSlot(CLAIM);
    const stop = new AbortController();
    const waiting = slot.start(job('event'), stop.signal);
    stop.abort();
    await expect(waiting).rejects.toBe(stop.signal.reason);
    await expect(slot.start(job('event'), stop.signal)).rejects.toBe(stop.signal.reason);
  });

  test('hears Commit and the whole Opening of a neighbour, who notices nothing', async () => {
    const sent: FrameBody[] = [];
    const leaks: Leak[] = [];
    const eventId = bytes32('event');
    const arm = { frame: { body: armOf(NONCE, { slot: 4, eventId }) } };
    const session = {
      id: bytes16('session'),
      peer: 'validator',
      receive: async () => arm,
      send: async (body: FrameBody) => void sent.push(body),
    } as unknown as ProofSession; // what a leak touches
    const leaking = withLeak(session, (leak) => leaks.push(leak));
    await leaking.send(commitOf([NONCE])); // nothing is leaked before the Arm says of what
    await leaking.receive();
    const frames = [commitOf([NONCE]), piece(0, utf8('one, ')), piece(1, utf8('two'), true)];
    for (const frame of frames) await leaking.send(frame);
    expect(sent.slice(1)).toEqual(frames);
    expect(leaks).toEqual([
      { eventId, slot: 4, commit: TOY_COMMIT },
      { eventId, slot: 4, opening: utf8('one, two') },
    ]);
  });

  test("forwards the validator's own Go, which the neighbour's envelope check refuses", () =>
    underClock(async (clock) => {
      const stop = new AbortController();
      const wire = createLoopback({ clock });
      let reached = 0;
      const neighbour = await scriptedMiner(
        { clock, wire, name: 'neighbour' },
        async (session) => {
          reached++;
          await session.receive();
        },
        stop.signal,
      );
      const refusals: AssayError[] = [];
      const slot: Slot = {
        claim: CLAIM,
        start: async () => ({ commit: TOY_COMMIT, open: async (request) => request, release: () => {} }),
      };
      const hotkey = devKeypair('relay').publicKey;
      const events = {
        isPlausible: async () => true,
        confirms: async () => true,
        confirmsPass: async () => true,
      };
      const tickets = createTickets(() => ({ epoch: 0, share: 1 }));
      const honest = createAnswer(
        {
          slots: () => [slot],
          hotkey,
          netuid: NETUID,
          events,
          tickets,
          clock,
          log: silentLog,
          receipts: noReceipts,
        },
        stop.signal,
      );
      const answer = withForwarding(honest, {
        wire,
        log: silentLog,
        neighbour: async () => neighbour.address,
        onRefused: (refusal) => refusals.push(refusal),
      });
      const relay = await scriptedMiner({ clock, wire, name: 'relay' }, answer, stop.signal);
      const peer = relay.peer(devKeypair('validator'));
      const session = peer.prove();
      await session.send(armOf(NONCE));
      await take(session, 'ready');
      await session.send(goOf(NONCE));
      await take(session, 'commit'); // its own session goes on
      await clock.sleep(100);
      expect(refusals).toMatchObject([{ code: 'unauthenticated', data: { reason: 'wrong-receiver' } }]);
      expect(reached).toBe(0);
      peer.close();
      stop.abort();
    }));

  test('lives on when the chain cannot say where its neighbour is', () =>
    underClock(async (clock) => {
      const stop = new AbortController();
      const { log, messages } = recordingLog();
      const answer = withForwarding(
        async (session) => {
          await session.receive();
          await session.receive();
          await session.send(commitOf([NONCE]));
          await session.receive();
        },
        {
          wire: createLoopback({ clock }),
          log,
          neighbour: () => Promise.reject(new Error('no chain')),
          onRefused: () => {},
        },
      );
      const relay = await scriptedMiner({ clock, name: 'relay' }, answer, stop.signal);
      const peer = relay.peer(devKeypair('validator'));
      const session = peer.prove();
      await session.send(armOf(NONCE));
      await session.send(goOf(NONCE));
      await take(session, 'commit');
      expect(messages()).toEqual(['forwarding failed']);
      peer.close();
      stop.abort();
    }));
});
