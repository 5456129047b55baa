// Simulated devices: one timeline each, real arithmetic, and turns where two slots share one.
import { describe, expect, test } from 'vitest';
import type { Multiplier } from '../../../src/compute/compute.js';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { createGpuCompute } from '../../../src/compute/gpu/compute.js';
import { createPlainGpu } from '../../../src/compute/gpu/plain.js';
import type { Slot } from '../../../src/miner/slot.js';
import type { Clock } from '../../../src/model/clock.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { createPacedDevice } from '../../../src/testing/devices/paced.js';
import { withTurns } from '../../../src/testing/devices/turns.js';
import { createVirtualClock } from '../../../src/testing/virtual-clock.js';
import { bytes32 } from '../../support/sessions.js';
import { TOY_COMMIT, TOY_PARAMS_ID } from '../../support/toy-kind.js';

const N = 8;
/** One kernel of a whole label is 2 * 8^3 = 1024 operations: a hundred milliseconds. */
const OPS_PER_S = 10_240;
const LABEL = new Int8Array(N * N).fill(1);
const OPERAND = new Int8Array(N * N).fill(2);

const paced = (clock: Clock) => createPacedDevice(createReferenceCompute(), { clock, opsPerS: OPS_PER_S });

describe('a paced device', () => {
  test('gives the exact product, no earlier than its operations divided by its rate', async () => {
    const clock = createVirtualClock();
    await clock.runUntil(
      (async () => {
        const multiplier = await paced(clock).loadOperand(OPERAND, N);
        expect(multiplier.n).toBe(N);
        expect([...(await multiplier.multiply(LABEL))]).toEqual(Array(N * N).fill(16));
        expect(clock.monotonic()).toBe(100);
        for (let kernel = 2; kernel <= 15; kernel++) await multiplier.multiply(LABEL);
        expect(clock.monotonic()).toBe(1500);
        await multiplier.multiply(LABEL.subarray(0, N));
        expect(clock.monotonic()).toBe(1512.5);
        multiplier.release();
      })(),
    );
  });

  test('has one timeline: two users together finish what one would', async () => {
    const clock = createVirtualClock();
    await clock.runUntil(
      (async () => {
        const device = paced(clock);
        const ends = await Promise.all(
          [0, 1].map(async () => {
            const multiplier = await device.loadOperand(OPERAND, N);
            for (let kernel = 0; kernel < 5; kernel++) await multiplier.multiply(LABEL);
            return clock.monotonic();
          }),
        );
        expect(ends.sort((a, b) => a - b)).toEqual([900, 1000]);
      })(),
    );
  });

  test('takes its time for labels that the inner device keeps, one by one, and stops where they do', async () => {
    const clock = createVirtualClock();
    const { openLabels } = createGpuCompute(createPlainGpu());
    const n = 16; // 2 * 16^3 operations a label
    const device = createPacedDevice(
      { ...createReferenceCompute(), openLabels: openLabels! },
      { clock, opsPerS: 81_920 },
    );
    const random = createSeededRandom('paced');
    const spec = { basis: random.bytes(32), seed: random.bytes(32), n, capacity: 9 };
    await clock.runUntil(
      (async () => {
        const labels = await device.openLabels!(spec);
        const { signal } = new AbortController();
        expect(await labels.extend(9, () => clock.monotonic() < 300, signal)).toBe(3);
        expect(clock.monotonic()).toBe(300);
        await labels.accumulators([{ label: 2, index: 5 }]);
        expect(clock.monotonic()).toBe(306.25);
        expect(await labels.rows([{ label: 3, index: 0 }])).toHaveLength(1);
        labels.release();
      })(),
    );
  });

  test('two devices do not wait for each other', async () => {
    const clock = createVirtualClock();
    await clock.runUntil(
      (async () => {
        const multipliers = await Promise.all(
          [paced(clock), paced(clock)].map((each) => each.loadOperand(OPERAND, N)),
        );
        await Promise.all(multipliers.map((each: Multiplier) => each.multiply(LABEL)));
        expect(clock.monotonic()).toBe(100);
      })(),
    );
  });

  test('timers that fire late do not add up over the kernels of a job', async () => {
    const clock = createVirtualClock();
    const late: Clock = { ...clock, sleep: (ms, signal) => clock.sleep(ms + 20, signal) };
    await clock.runUntil(
      (async () => {
        const multiplier = await paced(late).loadOperand(OPERAND, N);
        for (let kernel = 0; kernel < 15; kernel++) await multiplier.multiply(LABEL);
        expect(clock.monotonic()).toBe(1500 + 20);
      })(),
    );
  });

  test('saves up no time: after a pause a kernel takes as long as ever', async () => {
    const clock = createVirtualClock();
    await clock.runUntil(
      (async () => {
        const multiplier = await paced(clock).loadOperand(OPERAND, N);
        await multiplier.multiply(LABEL);
        await clock.sleep(5000);
        await multiplier.multiply(LABEL);
        expect(clock.monotonic()).toBe(5200);
      })(),
    );
  });
});

