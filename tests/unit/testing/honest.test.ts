import { describe, expect, test } from 'vitest';
import { HONEST_KINDS } from '../../../src/testing/honest/kinds.js';
import { LINE_MODELS } from '../../../src/testing/honest/models.js';
import { runHonest } from '../../../src/testing/honest/run.js';
import { kinds } from '../../../src/verification/kinds/index.js';

const never = new AbortController().signal;

describe('honest sessions over bad lines', () => {
  test('are run of every kind of this build', () => {
    for (const kind of Object.keys(kinds)) expect(Object.keys(HONEST_KINDS)).toContain(kind);
  });

  test.each(Object.keys(HONEST_KINDS))(
    '%s: all of 200 are accepted',
    async (kind) => {
      const rows = await runHonest(kind, { sessions: 200, seed: 'unit' }, never);
      expect(rows.map(({ line, others }) => [line, others])).toEqual(
        LINE_MODELS.map(({ name }) => [name, {}]),
      );
      expect(rows.reduce((sum, { accepted }) => sum + accepted, 0)).toBeGreaterThanOrEqual(200);
    },
    60_000,
  );
});
