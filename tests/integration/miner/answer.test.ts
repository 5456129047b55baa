// The miner's side of a session: real envelopes over the loopback, validators that say what they like.
import { beforeAll, describe, expect, test } from 'vitest';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { createAnswer } from '../../../src/miner/answer.js';
import type { KeptReceipt } from '../../../src/miner/receipts.js';
import { createLocalSlot, type Slot } from '../../../src/miner/slot.js';
import { createTickets } from '../../../src/miner/tickets.js';
import { equals, toHex, utf8 } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { toHotkey } from '../../../src/model/ids.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verifyChain } from '../../../src/protocol/evidence.js';
import { RefusalCode, VerdictKind } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { SESSION_LIMITS } from '../../../src/protocol/limits.js';
import type { FrameBody, ProofSession } from '../../../src/protocol/session.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { Proving } from '../../../src/verification/proof.js';
import { eventId, passSeed, slotSeed } from '../../../src/verification/seed.js';
import { withOneOddFrame } from '../../support/frame-fuzz.js';
import { type Line, recordingLog } from '../../support/logs.js';
import {
  armOf,
  armWithPass,
  bytes16,
  bytes32,
  goOf,
  HOLD,
  passOf,
  scriptedMiner,
  take,
} from '../../support/sessions.js';
import { NETUID } from '../../support/subnets.js';
import {
  TOY_COMMIT,
  TOY_PARAMS,
  TOY_PARAMS_ID,
  TOY_STEPS,
  TOY_STEPS_ID,
  type ToyParams,
  toyKind,
  toyOpening,
  toyPassCommit,
} from '../../support/toy-kind.js';

beforeAll(readyKeys);

const WORK_MS = 1000;
const [A, B] = [bytes16('a'), bytes16('b')];
const REQUEST = utf8('open');
/** block of the event after the one that `armOf` names */
const NEXT = 121n;

interface Scene {
  readonly clock: VirtualClock;
  /** a session of validator `name`, not yet armed */
  open(name?: string): ProofSession;
  /** a session that is armed and ready */
  ready(nonce: Uint8Array, name?: string, eventBlock?: bigint): Promise<ProofSession>;
  readonly receipts: KeptReceipt[];
  readonly lines: readonly Line[];
}

interface Setting {
  /** what its Ready says, of a slot that works with others. @default it is none */
  readonly offer?: Uint8Array;
  /** @default one phase */
  readonly params?: ToyParams;
  /** ms of each further step. @default 100 */
  readonly stepMs?: number;
  /** of the validators' stake. @default half */
  readonly share?: number;
  readonly opening?: number;
  readonly fail?: 'start' | 'next' | 'open';
  readonly onAbort?: () => void;
  readonly declines?: Slot['declines'];
}

async function scene(body: (scene: Scene) => Promise<void>, setting: Setting = {}): Promise<void> {
  const clock = createVirtualClock();
  const kind = toyKind();
  const { params = TOY_PARAMS, stepMs = 100 } = setting;
  const paramsId = params === TOY_STEPS ? TOY_STEPS_ID : TOY_PARAMS_ID;
  const working = createLocalSlot(
    { compute: createReferenceCompute(), kind, params, paramsId, clock },
    { index: 0, worker: 'host-1' },
  );
  const lost = () =>
    new AssayError('unreachable', 'device: the connection broke', { address: '127.0.0.1:1' });
  const { offer } = setting;
  const slot: Slot = {
    ...working,
    ...(offer ? { offer: async () => offer } : {}),
    ...(setting.declines ? { declines: setting.declines } : {}),
    async start(job, signal): Promise<Proving> {
      signal.addEventListener('abort', () => setting.onAbort?.());
      await clock.sleep(WORK_MS, signal);
      signal.throwIfAborted();
      if (setting.fail === 'start') throw lost();
      const proving = await working.start(job, signal);
      return {
        ...proving,
        async next(step, stop) {
          await clock.sleep(stepMs, stop);
          stop.throwIfAborted();
          if (setting.fail === 'next') throw lost();
          return proving.next!(step, stop);
        },
        async open(request) {
          if (setting.fail === 'open') throw lost();
          if (request.length === 0)
            throw new AssayError('invalid-input', 'request: expected 4 bytes, got 0', {
              what: 'request',
              expected: '4 bytes',
              got: '0',
            });
          return setting.opening === undefined ? proving.open(request) : new Uint8Array(setting.opening);
        },
      };
    },
  };
  const stop = new AbortController();
  const { log, lines } = recordingLog();
  const receipts: KeptReceipt[] = [];
  await clock.runUntil(run());

  async function run(): Promise<void> {
    const answer = createAnswer(
      {
        slots: () => [slot],
        hotkey: devKeypair('miner').publicKey,
        netuid: NETUID,
        tickets: createTickets(() => ({ epoch: 5, share: setting.share ?? 0.5 })),
        events: {
          confirmsPass: async (_event, beacon) => equals(beacon, bytes32('pass beacon')),
          isPlausible: async ({ block, basis }) => block < 1000 && equals(basis, bytes32('basis')),
          confirms: async (_block, beacon) => !equals(beacon, bytes32("a validator's own beacon")),
        },
        clock,
        log,
        receipts: { append: async (kept) => void receipts.push(kept) },
      },
      stop.signal,
    );
    const miner = await scriptedMiner({ clock }, answer, stop.signal);
    const peers = new Map<string, ReturnType<typeof miner.peer>>();
    const open = (name = 'validator') => {
      const peer = peers.get(name) ?? miner.peer(devKeypair(name));
      peers.set(name, peer);
      return peer.prove();
    };
    await body({
      clock,
      open,
      receipts,
      lines,
      async ready(nonce, name, eventBlock) {
        const session = open(name);
        await session.send(armOf(nonce, eventBlock === undefined ? {} : { eventBlock }));
        await take(session, 'ready');
        return session;
      },
    });
    for (const peer of peers.values()) peer.close();
    stop.abort();
  }
}

