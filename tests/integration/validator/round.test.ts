// One event from roster to receipts: scripted miners on the loopback, a ledger in memory, a clock that jumps.
import { setMaxListeners } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { fromAddress } from '../../../src/keys/ss58.js';
import { toHex } from '../../../src/model/bytes.js';
import type { Clock } from '../../../src/model/clock.js';
import { AssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verdictToString } from '../../../src/model/verdict.js';
import { verifyChain } from '../../../src/protocol/evidence.js';
import { VerdictKind } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { OPENING_PIECE_BYTES } from '../../../src/protocol/limits.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import type { MinerPeer, ProofSession, ServeHandlers } from '../../../src/protocol/session.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { type LedgerEntry, type OutcomeEntry, toSessionLine } from '../../../src/validator/ledger/entries.js';
import { fromNote } from '../../../src/validator/queue/recover.js';
import { runEvent } from '../../../src/validator/round.js';
import { type Verifiers, verifyHere } from '../../../src/validator/verifiers.js';
import {
  bytes32,
  commitOf,
  piece,
  plays,
  READY,
  type Script,
  scriptedMiner,
  TOY_DESCRIPTION,
  take,
} from '../../support/sessions.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';
import { TOY_PARAMS, toyKind, toyOpening } from '../../support/toy-kind.js';

beforeAll(readyKeys);

const GO_AT = 500;
/** ms after the Go at which openings are asked for: window, credit and grace */
const WINDOW_OVER = 1110;

interface Player {
  readonly script: Script;
  readonly describe?: (clock: Clock) => ReturnType<ServeHandlers['describe']>;
}

interface Setting {
  readonly missed?: boolean;
  readonly uncallable?: readonly string[];
  /** who takes turns with rounds of one validator at a time. @default by the subnet's state */
  readonly turns?: readonly string[] | 'unread';
  /** address of each miner, in their order. @default one for all */
  readonly hosts?: readonly string[];
  /** entries that the journal does not take */
  readonly refused?: (entry: LedgerEntry) => boolean;
  readonly ownDelayMs?: number;
  /** what handing over one Go takes us, ms. @default nothing */
  readonly eachGoMs?: number;
  /** of the event's block: the line's order hangs on it. @default 'beacon' */
  readonly beacon?: string;
  /** how long before we could act the block was seen */
  readonly seenBeforeMs?: number;
  readonly minLeadMs?: number;
  /** whether the event's block is still on the chain when all is judged. @default true */
  readonly canonical?: boolean;
  /** who verifies; may stop the whole. @default the thread that asks */
  readonly verifiers?: (stop: AbortController) => Verifiers;
}

interface Round {
  /** `miner name: verdict`, in the order of the miners */
  readonly verdicts: string[];
  readonly entries: LedgerEntry[];
  /** monotonic ms at which the event was judged */
  readonly judgedAt: number;
  readonly error: unknown;
}

