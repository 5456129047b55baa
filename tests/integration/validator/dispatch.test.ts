// One session as the validator plays it, against scripted miners: real envelopes over the loopback, a clock that jumps.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Neuron } from '../../../src/chain/chain.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { fromAddress } from '../../../src/keys/ss58.js';
import { toHex } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { inconclusive, rejected, type Verdict, verdictToString } from '../../../src/model/verdict.js';
import { OPENING_PIECE_BYTES } from '../../../src/protocol/limits.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import type { FrameBody, ProofSession } from '../../../src/protocol/session.js';
import type { Wire, WireStream } from '../../../src/protocol/wire.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { Task } from '../../../src/validator/assign.js';
import { type Played, play } from '../../../src/validator/dispatch.js';
import { createJudge } from '../../../src/validator/judge.js';
import { createOpeningGate, type OpeningGate } from '../../../src/validator/opening-gate.js';
import { toOutcomeEntry } from '../../../src/validator/record.js';
import type { ProofKind } from '../../../src/verification/proof.js';
import { eventId } from '../../../src/verification/seed.js';
import { withOneOddFrame } from '../../support/frame-fuzz.js';
import { replayed } from '../../support/replayed.js';
import {
  bytes16,
  bytes32,
  commitOf,
  HOLD,
  mangling,
  piece,
  plays,
  playsSteps,
  READY,
  type Script,
  scriptedMiner,
  take,
} from '../../support/sessions.js';
import { NETUID, neuron } from '../../support/subnets.js';
import {
  TOY_PARAMS,
  TOY_PARAMS_ID,
  TOY_STEPS,
  TOY_STEPS_ID,
  type ToyParams,
  toyKind,
  toyOpening,
} from '../../support/toy-kind.js';

beforeAll(readyKeys);

const FULL = new Uint8Array(OPENING_PIECE_BYTES);
/** Monotonic ms at which the event's block is seen. */
const GO_AT = 500;
/** The same of the block of the Pass. */
const PASS_AT = 9000;

interface Setting {
  readonly wire?: (clock: VirtualClock) => Wire;
  /** what our own event loop stalled while the window was open */
  readonly ownDelayMs?: number;
  /** how long before we could act the block was seen */
  readonly seenBeforeMs?: number;
  readonly missed?: boolean;
  /** @default already */
  readonly windowOver?: (clock: VirtualClock) => Promise<void>;
  readonly kind?: Partial<ProofKind<ToyParams, string>>;
  /** @default one phase */
  readonly params?: ToyParams;
  readonly passMissed?: boolean;
  readonly passSeenBeforeMs?: number;
  /** when our Go and our Pass were handed over */
  readonly sent?: [string, number][];
  /** @default one with room for everything */
  readonly gate?: OpeningGate;
  /** looks on once `play` returned */
  readonly after?: (played: Played, clock: VirtualClock) => Promise<void>;
}

async function playAgainst(script: Script, setting: Setting = {}): Promise<Played> {
  const { ownDelayMs = 0, seenBeforeMs = 0, missed = false } = setting;
  const clock = createVirtualClock();
  const stop = new AbortController();
  return clock.runUntil(run());

  async function run(): Promise<Played> {
    const wire = setting.wire?.(clock);
    const miner = await scriptedMiner({ clock, ...(wire ? { wire } : {}) }, script, stop.signal);
    const peer = miner.peer(devKeypair('validator'));
    const go = clock.sleep(GO_AT).then(() => {
      if (missed) throw new AssayError('timeout', 'block not seen', { what: 'head', afterMs: 0 });
      return { hash: bytes32('beacon'), seenAt: clock.monotonic() - seenBeforeMs };
    });
    go.catch(() => {});
    const pass = clock.sleep(PASS_AT).then(() => {
      if (setting.passMissed) throw new AssayError('timeout', 'block not seen', { what: 'head', afterMs: 0 });
      return { hash: bytes32('pass beacon'), seenAt: clock.monotonic() - (setting.passSeenBeforeMs ?? 0) };
    });
    pass.catch(() => {});
    const played = await play(
      {
        peer,
        clock,
        random: createSeededRandom('validator'),
        ownDelay: { observe: () => () => ownDelayMs },
        gate: setting.gate ?? createOpeningGate({ total: 1e9, perMiner: 1e9, miners: () => 1 }),
        sessions: new Set(),
        meetings: { ready: () => {}, briefing: () => undefined },
        onSent: (frame, at) => setting.sent?.push([frame, at]),
        windowOver: setting.windowOver?.(clock) ?? Promise.resolve(),
      },
      {
        id: eventId({ netuid: NETUID, block: 120, basis: bytes32('basis') }),
        block: 120,
        basis: bytes32('basis'),
        ordinal: '5.0',
        maxNonces: 3,
        hold: HOLD,
        go,
        pass,
      },
      taskFor({ hotkey: miner.hotkey }, setting.kind, setting.params),
    );
    await setting.after?.(played, clock);
    peer.close();
    stop.abort();
    return played;
  }
}

