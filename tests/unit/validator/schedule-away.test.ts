// A validator that was away for half an epoch, or that asks only a sample, pays miners the same shares as one that was not.
import { describe, expect, test } from 'vitest';
import { u32le, utf8 } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { toHotkey } from '../../../src/model/ids.js';
import { accepted, rejected } from '../../../src/model/verdict.js';
import { isDrawn, type Sample } from '../../../src/scoring/state.js';
import { paid, policyOf, type Told } from '../../support/scoring.js';

const MINERS = { steady: 700, small: 200, cheat: 0 } as const;
type Name = keyof typeof MINERS;
const names = Object.keys(MINERS) as Name[];
const EPOCH = 9;

/** What a validator has of an epoch: the events that it was there for, and of them the slots that it asked. */
function ledgerOf(
  events: readonly number[],
  sampleOf: (event: number) => Sample | undefined = () => undefined,
) {
  const completed = events.map((event) => ({
    event: `event ${event}`,
    epoch: EPOCH,
    sample: sampleOf(event),
  }));
  const outcomes = completed.flatMap(({ event, sample }) =>
    names.flatMap((name) =>
      sample && !isDrawn(sample, name, 0)
        ? []
        : [
            {
              event,
              epoch: EPOCH,
              miner: toHotkey(name),
              kind: 'compute',
              paramsId: '11'.repeat(32),
              slot: 0,
              verdict: name === 'cheat' ? rejected('seed') : accepted,
              credit: { opsPerS: MINERS[name] },
              share: name === 'cheat' ? 0 : 1,
            },
          ],
    ),
  );
  return { outcomes, completed, epoch: EPOCH };
}
const sharesOf = (told: Told) => {
  const pay = paid(policyOf(), told);
  return names.map((name) => pay.u16.get(toHotkey(name)) ?? 0);
};

describe('a validator', () => {
  test('that was away for half of the events gives the shares of one that was there for all', () => {
    const whole = sharesOf(ledgerOf([0, 1, 2, 3, 4, 5]));
    expect(whole).toEqual([65535, 18724, 0]);
    expect(sharesOf(ledgerOf([3, 4, 5]))).toEqual(whole);
  });

  test('that asks a sample of the slots takes nothing from those that were not drawn', () => {
    const sampleOf = (event: number): Sample => ({
      seed: Buffer.from(sha256(utf8('sample'), u32le(event))).toString('hex'),
      share: 500_000,
    });
    const told = ledgerOf([0, 1, 2, 3, 4, 5, 6, 7], sampleOf);
    const asked = names.map((name) => told.outcomes.filter(({ miner }) => miner === name).length);
    for (const many of asked) {
      expect(many).toBeGreaterThan(0);
      expect(many).toBeLessThan(8);
    }
    expect(sharesOf(told)).toEqual([65535, 18724, 0]);
    // without what the ledger says of the sample they would have been absent
    const bare = { ...told, completed: told.completed.map(({ sample: _, ...event }) => event) };
    expect(sharesOf(bare)).not.toEqual([65535, 18724, 0]);
  });
});
