// Owns: every point at which an epoch's weights can be struck, and what must be true afterwards. Does not own: the world they are
// struck in (weights-world.ts).
import { describe, expect, test } from 'vitest';
import { createWeightsWorld, type Fault, type FormUnderTest, type Point, rowOf } from './weights-world.js';

const SENT: Readonly<Record<FormUnderTest, string>> = {
  set: 'WeightsSet',
  plain: 'WeightsCommitted',
  timelocked: 'TimelockedWeightsCommitted',
};
const REVEALED: Readonly<Record<FormUnderTest, string>> = {
  set: 'WeightsSet',
  plain: 'WeightsRevealed',
  timelocked: 'TimelockedWeightsRevealed',
};
const FAULTS: readonly Fault[] = ['validator dies', 'node dies', 'network drops', 'reorganisation'];
const SENDING: readonly Point[] = [
  'before computed',
  'after computed',
  'before submitted',
  'after submitted',
  'in the pool',
  'before included',
  'after included',
  'one block after included',
];
const REVEALING: readonly Point[] = [
  'before reveal-submitted',
  'after reveal-submitted',
  'reveal in the pool',
  'before revealed',
  'after revealed',
];
const LAST: readonly Point[] = ['before applied', 'after applied'];
const POINTS: Readonly<Record<FormUnderTest, readonly Point[]>> = {
  set: [...SENDING, ...LAST],
  plain: [...SENDING, ...REVEALING, ...LAST],
  timelocked: [...SENDING, ...LAST],
};
/** Of these the first is struck; the others must not suffer from it. */
const EPOCHS = [2, 3] as const;

async function survive(form: FormUnderTest, fault?: { at: Point; is: Fault }) {
  const world = await createWeightsWorld({
    form,
    ...(fault ? { fault: { ...fault, epoch: EPOCHS[0] } } : {}),
  });
  /** a commit counts in the epoch after its own */
  const later = form === 'set' ? 0 : 1;
  try {
    await world.untilEpoch(EPOCHS[1] + later + 1);
    await world.untilFinal();
    const events = world.events();
    const countIn = (name: string, epoch: number) =>
      events.filter((each) => each.name === name && each.epoch === epoch).length;
    return {
      struck: world.struck,
      sends: EPOCHS.map((epoch) => countIn(SENT[form], epoch)),
      reveals: EPOCHS.map((epoch) => countIn(REVEALED[form], epoch + later)),
      rows: EPOCHS.map((epoch) => world.rowAtEndOf(epoch + later)),
      stages: world
        .records()
        .filter(({ epoch }) => EPOCHS.some((each) => each === epoch))
        .map(({ stage, reason }) => reason ?? stage),
      failed: world.progress.filter(({ is, epoch }) => is === 'failed' && epoch >= EPOCHS[0]),
    };
  } finally {
    await world.close();
  }
}

const EXACTLY_ONE = {
  sends: [1, 1],
  reveals: [1, 1],
  rows: EPOCHS.map(rowOf),
  stages: ['applied', 'applied'],
  failed: [],
};

/** One file for each form calls it, so that they run side by side. */
export function strikeEverywhere(form: FormUnderTest): void {
  describe(`an epoch whose weights are ${form}`, () => {
    test('without a fault is sent once, and applied', async () => {
      expect(await survive(form)).toEqual({ struck: 0, ...EXACTLY_ONE });
    });

    test.each(POINTS[form].flatMap((at) => FAULTS.map((is) => [is, at] as const)))(
      'when the fault is "%s", %s: exactly one, its own row, applied',
      async (is, at) => {
        expect(await survive(form, { at, is })).toEqual({ struck: 1, ...EXACTLY_ONE });
      },
    );
  });
}
