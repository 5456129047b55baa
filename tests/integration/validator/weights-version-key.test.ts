// What an owner's raising of the version key does to weights that are under way: the chain looks at it when a row is taken, and
// of a commit that is when it is revealed, an epoch later.
import { expect, test } from 'vitest';
import { createWeightsWorld, type FormUnderTest, rowOf } from '../../support/weights-world.js';

test.each<[FormUnderTest, number]>([
  ['set', 0],
  ['plain', 1],
  ['timelocked', 1],
])(
  'weights that are %s stand, though the version key is raised by two when they are on the chain',
  async (form, later) => {
    const world = await createWeightsWorld({ form });
    try {
      await world.setVersionKey(1);
      await world.untilStage(2, 'included');
      await world.setVersionKey(3);
      await world.untilEpoch(4 + later);
      await world.untilFinal();
      expect([2, 3].map((epoch) => world.rowAtEndOf(epoch + later))).toEqual([2, 3].map(rowOf));
      expect(
        world
          .records()
          .filter(({ epoch }) => epoch === 2 || epoch === 3)
          .map(({ stage }) => stage),
      ).toEqual(['applied', 'applied']);
    } finally {
      await world.close();
    }
  },
);
