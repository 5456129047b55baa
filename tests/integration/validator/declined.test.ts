// What a miner declines, from its Describe or its Refusal to the ledger, its pay and a replay; over the loopback.
import { setMaxListeners } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { fromAddress } from '../../../src/keys/ss58.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verdictToString } from '../../../src/model/verdict.js';
import { verifyChain } from '../../../src/protocol/evidence.js';
import { RefusalCode, RefusalSchema, VerdictKind } from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { signMaintenance } from '../../../src/protocol/maintenance.js';
import type { MinerPeer } from '../../../src/protocol/session.js';
import { scoringStateOf } from '../../../src/scoring/index.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { isCap } from '../../../src/validator/dispatch.js';
import type { DeclaredEntry, LedgerEntry, OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { replayOutcome } from '../../../src/validator/ledger/replay.js';
import { createHeardMaintenance } from '../../../src/validator/maintenance.js';
import type { ClaimBook } from '../../../src/validator/roster.js';
import { runEvent } from '../../../src/validator/round.js';
import { eventId } from '../../../src/verification/seed.js';
import { policyOf } from '../../support/scoring.js';
import {
  bytes32,
  plays,
  READY,
  type Script,
  scriptedMiner,
  TOY_DESCRIPTION,
  take,
} from '../../support/sessions.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';
import { TOY_PARAMS, toyKind } from '../../support/toy-kind.js';

beforeAll(readyKeys);

const BLOCK = 1020;
const GENESIS = bytes32('genesis');
const RULES = { blocks: 300, inBlocks: 5000, declarations: 3, leadBlocks: 50 };

const refusing =
  (code: RefusalCode, said: string[] = []): Script =>
  async (session) => {
    await take(session, 'arm');
    await session.send({ case: 'refusal', value: { code, detail: '' } });
    const { verdict, reason } = await take(session, 'receipt');
    said.push(`${VerdictKind[verdict]} ${reason}`);
  };
const away: Script = async () => {
  throw new Error('nobody is there');
};

interface Player {
  readonly script: Script;
  /** blocks from and until */
  readonly declares?: readonly [number, number];
  readonly workers?: readonly string[];
  /** whose key signs it. @default its own */
  readonly signedBy?: string;
  readonly statements?: readonly Uint8Array[];
  /** what Describe says of its slots once it was heard. @default the same */
  readonly slots?: typeof TOY_DESCRIPTION.slots;
}

/** Hears everybody at `heardAt`, then plays the event of BLOCK. */
async function playEvent(
  players: Readonly<Record<string, Player>>,
  heardAt = 900,
  kept: DeclaredEntry[] = [],
) {
  const clock = createVirtualClock();
  return clock.runUntil(run());

  async function run() {
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const wire = createLoopback({ clock });
    const validator = devKeypair('validator');
    const names = Object.keys(players);
    const entries: LedgerEntry[] = [];
    const ledger = {
      append: async (entry: LedgerEntry) => void entries.push(entry),
      saveParams: async () => {},
    };
    const said = (name: string): Uint8Array[] => {
      const { declares, signedBy = name, workers = [], statements } = players[name]!;
      if (statements) return [...statements];
      if (!declares) return [];
      const [fromBlock, untilBlock] = declares;
      const of = { genesis: GENESIS, netuid: NETUID, serial: 1, fromBlock, untilBlock, workers };
      return [signMaintenance(devKeypair(signedBy), of)];
    };
    const miners = await Promise.all(
      names.map((name) =>
        scriptedMiner({ clock, wire, name }, players[name]!.script, stop.signal, async () => ({
          ...TOY_DESCRIPTION,
          slots: players[name]!.slots ?? TOY_DESCRIPTION.slots,
          maintenance: said(name),
        })),
      ),
    );
    const state = subnet([
      neuron(0),
      ...miners.map(({ hotkey, address }, i) =>
        neuron(i + 1, { hotkey, axon: { ip: address.host, port: address.port } }),
      ),
    ]);
    const peers = new Map<string, MinerPeer>(miners.map((miner) => [miner.hotkey, miner.peer(validator)]));
    const maintenance = createHeardMaintenance(
      { ledger, publicKeyOf: fromAddress, log: silentLog },
      { genesis: GENESIS, netuid: NETUID },
    );
    for (const entry of kept) maintenance.recall(entry);
    for (const [i, { hotkey }] of miners.entries())
      maintenance.hear(hotkey, said(names[i]!), { block: heardAt, epoch: 5, rules: RULES });
    const claims: ClaimBook = new Map();
    const { slots } = TOY_DESCRIPTION;
    for (const { hotkey, address } of miners)
      claims.set(
        `${hotkey} ${address.host}:${address.port}`,
        slots.map((slot) => ({ ...slot, paramsId: Buffer.from(slot.paramsId).toString('hex') })),
      );
    const basis = bytes32('basis');
    const event = {
      id: eventId({ netuid: NETUID, block: BLOCK, basis }),
      block: BLOCK,
      basis,
      ordinal: '5.0',
      maxNonces: 2,
      epoch: 5,
      netuid: NETUID,
      minLeadMs: 0,
      isStillCanonical: async () => true,
      hold: { first: 20, last: 22 },
      go: clock.sleep(500).then(() => ({ hash: bytes32('beacon'), seenAt: clock.monotonic() })),
      pass: new Promise<never>(() => {}),
    };
    const outcomes = await runEvent(
      {
        peerOf: ({ hotkey }) => peers.get(hotkey)!,
        publicKeyOf: fromAddress,
        kinds: { toy: toyKind() },
        claims,
        ledger,
        clock,
        random: createSeededRandom('declined'),
        ownDelay: { observe: () => () => 0 },
        maintenance: {
          statementOf: maintenance.statementOf,
          hear: (miner, statements) =>
            maintenance.hear(miner, statements, { block: BLOCK - 5, epoch: 5, rules: RULES }),
        },
        log: silentLog,
      },
      {
        event,
        subnet: state,
        chain: { type: 'development', blockTimeMs: 250 },
        self: toHotkey(validator.address),
      },
      stop.signal,
    );
    await clock.sleep(30_000);
    for (const peer of peers.values()) peer.close();
    stop.abort();
    const nameOf = (hotkey: string) => names[miners.findIndex((miner) => miner.hotkey === hotkey)];
    return {
      verdicts: outcomes.map(({ miner, verdict }) => `${nameOf(miner)}: ${verdictToString(verdict)}`),
      outcomes: entries.filter((entry): entry is OutcomeEntry => entry.type === 'outcome'),
      declared: entries.filter((entry): entry is DeclaredEntry => entry.type === 'declared'),
      entries,
    };
  }
}

const replayed = (entry: OutcomeEntry) =>
  replayOutcome(
    {
      ledger: {
        find: async () => entry as never, // nothing of it came to an opening, whose bytes are all that is stored otherwise
        readOpening: async () => new Uint8Array(),
        readParams: async () => TOY_PARAMS,
      },
      kinds: { toy: toyKind() },
      random: createSeededRandom('replay'),
      verifyChain,
    },
    entry.outcome.id,
  );

describe('a miner in declared maintenance', () => {
  test('is not challenged, gets its receipt, and replay finds its own statement', async () => {
    const said: string[] = [];
    const { verdicts, outcomes, declared } = await playEvent({
      miner: { script: refusing(RefusalCode.MAINTENANCE, said), declares: [1000, 1100] },
      other: { script: plays() },
    });
    expect(verdicts).toEqual(['other: accepted', 'miner: inconclusive:maintenance']);
    expect(said).toEqual(['INCONCLUSIVE maintenance']);
    expect(declared).toMatchObject([{ block: 900, serial: 1, from: 1000, until: 1100, workers: [] }]);
    const entry = outcomes.find(({ outcome }) => outcome.verdict.kind === 'inconclusive')!;
    expect(entry.session.frames.map(({ kind }) => kind)).not.toContain('go');
    expect(await replayed(entry)).toMatchObject({ agrees: true, verdict: entry.outcome.verdict });
    const forged = { ...entry, session: { ...entry.session, declared: entry.session.declared!.slice(1) } };
    expect(await replayed(forged)).toMatchObject({ agrees: false });
  });

  test('may be unreachable, or answer as ever: it is not drawn into anything', async () => {
    const ready: Script = async (session) => {
      await take(session, 'arm');
      await session.send(READY);
      const { reason } = await take(session, 'receipt'); // and no Go before it
      expect(reason).toBe('maintenance');
    };
    const { verdicts } = await playEvent({
      gone: { script: away, declares: [1000, 1100] },
      there: { script: ready, declares: [1000, 1100] },
    });
    expect(verdicts.sort()).toEqual(['gone: inconclusive:maintenance', 'there: inconclusive:maintenance']);
  });

  test('is taken at its last word for the slots of a worker that is away, and is not absent', async () => {
    const { verdicts } = await playEvent({
      miner: { script: away, declares: [1000, 1100], workers: ['host-1'], slots: [] },
      none: { script: away, slots: [] },
    });
    expect(verdicts).toEqual(['miner: inconclusive:maintenance']);
  });

  test('that declares once the event is announced is challenged as any other', async () => {
    const script = refusing(RefusalCode.MAINTENANCE);
    const { verdicts, declared } = await playEvent({ miner: { script, declares: [1000, 1100] } }, 1015);
    expect(declared).toMatchObject([{ from: 1065 }]);
    expect(verdicts).toEqual(['miner: rejected:window']);
  });

  test.each([
    ["with another's signature", { signedBy: 'other' }],
    ['of another worker', { workers: ['host-9'] }],
    ['longer than is allowed', { declares: [1000, 1301] as const }],
    ['with bytes that are none', { statements: [new Uint8Array(200), new Uint8Array(5000)] }],
  ])('%s is challenged', async (_, change) => {
    const script = refusing(RefusalCode.MAINTENANCE);
    const { verdicts } = await playEvent({ miner: { script, declares: [1000, 1100], ...change } });
    expect(verdicts).toEqual(['miner: rejected:window']);
  });

  test('is in it for a validator that began anew: what counted is in its ledger', async () => {
    const script = refusing(RefusalCode.MAINTENANCE);
    const players = { miner: { script, declares: [1000, 1100] as const } };
    const { declared } = await playEvent(players);
    const again = await playEvent(players, 1019, declared);
    expect(again.verdicts).toEqual(['miner: inconclusive:maintenance']);
  });

  test('moves no level and is paid nothing, by the entries alone', async () => {
    const { entries } = await playEvent({
      miner: { script: away, declares: [1000, 1100] },
      other: { script: plays() },
    });
    const outcomes = entries.flatMap((entry) => (entry.type === 'outcome' ? [entry.outcome] : []));
    const completed = entries.flatMap((entry) => (entry.type === 'event-completed' ? [entry] : []));
    const state = scoringStateOf(policyOf(), { outcomes, completed, through: 5 });
    const view = [...state.at(5)].find(([hotkey]) => hotkey === devKeypair('miner').address)![1];
    expect(view).toMatchObject({ counted: 0, counts: { 'inconclusive:maintenance': 1 } });
    expect(view.slots[0]).toMatchObject({ present: 0 });
  });
});

test('signatures of one hotkey are looked at a few times an epoch, whatever it shows', () => {
  let looked = 0;
  const maintenance = createHeardMaintenance(
    {
      ledger: { append: async () => {} },
      publicKeyOf: (hotkey) => {
        looked++;
        return fromAddress(hotkey);
      },
      log: silentLog,
    },
    { genesis: GENESIS, netuid: NETUID },
  );
  const miner = toHotkey(devKeypair('miner').address);
  const flood = (block: number) =>
    maintenance.hear(
      miner,
      Array.from({ length: 20 }, (_, i) => new Uint8Array(200).fill(i + block)),
      { block, epoch: 5, rules: RULES },
    );
  for (let block = 0; block < 300; block += 20) flood(block);
  expect(looked).toBe(4);
  flood(360);
  expect(looked).toBe(8);
  maintenance.hear(miner, [], { block: 361, epoch: 5, rules: RULES });
  expect(maintenance.counted()).toEqual([]);
});

test('a check is not capped: whoever has done enough answers it all the same', () => {
  const value = create(RefusalSchema, { code: RefusalCode.CAPPED });
  expect(isCap({ case: 'refusal', value }, { kind: 'compute' })).toBe(true);
  expect(isCap({ case: 'refusal', value }, { kind: 'liveness' })).toBe(false);
});

describe('a miner whose owner caps proof duty', () => {
  test('declines at its Arm: unproven, with a receipt, and replay finds its refusal', async () => {
    const said: string[] = [];
    const { verdicts, outcomes } = await playEvent({ miner: { script: refusing(RefusalCode.CAPPED, said) } });
    expect(verdicts).toEqual(['miner: inconclusive:capped']);
    expect(said).toEqual(['INCONCLUSIVE capped']);
    expect(await replayed(outcomes[0]!)).toMatchObject({ agrees: true });
    const without = {
      ...outcomes[0]!,
      session: { ...outcomes[0]!.session, frames: outcomes[0]!.session.frames.slice(0, 1) },
    };
    expect(await replayed(without)).toMatchObject({ agrees: false });
  });

  test('that says so after its Go has failed, and so has one that refuses for any other reason', async () => {
    const late: Script = async (session) => {
      await take(session, 'arm');
      await session.send(READY);
      await take(session, 'go');
      await session.send({ case: 'refusal', value: { code: RefusalCode.CAPPED, detail: '' } });
    };
    const { verdicts } = await playEvent({
      late: { script: late },
      busy: { script: refusing(RefusalCode.BUSY) },
      undeclared: { script: refusing(RefusalCode.MAINTENANCE) },
    });
    expect(verdicts.sort()).toEqual([
      'busy: rejected:window',
      'late: rejected:window',
      'undeclared: rejected:window',
    ]);
  });
});