const refusal = async (session: ProofSession): Promise<[string, string]> => {
  const { code, detail } = await take(session, 'refusal');
  return [RefusalCode[code], detail];
};

const OPEN: FrameBody = { case: 'open', value: { body: REQUEST } };
const receiptOf = (reason = ''): FrameBody => ({
  case: 'receipt',
  value: {
    outcomeId: 'ab'.repeat(16),
    verdict: reason === '' ? VerdictKind.ACCEPTED : VerdictKind.REJECTED,
    reason,
    credit: [{ resource: 'opsPerS', amount: 1 }],
    share: 1,
    evidenceDigest: bytes32('evidence'),
    paramsId: TOY_PARAMS_ID,
    eventBlock: 120n,
    slot: 0,
  },
});

describe('a session', () => {
  test('goes from Arm to the receipt, which is kept with the signature of the validator', () =>
    scene(async ({ ready, receipts, clock }) => {
      const session = await ready(A);
      await session.send(goOf(A));
      const commit = await take(session, 'commit');
      expect(clock.monotonic()).toBe(WORK_MS);
      expect([commit.nonces.map(toHex), toHex(commit.body)]).toEqual([[toHex(A)], toHex(TOY_COMMIT)]);
      await session.send(OPEN);
      const opening = await take(session, 'opening');
      expect([opening.piece, opening.last, toHex(opening.data)]).toEqual([
        0,
        true,
        toHex(toyOpening(REQUEST)),
      ]);
      await session.send(receiptOf());
      expect(await session.receive()).toBeUndefined();
      expect(receipts).toHaveLength(1);
      const [kept] = receipts;
      expect(kept!.validator).toBe(devKeypair('validator').address);
      const { eventId } = armOf(A).value as { eventId: Uint8Array };
      expect(toHex(kept!.eventId)).toBe(toHex(eventId));
      expect(kept!.receipt).toMatchObject({ outcomeId: 'ab'.repeat(16), verdict: VerdictKind.ACCEPTED });
      const { headers } = verifyChain({
        certificate: kept!.certificate,
        frames: [kept!.signed],
        expect: {
          signer: kept!.validator,
          peer: toHotkey(devKeypair('miner').address),
          netuid: NETUID,
        },
      });
      expect(headers[0]!.sequence).toBe(3);
    }));

  test('sends an opening in pieces of 256 KiB, numbered from zero', () =>
    scene(
      async ({ ready }) => {
        const session = await ready(A);
        await session.send(goOf(A));
        await take(session, 'commit');
        await session.send(OPEN);
        const pieces: [number, boolean, number][] = [];
        for (;;) {
          const { piece, last, data } = await take(session, 'opening');
          pieces.push([piece, last, data.length]);
          if (last) break;
        }
        expect(pieces).toEqual([
          [0, false, 262_144],
          [1, false, 262_144],
          [2, true, 1],
        ]);
      },
      { opening: 2 * 262_144 + 1 },
    ));

  test('gives two validators of one event the same Commit, nonces in ascending order', () =>
    scene(async ({ ready }) => {
      const sessions = [await ready(A, 'validator'), await ready(B, 'stranger')];
      await sessions[0]!.send(goOf(A));
      await sessions[1]!.send(goOf(B));
      const commits = await Promise.all(sessions.map((session) => take(session, 'commit')));
      const nonces = commits.map((commit) => commit.nonces.map(toHex));
      expect(nonces).toEqual(Array(2).fill([toHex(A), toHex(B)].sort()));
      expect(toHex(commits[1]!.body)).toBe(toHex(commits[0]!.body));
    }));

  test('takes a receipt instead of Open from a validator that had enough', () =>
    scene(async ({ ready, receipts }) => {
      const session = await ready(A);
      await session.send(goOf(A));
      await take(session, 'commit');
      await session.send(receiptOf('left-out'));
      expect(await session.receive()).toBeUndefined();
      expect(receipts.map(({ receipt }) => receipt.reason)).toEqual(['left-out']);
    }));

  test('takes a receipt in place of Go: it was told nothing, and learns why', () =>
    scene(async ({ ready, receipts }) => {
      const session = await ready(A);
      await session.send(receiptOf('unreachable'));
      expect(await session.receive()).toBeUndefined();
      expect(receipts.map(({ receipt }) => receipt.reason)).toEqual(['unreachable']);
    }));

  test('of a slot that works with others waits for that receipt longer than its slot does', () =>
    scene(
      async ({ ready, receipts, clock }) => {
        const session = await ready(A);
        await clock.sleep(SESSION_LIMITS.goWaitMs + 1);
        const next = await ready(B, 'validator', NEXT); // which may arm one event at a time
        await clock.sleep(60_000);
        await session.send(receiptOf('unreachable'));
        expect(await session.receive()).toBeUndefined();
        expect(receipts.map(({ receipt }) => receipt.reason)).toEqual(['unreachable']);
        next.cancel();
      },
      { offer: Uint8Array.of(1) },
    ));

  test('takes a receipt while it still works: the window is over, and so is the work', () => {
    let aborted = 0;
    return scene(
      async ({ ready, receipts, clock }) => {
        const session = await ready(A);
        await session.send(goOf(A));
        await clock.sleep(600);
        await session.send(receiptOf('window'));
        expect(await session.receive()).toBeUndefined();
        expect(clock.monotonic()).toBe(600);
        expect(receipts.map(({ receipt }) => receipt.reason)).toEqual(['window']);
        expect(aborted).toBe(1);
        await ready(B, 'stranger', NEXT);
      },
      { onAbort: () => aborted++ },
    );
  });
});

