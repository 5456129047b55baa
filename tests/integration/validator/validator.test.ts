// The validator's life on an embedded chain: when it asks, what it misses, what a restart remembers.
import { describe, expect, test } from 'vitest';
import type { ChainReader, ChainWriter, Subnet, WeightRow } from '../../../src/chain/chain.js';
import { alreadySetThisEpoch } from '../../../src/chain/weights.js';
import { toHex } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { rejected, verdictToString } from '../../../src/model/verdict.js';
import { createMemoryLedger, type MemoryLedger } from '../../../src/testing/memory-ledger.js';
import { DEMO_PLAN } from '../../../src/testing/world.js';
import type { BreakerEntry } from '../../../src/validator/ledger/entries.js';
import type { Decision } from '../../../src/validator/scorer.js';
import type { ValidatorAlert } from '../../../src/validator/status.js';
import type { Verifiers } from '../../../src/validator/verifiers.js';
import { passBlock } from '../../../src/verification/draw.js';
import { onSmallSubnet, type RunningValidator, type SmallSubnet } from '../../support/small-subnet.js';
import { TOY_STEPS, TOY_STEPS_ID } from '../../support/toy-kind.js';

const announced = ({ lines }: RunningValidator) => lines.filter(({ msg }) => msg === 'event announced');
const has = ({ lines }: RunningValidator, message: string) => lines.some(({ msg }) => msg === message);

/** The rows that were sent, with the epoch in which each was. */
function counting(subnet: SmallSubnet): {
  writer: ChainWriter;
  rows: { epoch: number; row: WeightRow }[];
} {
  const rows: { epoch: number; row: WeightRow }[] = [];
  return {
    rows,
    writer: {
      ...subnet.chain,
      async setWeights(...args) {
        const [, netuid, row] = args;
        rows.push({ epoch: (await subnet.chain.subnet(netuid)).epochIndex, row });
        return subnet.chain.setWeights(...args);
      },
    },
  };
}

const permitOf = (subnet: SmallSubnet, now: Subnet, name: string) =>
  now.neurons[subnet.uids.get(name)!]!.validatorPermit;

/** Resolves when the epoch after the one that granted permits has begun: from here on everything is regular. */
async function regular(subnet: SmallSubnet): Promise<Subnet> {
  const { epochIndex } = await subnet.until((now) => permitOf(subnet, now, 'validator-a'));
  return subnet.until((now) => now.epochIndex > epochIndex);
}

