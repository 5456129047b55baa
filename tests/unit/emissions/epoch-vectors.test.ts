import { describe, expect, it } from 'vitest';
import { parseEpochCases } from '../../../src/emissions/cases/parse.js';
import { runEpochCase } from '../../../src/emissions/cases/run.js';
import { formatEpochResults } from '../../../src/emissions/cases/text.js';
import { runEpoch } from '../../../src/emissions/epoch.js';
import { runEpochInDoubles } from '../../../src/emissions/epoch-in-doubles.js';
import { maxUpscale } from '../../../src/emissions/weights.js';
import { type YumaCase, yumaVectors } from './yuma-vectors.js';

const yumaCases = yumaVectors.cases;
const epochCases = parseEpochCases(yumaVectors);

describe('the vectors of subtensor spec 425', () => {
  it('are of classic bonds, Yuma3, and liquid alpha', () => {
    const ids = (wanted: (h: YumaCase['hyperparameters']) => boolean) =>
      yumaCases.filter((yuma) => wanted(yuma.hyperparameters)).map((yuma) => yuma.id);
    expect(ids((h) => !h.yuma3)).toEqual([
      'E01',
      'E02',
      'E04',
      'E05',
      'E07',
      'E09_2_0_0',
      'E09_4_1_1',
      'E11',
      'L03',
      'L05',
      'M01',
      'X02_0',
    ]);
    expect(ids((h) => h.yuma3 && !h.liquid_alpha)).toEqual(['Y05', 'C01', 'M05']);
    expect(ids((h) => h.yuma3 && h.liquid_alpha)).toEqual(['Y01', 'Y04', 'X01']);
  });

  for (const [index, yuma] of yumaCases.entries())
    for (const run of [runEpoch, runEpochInDoubles])
      it(`are what ${run.name} gives for ${yuma.id}, every output of ${yuma.steps.length} steps`, () => {
        const result = runEpochCase(epochCases[index]!, run);
        expect(JSON.parse(formatEpochResults([result]))).toEqual({
          cases: [{ id: yuma.id, steps: yuma.steps.map(({ computed }) => computed) }],
        });
      });

  it('store every submitted row max-upscaled', () => {
    let rows = 0;
    for (const action of yumaCases.flatMap((yuma) => yuma.steps.flatMap((step) => step.actions))) {
      if (action.op !== 'set_weights') continue;
      const upscaled = maxUpscale(action.values);
      expect(action.uids.map((uid, k) => [uid, upscaled[k]])).toEqual(action.stored);
      rows++;
    }
    expect(rows).toBe(91);
  });
});
