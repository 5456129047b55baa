import { describe, expect, test } from 'vitest';
import { type Hotkey, toHotkey } from '../../../src/model/ids.js';
import type { Outcome } from '../../../src/model/outcome.js';
import { accepted, inconclusive, rejected, type Verdict } from '../../../src/model/verdict.js';
import { defineScoringRule, parsePolicy, type RuleClaim } from '../../../src/scoring/index.js';
import { createMemoryLedger } from '../../../src/testing/memory-ledger.js';
import type { OutcomeEntry } from '../../../src/validator/ledger/entries.js';
import { type PolicyScore, scoreEpoch } from '../../../src/validator/score.js';
import { factsOf, partOf, poolOf } from '../../support/scoring.js';
import { bytes32 } from '../../support/sessions.js';

const [A, B, OWNER] = ['a', 'b', 'owner'].map(toHotkey) as [Hotkey, Hotkey, Hotkey];

/** In the units that were proven: what is not anybody's goes to the owner. */
function withOwner({ scores, pay }: PolicyScore, owner: Hotkey): Map<Hotkey, number> {
  const paid = pay({ ...factsOf(scores.keys()), owner });
  const { worth, missed } = paid.pools[0]!;
  const units = worth + missed || 1;
  const all = new Map([...scores.keys()].map((hotkey) => [hotkey, partOf(paid, hotkey) * units]));
  const rest = units - [...all.values()].reduce((a, b) => a + b, 0);
  all.set(owner, (all.get(owner) ?? 0) + rest);
  return new Map([...all].map(([hotkey, each]) => [hotkey, Math.round(each * 1e9) / 1e9]));
}

function ledgerOf(
  ...events: { epoch: number; completed?: boolean; verdicts: [Hotkey, Verdict, number?][] }[]
) {
  const ledger = createMemoryLedger();
  for (const [k, { epoch, completed = true, verdicts }] of events.entries()) {
    const event = `event ${k}`;
    for (const [miner, verdict, slot = 0] of verdicts) {
      const share = verdict.kind === 'accepted' ? 1 : 0;
      const credit = share > 0 ? { opsPerS: 1e15 } : {}; // what counts one
      const outcome = { event, epoch, miner, slot, verdict, credit, share } as Outcome; // what scoring looks at
      void ledger.append({ type: 'outcome', outcome, session: {} as OutcomeEntry['session'] });
    }
    const facts = { event, epoch, block: 10 * k, basis: bytes32('basis') };
    void ledger.append({ type: 'event-started', ...facts });
    if (completed) void ledger.append({ type: 'event-completed', ...facts });
  }
  return ledger;
}