describe('events', () => {
  test('begin after the epoch that grants permits, two in each epoch, the same for both validators', async () => {
    await onSmallSubnet(async (subnet) => {
      const a = subnet.start('validator-a');
      const b = subnet.start('validator-b');
      await subnet.until(() => a.status() !== undefined);
      expect(a.status()?.permit).toBe(false);
      const granted = await subnet.until((now) => permitOf(subnet, now, 'validator-a'));
      expect(announced(a)).toEqual([]);
      await subnet.until((now) => now.epochIndex === granted.epochIndex + 2);
      const blocks = announced(a).map(({ block }) => block as number);
      expect(blocks).toHaveLength(4);
      for (const block of blocks) expect(block).toBeGreaterThan(granted.lastEpochBlock + 2);
      expect(announced(b).map(({ block, event }) => [block, event])).toEqual(
        announced(a).map(({ block, event }) => [block, event]),
      );
      expect(a.lines.filter(({ msg }) => msg === 'event judged')).toMatchObject(
        Array(4).fill({ accepted: 1, rejected: 0, inconclusive: 0 }),
      );
      expect(a.status()).toMatchObject({ permit: true, events: 4, running: 0 });
    });
  });

  test('a validator without a permit asks nobody and sets no weights', async () => {
    await onSmallSubnet(async (subnet) => {
      const pauper = subnet.start('pauper');
      const { epochIndex } = await subnet.until((now) => permitOf(subnet, now, 'validator-a'));
      const now = await subnet.until(({ epochIndex: at }) => at === epochIndex + 2);
      expect(permitOf(subnet, now, 'pauper')).toBe(false);
      expect(announced(pauper)).toEqual([]);
      expect(alreadySetThisEpoch(now, subnet.uids.get('pauper')!)).toBe(false);
      expect(pauper.status()?.permit).toBe(false);
    });
  });

  test('one whose block was not seen counts for nobody; the next ones do', async () => {
    await onSmallSubnet(async (subnet) => {
      const ledger = createMemoryLedger();
      let skipped: number | undefined;
      const reader: ChainReader = {
        ...subnet.chain,
        watchHeads: (onHead, signal) =>
          subnet.chain.watchHeads((head) => {
            if (head.number !== skipped) onHead(head);
          }, signal),
      };
      const a = subnet.start('validator-a', { ledger, reader });
      const b = subnet.start('validator-b');
      const { epochIndex } = await subnet.until(() => {
        skipped ??= announced(a)[0]?.block as number | undefined;
        return skipped !== undefined;
      });
      await subnet.until((now) => now.epochIndex > epochIndex);
      expect(announced(a)).toHaveLength(2);
      expect(has(a, 'event dropped: it counts for nobody')).toBe(true);
      expect(ledger.completedEvents({ fromEpoch: 0 }).map(({ block }) => block)).toEqual([
        announced(a)[1]!.block,
      ]);
      expect(ledger.outcomes({ fromEpoch: 0 }).map(({ eventBlock }) => eventBlock)).not.toContain(skipped);
      // the miner lost nothing by it: both validators give it all there is
      const rows = await Promise.all(
        ['validator-a', 'validator-b'].map((name) =>
          subnet.chain.weights(subnet.netuid, subnet.uids.get(name)!),
        ),
      );
      expect(rows).toEqual(Array(2).fill([[subnet.uids.get('miner-1'), 65535]]));
      expect(has(b, 'event dropped: it counts for nobody')).toBe(false);
    });
  });

  test('of rounds fall to whoever sets weights: a permit whose holder is not there loses its turns after three epochs', async () => {
    await onSmallSubnet(async (subnet) => {
      const ledger = createMemoryLedger();
      subnet.start('validator-a', { ledger });
      const { epochIndex } = await regular(subnet);
      const now = await subnet.until((later) => later.epochIndex === epochIndex + 6);
      expect(permitOf(subnet, now, 'validator-b')).toBe(true);
      const turns = ledger.completedEvents({ fromEpoch: 0 });
      const before = turns.filter(({ epoch }) => epoch < epochIndex + 2).map(({ ourTurn }) => ourTurn);
      const after = turns.filter(({ epoch }) => epoch >= epochIndex + 3).map(({ ourTurn }) => ourTurn);
      expect(before).toContain(false);
      expect(after).toEqual(Array(6).fill(true));
    });
  });

  test('with evidence that ends whoever verifies it alert the operator, and say what became of it', async () => {
    await onSmallSubnet(async (subnet) => {
      const alerts: ValidatorAlert[] = [];
      const ledger = createMemoryLedger();
      const counts = { failures: 3, answered: 1, poison: 1, unjudged: 0 };
      const verifiers: Verifiers = {
        forEvent: () => ({
          verify: async ({ evidence: { opening } }) => ({ verdict: rejected('poison'), opening }),
          close() {},
        }),
        tally: () => counts,
      };
      const alert = (each: ValidatorAlert) => void alerts.push(each);
      const a = subnet.start('validator-a', { ledger, verifiers, alert });
      await subnet.until(() => (a.status()?.events ?? 0) > 0);
      const [outcome] = ledger.outcomes({ fromEpoch: 0 });
      expect(verdictToString(outcome!.verdict)).toBe('rejected:poison');
      expect(alerts).toMatchObject([
        { kind: 'poison-evidence', miner: subnet.hotkeyOf('miner-1'), outcome: outcome!.id },
      ]);
      expect(a.status()).toMatchObject({ verifiers: counts });
    });
  });

  test('that are not over as the next one begins are told with the blocks that they took, and counted', async () => {
    await onSmallSubnet(async (subnet) => {
      const gate: { open?: () => void } = {};
      const opened = new Promise<void>((resolve) => {
        gate.open = resolve;
      });
      const verifiers: Verifiers = {
        forEvent: () => ({
          async verify({ evidence: { opening } }) {
            await opened;
            return { verdict: rejected('projection'), opening };
          },
          close() {},
        }),
      };
      const a = subnet.start('validator-a', { verifiers });
      await subnet.until(({ block }) => (announced(a)[1]?.block as number) < block - 1);
      const [first, second] = announced(a).map(({ block }) => block as number);
      expect(a.status()).toMatchObject({ events: 0, overlapped: 1 });
      gate.open!();
      await subnet.until(() => a.status()?.events === 2);
      const told = a.lines.filter(({ msg }) => /^event (is still|took longer)/.test(msg));
      const { eventBlocks } = DEMO_PLAN.events;
      expect(told).toMatchObject([
        { level: 'warn', block: first, next: second, eventBlocks, judged: 0 },
        { level: 'warn', block: first, eventBlocks, judgedLate: 1 },
      ]);
      expect(told[1]!.needed).toBeGreaterThan(second! - first!);
      expect(a.status()).toMatchObject({ overlapped: 1 });
    });
  });

  test('an epoch too short for the plan has none, and weights of what was scored before are set all the same', async () => {
    await onSmallSubnet(async (subnet) => {
      const ledger = createMemoryLedger();
      const first = subnet.start('validator-a', { ledger });
      await regular(subnet);
      await first.stop();
      const { rows, writer } = counting(subnet);
      const plan = { ...DEMO_PLAN.events, eventBlocks: 40 };
      const second = subnet.start('validator-a', { ledger, writer, plan });
      await subnet.until((now) => alreadySetThisEpoch(now, subnet.uids.get('validator-a')!));
      expect(announced(second)).toEqual([]);
      expect(second.lines.filter(({ msg }) => msg === 'events not announced')).toHaveLength(1);
      expect(rows.map(({ row }) => row)).toEqual([[[subnet.uids.get('miner-1'), 65535]]]);
    });
  });
});