describe('a receipt', () => {
  test.each([
    ['slot', { slot: 1 }],
    ['event', { eventBlock: 119n }],
    ['parameter set', { paramsId: bytes32('others') }],
  ])('of another %s is not kept', (_what, of) =>
    scene(async ({ ready, receipts }) => {
      const session = await ready(A);
      await session.send(goOf(A));
      await take(session, 'commit');
      const { value } = receiptOf() as Extract<FrameBody, { case: 'receipt' }>;
      await session.send({ case: 'receipt', value: { ...value, ...of } });
      expect(await refusal(session)).toEqual(['OUT_OF_ORDER', 'receipt: not of this session']);
      expect(receipts).toEqual([]);
    }),
  );
});

describe('is refused with a code', () => {
  const codeOf = (frames: readonly FrameBody[], code: keyof typeof RefusalCode, detail: string) =>
    scene(async ({ open, ready }) => {
      const session = open();
      for (const [i, frame] of frames.entries()) {
        await session.send(frame);
        if (frame.case === 'arm' && i < frames.length - 1) await take(session, 'ready');
      }
      expect(await refusal(session)).toEqual([code, detail]);
      expect(await session.receive().catch(() => undefined)).toBeUndefined();
      await ready(B, 'stranger'); // the slot is free
    });

  test.each<[string, FrameBody[], keyof typeof RefusalCode, string]>([
    ['Go first', [goOf(A)], 'OUT_OF_ORDER', 'expected arm, got go'],
    ['Open first', [OPEN], 'OUT_OF_ORDER', 'expected arm, got open'],
    ['a second Arm', [armOf(A), armOf(A)], 'OUT_OF_ORDER', 'expected go or receipt, got arm'],
    ['Open before Go', [armOf(A), OPEN], 'OUT_OF_ORDER', 'expected go or receipt, got open'],
    [
      "a miner's own frame",
      [{ case: 'commit', value: { nonces: [], body: TOY_COMMIT } }],
      'OUT_OF_ORDER',
      'expected arm, got commit',
    ],
    ['an unknown slot', [armOf(A, { slot: 1 })], 'UNKNOWN_SLOT', 'slot 1: not claimed here'],
    ['an unknown kind', [armOf(A, { kind: 'disk' })], 'UNKNOWN_SLOT', 'slot 0: not claimed here'],
    [
      'other parameters',
      [armOf(A, { paramsId: new Uint8Array(32) })],
      'UNKNOWN_SLOT',
      'slot 0: not claimed here',
    ],
    [
      'a basis cut short',
      [armOf(A, { basis: new Uint8Array(31) })],
      'OUT_OF_ORDER',
      'Arm.basis: expected 32 bytes, got 31',
    ],
    [
      'an event id that is too long',
      [armOf(A, { eventId: new Uint8Array(33) })],
      'OUT_OF_ORDER',
      'Arm.event_id: expected 32 bytes, got 33',
    ],
    [
      'no commitment',
      [armOf(A, { nonceCommitment: new Uint8Array() })],
      'OUT_OF_ORDER',
      'Arm.nonce_commitment: expected 32 bytes, got 0',
    ],
    [
      'an event far ahead of the chain',
      [armOf(A, { eventBlock: 1000n })],
      'DISAGREES',
      'event at block 1000: not one of this chain',
    ],
    [
      'an event whose id is not that of its block',
      [armOf(A, { eventId: bytes32('of my own') })],
      'DISAGREES',
      'event at block 120: not one of this chain',
    ],
    [
      'a beacon that this chain does not have',
      [armOf(A), goOf(A, bytes32("a validator's own beacon"))],
      'DISAGREES',
      'event at block 120: the beacon is not its hash',
    ],
    [
      'another nonce than armed',
      [armOf(A), goOf(B)],
      'NONCE_MISMATCH',
      'go: the nonce is not the one that Arm committed to',
    ],
    ['a nonce cut short', [armOf(A), goOf(A.subarray(1))], 'OUT_OF_ORDER', 'go: wrong field lengths'],
    [
      'a beacon cut short',
      [armOf(A), goOf(A, new Uint8Array(31))],
      'OUT_OF_ORDER',
      'go: wrong field lengths',
    ],
  ])('for %s', (_what, frames, code, detail) => codeOf(frames, code, detail));

  test('for anything but a receipt while it works', () =>
    scene(async ({ ready }) => {
      const session = await ready(A);
      await session.send(goOf(A));
      await session.send(OPEN);
      expect(await refusal(session)).toEqual(['OUT_OF_ORDER', 'expected receipt, got open']);
    }));

  test('for another beacon or basis than the first validator named, and at the Go for a slot at work', () =>
    scene(async ({ ready, open }) => {
      const [first, second] = [await ready(A, 'validator'), await ready(B, 'stranger')];
      const third = open('third');
      await third.send(armOf(B, { basis: bytes32('another basis') }));
      expect(await refusal(third)).toEqual(['DISAGREES', 'event at block 120: not one of this chain']);
      await first.send(goOf(A));
      await second.send(goOf(B, bytes32('another beacon')));
      expect(await refusal(second)).toEqual(['DISAGREES', 'slot 0: disagrees']);
      const fourth = open('third');
      await fourth.send(armOf(B, { eventBlock: NEXT }));
      await take(fourth, 'ready'); // what works now may be over by then
      await fourth.send(goOf(B));
      expect(await refusal(fourth)).toEqual(['BUSY', 'slot 0: busy']);
      await take(first, 'commit');
    }));

  test.each(['maintenance', 'capped'] as const)(
    'where it is %s, and keeps the receipt that says what became of it; the slot is free meanwhile',
    (why) => {
      const declines = (block: number) => (block === 120 ? why : undefined);
      return scene(
        async ({ open, ready, receipts }) => {
          const session = open();
          await session.send(armOf(A));
          expect(await refusal(session)).toEqual([why.toUpperCase(), `slot 0: ${why}`]);
          await ready(B, 'stranger', NEXT); // another event, while the receipt is still to come
          await session.send(receiptOf(why));
          expect(await session.receive()).toBeUndefined();
          expect(receipts.map(({ receipt }) => receipt.reason)).toEqual([why]);
        },
        { declines },
      );
    },
  );

  test('for a request that is none', () =>
    scene(async ({ ready }) => {
      const session = await ready(A);
      await session.send(goOf(A));
      await take(session, 'commit');
      await session.send({ case: 'open', value: { body: new Uint8Array() } });
      expect(await refusal(session)).toEqual(['OUT_OF_ORDER', 'request: expected 4 bytes, got 0']);
    }));

  test.each(['start', 'open'] as const)(
    "when its device is lost at %s: internal to the validator, a warning to the miner's operator",
    (fail) =>
      scene(
        async ({ ready, lines }) => {
          const session = await ready(A);
          await session.send(goOf(A));
          if (fail === 'open') {
            await take(session, 'commit');
            await session.send(OPEN);
          }
          expect(await refusal(session)).toEqual(['INTERNAL', 'the miner could not finish']);
          expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
            { error: { code: 'internal', cause: { code: 'unreachable' } } },
          ]);
        },
        { fail },
      ),
  );
});

