// The way to a host: how it is measured, and what a slow one costs; in virtual time.
import { describe, expect, test } from 'vitest';
import { runHost } from '../../../../src/miner/hosts/host.js';
import { createHosts } from '../../../../src/miner/hosts/hosts.js';
import { HOST_LIMITS } from '../../../../src/miner/hosts/limits.js';
import { createLine } from '../../../../src/miner/hosts/line.js';
import type { Slot } from '../../../../src/miner/slot.js';
import { fromHex, toHex } from '../../../../src/model/bytes.js';
import { createSeededRandom } from '../../../../src/model/prng.js';
import { createVirtualClock, type VirtualClock } from '../../../../src/testing/virtual-clock.js';
import { paramsId } from '../../../../src/verification/checked-params.js';
import { recordingLog } from '../../../support/logs.js';
import { bytes32 } from '../../../support/sessions.js';
import { slowLine } from '../../../support/slow-line.js';
import { TOY_PARAMS, type ToyParams, toyKind } from '../../../support/toy-kind.js';

const PARAMS: ToyParams = { ...TOY_PARAMS, localnetOnly: false };
const SET = { kind: 'toy', className: 'toy', id: toHex(paramsId(PARAMS)), params: PARAMS };
const kinds = {
  toy: toyKind({
    parseParams: (value) => value as ToyParams,
    limits: () => ({ commitBytes: 64, openingBytes: 64 }),
  }),
};

/** A miner and one host over a line of `oneWayMs`; the host's slot notes how much time it was left. */
async function over(clock: VirtualClock, oneWayMs: () => number) {
  const stop = new AbortController();
  const { log, lines } = recordingLog();
  const left: number[] = [];
  const hosts = await createHosts({
    clock,
    log,
    kinds,
    indices: { read: async () => [], write: async () => {} },
    readHosts: async () => [{ worker: 'far', key: toHex(bytes32('key')), revoked: false }],
  });
  const slot: Slot = {
    claim: { index: 0, worker: 'far', kind: 'toy', paramsId: fromHex(SET.id) },
    async start({ goneAt, seed }) {
      left.push(goneAt! + 900 - clock.monotonic());
      return {
        commit: seed,
        next: async ({ leftMs }) => {
          left.push(leftMs());
          return seed;
        },
        open: async (request) => request,
        release: () => {},
      };
    },
  };
  const running = runHost(
    {
      clock,
      log,
      random: createSeededRandom('far'),
      kinds,
      dial: async () => {
        const [near, far] = slowLine(clock, oneWayMs);
        void hosts.meet(far, { key: bytes32('key'), address: '10.0.0.2:1' });
        return near;
      },
      under: () => [slot],
    },
    { worker: 'far', slots: [{ number: 0, kind: 'toy', className: 'toy' }] },
    stop.signal,
  );
  return {
    hosts,
    lines,
    left,
    stop: async () => {
      stop.abort();
      await running;
    },
    slot: () => hosts.under([SET]).slots[0]!,
  };
}

describe('the way to a host', () => {
  test('is what a quarter of the latest sixteen times exceeded, and unknown before four', async () => {
    const clock = createVirtualClock();
    const takes = [10, 900, 30, 20, ...new Array<number>(20).fill(12)];
    const seen: (number | undefined)[] = [];
    const stop = new AbortController();
    const line = createLine({
      clock,
      ping: (id) => void clock.sleep(takes.shift()!).then(() => line.pong(id)),
      onMeasured() {
        seen.push(line.wayMs());
        if (takes.length === 0) stop.abort();
      },
    });
    await clock.runUntil(line.run(stop.signal));
    expect(seen.slice(0, 5)).toEqual([undefined, undefined, undefined, 30, 30]);
    expect(seen.slice(5, 13)).toEqual([30, 30, 20, 20, 20, 20, 12, 12]);
  });

  test('comes off what each step of the work is given', async () => {
    const clock = createVirtualClock();
    await clock.runUntil(
      (async () => {
        const at = await over(clock, () => 20);
        await clock.sleep(1000);
        expect(at.slot().rests?.()).toBe('far is getting ready for it');
        await clock.sleep(1000);
        const slot = at.slot();
        expect(slot.rests?.()).toBeUndefined();
        const job = { eventId: bytes32('e'), basis: bytes32('b'), seed: bytes32('s') };
        const signal = new AbortController().signal;
        const goneAt = clock.monotonic() - 100;
        const proving = await slot.start({ ...job, goneAt }, signal);
        await proving.next!({ pass: undefined, leftMs: () => 500 }, signal);
        // 100 ms had gone; 40 are the way's, of which half has gone by the time the host hears of it
        expect(at.left).toEqual([900 - 100 - 40, 500 - 40]);
        await at.stop();
      })(),
    );
  });

  test('that takes more than a tenth of a step rests its slots, says so with the numbers, and they come back', async () => {
    const clock = createVirtualClock();
    let oneWayMs = 20;
    await clock.runUntil(
      (async () => {
        const at = await over(clock, () => oneWayMs);
        await clock.sleep(1000);
        at.slot();
        await clock.sleep(1000);
        expect(at.slot().rests?.()).toBeUndefined();
        oneWayMs = 60;
        await clock.sleep(3 * HOST_LIMITS.pingMs);
        expect(at.slot().rests?.()).toBe(
          'the way to far and back takes 120 ms; toy:toy has steps of 1000 ms, of which it may take 100',
        );
        const said = at.lines.filter(({ msg }) => msg === 'a slot is not claimed').map((line) => line['why']);
        expect(said.at(-1)).toContain('takes 120 ms');
        oneWayMs = 20;
        await clock.sleep((HOST_LIMITS.samples + 2) * (HOST_LIMITS.pingMs + 120));
        expect(at.slot().rests?.()).toBeUndefined();
        await at.stop();
      })(),
    );
  });

  test('that is silent is over for both, without a word from either', async () => {
    const clock = createVirtualClock();
    let isCut = false;
    await clock.runUntil(
      (async () => {
        const at = await over(clock, () => (isCut ? 1e9 : 5));
        await clock.sleep(1000);
        expect(at.hosts.status().hosts[0]!.isConnected).toBe(true);
        isCut = true;
        await clock.sleep(HOST_LIMITS.silenceMs + 2 * HOST_LIMITS.pingMs);
        const why = at.lines.map(({ msg, reason }) => `${msg}: ${reason}`);
        expect(why).toContain('a host went: nothing came for 15000 ms');
        expect(
          why.some((line) => /^not connected to the miner: nothing came for 1\d{4} ms$/.test(line)),
        ).toBe(true);
        await at.stop();
      })(),
    );
  });
});
