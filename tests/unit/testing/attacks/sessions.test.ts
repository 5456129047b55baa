import { describe, expect, test } from 'vitest';
import { createPackedCompute } from '../../../../src/compute/cpu/packed.js';
import type { Clock } from '../../../../src/model/clock.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { verdictToString } from '../../../../src/model/verdict.js';
import type { Prove } from '../../../../src/testing/attacks/session.js';
import { createPacedDevice } from '../../../../src/testing/devices/paced.js';
import { type EventOptions, honestEvent } from '../../../../src/testing/honest/events.js';
import { LINE_MODELS } from '../../../../src/testing/honest/models.js';
import { fabricatesRows } from '../../../../src/testing/liars/compute.js';
import { type ComputeParams, paramsByClass } from '../../../../src/verification/kinds/compute/params.js';
import { computeProof } from '../../../../src/verification/kinds/index.js';
import { UNHURRIED } from '../../../../src/verification/proof.js';

const near = LINE_MODELS.find(({ name }) => name === 'near')!;
const params: ComputeParams = {
  ...paramsByClass('paced')!,
  n: 32,
  labels: 40,
  nominalLabels: 12,
  samples: 16,
};
/** twelve labels in the window */
const opsPerS = (12 * 2 * params.n ** 3 * 1000) / params.windowMs;

/** The validators' own walk against the miner's own answer, on one paced device. */
async function verdicts(options: EventOptions<ComputeParams>): Promise<string[]> {
  const subject = (clock: Clock) => ({
    kind: computeProof,
    params,
    devices: { compute: createPacedDevice(createPackedCompute(), { clock, opsPerS }) },
  });
  const judged = await honestEvent(subject, near, createSeededRandom('sessions'), options);
  return judged.map(verdictToString);
}

const three = { seesLateMs: [0, 20, 40] };

describe('attackers of the review against the walk itself', () => {
  test('nobody lies, and all three validators accept', async () => {
    expect(await verdicts(three)).toEqual(['accepted', 'accepted', 'accepted']);
  });

  test('long work is late by the clock of every validator, whatever a friend among them says', async () => {
    const long: Prove<ComputeParams> = (devices, challenge, signal) =>
      computeProof.prove({ ...devices, ...UNHURRIED }, challenge, signal);
    expect(await verdicts({ ...three, prove: long })).toEqual([
      'rejected:window',
      'rejected:window',
      'rejected:window',
    ]);
  });

  test('silence after Open is a bad opening', async () => {
    const silent: Prove<ComputeParams> = async (devices, challenge, signal) => ({
      ...(await computeProof.prove(devices, challenge, signal)),
      open: () => new Promise(() => {}),
    });
    expect(await verdicts({ ...three, prove: silent })).toEqual([
      'rejected:opening-timeout',
      'rejected:opening-timeout',
      'rejected:opening-timeout',
    ]);
  });

  test('made-up rows are found by each validator with samples of its own', async () => {
    const liar = fabricatesRows({ share: 0.5, random: createSeededRandom('rows') });
    const found = await verdicts({ ...three, prove: liar.prove.bind(liar) });
    expect(found).toEqual(['rejected:projection', 'rejected:projection', 'rejected:projection']);
  });

  test('a validator whose Go came after the joint start sees itself left out', async () => {
    expect(await verdicts({ seesLateMs: [0, 600] })).toEqual(['accepted', 'rejected:left-out']);
  });

  test('a stall that somebody brings about gives back no more than a hundredth of the window', async () => {
    const thirteenLabels = async (stalledMs: number): Promise<string[]> => {
      let asked = 0;
      const prove: Prove<ComputeParams> = (devices, challenge, signal) => {
        const leftMs = () => (asked++ < 13 ? Number.POSITIVE_INFINITY : -1);
        return computeProof.prove({ ...devices, leftMs }, challenge, signal);
      };
      return verdicts({ seesLateMs: [0], prove, stalledMs });
    };
    // 8 % more than the window
    expect(await thirteenLabels(0)).toEqual(['rejected:window']);
    expect(await thirteenLabels(400)).toEqual(['rejected:window']);
    // a quarter of it puts all that was missed in doubt: the round makes a window of it where anybody was in time
    expect(await thirteenLabels(600)).toEqual(['inconclusive:validator-late']);
  });
});