function taskFor(of: Partial<Neuron>, overrides: Setting['kind'] = {}, params = TOY_PARAMS): Task {
  const kind = toyKind(overrides);
  const paramsId = toHex(params === TOY_STEPS ? TOY_STEPS_ID : TOY_PARAMS_ID);
  const claim = { index: 0, worker: 'host-1', kind: 'toy', paramsId };
  return { neuron: neuron(3, of), claim, kind, params, facts: kind.facts(params) };
}

const kindsOf = (played: Played) => played.frames.map(({ from, kind }) => `${from} ${kind}`);
const verdictOf = async (script: Script, setting?: Setting): Promise<Verdict | undefined> =>
  (await playAgainst(script, setting)).end;

describe('an honest miner', () => {
  test('is heard to the end: every frame kept as it travelled, times on our own clock', async () => {
    const played = await playAgainst(plays());
    expect(played.end).toBeUndefined();
    expect(kindsOf(played)).toEqual([
      'validator arm',
      'miner ready',
      'validator go',
      'miner commit',
      'validator open',
      'miner opening',
    ]);
    expect([played.seenAt, played.go?.at, played.commits[0]?.at, played.measuredMs]).toEqual([
      500, 500, 1000, 500,
    ]);
    expect(played.commits[0]?.nonces.map(toHex)).toEqual([toHex(played.nonce)]);
    expect(toHex(played.opening)).toBe(toHex(toyOpening(played.request)));
    expect(played.refused).toBeUndefined();
  });

  test('asks nothing of us before the block is seen: the Go, with nonce and beacon, is sent then', async () => {
    let before: number | undefined;
    const played = await playAgainst(async (session, clock) => {
      await take(session, 'arm');
      await session.send(READY);
      await take(session, 'go');
      before = clock.monotonic();
    });
    expect(before).toBe(GO_AT);
    expect(played.end).toEqual(rejected('window'));
  });
});