describe('scores of an epoch', () => {
  test('are the accepted share of the events that were completed in it', () => {
    const ledger = ledgerOf(
      {
        epoch: 5,
        verdicts: [
          [A, accepted],
          [A, accepted, 1],
          [B, rejected('window')],
        ],
      },
      {
        epoch: 5,
        verdicts: [
          [A, accepted],
          [A, rejected('window'), 1],
          [B, rejected('seed')],
        ],
      },
    );
    const score = scoreEpoch(ledger, 5)!;
    expect([...score.scores]).toEqual([
      [A, 1.5],
      [B, 0],
    ]);
    expect(score.reasons.get(B)).toEqual({
      zero: 'never-accepted',
      cuts: [],
      counts: { 'rejected:window': 1, 'rejected:seed': 1 },
    });
  });

  test('give the owner what proven slots missed, beside what its hotkey proved itself', () => {
    const ledger = ledgerOf(
      {
        epoch: 5,
        verdicts: [
          [A, accepted],
          [OWNER, accepted],
        ],
      },
      {
        epoch: 5,
        verdicts: [
          [A, rejected('window')],
          [OWNER, accepted],
        ],
      },
    );
    const score = scoreEpoch(ledger, 5)!;
    expect([...withOwner(score, B)]).toEqual([
      [A, 0.5],
      [OWNER, 1],
      [B, 0.5],
    ]);
    expect(withOwner(score, OWNER).get(OWNER)).toBe(1.5);
    expect(score.scores.get(OWNER)).toBe(1);
  });

  test('give everything to the owner when nothing was proven', () => {
    const score = scoreEpoch(ledgerOf({ epoch: 5, verdicts: [[A, rejected('projection')]] }), 5)!;
    expect([...withOwner(score, OWNER)]).toEqual([
      [A, 0],
      [OWNER, 1],
    ]);
  });

  test('leave events out that were never completed', () => {
    const ledger = ledgerOf(
      { epoch: 5, verdicts: [[A, accepted]] },
      { epoch: 5, completed: false, verdicts: [[A, rejected('window')]] },
    );
    expect(scoreEpoch(ledger, 5)!.scores.get(A)).toBe(1);
  });

  test('are carried over one epoch in which nothing could be judged, and not over two', () => {
    const before = {
      epoch: 4,
      verdicts: [
        [A, accepted],
        [B, rejected('seed')],
      ] as [Hotkey, Verdict][],
    };
    const ours = [[A, inconclusive('validator-fault')]] as [Hotkey, Verdict][];
    const ledger = ledgerOf(before, { epoch: 5, verdicts: ours }, { epoch: 6, verdicts: ours });
    expect(scoreEpoch(ledger, 5)!.scores.get(A)).toBe(1);
    expect(scoreEpoch(ledger, 6)!.scores.get(A)).toBe(0);
    expect(scoreEpoch(ledger, 6)!.reasons.get(A)?.zero).toBe('carry-ended');
  });

  test('are those of the epoch before when no event was completed, and nothing at all after two such epochs', () => {
    const ledger = ledgerOf({ epoch: 4, verdicts: [[A, accepted]] });
    expect(scoreEpoch(ledger, 5)!.scores.get(A)).toBe(1);
    expect(scoreEpoch(ledger, 6)).toBeUndefined();
    expect(scoreEpoch(createMemoryLedger(), 1)).toBeUndefined();
  });

  test('of what is measured by turns hold until our next turn, and nobody else of so long ago is named', async () => {
    const ledger = createMemoryLedger();
    const at = async (epoch: number, ourTurn: boolean, outcomes: readonly Partial<Outcome>[]) => {
      const facts = { event: `event ${epoch}`, epoch, block: epoch, basis: bytes32('basis') };
      for (const each of outcomes) {
        const outcome = {
          event: facts.event,
          epoch,
          slot: 0,
          verdict: accepted,
          credit: { opsPerS: 1e15 },
          share: 1,
          ...each,
        } as Outcome; // what scoring looks at
        await ledger.append({ type: 'outcome', outcome, session: {} as OutcomeEntry['session'] });
      }
      await ledger.append({ type: 'event-started', ...facts });
      await ledger.append({ type: 'event-completed', ...facts, ourTurn });
    };
    await at(4, true, [{ miner: A, byTurn: true }, { miner: B }]);
    for (let epoch = 5; epoch <= 12; epoch++) await at(epoch, false, []);
    expect([...scoreEpoch(ledger, 12)!.scores]).toEqual([[A, 1]]);
    expect([...(scoreEpoch(ledger, 14)?.scores ?? [])]).toEqual([]);
  });

  test('go to the owner when events were tried in two epochs and none was completed: silence is not paid for ever', () => {
    const tried = (epoch: number) => ({ epoch, completed: false, verdicts: [] });
    expect(scoreEpoch(ledgerOf(tried(5)), 5)).toBeUndefined();
    const score = scoreEpoch(ledgerOf(tried(4), tried(5)), 5)!;
    expect([...withOwner(score, OWNER)]).toEqual([[OWNER, 1]]);
  });
});

test('a rule of the subnet’s own is asked once, and for no coldkeys but the chain’s', () => {
  const asked: (readonly RuleClaim[])[] = [];
  const listed = defineScoringRule({
    name: 'listed',
    version: 1,
    divide(claims) {
      asked.push(claims);
      return claims.map(({ coldkey, worth }) => (coldkey === 'cold' ? worth : 0n));
    },
  });
  const rules = [listed];
  const policy = parsePolicy(
    {
      format: 'assay-scoring-policy/1',
      name: 'test',
      burn: 0,
      pools: [poolOf({ unfilled: 'spread', rule: { name: 'listed', version: 1 } })],
    },
    undefined,
    rules,
  );
  const ledger = ledgerOf({
    epoch: 5,
    verdicts: [
      [A, accepted],
      [B, accepted],
    ],
  });
  const facts = factsOf([A, B], { coldkeys: { a: 'cold', b: 'cold' } });
  const paid = scoreEpoch(ledger, 5, { policy, rules })!.pay(facts);
  expect([partOf(paid, A), partOf(paid, B)]).toEqual([0.5, 0.5]);
  expect(asked.map((claims) => claims.map(({ coldkey }) => coldkey))).toEqual([['cold']]);
});
