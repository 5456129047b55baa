import { describe, expect, it } from 'vitest';
import { maxUpscale } from '../../../src/emissions/weights.js';
import { replay, toComputed, yumaCases } from './yuma-vectors.js';

const classic = yumaCases.filter((yuma) => !yuma.hyperparameters.yuma3);
const yuma3 = yumaCases.filter((yuma) => yuma.hyperparameters.yuma3);

describe('runEpoch against the vectors of subtensor spec 425', () => {
  it('covers every classic case of the file', () => {
    expect(classic.map((yuma) => yuma.id)).toEqual([
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
  });

  for (const yuma of classic) {
    it(`reproduces every output of ${yuma.id} exactly over ${yuma.steps.length} steps`, () => {
      const outputs = replay(yuma);
      outputs.forEach((output, step) => {
        expect(toComputed(output), `step ${step}`).toEqual(yuma.steps[step]!.computed);
      });
    });
  }

  for (const yuma of yuma3) {
    it(`refuses ${yuma.id}, which has Yuma3 on, instead of paying by classic bonds`, () => {
      expect(() => replay(yuma)).toThrow(expect.objectContaining({ code: 'unsupported' }));
    });
  }

  for (const yuma of yuma3) {
    it(`agrees on ${yuma.id} with everything that does not hang on bonds (masks, consensus, incentive, permits)`, () => {
      replay(yuma, { yuma3: false }).forEach((output, step) => {
        const { consensus, incentive, validator_trust, stake_weight, new_permits } =
          yuma.steps[step]!.computed;
        expect(toComputed(output), `step ${step}`).toMatchObject({
          consensus,
          incentive,
          validator_trust,
          stake_weight,
          new_permits,
        });
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