describe('the window', () => {
  test('a Commit exactly at its end counts', async () => {
    expect(await verdictOf(plays({ workMs: 1000 }))).toBeUndefined();
  });

  test('a Commit one millisecond later does not', async () => {
    const played = await playAgainst(plays({ workMs: 1001 }));
    expect(played.end).toEqual(rejected('window'));
    expect(played.measuredMs).toBe(1001);
    expect(kindsOf(played)).not.toContain('validator open');
  });

  test('is widened by our own delay, by no more than a hundredth of itself', async () => {
    expect(await verdictOf(plays({ workMs: 1005 }), { ownDelayMs: 5 })).toBeUndefined();
    expect(await verdictOf(plays({ workMs: 1006 }), { ownDelayMs: 5 })).toEqual(rejected('window'));
    expect(await verdictOf(plays({ workMs: 1010 }), { ownDelayMs: 200 })).toBeUndefined();
    expect(await verdictOf(plays({ workMs: 1011 }), { ownDelayMs: 200 })).toEqual(rejected('window'));
  });

  test('is given up soon after its end, and the session does not wait for the miner', async () => {
    let gaveUpAt = 0;
    const played = await playAgainst(plays({ workMs: 60_000 }), {
      after: async (_played, clock) => {
        gaveUpAt = clock.monotonic();
      },
    });
    expect(played.end).toEqual(rejected('window'));
    expect(gaveUpAt).toBe(GO_AT + 1000 + 10 + 100);
  });

  test('a Commit that comes after the verdict is no part of the evidence', async () => {
    const played = await playAgainst(plays({ workMs: 1500 }), {
      after: async (_played, clock) => {
        await clock.sleep(2000);
      },
    });
    expect(played.end).toEqual(rejected('window'));
    expect(kindsOf(played)).toEqual(['validator arm', 'miner ready', 'validator go']);
  });

  test('is missed by a miner that refuses, before the Go or after it', async () => {
    const refusal = { case: 'refusal', value: { code: 1, detail: 'busy' } } as const;
    const before = await playAgainst(async (session) => {
      await take(session, 'arm');
      await session.send(refusal);
    });
    expect(before.end).toEqual(rejected('window'));
    expect(kindsOf(before)).toEqual(['validator arm', 'miner refusal']);
    const after = await playAgainst(async (session) => {
      await take(session, 'arm');
      await session.send(READY);
      await take(session, 'go');
      await session.send(refusal);
    });
    expect(after.end).toEqual(rejected('window'));
  });

  test('is missed by a miner that is not ready at the Go, even if it is ready a moment later', async () => {
    const played = await playAgainst(async (session, clock) => {
      await take(session, 'arm');
      await clock.sleep(GO_AT + 1);
      await session.send(READY);
      await session.receive();
    });
    expect(played.end).toEqual(rejected('window'));
    expect(played.go).toBeUndefined();
  });

  test('is missed by a miner that is not there', async () => {
    const nobody: Setting['wire'] = (clock) => ({
      ...mangling(clock, (_index, send) => send()),
      connect: () => mangling(clock, (_index, send) => send()).connect({ host: '127.0.0.1', port: 9 }),
    });
    expect(await verdictOf(plays(), { wire: nobody })).toEqual(rejected('window'));
  });

  test('is missed by a miner that breaks its session with a time-out of its own: it cannot choose to be inconclusive', async () => {
    const timeout = () => new AssayError('timeout', 'so sorry', { what: 'go', afterMs: 1 });
    const before: Script = async (session) => {
      await take(session, 'arm');
      await session.send(READY);
      throw timeout();
    };
    expect(await verdictOf(before)).toEqual(rejected('window'));
    const after: Script = async (session) => {
      await take(session, 'arm');
      await session.send(READY);
      await take(session, 'go');
      throw timeout();
    };
    expect(await verdictOf(after)).toEqual(rejected('window'));
  });

  test('is missed by a miner that keeps our Go from leaving', async () => {
    const stuck: Setting['wire'] = (clock) => {
      const wire = createLoopback({ clock });
      return {
        listen: (address, handlers) => wire.listen(address, handlers),
        connect(address) {
          const channel = wire.connect(address);
          return {
            ...channel,
            prove() {
              const stream = channel.prove();
              let sent = 0;
              const send: WireStream['send'] = async (message) => {
                if (sent++ === 1)
                  throw new AssayError('timeout', 'not flushed', { what: 'frame', afterMs: 1 });
                return stream.send(message);
              };
              return { ...stream, send };
            },
          };
        },
      };
    };
    expect(await verdictOf(plays(), { wire: stuck })).toEqual(rejected('window'));
  });
});