/** Plays one event with `players` and then waits until every session is over. */
async function playRound(players: Readonly<Record<string, Player>>, setting: Setting = {}): Promise<Round> {
  const idle = createVirtualClock();
  let busyMs = 0;
  const clock: Clock = { ...idle, monotonic: () => idle.monotonic() + busyMs };
  return idle.runUntil(run());

  /** Work of ours that nothing else runs beside. */
  function busyAt(peer: MinerPeer): MinerPeer {
    const prove = (): ProofSession => {
      const session = peer.prove();
      const send = session.send.bind(session);
      session.send = (body) => {
        if (body.case === 'go') busyMs += setting.eachGoMs ?? 0;
        return send(body);
      };
      return session;
    };
    return { ...peer, prove };
  }

  async function run(): Promise<Round> {
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const wire = createLoopback({ clock });
    const validator = devKeypair('validator');
    const names = Object.keys(players);
    const miners = await Promise.all(
      names.map((name) => {
        const { script, describe } = players[name]!;
        return scriptedMiner(
          { clock, wire, name },
          script,
          stop.signal,
          async () => (await describe?.(clock)) ?? TOY_DESCRIPTION,
        );
      }),
    );
    const state = subnet([
      neuron(0),
      ...miners.map(({ hotkey, address }, i) =>
        neuron(i + 1, { hotkey, axon: { ip: setting.hosts?.[i] ?? address.host, port: address.port } }),
      ),
    ]);
    const peers = new Map<string, MinerPeer>(
      miners.map((miner) => [miner.hotkey, busyAt(miner.peer(validator))]),
    );
    const blocked = new Set((setting.uncallable ?? []).map((name) => devKeypair(name).address));
    const go = clock.sleep(GO_AT).then(() => {
      if (setting.missed) throw new AssayError('timeout', 'block not seen', { what: 'head', afterMs: 0 });
      return {
        hash: bytes32(setting.beacon ?? 'beacon'),
        seenAt: clock.monotonic() - (setting.seenBeforeMs ?? 0),
      };
    });
    const entries: LedgerEntry[] = [];
    let error: unknown;
    const outcomes = await runEvent(
      {
        peerOf({ hotkey }) {
          if (blocked.has(hotkey)) throw new AssayError('insecure-address', 'no', { address: '8.8.8.8' });
          return peers.get(hotkey)!;
        },
        publicKeyOf: fromAddress,
        kinds: { toy: toyKind() },
        claims: new Map(),
        ledger: {
          async append(entry) {
            if (setting.refused?.(entry)) throw new Error('disk full');
            entries.push(entry);
          },
          saveParams: async () => {},
        },
        clock,
        random: createSeededRandom('round'),
        ownDelay: { observe: () => () => setting.ownDelayMs ?? 0 },
        verifiers: setting.verifiers?.(stop),
        log: silentLog,
      },
      {
        event: {
          id: bytes32('event'),
          block: 120,
          basis: bytes32('basis'),
          ordinal: '5.0',
          maxNonces: 2,
          epoch: 5,
          netuid: NETUID,
          minLeadMs: setting.minLeadMs ?? 0,
          isStillCanonical: async () => setting.canonical ?? true,
          ...(setting.turns
            ? {
                turns: Promise.resolve(
                  setting.turns === 'unread'
                    ? undefined
                    : setting.turns.map((name) => toHotkey(devKeypair(name).address)),
                ),
              }
            : {}),
          hold: { first: 20, last: 22 },
          go,
          pass: go.then(() => new Promise<never>(() => {})),
        },
        subnet: state,
        chain: { type: 'development', blockTimeMs: 250 },
        self: toHotkey(validator.address),
      },
      stop.signal,
    ).catch((reason: unknown) => {
      error = reason;
      return [];
    });
    const judgedAt = clock.monotonic();
    await clock.sleep(30_000);
    for (const peer of peers.values()) peer.close();
    stop.abort();
    const nameOf = (hotkey: string) => names[miners.findIndex((miner) => miner.hotkey === hotkey)];
    return {
      verdicts: outcomes.map(({ miner, verdict }) => `${nameOf(miner)}: ${verdictToString(verdict)}`),
      entries,
      judgedAt,
      error,
    };
  }
}

/** Plays `script`, then keeps what comes; `said` are verdict and reason of the receipt. */
const receiving = (script: Script, said: string[]): Script => {
  return async (session, clock) => {
    await script(session, clock);
    for (;;) {
      const received = await session.receive();
      if (!received) return;
      if (received.frame.body.case !== 'receipt') continue;
      const { verdict, reason, slot, eventBlock } = received.frame.body.value;
      said.push(`${VerdictKind[verdict]} ${reason} ${slot} ${eventBlock}`);
      verifyChain({
        certificate: session.peerCertificate()!,
        frames: [received.signed],
        expect: {
          signer: session.peer,
          peer: toHotkey(devKeypair('miner').address),
          netuid: NETUID,
        },
      });
      return;
    }
  };
};
const working: Script = async (session, clock) => {
  await take(session, 'arm');
  await session.send(READY);
  const { nonce } = await take(session, 'go');
  await clock.sleep(1050);
  await session.send(commitOf([nonce]));
};
const silent: Script = async (session, clock) => {
  await take(session, 'arm');
  await clock.sleep(1500); // and reads what came only then
};
const leftOut: Script = async (session, clock) => {
  await take(session, 'arm');
  await session.send(READY);
  await take(session, 'go');
  await clock.sleep(10);
  await session.send(commitOf([]));
};