describe('an event with a Pass', () => {
  test('is judged at the block that the chain draws, and counts for nobody where that was not seen', async () => {
    await onSmallSubnet(
      async (subnet) => {
        // phases of Go last 3 s, twelve blocks, and a Go may leave a block late
        const holdBlocks = { first: 14, last: 16 };
        const plan = { ...DEMO_PLAN.events, eventsPerEpoch: 1, eventBlocks: 30, holdBlocks };
        const ledgers = { a: createMemoryLedger(), b: createMemoryLedger() };
        let deaf = false;
        const running: { b?: RunningValidator } = {};
        const reader: ChainReader = {
          ...subnet.chain,
          watchHeads: (onHead, signal) =>
            subnet.chain.watchHeads((head) => {
              const event = running.b && (announced(running.b)[0]?.block as number | undefined);
              deaf ||= event !== undefined && head.number === event + holdBlocks.first - 1;
              const isHold = event !== undefined && head.number <= event + holdBlocks.last;
              if (!(deaf && isHold)) onHead(head);
            }, signal),
        };
        const a = subnet.start('validator-a', { ledger: ledgers.a, plan });
        const b = subnet.start('validator-b', { ledger: ledgers.b, plan, reader });
        running.b = b;
        await subnet.until(() => a.status()?.events === 2 && b.status()?.events === 1);
        const accepted = ledgers.a.entries.filter(({ outcome }) => outcome.verdict.kind === 'accepted');
        expect(accepted).toHaveLength(2);
        for (const { outcome, session } of accepted) {
          const { hash } = await passBlock(outcome.eventBlock, holdBlocks, subnet.chain.blockHash);
          expect(toHex(session.pass!.beacon!)).toBe(toHex(hash));
          expect(session.commits).toHaveLength(4);
        }
        // the one that did not see the Pass holds nobody up, and has that event for nobody: no slot is without one
        const [first, second] = announced(a);
        expect(ledgers.b.completedEvents({ fromEpoch: 0 }).map(({ block }) => block)).toEqual([
          second!.block,
        ]);
        expect(ledgers.a.completedEvents({ fromEpoch: 0 }).map(({ block }) => block)).toEqual([
          first!.block,
          second!.block,
        ]);
        expect(has(b, 'event dropped: it counts for nobody')).toBe(true);
      },
      { params: TOY_STEPS, paramsId: TOY_STEPS_ID },
    );
  });
});

