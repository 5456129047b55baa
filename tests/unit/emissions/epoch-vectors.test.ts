import { describe, expect, it } from 'vitest';
import { maxUpscale } from '../../../src/emissions/weights.js';
import { replay, toComputed, type YumaCase, yumaCases } from './yuma-vectors.js';

describe('runEpoch against the vectors of subtensor spec 425', () => {
  it('covers every case of the file: classic bonds, Yuma3, liquid alpha', () => {
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

  for (const yuma of yumaCases) {
    it(`reproduces every output of ${yuma.id} exactly over ${yuma.steps.length} steps`, () => {
      const outputs = replay(yuma);
      outputs.forEach((output, step) => {
        expect(toComputed(output), `step ${step}`).toEqual(yuma.steps[step]!.computed);
      });
    });
  }

  it('max-upscales every submitted row of the vectors to what was stored', () => {
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