describe('an event', () => {
  test('ends with one verdict per task, all in the journal before the event counts as completed', async () => {
    const { verdicts, entries } = await playRound({
      good: { script: plays() },
      late: { script: plays({ workMs: 1001 }) },
      silent: { script: async (session) => void (await session.receive()) },
    });
    expect(verdicts).toEqual(['good: accepted', 'late: rejected:window', 'silent: rejected:window']);
    expect(entries.map(({ type }) => type)).toEqual([
      'event-started',
      'outcome',
      'outcome',
      'outcome',
      'event-completed',
    ]);
    expect(entries.at(-1)).toMatchObject({ epoch: 5, block: 120, beacon: bytes32('beacon') });
  });

  test('whose block was missed counts for nobody: no outcome, and it is not completed', async () => {
    const { verdicts, entries, error } = await playRound({ good: { script: plays() } }, { missed: true });
    expect(error).toMatchObject({ code: 'timeout' });
    expect(verdicts).toEqual([]);
    expect(entries.map(({ type }) => type)).toEqual(['event-started']);
  });

  test('is not delayed by a miner that hangs while it describes itself', async () => {
    const hanging: Player = {
      script: plays(),
      describe: async (clock) => {
        await clock.sleep(9000);
        return TOY_DESCRIPTION;
      },
    };
    const { verdicts, judgedAt } = await playRound({ good: { script: plays() }, hanging });
    expect(verdicts).toEqual(['good: accepted']);
    expect(judgedAt).toBe(GO_AT + WINDOW_OVER);
  });

  test('goes on without a miner that must not be called', async () => {
    const players = { good: { script: plays() }, elsewhere: { script: plays() } };
    expect((await playRound(players, { uncallable: ['elsewhere'] })).verdicts).toEqual(['good: accepted']);
  });

  test('that cannot be recorded at all is dropped, and lets every miner go at once, without a receipt', async () => {
    let ended: unknown;
    const script: Script = async (session, clock) => {
      await plays({ open: async (open) => void (await open.receive()) })(session, clock).catch((error) => {
        ended = [(error as AssayError).code, clock.monotonic()];
      });
    };
    const refused = ({ type }: LedgerEntry) => type === 'outcome';
    const { error, entries } = await playRound({ miner: { script } }, { refused });
    expect(error).toEqual(new Error('disk full'));
    expect(entries.map(({ type }) => type)).toEqual(['event-started']);
    expect(ended).toEqual(['unreachable', GO_AT + WINDOW_OVER + 600]);
  });

  test('goes on when one outcome cannot be recorded as it was: that is our fault, and says so', async () => {
    const heard: string[] = [];
    const refused = (entry: LedgerEntry) =>
      entry.type === 'outcome' &&
      entry.outcome.verdict.kind === 'rejected' &&
      entry.outcome.verdict.reason === 'left-out';
    const players = { good: { script: plays() }, miner: { script: receiving(leftOut, heard) } };
    const { verdicts, entries, error } = await playRound(players, { refused });
    expect(error).toBeUndefined();
    expect(verdicts).toEqual(['good: accepted', 'miner: inconclusive:validator-fault']);
    expect(entries.at(-1)!.type).toBe('event-completed');
    expect(heard).toEqual(['INCONCLUSIVE validator-fault 0 120']);
  });

  test('forgets its private projections when it is over, however it ends', async () => {
    let open = 0;
    const verifiers = (): Verifiers => ({
      forEvent(event) {
        open++;
        const { verify, close } = verifyHere.forEvent(event);
        return {
          verify,
          close() {
            open--;
            close();
          },
        };
      },
    });
    await playRound({ miner: { script: plays() } }, { verifiers });
    const refused = ({ type }: LedgerEntry) => type === 'outcome';
    await playRound({ miner: { script: plays() } }, { verifiers, refused });
    expect(open).toBe(0);
  });

  test('a question has with it what its outcome can be made of in another process', async () => {
    const notes: OutcomeEntry[] = [];
    const ids: string[] = [];
    const verifiers = (): Verifiers => ({
      forEvent: (event) => ({
        ...verifyHere.forEvent(event),
        async verify(question) {
          const { id, openingDigest, note } = question.outcome!;
          const { opening } = question.evidence;
          expect(toHex(openingDigest)).toBe(toHex(sha256(opening)));
          ids.push(id);
          notes.push(fromNote(note(), opening));
          return verifyHere.forEvent(event).verify(question);
        },
      }),
    });
    const { entries } = await playRound(
      { one: { script: plays() }, other: { script: plays() } },
      { verifiers },
    );
    const recorded = entries.filter((entry) => entry.type === 'outcome');
    expect(recorded).toHaveLength(2);
    for (const { outcome, session } of recorded) {
      expect(ids).toContain(outcome.id);
      const kept = notes.find((note) => note.outcome.id === outcome.id)!;
      expect(kept.outcome.verdict).toEqual({ kind: 'inconclusive', cause: 'validator-fault' });
      // as the ledger writes it, of which the evidence of both is made
      expect(toSessionLine(outcome.id, kept.session)).toBe(toSessionLine(outcome.id, session));
      expect(kept.session.frames.some(({ kind }) => kind === 'opening')).toBe(true);
    }
  });

  test('a verifier thread that dies costs the session in its hand nothing, and no other', async () => {
    let asked = 0;
    const verifiers = (): Verifiers => ({
      forEvent: (event) => ({
        ...verifyHere.forEvent(event),
        async verify(question) {
          if (asked++ === 0) throw new AssayError('internal', 'died', { what: 'died' });
          return verifyHere.forEvent(event).verify(question);
        },
      }),
    });
    const players = { one: { script: plays() }, other: { script: plays() } };
    const { verdicts, entries } = await playRound(players, { verifiers });
    expect(verdicts.map((verdict) => verdict.split(': ')[1]).sort()).toEqual([
      'accepted',
      'inconclusive:validator-fault',
    ]);
    expect(entries.at(-1)!.type).toBe('event-completed');
  });

  test('that ends while something is verified writes nothing down about it', async () => {
    const reason = new Error('stopping');
    const verifiers = (stop: AbortController): Verifiers => ({
      forEvent: () => ({
        async verify() {
          stop.abort(reason);
          throw reason;
        },
        close() {},
      }),
    });
    const { error, entries } = await playRound({ miner: { script: plays() } }, { verifiers });
    expect(error).toBe(reason);
    expect(entries.map(({ type }) => type)).toEqual(['event-started']);
  });

  test('in which nobody claims a slot does not count', async () => {
    const idle: Player = { script: plays(), describe: async () => ({ ...TOY_DESCRIPTION, slots: [] }) };
    const { verdicts, entries, error } = await playRound({ idle });
    expect([verdicts, error]).toEqual([[], undefined]);
    expect(entries.map(({ type }) => type)).toEqual(['event-started']);
  });

  test('keeps no opening waiting for others: each is judged and recorded when it is complete', async () => {
    const slow = plays({
      open: async (session, request, clock) => {
        await clock.sleep(400);
        await session.send(piece(0, toyOpening(request), true));
      },
    });
    const { verdicts, entries } = await playRound({ slow: { script: slow }, quick: { script: plays() } });
    expect([...verdicts].sort()).toEqual(['quick: accepted', 'slow: accepted']);
    const at = entries.flatMap((entry) => (entry.type === 'outcome' ? [entry.outcome.at] : []));
    expect(at[1]! - at[0]!).toBe(400);
  });

  test('miners that hang at every step hold nobody up: others are judged when they would be without them', async () => {
    const hangs: Record<string, Script> = {
      before: async () => new Promise(() => {}),
      ready: async (session) => {
        await take(session, 'arm');
        await session.send(READY);
        await new Promise(() => {});
      },
      commit: async (session) => {
        await take(session, 'arm');
        await session.send(READY);
        await take(session, 'go');
        await new Promise(() => {});
      },
      open: plays({ open: () => new Promise(() => {}) }),
      middle: plays({
        open: async (session) => {
          await session.send(piece(0, new Uint8Array(OPENING_PIECE_BYTES), false));
          await new Promise(() => {});
        },
      }),
    };
    const hung = Object.fromEntries(Object.entries(hangs).map(([name, script]) => [name, { script }]));
    const good = Object.fromEntries(['one', 'two', 'three'].map((name) => [name, { script: plays() }]));
    const acceptedAt = ({ entries }: Round) =>
      entries.flatMap((entry) =>
        entry.type === 'outcome' && entry.outcome.verdict.kind === 'accepted' ? [entry.outcome.at] : [],
      );
    const [alone, beside] = [await playRound(good), await playRound({ ...hung, ...good })];
    expect(acceptedAt(alone)).toHaveLength(3);
    expect(acceptedAt(beside)).toEqual(acceptedAt(alone));
    expect(new Set(beside.verdicts.filter((verdict) => !verdict.endsWith('accepted')))).toEqual(
      new Set([
        'before: rejected:window',
        'ready: rejected:window',
        'commit: rejected:window',
        'open: rejected:opening-timeout',
        'middle: rejected:opening-timeout',
      ]),
    );
    // and the event is over with the last deadline that a slot has
    expect(beside.judgedAt).toBeLessThanOrEqual(GO_AT + WINDOW_OVER + TOY_PARAMS.openingMs + 100);
  });

  test.each([
    ['ours', ['validator'], true],
    ["another validator's", ['stranger'], false],
    ['of nobody where it could not be read, or two might run rounds at once', 'unread', false],
  ] as const)('notes down whether rounds are at our turn: %s', async (_what, turns, ourTurn) => {
    const { entries, verdicts } = await playRound({ good: { script: plays() } }, { turns });
    expect(verdicts).toEqual(['good: accepted']); // whose slots meet nobody has a turn at each
    expect(entries.at(-1)).toMatchObject({ type: 'event-completed', ourTurn });
  });

  test('challenges every slot of a miner in a session of its own', async () => {
    const [slot] = TOY_DESCRIPTION.slots;
    const slots = [0, 1, 2].map((index) => ({ ...slot!, index }));
    const { verdicts } = await playRound({
      large: { script: plays(), describe: async () => ({ ...TOY_DESCRIPTION, slots }) },
    });
    expect(verdicts).toEqual(Array(3).fill('large: accepted'));
  });
});

