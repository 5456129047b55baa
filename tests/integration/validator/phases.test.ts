// Sessions of several phases from door to door: real validators' events against real miners' answers over the loopback,
// blocks of 250 ms, a clock that jumps; then what the journal says, judged again.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../../src/chain/chain.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { fromAddress } from '../../../src/keys/ss58.js';
import { createEventCheck } from '../../../src/miner/event-check.js';
import { createLocalSlot, type Slot } from '../../../src/miner/slot.js';
import { equals, toHex, utf8 } from '../../../src/model/bytes.js';
import { toColdkey, toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import type { Outcome } from '../../../src/model/outcome.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { accepted, rejected, verdictToString } from '../../../src/model/verdict.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import type { MinerPeer } from '../../../src/protocol/session.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { Beacon } from '../../../src/validator/dispatch.js';
import type { OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { watchPass } from '../../../src/validator/pass-watch.js';
import { runEvent } from '../../../src/validator/round.js';
import { drawsPass } from '../../../src/verification/draw.js';
import { eventAt, keptLedger, servedMiner } from '../../support/one-event.js';
import { replayed } from '../../support/replayed.js';
import { bytes32 } from '../../support/sessions.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';
import {
  TOY_COMMIT,
  TOY_PARAMS,
  TOY_PARAMS_ID,
  TOY_STEPS,
  TOY_STEPS_ID,
  type ToyParams,
  toyKind,
  toyOpening,
} from '../../support/toy-kind.js';

beforeAll(readyKeys);

const BLOCK_MS = 250;
const EPOCH_BLOCK = 100;
const EVENT_BLOCK = 104;
/** Phases of Go last 3000 ms, 12 blocks; ours may leave 250 ms late. */
const HOLD = { first: 14, last: 16 };
const GO_AT = (EVENT_BLOCK - EPOCH_BLOCK) * BLOCK_MS;
const WORK_MS = 400;

const hashOf = (block: number) => bytes32(`the block ${block}`);
const PASS_BLOCK = (() => {
  for (let offset = HOLD.first; ; offset++)
    if (drawsPass(hashOf(EVENT_BLOCK + offset), offset, HOLD)) return EVENT_BLOCK + offset;
})();
const PASS_AT = (PASS_BLOCK - EPOCH_BLOCK) * BLOCK_MS;

type Name = 'validator' | 'stranger';

interface Setting {
  /** @default the first */
  readonly validators?: readonly Name[];
  /** ms by which a validator hears of blocks later than the others, from `since` on */
  readonly lag?: Readonly<Partial<Record<Name, { ms: number; since: number }>>>;
  /** blocks that a validator never hears of as heads */
  readonly unseen?: readonly number[];
  /** @default one slot with steps, one without */
  readonly slots?: readonly ToyParams[];
  /** what happens meanwhile */
  readonly meanwhile?: (scene: { clock: VirtualClock; close: (validator: Name) => void }) => Promise<void>;
  readonly slot?: (slot: Slot, clock: VirtualClock) => Slot;
  readonly kind?: Parameters<typeof toyKind>[0];
  /** what our own event loop stalled in each phase. @default 0 */
  readonly stalledMs?: number;
}

interface Told {
  readonly verdicts: string[];
  readonly entries: readonly OutcomeEntry[];
  readonly error: unknown;
  readonly params: ReadonlyMap<string, object>;
}

/** The event of block 104 as each of `validators` plays it with one miner. */
async function event(setting: Setting = {}): Promise<Record<Name, Told>> {
  const { validators = ['validator'], slots: kindsOf = [TOY_STEPS, TOY_PARAMS] } = setting;
  const clock = createVirtualClock();
  return clock.runUntil(run());

  async function run(): Promise<Record<Name, Told>> {
    const stop = new AbortController();
    const wire = createLoopback({ clock });
    const kind = toyKind(setting.kind);
    const reader = {
      subnet: async () => subnet([], { lastEpochBlock: EPOCH_BLOCK }),
      blockHash: async (block: number) => hashOf(block),
    };
    const events = createEventCheck({ reader, clock, log: silentLog }, { netuid: NETUID });
    const slots = kindsOf.map((params, index): Slot => {
      const paramsId = params === TOY_STEPS ? TOY_STEPS_ID : TOY_PARAMS_ID;
      const slot = createLocalSlot(
        { compute: createReferenceCompute(), kind, params, paramsId, clock },
        { index, worker: 'host-1' },
      );
      const slow: Slot = {
        ...slot,
        async start(job, signal) {
          await clock.sleep(WORK_MS, signal);
          return slot.start(job, signal);
        },
      };
      return setting.slot?.(slow, clock) ?? slow;
    });
    const miner = await servedMiner({ slots, netuid: NETUID, events, clock, wire }, stop.signal);

    const hear: ((head: Head) => void)[] = [(head) => events.onHead(head)];
    const peers = new Map<string, MinerPeer>();
    const told = validators.map((name) => {
      const keypair = devKeypair(name);
      const peer = miner.peer(keypair);
      peers.set(name, peer);
      const pass = watchPass({ block: EVENT_BLOCK, hold: HOLD }, async (block) => hashOf(block));
      let go!: (beacon: Beacon) => void;
      const gone = new Promise<Beacon>((resolve) => {
        go = resolve;
      });
      hear.push((head) => {
        const late = setting.lag?.[name];
        const wait = late && clock.monotonic() >= late.since ? late.ms : 0;
        if (setting.unseen?.includes(head.number)) return;
        void (wait ? clock.sleep(wait) : Promise.resolve()).then(() => {
          const seenAt = clock.monotonic();
          if (head.number === EVENT_BLOCK) go({ hash: head.hash, seenAt });
          pass.onHead(head, seenAt);
        });
      });
      return play(name, keypair.address, peer, gone, pass.seen);
    });
    let isOver = false;
    void (async () => {
      for (let number = EPOCH_BLOCK; !isOver; number++) {
        for (const each of hear) each({ number, hash: hashOf(number) } as Head);
        await clock.sleep(BLOCK_MS);
      }
    })();
    await setting.meanwhile?.({ clock, close: (name) => peers.get(name)!.close() });
    const results = await Promise.all(told);
    isOver = true;
    for (const peer of peers.values()) peer.close();
    stop.abort();
    return Object.fromEntries(results) as Record<Name, Told>; // of those that were there

    async function play(
      name: string,
      self: string,
      peer: MinerPeer,
      go: Promise<Beacon>,
      pass: Promise<Beacon>,
    ): Promise<[string, Told]> {
      const { entries, params, ledger } = keptLedger();
      let error: unknown;
      const basis = hashOf(EPOCH_BLOCK);
      const outcomes = await runEvent(
        {
          peerOf: () => peer,
          publicKeyOf: fromAddress,
          kinds: { toy: kind },
          claims: new Map(),
          ledger,
          clock,
          random: createSeededRandom(name),
          ownDelay: { observe: () => () => setting.stalledMs ?? 0 },
          log: silentLog,
        },
        {
          event: eventAt({ netuid: NETUID, block: EVENT_BLOCK, basis, hold: HOLD, go, pass }),
          subnet: subnet([
            neuron(0),
            neuron(1, {
              hotkey: miner.hotkey,
              coldkey: toColdkey(miner.keypair.address),
              axon: { ip: miner.address.host, port: miner.address.port },
            }),
          ]),
          chain: { type: 'development', blockTimeMs: BLOCK_MS },
          self: toHotkey(self),
        },
        stop.signal,
      ).catch((reason: unknown): Outcome[] => {
        error = reason;
        return [];
      });
      const verdicts = [...outcomes]
        .sort((a, b) => a.slot - b.slot)
        .map(({ slot, verdict }) => `${slot}: ${verdictToString(verdict)}`);
      const recorded = entries.filter((entry): entry is OutcomeEntry => entry.type === 'outcome');
      return [name, { verdicts, entries: recorded, error, params }];
    }
  }
}

const isSession = (slot: number) => (entry: OutcomeEntry) => entry.outcome.slot === slot;

describe('an event with a Pass', () => {
  test('credits a slot with further steps: every Commit in its time, the Pass at the block that the chain draws', async () => {
    const { validator } = await event();
    expect(validator.verdicts).toEqual(['0: accepted', '1: accepted']);
    const { session, outcome } = validator.entries.find(isSession(0))!;
    expect(session.frames.map(({ from, kind }) => `${from} ${kind}`)).toEqual([
      'validator arm',
      'miner ready',
      'validator go',
      'miner commit',
      'miner commit',
      'validator pass',
      'miner commit',
      'miner commit',
      'validator open',
      'miner opening',
    ]);
    expect(toHex(session.pass!.beacon!)).toBe(toHex(hashOf(PASS_BLOCK)));
    expect([session.goAtMs, session.pass!.atMs]).toEqual([0, PASS_AT - GO_AT]);
    expect(session.commits.map(({ measuredMs }) => measuredMs)).toEqual([WORK_MS, WORK_MS, 0, 0]);
    expect(outcome.measuredMs).toBe(WORK_MS);
    const [go, , pass] = session.commits.map(({ nonces }) => nonces.map(toHex));
    expect(go).toEqual([toHex(session.nonce)]);
    expect(pass).toEqual([toHex(session.pass!.nonce)]);
  });

  test('opens nobody before the last phase of all slots is over, also not those without a Pass', async () => {
    const { validator } = await event();
    // the longest step from the Pass: 1200 ms, a hundredth, and the time to read
    const openedAt = PASS_AT - GO_AT + 1200 + 12 + 100;
    expect(validator.entries.map(({ session }) => session.openAtMs)).toEqual([openedAt, openedAt]);
  });

  test('does not wait for a Pass where no slot has one', async () => {
    const { validator } = await event({ slots: [TOY_PARAMS] });
    expect(validator.verdicts).toEqual(['0: accepted']);
    expect(validator.entries[0]!.session.openAtMs).toBe(1110);
    expect(validator.entries[0]!.session.pass).toBeUndefined();
  });

  test('costs nobody anything when the block of the Pass was not seen, and counts for those without one', async () => {
    const { validator } = await event({ unseen: [PASS_BLOCK] });
    expect(validator.verdicts).toEqual(['0: inconclusive:validator-late', '1: accepted']);
    expect(validator.error).toBeUndefined();
    const { validator: alone } = await event({ unseen: [PASS_BLOCK], slots: [TOY_STEPS] });
    expect(alone.verdicts).toEqual([]);
    expect(alone.error).toMatchObject({ message: 'our own delay: nobody was in time' });
  });

  test('counts for those without a Pass where we stalled in it and nobody managed it: one slot cannot void it for all', async () => {
    const silent = (slot: Slot): Slot => ({
      ...slot,
      async start(job, signal) {
        const proving = await slot.start(job, signal);
        return {
          ...proving,
          next: (step, stop) => (step.pass ? new Promise(() => {}) : proving.next!(step, stop)),
        };
      },
    });
    const { validator } = await event({ slot: silent, stalledMs: 250 });
    expect(validator.verdicts).toEqual(['0: inconclusive:validator-late', '1: accepted']);
    const { validator: calm } = await event({ slot: silent });
    expect(calm.verdicts).toEqual(['0: rejected:window', '1: accepted']);
  });

  test('goes on past a candidate that was not seen and did not draw', async () => {
    expect(PASS_BLOCK).toBeGreaterThan(EVENT_BLOCK + HOLD.first); // or another name for the hashes is needed
    const { validator } = await event({ unseen: [PASS_BLOCK - 1] });
    expect(validator.verdicts).toEqual(['0: accepted', '1: accepted']);
  });

  test('is replayed to the same verdicts from what the journal holds', async () => {
    const { validator } = await event();
    for (const entry of validator.entries)
      expect(await replayed(entry, validator.params.get(entry.outcome.paramsId))).toEqual(['accepted', []]);
  });

  test('a step that is late costs the whole session, and replay says the same', async () => {
    const slow = (slot: Slot, clock: VirtualClock): Slot => ({
      ...slot,
      async start(job, signal) {
        const proving = await slot.start(job, signal);
        const { next } = proving;
        return {
          ...proving,
          async next(step, stop) {
            if (step.pass) await clock.sleep(801, stop);
            return next!.call(proving, step, stop);
          },
        };
      },
    });
    const { validator } = await event({ slot: slow });
    expect(validator.verdicts).toEqual(['0: rejected:window', '1: accepted']);
    const entry = validator.entries.find(isSession(0))!;
    expect(entry.session.commits).toHaveLength(3);
    expect(await replayed(entry, validator.params.get(entry.outcome.paramsId))).toEqual([
      'rejected:window',
      [],
    ]);
  });

  test('a slot that cannot go on is a missed window, not a fault of ours', async () => {
    const stuck = (slot: Slot): Slot => ({
      ...slot,
      async start(job, signal) {
        const { next: _none, ...proving } = await slot.start(job, signal);
        return proving;
      },
    });
    const { validator } = await event({ slot: stuck });
    expect(validator.verdicts).toEqual(['0: rejected:window', '1: accepted']);
    const entry = validator.entries.find(isSession(0))!;
    expect(await replayed(entry, validator.params.get(entry.outcome.paramsId))).toEqual([
      'rejected:window',
      [],
    ]);
  });
});

describe('several validators', () => {
  const both: readonly Name[] = ['validator', 'stranger'];
  const passNonces = ({ entries }: Told) => entries.find(isSession(0))!.session.commits[2]!.nonces.map(toHex);

  test('share the work and the Pass, each with nonces of its own', async () => {
    const told = await event({ validators: both });
    const nonces = both.map((name) => passNonces(told[name]));
    expect(nonces[0]).toHaveLength(2);
    expect(nonces[1]).toEqual(nonces[0]);
    for (const name of both) expect(told[name].verdicts).toEqual(['0: accepted', '1: accepted']);
  });

  test('that dies between Go and Pass holds nobody up', async () => {
    const told = await event({
      validators: both,
      async meanwhile({ clock, close }) {
        await clock.sleep(GO_AT + 2000);
        close('stranger');
      },
    });
    expect(told.validator.verdicts).toEqual(['0: accepted', '1: accepted']);
    expect(passNonces(told.validator)).toHaveLength(1);
    const { session } = told.validator.entries.find(isSession(0))!;
    expect(session.commits[2]!.measuredMs).toBe(0); // it left, so nobody waits for its Pass
  });

  test('whose Pass comes within 300 ms is waited for, and one that is later sees itself left out', async () => {
    const late = (ms: number) => event({ validators: both, lag: { stranger: { ms, since: PASS_AT - 1 } } });
    const near = await late(200);
    expect(near.stranger.verdicts[0]).toBe('0: accepted');
    expect(near.validator.entries.find(isSession(0))!.session.commits[2]!.measuredMs).toBe(200);
    const far = await late(350);
    expect(far.validator.verdicts).toEqual(['0: accepted', '1: accepted']);
    expect(far.validator.entries.find(isSession(0))!.session.commits[2]!.measuredMs).toBe(300);
    expect(far.stranger.verdicts).toEqual(['0: rejected:left-out', '1: accepted']);
    const entry = far.stranger.entries.find(isSession(0))!;
    expect(await replayed(entry, far.stranger.params.get(entry.outcome.paramsId))).toEqual([
      'rejected:left-out',
      [],
    ]);
  });
});

describe('slots that meet', () => {
  const OFFER = utf8('here I am');
  const seen: string[] = [];
  const kind: Parameters<typeof toyKind>[0] = {
    round: {
      offer: () => OFFER,
      brief: (_params, { participants }, random) => ({
        participants: participants.map(({ offer, slot }) => ({
          told: Uint8Array.of(participants.length, slot, ...offer),
          kept: random.bytes(4),
        })),
        anchors: [],
      }),
      settle: (_params, reports) =>
        reports.map(() => ({ upBytesPerS: reports.filter(({ commits }) => commits).length })),
    },
    prove: async (_devices, { brief }) => {
      seen.push(toHex(brief ?? new Uint8Array()));
      return { commit: TOY_COMMIT, open: async (request) => toyOpening(request), release: () => {} };
    },
    issue: (_params, _commits, _random, kept) => kept ?? new Uint8Array(),
    verify: ({ brief }, { request, opening }) =>
      brief?.[0] === 2 && equals(opening, toyOpening(request)) ? accepted : rejected('malformed'),
  };

  test('are told by Go what was drawn for all, and credited for what the whole round shows', async () => {
    const { validator } = await event({ kind, slots: [TOY_PARAMS, TOY_PARAMS] });
    expect(validator.verdicts).toEqual(['0: accepted', '1: accepted']);
    expect([...seen].sort()).toEqual([0, 1].map((slot) => toHex(Uint8Array.of(2, slot, ...OFFER))));
    for (const entry of validator.entries) {
      expect(entry.outcome.credit).toEqual({ opsPerS: 1_000_000, upBytesPerS: 2 });
      const params = validator.params.get(entry.outcome.paramsId);
      expect(await replayed(entry, params, { toy: toyKind(kind) })).toEqual(['accepted', []]);
    }
  });
});