describe('the Commit', () => {
  test('that lists others and not us leaves us out', async () => {
    const played = await playAgainst(plays({ nonces: () => [bytes16('another validator')] }));
    expect(played.end).toEqual(rejected('left-out'));
    expect(played.commits[0]?.nonces).toEqual([bytes16('another validator')]);
    expect(await verdictOf(plays({ nonces: () => [] }))).toEqual(rejected('left-out'));
  });

  const zeros = new Uint8Array(16);
  const ones = new Uint8Array(16).fill(255);
  test.each([
    ['not ascending', (own: Uint8Array) => [ones, own, zeros]],
    ['twice the same', (own: Uint8Array) => [own, own]],
    ['too short', (own: Uint8Array) => [zeros.subarray(0, 15), own]],
    ['too long', (own: Uint8Array) => [own, new Uint8Array(17).fill(255)]],
    [
      'more than the event has validators',
      (own: Uint8Array) => [
        ...Array.from({ length: 3 }, (_, i) => Uint8Array.of(0, i, ...zeros.subarray(2))),
        own,
      ],
    ],
  ])('with nonces %s breaks the protocol', async (_what, nonces) => {
    expect(await verdictOf(plays({ nonces }))).toEqual(rejected('protocol'));
  });

  test('with a set in order that holds ours among others is good', async () => {
    expect(await verdictOf(plays({ nonces: (own) => [zeros, own, ones] }))).toBeUndefined();
  });

  test('with a body that is no commit of this kind breaks the protocol', async () => {
    expect(await verdictOf(plays({ commit: new Uint8Array(0) }))).toEqual(rejected('protocol'));
    expect(await verdictOf(plays({ commit: new Uint8Array(17) }))).toEqual(rejected('protocol'));
  });

  test('in a frame larger than any but an opening may be breaks the protocol, and our door says so', async () => {
    const played = await playAgainst(plays({ commit: new Uint8Array(8 * 1024) }));
    expect(played.end).toEqual(rejected('protocol'));
    expect(played.refused).toBe('limit-exceeded');
  });

  test('a frame with a gap in its sequence breaks the protocol, and our door says so', async () => {
    const played = await playAgainst(
      async (session) => {
        await take(session, 'arm');
        await session.send(READY);
        const { nonce } = await take(session, 'go');
        await session.send(READY); // lost on its way
        await session.send(commitOf([nonce]));
        await session.receive().catch(() => {});
      },
      { wire: (clock) => mangling(clock, async (index, send) => (index === 1 ? undefined : send())) },
    );
    expect(played.end).toEqual(rejected('protocol'));
    expect(played.refused).toBe('unauthenticated');
    expect(kindsOf(played)).toEqual(['validator arm', 'miner ready', 'validator go']);
  });

  test('a frame sent twice breaks the protocol', async () => {
    const twice: Setting['wire'] = (clock) =>
      mangling(clock, async (index, send) => {
        await send();
        if (index === 0) await send();
      });
    const played = await playAgainst(plays(), { wire: twice });
    expect(played.end).toEqual(rejected('protocol'));
    expect(played.refused).toBe('unauthenticated');
  });

  test("the miner's refusal of a frame of ours is no fault that our door found", async () => {
    const played = await playAgainst(async (session) => {
      await take(session, 'arm');
      await session.send(READY);
      await take(session, 'go');
      throw new AssayError('unauthenticated', 'skew', { reason: 'skew', skewMs: 40_000 });
    });
    expect(played.end).toEqual(rejected('window'));
    expect(played.refused).toBeUndefined();
  });
});