describe('our own delay', () => {
  const late = { script: plays({ workMs: 1011 }) };

  test('is no excuse where others were in time: a miner could bring it about, and be paid for it', async () => {
    const players = { good: { script: plays() }, late };
    const { verdicts } = await playRound(players, { ownDelayMs: 251 });
    expect(verdicts).toEqual(['good: accepted', 'late: rejected:window']);
  });

  test('is excused where nobody was accepted: a Commit that is worth nothing shows nothing', async () => {
    const bad = { script: plays({ nonces: () => [] }) };
    const { verdicts, error } = await playRound({ bad, late }, { ownDelayMs: 251 });
    expect(verdicts).toEqual([]);
    expect(error).toMatchObject({ message: 'our own delay: nobody was in time' });
  });

  test('in coming to the event voids it: its slots could not be armed', async () => {
    const good = { script: plays() };
    expect((await playRound({ good }, { minLeadMs: 1 })).error).toBeUndefined();
    const { verdicts, error } = await playRound({ good }, { minLeadMs: 60_000 });
    expect(verdicts).toEqual([]);
    expect(error).toMatchObject({ message: expect.stringMatching(/our own delay: \d+ ms between Arm/) });
  });

  test('voids the event where nobody could commit in time', async () => {
    const { verdicts, entries, error } = await playRound({ late, later: late }, { ownDelayMs: 251 });
    expect(error).toMatchObject({ message: 'our own delay: nobody was in time' });
    expect(verdicts).toEqual([]);
    expect(entries.map(({ type }) => type)).toEqual(['event-started']);
    const good = { script: plays() };
    expect((await playRound({ good }, { seenBeforeMs: 251 })).error).toBeInstanceOf(Error);
  });

  test('that is small leaves late miners what they are', async () => {
    expect((await playRound({ late }, { ownDelayMs: 250 })).verdicts).toEqual(['late: rejected:window']);
  });
});

