// Plots in a real event: a validator's round against a miner's answers over the loopback, the Pass from a chain's block, disks that take
// time on a clock that jumps; then the journal, judged again.
import { beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../../src/chain/chain.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createMemoryDisk } from '../../../src/compute/disk/memory.js';
import type { Disk } from '../../../src/compute/disk.js';
import { sectorBytes } from '../../../src/compute/spec/plot.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { fromAddress } from '../../../src/keys/ss58.js';
import { createEventCheck } from '../../../src/miner/event-check.js';
import { createLocalSlot } from '../../../src/miner/slot.js';
import { fromHex } from '../../../src/model/bytes.js';
import { toHotkey } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { HASH_BYTES } from '../../../src/model/merkle.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { verdictToString } from '../../../src/model/verdict.js';
import { createLoopback } from '../../../src/protocol/loopback.js';
import { createVirtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { Beacon } from '../../../src/validator/dispatch.js';
import type { OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { watchPass } from '../../../src/validator/pass-watch.js';
import { runEvent } from '../../../src/validator/round.js';
import { kinds, storageProof } from '../../../src/verification/kinds/index.js';
import { creditedBytes, storageParamsByClass } from '../../../src/verification/kinds/storage/params.js';
import { eventAt, keptLedger, servedMiner } from '../../support/one-event.js';
import { replayed } from '../../support/replayed.js';
import { bytes32 } from '../../support/sessions.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);

const params = storageParamsByClass('small')!;
const [paramsId] = [...storageProof.table].find(([, known]) => known === params)!;
const SECTORS = 200;
const BLOCK_MS = 250;
const EPOCH_BLOCK = 100;
const EVENT_BLOCK = 104;
const HOLD = { first: 14, last: 16 };
const hashOf = (block: number): Uint8Array => bytes32(`the block ${block}`);

/** Plots in memory that answer as slowly as a disk: so long for all leaves, so long for a sector of a range. */
function slowDisk(clock: VirtualClock, { answerMs, sectorMs }: Timing): Disk {
  const disk = createMemoryDisk({ sectors: SECTORS });
  return {
    name: 'slow',
    async open(name, signal) {
      const plot = await disk.open(name, signal);
      return {
        ...plot,
        async digestLeaves(key, leaves, stop) {
          await clock.sleep(answerMs, stop);
          return plot.digestLeaves(key, leaves, stop);
        },
        async digestRange(range, stop) {
          let sectors = 0;
          do {
            await clock.sleep(sectorMs, stop);
            sectors++;
          } while (sectors < range.order.length && range.leftMs() > sectorMs);
          const order = range.order.subarray(0, sectors);
          return (await plot.digestRange({ ...range, order }, stop)).slice(0, sectors * HASH_BYTES);
        },
      };
    },
  };
}

interface Timing {
  readonly answerMs: number;
  readonly sectorMs: number;
}

interface Told {
  readonly verdicts: readonly string[];
  readonly entries: readonly OutcomeEntry[];
  readonly params: ReadonlyMap<string, object>;
}

/** One event in which each of `disks` serves a slot of one miner. */
async function event(disks: readonly Timing[], worker = 'host-1'): Promise<Told> {
  const clock = createVirtualClock();
  return clock.runUntil(run());

  async function run(): Promise<Told> {
    const stop = new AbortController();
    const wire = createLoopback({ clock });
    const reader = {
      subnet: async () => subnet([], { lastEpochBlock: EPOCH_BLOCK }),
      blockHash: async (block: number) => hashOf(block),
    };
    const events = createEventCheck({ reader, clock, log: silentLog }, { netuid: NETUID });
    const slots = disks.map((timing, index) =>
      createLocalSlot(
        {
          compute: createReferenceCompute(),
          disk: slowDisk(clock, timing),
          kind: storageProof,
          params,
          paramsId: fromHex(paramsId),
          clock,
        },
        { index, worker },
      ),
    );
    const miner = await servedMiner({ slots, netuid: NETUID, events, clock, wire }, stop.signal);
    const validator = devKeypair('validator');
    const peer = miner.peer(validator);
    const pass = watchPass({ block: EVENT_BLOCK, hold: HOLD }, async (block) => hashOf(block));
    let go!: (beacon: Beacon) => void;
    const gone = new Promise<Beacon>((resolve) => {
      go = resolve;
    });
    let isOver = false;
    void (async () => {
      for (let number = EPOCH_BLOCK; !isOver; number++) {
        const head = { number, hash: hashOf(number) } as Head;
        events.onHead(head);
        const seenAt = clock.monotonic();
        if (number === EVENT_BLOCK) go({ hash: head.hash, seenAt });
        pass.onHead(head, seenAt);
        await clock.sleep(BLOCK_MS);
      }
    })();
    const { entries, params: sets, ledger } = keptLedger();
    const basis = hashOf(EPOCH_BLOCK);
    const outcomes = await runEvent(
      {
        peerOf: () => peer,
        publicKeyOf: fromAddress,
        kinds,
        claims: new Map(),
        ledger,
        clock,
        random: createSeededRandom('validator'),
        ownDelay: { observe: () => () => 0 },
        log: silentLog,
      },
      {
        event: eventAt({
          netuid: NETUID,
          block: EVENT_BLOCK,
          basis,
          hold: HOLD,
          go: gone,
          pass: pass.seen,
        }),
        subnet: subnet([
          neuron(0),
          neuron(1, { hotkey: miner.hotkey, axon: { ip: miner.address.host, port: miner.address.port } }),
        ]),
        chain: { type: 'development', blockTimeMs: BLOCK_MS },
        self: toHotkey(validator.address),
      },
      stop.signal,
    );
    isOver = true;
    peer.close();
    stop.abort();
    const bySlot = [...outcomes].sort((a, b) => a.slot - b.slot);
    return {
      verdicts: bySlot.map(({ verdict }) => verdictToString(verdict)),
      entries: entries
        .filter((entry): entry is OutcomeEntry => entry.type === 'outcome')
        .sort((a, b) => a.outcome.slot - b.outcome.slot),
      params: sets,
    };
  }
}

describe('plots in an event', () => {
  test('are credited by their size and by what of a range was read in time, each slot with a plot of its own', async () => {
    const told = await event([
      { answerMs: 300, sectorMs: 20 },
      { answerMs: 600, sectorMs: 40 },
    ]);
    expect(told.verdicts).toEqual(['accepted', 'accepted']);
    const [fast, slow] = told.entries.map(({ outcome }) => outcome.credit);
    expect(fast.storageBytes).toBe(creditedBytes(params, SECTORS));
    expect(slow.storageBytes).toBe(fast.storageBytes);
    // 1800 ms of the 2000 without the reserve: 75 and 30 sectors, one less where the last did not fit
    const sectors = (credit: typeof fast): number => (credit.storageBytesPerS! * 2) / sectorBytes(params);
    expect(sectors(fast)).toBeGreaterThanOrEqual(73);
    expect(sectors(fast)).toBeLessThanOrEqual(75);
    expect(sectors(slow)).toBeGreaterThanOrEqual(28);
    expect(sectors(slow)).toBeLessThanOrEqual(30);
    const plots = told.entries.map(
      ({ session }) => session.frames.find(({ kind }) => kind === 'commit')!.body,
    );
    expect(plots[0]).not.toEqual(plots[1]);
  });

  test('count for nothing when their answers come after a second, whatever is read afterwards', async () => {
    const told = await event([
      { answerMs: 990, sectorMs: 20 },
      { answerMs: 1010, sectorMs: 20 },
    ]);
    expect(told.verdicts).toEqual(['accepted', 'rejected:window']);
    expect(told.entries[1].outcome).toMatchObject({ credit: {}, share: 0 });
  });

  test('are judged the same again from the journal', async () => {
    const told = await event([{ answerMs: 100, sectorMs: 100 }]);
    const [verdict, wrong] = await replayed(told.entries[0], told.params.get(paramsId), kinds);
    expect([verdict, wrong]).toEqual(['accepted', []]);
  });

  test('are not those of another host of the same miner', async () => {
    const [here, there] = [
      await event([{ answerMs: 100, sectorMs: 400 }]),
      await event([{ answerMs: 100, sectorMs: 400 }], 'host-2'),
    ];
    const moved = { ...here.entries[0], session: { ...here.entries[0].session, worker: 'host-2' } };
    const [verdict, wrong] = await replayed(moved, here.params.get(paramsId), kinds);
    expect(verdict).toBe('rejected:seed');
    expect(wrong.length).toBeGreaterThan(0);
    expect(there.verdicts).toEqual(['accepted']);
  });
});