describe('weights', () => {
  test('are set once per epoch, in its last blocks', async () => {
    await onSmallSubnet(async (subnet) => {
      const { rows, writer } = counting(subnet);
      const a = subnet.start('validator-a', { writer });
      const { epochIndex } = await regular(subnet);
      const set = await subnet.until((now) => alreadySetThisEpoch(now, subnet.uids.get('validator-a')!));
      expect(set.nextEpochBlock! - set.block).toBeLessThan(DEMO_PLAN.events.publishLeadBlocks);
      await subnet.until((now) => now.epochIndex === epochIndex + 2);
      const epochs = rows.map(({ epoch }) => epoch);
      expect(epochs).toEqual([epochIndex - 1, epochIndex, epochIndex + 1]);
      expect(a.status()?.lastWeights).toMatchObject({ epoch: epochIndex + 1 });
    });
  });

  test('are not forgotten by a restart in the middle of an epoch', async () => {
    await onSmallSubnet(async (subnet) => {
      const ledger = createMemoryLedger();
      const { rows, writer } = counting(subnet);
      const first = subnet.start('validator-a', { ledger, writer });
      const { epochIndex } = await subnet.until(() => first.status()?.events === 1);
      await first.stop();
      expect(rows).toEqual([]);
      const second = subnet.start('validator-a', { ledger, writer });
      await subnet.until((now) => now.epochIndex > epochIndex);
      expect(second.status()?.lastWeights?.epoch).toBe(epochIndex);
      expect(rows).toEqual([{ epoch: epochIndex, row: [[subnet.uids.get('miner-1'), 65535]] }]);
    });
  });

  test('are not repeated by a restart after they were set', async () => {
    await onSmallSubnet(async (subnet) => {
      const ledger = createMemoryLedger();
      const { rows, writer } = counting(subnet);
      const first = subnet.start('validator-a', { ledger, writer });
      const { epochIndex, block } = await subnet.until(() => first.status()?.lastWeights !== undefined);
      await first.stop();
      const second = subnet.start('validator-a', { ledger, writer });
      await subnet.until((now) => now.epochIndex > epochIndex);
      expect(has(second, 'weights of this epoch are on the chain already, and not by this book')).toBe(true);
      expect(rows.map(({ epoch }) => epoch)).toEqual([epochIndex]);
      const { lastUpdate } = (await subnet.chain.subnet(subnet.netuid)).neurons[
        subnet.uids.get('validator-a')!
      ]!;
      expect(lastUpdate).toBeLessThanOrEqual(block);
      await subnet.until((now) => now.epochIndex > epochIndex + 1);
      expect(rows.map(({ epoch }) => epoch)).toEqual([epochIndex, epochIndex + 1]);
    });
  });

  test('that landed although their sender was told otherwise are not sent again', async () => {
    await onSmallSubnet(async (subnet) => {
      let sends = 0;
      const a = subnet.start('validator-a', {
        writer: {
          ...subnet.chain,
          async setWeights(...args) {
            sends++;
            await subnet.chain.setWeights(...args);
            throw new AssayError('unreachable', 'connection lost', { address: 'ws://127.0.0.1:9944' });
          },
        },
      });
      const { epochIndex } = await subnet.until(() => has(a, 'weights not set yet'));
      await subnet.until((now) => now.epochIndex > epochIndex);
      expect(sends).toBe(1);
      expect(a.status()).toMatchObject({ lastWeights: { epoch: epochIndex } });
      expect(a.status()?.weightsStage).toMatchObject({ epoch: epochIndex, stage: 'applied' });
    });
  });

  test('that did not land are tried again at the next block', async () => {
    await onSmallSubnet(async (subnet) => {
      const sentAt: number[] = [];
      subnet.start('validator-a', {
        writer: {
          ...subnet.chain,
          async setWeights(...args) {
            sentAt.push((await subnet.chain.head()).number);
            if (sentAt.length < 3)
              throw new AssayError('unreachable', 'no connection', { address: 'ws://127.0.0.1:9944' });
            return subnet.chain.setWeights(...args);
          },
        },
      });
      await subnet.until((now) => alreadySetThisEpoch(now, subnet.uids.get('validator-a')!));
      expect(sentAt.map((block) => block - sentAt[0]!)).toEqual([0, 1, 2]);
    });
  });
});