describe('the Opening', () => {
  const opens = (open: NonNullable<Parameters<typeof plays>[0]>['open'] & {}) => plays({ open });

  test("is asked for when the window of the whole event is over, not before: nobody's opening disturbs a timing", async () => {
    const played = await playAgainst(plays(), { windowOver: (clock) => clock.sleep(GO_AT + 1110) });
    expect(played.end).toBeUndefined();
    expect([played.commits[0]?.at, played.open?.at]).toEqual([GO_AT + 500, GO_AT + 1110]);
  });

  test('in full pieces and a last one is put together in order', async () => {
    const parts = [FULL.slice().fill(1), FULL.slice().fill(2), Uint8Array.of(3)];
    const played = await playAgainst(
      opens(async (session) => {
        for (const [i, part] of parts.entries()) await session.send(piece(i, part, i === 2));
        await session.receive();
      }),
    );
    expect(played.end).toBeUndefined();
    expect(Buffer.compare(played.opening, Buffer.concat(parts))).toBe(0);
  });

  test('is awaited for as long as the parameters say', async () => {
    const at = (ms: number) =>
      opens(async (session, request, clock) => {
        await session.send(piece(0, FULL));
        await clock.sleep(ms);
        await session.send(piece(1, toyOpening(request), true));
      });
    const inTime = await playAgainst(at(500));
    expect(inTime.end).toBeUndefined();
    expect(inTime.openedAt! - inTime.open!.at).toBe(500);
    const late = await playAgainst(at(501));
    expect(late.end).toEqual(rejected('opening-timeout'));
    expect(late.openedAt! - late.open!.at).toBe(501);
  });

  test('has two and a half minutes in all, its turn at our gate included: many that never come must not hold up an event', async () => {
    const gate = createOpeningGate({ total: 1, perMiner: 1, miners: () => 1 });
    const held = async (ms: number) => {
      const leave = await gate.enter(toHotkey('somebody else'), 1);
      const windowOver = async (clock: VirtualClock) => void clock.sleep(GO_AT + 1000 + ms).then(leave);
      const played = await playAgainst(plays(), { gate, windowOver });
      played.release();
      return { played, leave };
    };
    const { played: inTime } = await held(149_000);
    expect(inTime.end).toBeUndefined();
    expect(inTime.takenFrom! - inTime.open!.at).toBeGreaterThan(148_000);
    const { played: late, leave } = await held(151_000);
    expect(late.end).toEqual(rejected('opening-timeout'));
    expect(late.takenFrom).toBeUndefined();
    leave();
    await gate.enter(toHotkey('the next'), 1); // the turn of the one that is gone is not lost
  });

  test('that never comes is a time-out, and so is one whose last piece never comes', async () => {
    const silent = await playAgainst(opens(async (session) => void (await session.receive())));
    expect(silent.end).toEqual(rejected('opening-timeout'));
    const half = await playAgainst(
      opens(async (session) => {
        await session.send(piece(0, FULL));
        await session.receive();
      }),
    );
    expect(half.end).toEqual(rejected('opening-timeout'));
    expect(half.openedAt).toBeUndefined();
    expect(half.opening).toHaveLength(0);
  });

  test('a miner that ends or dies after the Open has timed out', async () => {
    expect(await verdictOf(opens(async (session) => session.end()))).toEqual(rejected('opening-timeout'));
    expect(await verdictOf(opens(async (session) => session.cancel()))).toEqual(rejected('opening-timeout'));
  });

  const one = Uint8Array.of(1);
  test.each([
    ['out of order', [piece(1, FULL), piece(0, one, true)]],
    ['repeated', [piece(0, FULL), piece(0, FULL), piece(1, one, true)]],
    ['with one left out', [piece(0, FULL), piece(2, one, true)]],
    ['empty without being the last', [piece(0, new Uint8Array()), piece(1, one, true)]],
    ['smaller than they must be', [piece(0, FULL.subarray(1)), piece(1, one, true)]],
    ['larger than they may be', [piece(0, new Uint8Array(OPENING_PIECE_BYTES + 1), true)]],
    [
      'together larger than any honest opening',
      [piece(0, FULL), piece(1, FULL), piece(2, new Uint8Array(33), true)],
    ],
    ['mixed with another frame', [piece(0, FULL), READY]],
    ['a second Commit', [commitOf([])]],
  ])('in pieces %s is malformed', async (_what, frames) => {
    const played = await playAgainst(
      opens(async (session) => {
        for (const frame of frames) await session.send(frame).catch(() => {});
      }),
    );
    expect(played.end).toEqual(rejected('malformed'));
  });

  test('with a gap in the sequence is malformed', async () => {
    const played = await playAgainst(
      opens(async (session) => {
        await session.send(piece(0, FULL)); // lost on its way
        await session.send(piece(1, one, true));
        await session.receive().catch(() => {});
      }),
      { wire: (clock) => mangling(clock, async (index, send) => (index === 2 ? undefined : send())) },
    );
    expect(played.end).toEqual(rejected('malformed'));
    expect(played.refused).toBe('unauthenticated');
  });
});