describe('turns on one device', () => {
  const WORK_MS = 1000;

  function shared(clock: Clock) {
    const log: string[] = [];
    let working = 0;
    const slotOf = (name: string): Slot => ({
      claim: { index: 0, worker: name, kind: 'toy', paramsId: TOY_PARAMS_ID },
      async start(_job, signal) {
        signal.throwIfAborted();
        expect(++working).toBe(1);
        log.push(`${name} begins at ${clock.monotonic()}`);
        await clock.sleep(WORK_MS, signal);
        working--;
        signal.throwIfAborted();
        return { commit: TOY_COMMIT, open: async (request) => request, release: () => {} };
      },
    });
    const slots = withTurns([slotOf('a'), slotOf('b')], clock) as [Slot, Slot];
    return { slots, log };
  }
  const job = { eventId: bytes32('event'), basis: bytes32('basis'), seed: bytes32('seed') };
  const { signal } = new AbortController();

  test('are never taken at once, and who is first changes with every event, whoever asks first', async () => {
    const clock = createVirtualClock();
    const { slots, log } = shared(clock);
    await clock.runUntil(
      (async () => {
        for (const order of [
          [0, 1],
          [0, 1],
          [1, 0],
        ] as const) {
          await Promise.all(order.map((i) => slots[i].start(job, signal)));
          await clock.sleep(940);
        }
      })(),
    );
    expect(log).toEqual([
      'a begins at 60',
      'b begins at 1060',
      'b begins at 3060',
      'a begins at 4060',
      'a begins at 6060',
      'b begins at 7060',
    ]);
  });

  test('are taken for further steps as for the first', async () => {
    const clock = createVirtualClock();
    const log: string[] = [];
    const slotOf = (name: string): Slot => ({
      claim: { index: 0, worker: name, kind: 'toy', paramsId: TOY_PARAMS_ID },
      phases: [
        { from: 'go', withinMs: 5000 },
        { from: 'pass', withinMs: 5000 },
      ],
      start: async () => ({
        commit: TOY_COMMIT,
        async next() {
          log.push(`${name} begins at ${clock.monotonic()}`);
          await clock.sleep(WORK_MS);
          return TOY_COMMIT;
        },
        open: async (request) => request,
        release: () => log.push(`${name} released`),
      }),
    });
    const slots = withTurns([slotOf('a'), slotOf('b')], clock);
    expect(slots[0]!.phases).toHaveLength(2);
    await clock.runUntil(
      (async () => {
        const provings = await Promise.all(slots.map((slot) => slot.start(job, signal)));
        const step = { pass: bytes32('pass'), leftMs: () => 1 };
        await Promise.all(provings.map((proving) => proving.next!(step, signal)));
        provings[0]!.release();
      })(),
    );
    expect(log).toEqual(['b begins at 120', 'a begins at 1120', 'a released']);
  });

  test('an event in which only one asks counts as an event', async () => {
    const clock = createVirtualClock();
    const { slots, log } = shared(clock);
    await clock.runUntil(
      (async () => {
        await slots[1].start(job, signal);
        await Promise.all(slots.map((slot) => slot.start(job, signal)));
      })(),
    );
    expect(log.map((line) => line[0])).toEqual(['b', 'b', 'a']);
  });

  test('a job that is aborted gives its turn to the one behind it', async () => {
    const clock = createVirtualClock();
    const { slots, log } = shared(clock);
    const stop = new AbortController();
    await clock.runUntil(
      (async () => {
        const first = slots[0].start(job, stop.signal).catch((error: unknown) => error);
        const second = slots[1].start(job, signal);
        await clock.sleep(260);
        stop.abort();
        expect(await first).toBeInstanceOf(DOMException);
        await second;
      })(),
    );
    expect(log).toEqual(['a begins at 60', 'b begins at 260']);
  });
});