describe('our own line of frames', () => {
  const NAMES = Array.from({ length: 20 }, (_, i) => `m${String(i).padStart(2, '0')}`);
  const hosts = NAMES.map((_, i) => `10.0.0.${i}`);
  const playersOf = (script: Script) => Object.fromEntries(NAMES.map((name) => [name, { script }]));
  const namesOf = (verdicts: readonly string[], verdict: string) =>
    verdicts
      .filter((each) => each.endsWith(verdict))
      .map((each) => each.split(':')[0]!)
      .sort();

  test('takes nothing from the window of whoever stands at its head', async () => {
    // 240 ms from the first Go to the last, and no byte leaves before: each has all of its 1000 ms
    const whole = await playRound(playersOf(plays({ workMs: 1000 })), { hosts, eachGoMs: 12 });
    expect(whole.verdicts.map((each) => each.split(': ')[1])).toEqual(NAMES.map(() => 'accepted'));
    for (const entry of whole.entries)
      if (entry.type === 'outcome') expect(entry.session.goAtMs).toBeCloseTo(240);
  });

  test('excuses those whose Go it kept too long, and nobody else, also where others were in time', async () => {
    // a Go may leave 250 ms after its block: 13 frames of 20 ms are handed over by then
    const { verdicts } = await playRound(playersOf(plays()), { hosts, eachGoMs: 20 });
    expect(namesOf(verdicts, 'accepted')).toHaveLength(13);
    expect(namesOf(verdicts, 'inconclusive:validator-late')).toHaveLength(7);
  });

  test('keeps others each time', async () => {
    const kept = async (beacon: string) => {
      const { verdicts } = await playRound(playersOf(plays()), { hosts, eachGoMs: 20, beacon });
      return namesOf(verdicts, 'inconclusive:validator-late');
    };
    const [one, two] = [await kept('block 1'), await kept('block 2')];
    expect(one).toHaveLength(7);
    expect(two).toHaveLength(7);
    expect(two).not.toEqual(one);
    expect(await kept('block 1')).toEqual(one);
  });

  test('excuses who left us out where most did: the frames of all validators may have missed one another by it', async () => {
    const most = Object.fromEntries(NAMES.slice(0, 11).map((name) => [name, { script: leftOut }]));
    const players = { ...playersOf(plays()), ...most };
    const excused = await playRound(players, { hosts, eachGoMs: 8 }); // 160 ms
    expect(namesOf(excused.verdicts, 'inconclusive:validator-late')).toEqual(NAMES.slice(0, 11));
    expect(namesOf(excused.verdicts, 'accepted')).toEqual(NAMES.slice(11));
    const rejected = await playRound(players, { hosts, eachGoMs: 7 });
    expect(namesOf(rejected.verdicts, 'rejected:left-out')).toEqual(NAMES.slice(0, 11));
  });

  test('however long is no excuse where others had us in their sets: who has nothing to show would leave us out', async () => {
    const half = Object.fromEntries(NAMES.slice(0, 10).map((name) => [name, { script: leftOut }]));
    const { verdicts } = await playRound({ ...playersOf(plays()), ...half }, { hosts, eachGoMs: 8 });
    expect(namesOf(verdicts, 'rejected:left-out')).toEqual(NAMES.slice(0, 10));
    expect(namesOf(verdicts, 'accepted')).toEqual(NAMES.slice(10));
  });

  test('is no excuse for what a peer takes its time with', async () => {
    const deaf: Script = async (session, clock) => {
      await take(session, 'arm');
      await session.send(READY);
      await clock.sleep(20_000);
    };
    const players = {
      ...playersOf(plays()),
      m03: { script: deaf },
      m04: { script: plays({ workMs: 1250 }) },
    };
    const { verdicts } = await playRound(players, { hosts, eachGoMs: 12 });
    expect(namesOf(verdicts, 'rejected:window')).toEqual(['m03', 'm04']);
    expect(namesOf(verdicts, 'accepted')).toHaveLength(18);
  });
});

test('an event whose block lost its place on the chain does not count', async () => {
  const { error, entries } = await playRound({ late: { script: plays() } }, { canonical: false });
  expect(error).toMatchObject({ message: "the event's block is not on the chain any more" });
  expect(entries.map(({ type }) => type)).not.toContain('event-completed');
});

describe('receipts', () => {
  test.each([
    ['late', working, 'REJECTED window 0 120'],
    ['silent', silent, 'REJECTED window 0 120'],
    ['without our nonce', leftOut, 'REJECTED left-out 0 120'],
  ])('reach a miner that was %s too, signed by the validator', async (_what, script, expected) => {
    const said: string[] = [];
    await playRound({ miner: { script: receiving(script, said) } });
    expect(said).toEqual([expected]);
  });

  test('that a miner never reads hold nobody up', async () => {
    const deaf: Script = async (session, clock) => {
      await take(session, 'arm');
      await session.send(READY);
      await clock.sleep(20_000);
    };
    const { verdicts, judgedAt } = await playRound({ deaf: { script: deaf } });
    expect(verdicts).toEqual(['deaf: rejected:window']);
    expect(judgedAt).toBe(GO_AT + WINDOW_OVER);
  });
});