describe('the slot is free again', () => {
  test('when a validator vanishes while the miner works', () => {
    let aborted = 0;
    return scene(
      async ({ ready, clock }) => {
        const session = await ready(A);
        await session.send(goOf(A));
        await clock.sleep(100);
        session.cancel();
        await clock.sleep(1);
        expect(aborted).toBe(1);
        await ready(B, 'stranger', NEXT);
        expect(clock.monotonic()).toBe(101);
      },
      { onAbort: () => aborted++ },
    );
  });

  test('when a validator armed and never went', () =>
    scene(async ({ ready, clock }) => {
      const [a] = [await ready(A, 'validator'), await ready(B, 'stranger')];
      await a!.send(goOf(A));
      await take(a!, 'commit');
      await a!.send(receiptOf());
      await a!.receive();
      expect(clock.monotonic()).toBe(300 + WORK_MS);
      await ready(A, 'validator', NEXT);
    }));

  test('as soon as the opening is sent: a receipt may take its time, and is still kept', () =>
    scene(async ({ ready, clock, receipts }) => {
      const session = await ready(A);
      await session.send(goOf(A));
      await take(session, 'commit');
      await session.send(OPEN);
      await take(session, 'opening');
      await ready(B, 'stranger', NEXT);
      await clock.sleep(100_000);
      await session.send(receiptOf());
      await session.receive();
      expect(receipts).toHaveLength(1);
    }));

  test('a minute after a Go that never came', () =>
    scene(async ({ ready, clock }) => {
      const session = await ready(A);
      expect(await refusal(session)).toEqual(['INTERNAL', 'the miner could not finish']);
      expect(clock.monotonic()).toBe(60_000);
      await ready(B, 'stranger', NEXT);
    }));
});