describe('scores that are held', () => {
  /** What fails while the disk is full, and the entries of the breaker that are on it. */
  function fullAtTimes(of: BreakerEntry) {
    const inner = createMemoryLedger();
    const disk = { isFull: false, tries: 0, breaker: [] as BreakerEntry['is'][] };
    const ledger: MemoryLedger = {
      ...inner,
      async append(entry) {
        if (entry.type === 'breaker') {
          disk.tries++;
          if (disk.isFull) throw new Error('ENOSPC: no space left on device');
          disk.breaker.push(entry.is);
        }
        return inner.append(entry);
      },
    };
    return { ledger, disk, begun: inner.append(of) };
  }

  test('are set, and ended by a word, at the first block at which it can be written down, and once', async () => {
    await onSmallSubnet(async (subnet) => {
      const { epochIndex: since, block } = await subnet.chain.subnet(subnet.netuid);
      const miner = subnet.hotkeyOf('miner-1');
      const held: BreakerEntry = {
        type: 'breaker',
        is: 'tripped',
        epoch: since,
        block,
        since,
        row: [[miner, 7]],
      };
      const { ledger, disk, begun } = fullAtTimes(held);
      await begun;
      let word: Decision | undefined;
      const { rows, writer } = counting(subnet);
      disk.isFull = true;
      const a = subnet.start('validator-a', {
        ledger,
        writer,
        decisions: {
          async take(apply) {
            if (!word) return;
            await apply(word);
            word = undefined;
          },
        },
      });
      await subnet.until(() => disk.tries >= 2);
      expect(rows).toEqual([]);
      expect(has(a, 'weights not set yet')).toBe(true);
      disk.isFull = false;
      await subnet.until(() => rows.length === 1);
      expect(rows[0]!.row).toEqual([[subnet.uids.get('miner-1'), 65535]]);
      expect(a.status()?.breaker?.held).toMatchObject({ since });
      expect(disk.breaker).toEqual(['held']);

      disk.isFull = true;
      const before = disk.tries;
      word = 'release';
      await subnet.until(() => disk.tries >= before + 3);
      expect(word).toBe('release');
      expect(has(a, 'a word on held scores is not taken yet')).toBe(true);
      expect(a.status()?.breaker?.held).toBeDefined();
      disk.isFull = false;
      await subnet.until(() => word === undefined);
      expect(disk.breaker).toEqual(['held', 'released']);
      expect(a.status()?.breaker?.held).toBeUndefined();
      const { epochIndex } = await subnet.until(() => rows.length === 2);
      expect(rows[1]!.epoch).toBe(epochIndex);
      expect(disk.breaker).toEqual(['held', 'released']);
    });
  });
});

describe('the end', () => {
  test('a chain that breaks while an event waits for its block ends the validator with that error', async () => {
    await onSmallSubnet(async (subnet) => {
      const broken = new AssayError('unreachable', 'gone for good', { address: 'ws://127.0.0.1:9944' });
      let breakNow = () => {};
      const reader: ChainReader = {
        ...subnet.chain,
        watchHeads: (onHead, signal) =>
          Promise.race([
            subnet.chain.watchHeads(onHead, signal),
            new Promise<never>((_resolve, reject) => {
              breakNow = () => reject(broken);
            }),
          ]),
      };
      const a = subnet.start('validator-a', { reader });
      const ended = a.ended.catch((error: unknown) => error);
      await subnet.until(() => announced(a).length === 1);
      breakNow();
      expect(await ended).toBe(broken);
      expect(has(a, 'event judged')).toBe(false);
    });
  });
});