describe('what is our own fault costs the miner nothing', () => {
  test('a block that we saw but were slow to act on: no Go goes out, and the miner is let go at once', async () => {
    const late = await playAgainst(plays(), { seenBeforeMs: 251 });
    expect(late.end).toEqual(inconclusive('validator-late'));
    expect(late.go).toBeUndefined();
    expect(kindsOf(late)).toEqual(['validator arm', 'miner ready']);
    const justInTime = { seenBeforeMs: 250 };
    expect(await verdictOf(plays(), justInTime)).toBeUndefined();
    expect(await verdictOf(plays({ workMs: 1001 }), justInTime)).toEqual(rejected('window'));
    expect(await verdictOf(plays({ nonces: () => [] }), justInTime)).toEqual(rejected('left-out'));
  });

  test('a stall beyond a quarter of the window excuses a missed window', async () => {
    expect(await verdictOf(plays({ workMs: 1011 }), { ownDelayMs: 250 })).toEqual(rejected('window'));
    expect(await verdictOf(plays({ workMs: 1011 }), { ownDelayMs: 251 })).toEqual(
      inconclusive('validator-late'),
    );
    expect(await verdictOf(plays({ workMs: 9000 }), { ownDelayMs: 251 })).toEqual(
      inconclusive('validator-late'),
    );
  });

  test('but saves no bad Commit and no bad Opening', async () => {
    const stalled = { ownDelayMs: 900 };
    const malformed = plays({
      open: async (session) => void (await session.send(piece(3, Uint8Array.of(1), true))),
    });
    const silent = plays({ open: async (session) => void (await session.receive()) });
    expect(await verdictOf(malformed, stalled)).toEqual(rejected('malformed'));
    expect(await verdictOf(silent, stalled)).toEqual(rejected('opening-timeout'));
    expect(await verdictOf(plays({ commit: new Uint8Array(3) }), stalled)).toEqual(rejected('protocol'));
  });

  test('a block that was never seen, and a crash of ours, are inconclusive', async () => {
    expect(await verdictOf(plays(), { missed: true })).toEqual(inconclusive('validator-late'));
    const broken = {
      issue: () => {
        throw new Error('out of randomness');
      },
    };
    expect(await verdictOf(plays(), { kind: broken })).toEqual(inconclusive('validator-fault'));
  });

  test('what our own delay was is told, whatever the end', async () => {
    expect((await playAgainst(plays(), { ownDelayMs: 7 })).ownDelayMs).toBe(7);
    expect((await playAgainst(plays({ workMs: 3000 }), { ownDelayMs: 7 })).ownDelayMs).toBe(7);
  });
});