describe('a session of several phases', () => {
  const [P, Q] = [bytes16('p'), bytes16('q')];
  const STEPS: Setting = { params: TOY_STEPS };

  /** Armed with a Pass, gone, and through the steps from Go. */
  async function held({ open }: Scene, nonce = A, pass = P, name?: string): Promise<ProofSession> {
    const session = open(name);
    await session.send(armWithPass(nonce, pass));
    await take(session, 'ready');
    await session.send(goOf(nonce));
    for (const phase of [0, 1]) expect((await take(session, 'commit')).phase).toBe(phase);
    return session;
  }

  test('commits to each phase: those from Go at once, those from the Pass when it comes, bound to its randomness', () =>
    scene(async (of) => {
      const { clock, receipts } = of;
      const session = await held(of);
      expect(clock.monotonic()).toBe(WORK_MS + 100);
      await clock.sleep(90_000);
      await session.send(passOf(P));
      const seed = slotSeed({
        beacon: bytes32('beacon'),
        nonces: [A],
        hotkey: devKeypair('miner').publicKey,
        worker: 'host-1',
        slot: 0,
        eventId: eventId({ netuid: NETUID, block: 120, basis: bytes32('basis') }),
        paramsId: TOY_STEPS_ID,
      });
      const pass = passSeed({ seed, beacon: bytes32('pass beacon'), nonces: [P] });
      for (const phase of [2, 3]) {
        const commit = await take(session, 'commit');
        expect([commit.phase, commit.nonces.map(toHex)]).toEqual([phase, [toHex(P)]]);
        expect(toHex(commit.body)).toBe(toHex(toyPassCommit(pass, phase - 2)));
      }
      await session.send(OPEN);
      await take(session, 'opening');
      const { value } = receiptOf() as Extract<FrameBody, { case: 'receipt' }>;
      await session.send({ case: 'receipt', value: { ...value, paramsId: TOY_STEPS_ID } });
      await session.receive();
      expect(receipts).toHaveLength(1);
    }, STEPS));

  test('gives two validators the same Commits of the Pass, with both nonces', () =>
    scene(async (of) => {
      const sessions = [of.open('validator'), of.open('stranger')];
      const nonces = [
        [A, P],
        [B, Q],
      ] as const;
      for (const [i, session] of sessions.entries()) {
        await session.send(armWithPass(...nonces[i]!));
        await take(session, 'ready');
      }
      for (const [i, session] of sessions.entries()) await session.send(goOf(nonces[i]![0]));
      for (const session of sessions) for (const _ of [0, 1]) await take(session, 'commit');
      for (const [i, session] of sessions.entries()) await session.send(passOf(nonces[i]![1]));
      for (const session of sessions) {
        const commit = await take(session, 'commit');
        expect(commit.nonces.map(toHex)).toEqual([toHex(P), toHex(Q)].sort());
      }
    }, STEPS));

  test('takes a receipt in place of the Pass: the validator had enough, and the slot is free', () =>
    scene(async (of) => {
      const session = await held(of);
      const { value } = receiptOf('window') as Extract<FrameBody, { case: 'receipt' }>;
      await session.send({ case: 'receipt', value: { ...value, paramsId: TOY_STEPS_ID } });
      expect(await session.receive()).toBeUndefined();
      expect(of.receipts).toHaveLength(1);
      await held(of, B, Q, 'stranger');
    }, STEPS));

  test.each<[string, readonly FrameBody[], string, string]>([
    ['Open before the Pass', [OPEN], 'OUT_OF_ORDER', 'expected pass or receipt, got open'],
    ['a second Go', [goOf(A)], 'OUT_OF_ORDER', 'expected pass or receipt, got go'],
    [
      'a nonce that Arm did not commit to',
      [passOf(Q)],
      'NONCE_MISMATCH',
      'pass: the nonce is not the one that Arm committed to',
    ],
    [
      'the nonce of the Go again',
      [passOf(A)],
      'NONCE_MISMATCH',
      'pass: the nonce is not the one that Arm committed to',
    ],
    ['a nonce cut short', [passOf(P.subarray(1))], 'OUT_OF_ORDER', 'pass: wrong field lengths'],
    ['a beacon cut short', [passOf(P, new Uint8Array(31))], 'OUT_OF_ORDER', 'pass: wrong field lengths'],
    [
      'a block that the hold did not draw',
      [passOf(P, bytes32('another block'))],
      'DISAGREES',
      'event at block 120: not the beacon of its Pass',
    ],
    ['a second Pass', [passOf(P), passOf(P)], 'OUT_OF_ORDER', 'expected receipt, got pass'],
    ['Open before its work is done', [passOf(P), OPEN], 'OUT_OF_ORDER', 'expected receipt, got open'],
  ])('is refused for %s, and the slot is free', (_what, frames, code, detail) =>
    scene(async (of) => {
      const session = await held(of);
      for (const frame of frames) await session.send(frame);
      expect(await refusal(session)).toEqual([code, detail]);
      await held(of, B, Q, 'stranger');
    }, STEPS),
  );

  test('is refused a Pass that comes before its steps from Go are done', () =>
    scene(async ({ open }) => {
      const session = open();
      await session.send(armWithPass(A, P));
      await take(session, 'ready');
      await session.send(goOf(A));
      await session.send(passOf(P));
      expect(await refusal(session)).toEqual(['OUT_OF_ORDER', 'expected receipt, got pass']);
    }, STEPS));

  test('gives up after the longest hold, and the slot is free', () =>
    scene(async (of) => {
      const session = await held(of);
      const from = of.clock.monotonic();
      expect(await refusal(session)).toEqual(['INTERNAL', 'the miner could not finish']);
      expect(of.clock.monotonic() - from).toBe(150_000);
      await held(of, B, Q, 'stranger');
    }, STEPS));

  test('a device that is lost in a further step is internal to the validator', () =>
    scene(
      async ({ open }) => {
        const session = open();
        await session.send(armWithPass(A, P));
        await take(session, 'ready');
        await session.send(goOf(A));
        await take(session, 'commit');
        expect(await refusal(session)).toEqual(['INTERNAL', 'the miner could not finish']);
      },
      { ...STEPS, fail: 'next' },
    ));

  test.each<[string, Parameters<typeof armWithPass>[2], string]>([
    ['no commitment', { passCommitment: new Uint8Array() }, 'Arm.pass_commitment: expected 32 bytes, got 0'],
    ['no hold', { holdFirst: 0, holdLast: 0 }, 'Arm.hold: expected 1..120, got 0..0'],
    ['a hold backwards', { holdFirst: 5, holdLast: 4 }, 'Arm.hold: expected 1..120, got 5..4'],
    [
      'a hold without end',
      { holdFirst: 1, holdLast: 2 ** 32 - 1 },
      'Arm.hold: expected 1..120, got 1..4294967295',
    ],
  ])('is not armed with %s', (_what, of, detail) =>
    scene(async ({ open }) => {
      const session = open();
      await session.send(armWithPass(A, P, of));
      expect(await refusal(session)).toEqual(['OUT_OF_ORDER', detail]);
    }, STEPS),
  );

  test('a slot without a Pass is not armed with one', () =>
    scene(async ({ open }) => {
      const session = open();
      await session.send(armWithPass(A, P, { paramsId: TOY_PARAMS_ID }));
      expect(await refusal(session)).toEqual([
        'OUT_OF_ORDER',
        'Arm.pass_commitment: expected 0 bytes, got 32',
      ]);
      expect(HOLD.first).toBeGreaterThan(0);
    }));
});

