// What plans other than the usual one make of two validators and a miner: checks between events, leased slots, events by turns.
import { describe, expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createLocalSlot, type Slot } from '../../../src/miner/slot.js';
import { toHex } from '../../../src/model/bytes.js';
import { NO_CREDIT } from '../../../src/model/credit.js';
import { verdictToString } from '../../../src/model/verdict.js';
import { createMemoryLedger, type MemoryLedger } from '../../../src/testing/memory-ledger.js';
import type { VirtualClock } from '../../../src/testing/virtual-clock.js';
import type { EventPlan } from '../../../src/validator/schedule.js';
import { onSmallSubnet, type SmallSubnet } from '../../support/small-subnet.js';
import { TOY_PARAMS, TOY_PARAMS_ID, type ToyParams, toyKind } from '../../support/toy-kind.js';

/** Over within the two blocks that a check has. */
const CHECK: ToyParams = { ...TOY_PARAMS, windowMs: 250, goLeadMs: 50 };
const CHECK_ID = new Uint8Array(32).fill(0x21);
const check = toyKind({
  kind: 'liveness',
  table: new Map([[toHex(CHECK_ID), CHECK]]),
  credit: () => NO_CREDIT,
});
const toy = toyKind();
const kinds = { toy, liveness: check };
const PLAN: EventPlan = {
  eventsPerEpoch: 1,
  leadBlocks: 2,
  eventBlocks: 24,
  holdBlocks: { first: 14, last: 16 },
  publishLeadBlocks: 5,
  minLeadMs: 150,
};
/** As good as all are drawn, and the ledger says by what. */
const CHECKED: EventPlan = { ...PLAN, livenessPerEpoch: 6, sampling: 0.999999 };

const checkOf = (clock: VirtualClock): Slot =>
  createLocalSlot(
    { compute: createReferenceCompute(), kind: check, params: CHECK, paramsId: CHECK_ID, clock },
    { index: 0, worker: 'host-1' },
  );

const leased = (clock: VirtualClock): Slot => ({
  ...createLocalSlot(
    { compute: createReferenceCompute(), kind: toy, params: TOY_PARAMS, paramsId: TOY_PARAMS_ID, clock },
    { index: 1, worker: 'host-1' },
  ),
  isLeased: () => true,
});

/** The end of the second whole epoch after permits were granted. */
async function twoEpochs(subnet: SmallSubnet): Promise<{ first: number; now: Subnet }> {
  const uid = subnet.uids.get('validator-a')!;
  const { epochIndex } = await subnet.until((now) => now.neurons[uid]!.validatorPermit);
  const now = await subnet.until((later) => later.epochIndex === epochIndex + 3);
  return { first: epochIndex + 1, now };
}

/** Who has a weight of both validators. */
const rows = (subnet: SmallSubnet) =>
  Promise.all(
    ['validator-a', 'validator-b'].map(async (name) => {
      const row = await subnet.chain.weights(subnet.netuid, subnet.uids.get(name)!);
      return row.filter(([, weight]) => weight > 0);
    }),
  );
const ofKind = (ledger: MemoryLedger, kind: string) =>
  ledger.outcomes({ fromEpoch: 0 }).filter((outcome) => outcome.kind === kind);