describe('a session of several phases', () => {
  const STEPS = { params: TOY_STEPS };
  const own = (phase: number, body: FrameBody): FrameBody & { case: 'commit' } =>
    body.case === 'commit' ? { case: 'commit', value: { ...body.value, phase } } : (undefined as never);
  /** The honest frames, but for the Commit of one phase. */
  const instead = (phase: number, change: (honest: FrameBody) => readonly FrameBody[]): Script =>
    playsSteps({
      async commit(at, honest, session) {
        for (const frame of at === phase ? change(honest) : [honest]) await session.send(frame);
      },
    });
  const [GO_MS, PASS_MS] = [
    [500, 2500],
    [300, 900],
  ];
  const timed = (phase: number, ms: number): Script =>
    playsSteps({
      goMs: GO_MS!.map((usual, i) => (i === phase ? ms : usual)),
      passMs: PASS_MS!.map((usual, i) => (i === phase - 2 ? ms : usual)),
    });

  /** Verdict of the session, and that of its replay, which must be the same with every check in order. */
  async function judged(script: Script, setting: Setting = {}): Promise<string> {
    const played = await playAgainst(script, { ...STEPS, ...setting });
    const event = {
      id: eventId({ netuid: NETUID, block: 120, basis: bytes32('basis') }),
      block: 120,
      basis: bytes32('basis'),
      ordinal: '5.0',
      maxNonces: 3,
      hold: HOLD,
      go: Promise.reject(),
      pass: Promise.reject(),
      epoch: 5,
      netuid: NETUID,
    };
    for (const never of [event.go, event.pass]) never.catch(() => {});
    const parts = { random: createSeededRandom('judge'), log: silentLog, publicKeyOf: fromAddress };
    const verdict = await createJudge(parts, event, bytes32('beacon')).judge(played);
    const validator = toHotkey(devKeypair('validator').address);
    const entry = toOutcomeEntry(verdict, event, { beacon: bytes32('beacon'), validator, at: 0 });
    const said = verdictToString(verdict.verdict);
    if (verdict.verdict.kind !== 'inconclusive') expect(await replayed(entry, TOY_STEPS)).toEqual([said, []]);
    return said;
  }

  test('is heard to the end: each phase timed from its own frame, the Pass at its block', async () => {
    const sent: [string, number][] = [];
    const played = await playAgainst(playsSteps(), { ...STEPS, sent });
    expect(played.end).toBeUndefined();
    expect(kindsOf(played).filter((kind) => /commit|go|pass/.test(kind))).toEqual([
      'validator go',
      'miner commit',
      'miner commit',
      'validator pass',
      'miner commit',
      'miner commit',
    ]);
    expect(sent).toEqual([
      ['go', GO_AT],
      ['pass', PASS_AT],
    ]);
    expect(played.commits.map(({ measuredMs }) => measuredMs)).toEqual([500, 2500, 300, 900]);
    expect(played.measuredMs).toBe(500);
    // the bodies of a script are bound to nothing
    expect(await judged(playsSteps())).toBe('rejected:seed');
  });

  test.each([
    [0, 1000],
    [1, 3000],
    [2, 800],
    [3, 1200],
  ])(
    'a Commit of phase %i at its end counts, one millisecond later it costs the session',
    async (phase, ms) => {
      expect((await playAgainst(timed(phase, ms), STEPS)).end).toBeUndefined();
      const late = await playAgainst(timed(phase, ms + 1), STEPS);
      expect([late.end, late.commits.length]).toEqual([rejected('window'), phase + 1]);
      expect(await judged(timed(phase, ms + 1))).toBe('rejected:window');
      const hundredth = ms / 100;
      const stalled = { ...STEPS, ownDelayMs: hundredth };
      expect((await playAgainst(timed(phase, ms + hundredth), stalled)).end).toBeUndefined();
      expect((await playAgainst(timed(phase, ms + hundredth + 1), stalled)).end).toEqual(rejected('window'));
    },
  );

  test.each([0, 1, 2, 3])(
    'a Commit of phase %i that never comes is given up soon after its end',
    async (phase) => {
      let gaveUpAt = 0;
      const setting = {
        after: async (_played: Played, clock: VirtualClock) => {
          gaveUpAt = clock.monotonic();
        },
      };
      const script = instead(phase, () => []);
      expect(await judged(script)).toBe('rejected:window');
      const silent = timed(phase, 60_000);
      expect(await judged(silent, setting)).toBe('rejected:window');
      const { from, withinMs } = TOY_STEPS.phases![phase]!;
      expect(gaveUpAt).toBe((from === 'go' ? GO_AT : PASS_AT) + withinMs * 1.01 + 100);
    },
  );

  test.each<[string, number, (honest: FrameBody) => readonly FrameBody[]]>([
    ['under the number of another phase', 1, (honest) => [own(2, honest)]],
    ['again, behind the first', 0, (honest) => [honest, honest]],
    ['again, behind the last', 3, (honest) => [honest, honest]],
    ['all at once', 0, (honest) => [honest, own(1, honest), own(2, honest), own(3, honest)]],
    [
      'without a nonce set in order',
      2,
      () => [commitOf([bytes16('a').fill(2), bytes16('a').fill(1)], bytes16('pass'), 2)],
    ],
    [
      'with a body that is none',
      2,
      (honest) => [
        own(2, { ...honest, value: { ...honest.value, body: FULL.subarray(0, 15) } } as FrameBody),
      ],
    ],
    ['after something else', 1, (honest) => [READY, honest]],
  ])('a Commit %s breaks it', async (_what, phase, change) => {
    const verdict = await judged(instead(phase, change));
    expect(verdict).toMatch(/^rejected:(protocol|window|malformed)$/);
  });

  test('what was included at a frame does not change with its phases, and the Pass has nonces of its own', async () => {
    const others = [bytes16('another validator')];
    const add = (honest: FrameBody, phase: number) => {
      const { nonces } = (honest as FrameBody & { case: 'commit' }).value as { nonces: Uint8Array[] };
      const both = [...nonces, ...others].sort(Buffer.compare);
      return commitOf(both, phase < 2 ? undefined : bytes16('pass'), phase);
    };
    for (const phase of [1, 3])
      expect(await judged(instead(phase, (honest) => [add(honest, phase)]))).toBe('rejected:protocol');
    expect(await judged(instead(2, () => [commitOf(others, bytes16('pass'), 2)]))).toBe('rejected:left-out');
    let go: Uint8Array[] = [];
    const goesOn = playsSteps({
      async commit(phase, honest, session) {
        const value = honest.value as { nonces: Uint8Array[] };
        if (phase === 0) go = value.nonces;
        await session.send(phase < 2 ? honest : commitOf(go, bytes16('pass'), phase));
      },
    });
    expect(await judged(goesOn)).toBe('rejected:left-out');
  });

  test.each<[string, (session: ProofSession) => Promise<unknown>, string]>([
    ['a Commit of the next phase', (session) => session.send(commitOf([], bytes16('pass'), 2)), 'protocol'],
    ['a piece of an opening', (session) => session.send(piece(0, FULL)), 'protocol'],
    ['a second Ready', (session) => session.send(READY), 'protocol'],
    ['a refusal', (session) => session.send({ case: 'refusal', value: { code: 6, detail: '' } }), 'window'],
    ['its end', async (session) => session.end(), 'window'],
    ['a reset', async (session) => session.cancel(), 'window'],
  ])('during the hold nothing is due: %s is not waited on', async (_what, hold, reason) => {
    let endedAt = 0;
    const verdict = await judged(playsSteps({ hold }), {
      after: async (_played, clock) => {
        endedAt = clock.monotonic();
      },
    });
    expect([verdict, endedAt]).toEqual([`rejected:${reason}`, GO_AT + 2500]);
  });

  test.each<[string, (session: ProofSession) => Promise<unknown>, string]>([
    ['a Commit', (session) => session.send(commitOf([], bytes16('pass'), 3)), 'malformed'],
    ['an opening', (session) => session.send(piece(0, FULL)), 'malformed'],
    ['its end', async (session) => session.end(), 'opening-timeout'],
  ])(
    'from the last Commit on it owes an opening: %s before Open is a bad one',
    async (_what, act, reason) => {
      const script = playsSteps({
        async commit(phase, honest, session) {
          await session.send(honest);
          if (phase === 3) await act(session);
        },
      });
      const setting = { windowOver: (clock: VirtualClock) => clock.sleep(PASS_AT + 1312) };
      expect(await judged(script, setting)).toBe(`rejected:${reason}`);
    },
  );

  test('a Pass that we missed, or come to late, is our own lateness, and the miner is let go', async () => {
    for (const setting of [{ passMissed: true }, { passSeenBeforeMs: 251 }]) {
      const played = await playAgainst(playsSteps(), { ...STEPS, ...setting });
      expect(played.end).toEqual(inconclusive('validator-late'));
      expect([played.pass?.sent, played.reached]).toEqual([undefined, 'pass']);
    }
    expect((await playAgainst(playsSteps(), { ...STEPS, passSeenBeforeMs: 250 })).end).toBeUndefined();
  });

  test('a stall beyond a quarter of a phase is weighed against that phase', async () => {
    const stalled = (phase: number, ms: number, ownDelayMs: number) =>
      playAgainst(timed(phase, ms), { ...STEPS, ownDelayMs });
    expect((await stalled(1, 3031, 750)).end).toEqual(rejected('window'));
    expect((await stalled(1, 3031, 751)).end).toEqual(inconclusive('validator-late'));
    expect((await stalled(2, 809, 200)).end).toEqual(rejected('window'));
    expect((await stalled(2, 809, 201)).end).toEqual(inconclusive('validator-late'));
  });

  test('ends in a verdict that replays, in bounded time, whatever one of its frames says instead', async () => {
    const verdicts = new Map<string, number>();
    for (let i = 0; i < 120; i++) {
      const random = createSeededRandom(`odd frame ${i}`);
      const script: Script = (session, clock) =>
        playsSteps()(withOneOddFrame(session, random, { at: i % 6, sleep: (ms) => clock.sleep(ms) }), clock);
      let endedAt = 0;
      const verdict = await judged(script, {
        after: async (_played, clock) => {
          endedAt = clock.monotonic();
        },
      });
      expect(endedAt).toBeLessThanOrEqual(PASS_AT + 1312 + 600);
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
    // those that end in `seed` were heard to their end: what this script commits to is bound to nothing
    expect([...verdicts.keys()].sort()).toEqual([
      'rejected:malformed',
      'rejected:opening-timeout',
      'rejected:protocol',
      'rejected:seed',
      'rejected:window',
    ]);
  });
});