test('whatever one frame of a validator says instead, its session ends in bounded time and the slot is free', () =>
  scene(
    async ({ open, clock }) => {
      const ends = new Set<string>();
      for (let i = 0; i < 100; i++) {
        const random = createSeededRandom(`odd frame ${i}`);
        const [nonce, pass] = [random.bytes(16), random.bytes(16)];
        const bare = open(`validator ${i % 3}`);
        const parts = { at: i % 5, sleep: (ms: number) => clock.sleep(ms) };
        const session = withOneOddFrame(bare, random, parts);
        const from = clock.monotonic();
        const end = (async () => {
          await session.send(armWithPass(nonce, pass, { eventBlock: BigInt(120 + i) }));
          await take(session, 'ready');
          await session.send(goOf(nonce));
          for (const _ of [0, 1]) await take(session, 'commit');
          await session.send(passOf(pass));
          for (const _ of [2, 3]) await take(session, 'commit');
          await session.send(OPEN);
          await take(session, 'opening');
          await session.send(receiptOf());
          return 'to its end';
        })().catch((error: Error) => `other than expected: ${error.message}`);
        ends.add((await end).slice(0, 10));
        bare.cancel();
        await clock.sleep(1);
        expect(clock.monotonic() - from).toBeLessThan(400_000);
      }
      expect([...ends].sort()).toEqual(['other than', 'to its end']);
      const last = open('another');
      await last.send(armWithPass(A, B, { eventBlock: 900n }));
      await take(last, 'ready');
      await last.send(goOf(A));
      await take(last, 'commit');
    },
    { params: TOY_STEPS, share: 1000 },
  ));

describe('tickets', () => {
  test('are spent by Arms: beyond them a validator is refused by name, others are not, and none is kept out by refusals', () =>
    scene(
      async ({ ready, open, clock }) => {
        for (let i = 0; i < 8; i++) {
          const session = await ready(A, 'validator', BigInt(120 + i));
          session.cancel();
          await clock.sleep(1);
        }
        const more = open('validator');
        await more.send(armOf(A, { eventBlock: 130n }));
        expect(await refusal(more)).toEqual(['TICKETS', 'slot 0: no ticket left in this epoch']);
        // armed twice at once: busy, and that costs no ticket
        const first = await ready(B, 'stranger', 130n);
        for (let i = 0; i < 20; i++) {
          const again = open('stranger');
          await again.send(armOf(B, { eventBlock: 131n }));
          expect((await refusal(again))[0]).toBe('BUSY');
        }
        first.cancel();
        await clock.sleep(1);
        await ready(B, 'stranger', 131n);
      },
      { share: 0 },
    ));
});
