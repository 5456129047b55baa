import { describe, expect, test } from 'vitest';
import {
  createWeightsWorld,
  type Fault,
  type FormUnderTest,
  type Point,
} from '../../support/weights-world.js';

const SENT: Readonly<Record<FormUnderTest, string>> = {
  set: 'WeightsSet',
  plain: 'WeightsCommitted',
  timelocked: 'TimelockedWeightsCommitted',
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

/** Two epochs are sent before the end; in the first of them the fault strikes. */
async function survive(form: FormUnderTest, fault?: { at: Point; is: Fault }) {
  const start = 2;
  const world = await createWeightsWorld({ form, ...(fault ? { fault: { ...fault, epoch: start } } : {}) });
  try {
    await world.untilEpoch(start + 3);
    const sent = world.events().filter(({ name }) => name === SENT[form]);
    const epochs = [start, start + 1, start + 2];
    return {
      struck: world.struck,
      sends: epochs.map((epoch) => sent.filter((event) => event.epoch === epoch).length),
      stages: world
        .records()
        .filter(({ epoch }) => epoch === start || epoch === start + 1)
        .map(({ stage, reason }) => reason ?? stage),
      row: await world.row(),
      failed: world.progress.filter(({ is }) => is === 'failed'),
    };
  } finally {
    await world.close();
  }
}

describe.each(['set', 'plain', 'timelocked'] as const)('an epoch whose weights are %s', (form) => {
  test('without a fault is sent once, and applied', async () => {
    expect(await survive(form)).toEqual({
      struck: 0,
      sends: [1, 1, 1],
      stages: ['applied', 'applied'],
      row: [[1, 65535]],
      failed: [],
    });
  });

  test.each(POINTS[form].flatMap((at) => FAULTS.map((is) => [is, at] as const)))(
    'when the %s %s: exactly one, and applied',
    async (is, at) => {
      expect(await survive(form, { at, is })).toEqual({
        struck: 1,
        sends: [1, 1, 1],
        stages: ['applied', 'applied'],
        row: [[1, 65535]],
        failed: [],
      });
    },
  );
});
