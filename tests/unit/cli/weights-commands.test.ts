import { describe, expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { limitPriceOf } from '../../../src/cli/commands/chain/stake.js';
import { isStale } from '../../../src/cli/commands/chain/status.js';
import { countsAfter } from '../../../src/cli/commands/chain/weights-form.js';
import { assertSame, refusalOf } from '../../../src/cli/commands/chain/weights-set.js';
import { withWindow } from '../../../src/cli/commands/chain/weights-show.js';
import { toUid } from '../../../src/model/ids.js';

const subnetOf = (hotkeys: readonly string[], more: Partial<Subnet> = {}): Subnet =>
  ({
    block: 100,
    commitRevealEnabled: false,
    timelockVersion: 4,
    neurons: hotkeys.map((hotkey, uid) => ({ uid, hotkey })),
    ...more,
  }) as unknown as Subnet; // what is compared

describe('a row that somebody said yes to', () => {
  const asked = { subnet: subnetOf(['A', 'B', 'C']), uid: toUid(0), row: [[2, 65_535]] as const };

  test('is signed while its uids are whose they were, whatever became of others', () => {
    expect(() => assertSame(asked, { ...asked, subnet: subnetOf(['A', 'other', 'C', 'D']) })).not.toThrow();
  });

  test('is not signed when one of its uids is another’s, its own has moved, or its form is another', () => {
    const refused = (now: Partial<typeof asked>) => () => assertSame(asked, { ...asked, ...now });
    expect(refused({ subnet: subnetOf(['A', 'B', 'E'], { block: 103 }) })).toThrow(
      'nothing was signed, for the subnet changed meanwhile: uid 2 was C and is E (block 100 to 103); run it again',
    );
    expect(refused({ uid: toUid(1) })).toThrow(/the hotkey had uid 0 and has 1/);
    expect(refused({ subnet: subnetOf(['A', 'B', 'C'], { commitRevealEnabled: true }) })).toThrow(
      /weights were set in the open and are commits, time-lock 4/,
    );
    expect(refused({ row: [[2, 65_534]] as never })).toThrow(/the row that the scores make is another/);
  });
});

test('what speaks against weights has the chain’s name, which differs by the form', () => {
  const no = (reason: 'rate-limit' | 'no-permit', form: 'set' | 'plain' | 'timelocked') =>
    refusalOf({ ok: false, reason, atBlock: 7 }, form);
  expect(no('rate-limit', 'set')).toMatchObject({ error: 'SettingWeightsTooFast', atBlock: 7 });
  expect(no('rate-limit', 'timelocked')).toMatchObject({ error: 'CommittingWeightsTooFast' });
  expect(no('no-permit', 'plain')).toMatchObject({ error: 'NeuronNoValidatorPermit' });
});

describe('a plain commit', () => {
  const schedule = { nextEpochBlock: 700, epochIndex: 5, tempo: 360, revealPeriodEpochs: 1 };
  const commit = { kind: 'plain' as const, hash: new Uint8Array(32), block: 400 };

  test('is revealed in the blocks of the epoch that lies a period after its own', () => {
    expect(countsAfter(schedule)).toEqual({ revealedFrom: 700, epochBlock: 1060 });
    expect(countsAfter({ ...schedule, revealPeriodEpochs: 3 })).toEqual({
      revealedFrom: 1420,
      epochBlock: 1780,
    });
    // filed under the next epoch, which was due
    expect(countsAfter(schedule, 6)).toEqual({ revealedFrom: 1060, epochBlock: 1420 });
    expect(withWindow({ ...commit, epoch: 5 }, schedule)).toMatchObject({
      reveal: { from: 700, until: 1059 },
    });
    // its turn is now: since the last epoch
    expect(withWindow({ ...commit, epoch: 4 }, schedule)).toMatchObject({
      reveal: { from: 340, until: 699 },
    });
  });

  test('is expired once that epoch is over', () => {
    expect(withWindow({ ...commit, epoch: 3 }, schedule)).toMatchObject({ isExpired: true });
  });
});

test('a head is stale after five block times, and after what clocks may differ by', () => {
  expect([60_000, 60_001, undefined].map((age) => isStale(age, 12_000))).toEqual([false, true, false]);
  expect([5_000, 5_001].map((age) => isStale(age, 250))).toEqual([false, true]);
});

test('a tolerance is added to what is paid and taken from what is got, to the rao', () => {
  expect(limitPriceOf(1_000_000_000n, 'stake', '5')).toBe(1_050_000_000n);
  expect(limitPriceOf(1_000_000_000n, 'unstake', '5')).toBe(950_000_000n);
  expect(limitPriceOf(3n, 'stake', '0.5')).toBe(4n);
  expect(limitPriceOf(3n, 'unstake', '0.5')).toBe(2n);
  expect(limitPriceOf(1_000_000_000n, 'stake', '0')).toBe(1_000_000_000n);
});