describe('checks between events', () => {
  test('ask the slot beside its own work, for both validators at once, and are no events of the mean; a leased slot is asked nothing else', async () => {
    await onSmallSubnet(
      async (subnet) => {
        const ledgers = [createMemoryLedger(), createMemoryLedger()];
        subnet.start('validator-a', { ledger: ledgers[0]!, kinds, plan: CHECKED });
        subnet.start('validator-b', { ledger: ledgers[1]!, kinds, plan: CHECKED });
        const { first } = await twoEpochs(subnet);
        const [a, b] = ledgers.map((ledger) =>
          ofKind(ledger, 'liveness').filter(({ epoch }) => epoch >= first && epoch < first + 2),
        ) as [ReturnType<typeof ofKind>, ReturnType<typeof ofKind>];
        expect(a.length).toBeGreaterThan(5);
        expect(b.map(({ eventBlock }) => eventBlock)).toEqual(a.map(({ eventBlock }) => eventBlock));
        for (const { verdict, slot, credit } of [...a, ...b])
          expect([verdictToString(verdict), slot, credit]).toEqual(['accepted', 0, {}]);
        for (const ledger of ledgers) {
          const done = ledger.completedEvents({ fromEpoch: first }).filter(({ epoch }) => epoch < first + 2);
          const events = done.filter(({ liveness }) => !liveness);
          expect(events).toHaveLength(2);
          for (const { block, sample } of events) {
            const announcing = await subnet.chain.blockHash(block - PLAN.leadBlocks);
            expect(sample).toEqual({ seed: toHex(announcing), share: 999_999 });
          }
          expect(done.length - events.length).toBe(a.length);
          for (const { block } of events)
            for (const { eventBlock } of a)
              expect(eventBlock + 2 <= block || eventBlock >= block + PLAN.eventBlocks).toBe(true);
          // slot 1 says that somebody uses it: no outcome, so absent unless a receipt says more
          expect(new Set(ofKind(ledger, 'toy').map(({ slot }) => slot))).toEqual(new Set([0]));
          // its events went as if nobody had asked between them
          expect(ofKind(ledger, 'toy').map(({ verdict }) => verdict.kind)).not.toContain('rejected');
        }
        expect(await rows(subnet)).toEqual(Array(2).fill([[subnet.uids.get('miner-1'), 65535]]));
      },
      { more: (clock) => [checkOf(clock), leased(clock)] },
    );
  });
});

test('phase-shifted validators have each event to themselves, and both pay the miner what they saw', async () => {
  await onSmallSubnet(async (subnet) => {
    const plan: EventPlan = { ...PLAN, eventsPerEpoch: 2, validators: 'phase-shifted' };
    const ledgers = [createMemoryLedger(), createMemoryLedger()];
    subnet.start('validator-a', { ledger: ledgers[0]!, plan });
    subnet.start('validator-b', { ledger: ledgers[1]!, plan });
    const uid = subnet.uids.get('validator-a')!;
    const { epochIndex } = await subnet.until((now) => now.neurons[uid]!.validatorPermit);
    // until then turns fall to others with a permit as well, of whom nobody knows yet that they do not validate
    const settled = epochIndex + 4;
    await subnet.until((now) => now.epochIndex === settled + 4);
    const [a, b] = ledgers.map((ledger) =>
      ledger
        .completedEvents({ fromEpoch: settled })
        .filter(({ epoch }) => epoch < settled + 4)
        .map(({ block, ourTurn }) => ({ block, ourTurn })),
    ) as { block: number; ourTurn: boolean | undefined }[][];
    expect(a).toHaveLength(8);
    // the other's turn is exactly what is not ours
    expect(b).toEqual(a!.map(({ block, ourTurn }) => ({ block, ourTurn: !ourTurn })));
    expect(new Set(a!.map(({ ourTurn }) => ourTurn))).toEqual(new Set([true, false]));
    for (const [i, ledger] of ledgers.entries()) {
      const ours = new Set(
        ledger.completedEvents({ fromEpoch: 0 }).flatMap((each) => (each.ourTurn ? [each.block] : [])),
      );
      const outcomes = ledger.outcomes({ fromEpoch: 0 });
      expect(new Set(outcomes.map(({ eventBlock }) => eventBlock))).toEqual(ours);
      expect(outcomes.every(({ byTurn }) => byTurn)).toBe(true);
      expect(`${i} ${outcomes.length > 0}`).toBe(`${i} true`);
    }
    expect(await rows(subnet)).toEqual(Array(2).fill([[subnet.uids.get('miner-1'), 65535]]));
  });
});
