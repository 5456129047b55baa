// A validator's events over slots of hosts behind one hotkey, in virtual time: accepted over a slow line, and a host that dies in one
// costs its own slot that event, one whose day is used up nothing.
import { expect, test } from 'vitest';
import { createReferenceCompute } from '../../../src/compute/cpu/reference.js';
import { runHost } from '../../../src/miner/hosts/host.js';
import { createHosts, type Hosts } from '../../../src/miner/hosts/hosts.js';
import { createLocalSlot, type Slot } from '../../../src/miner/slot.js';
import { fromHex, toHex } from '../../../src/model/bytes.js';
import type { Clock } from '../../../src/model/clock.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { createMemoryLedger } from '../../../src/testing/memory-ledger.js';
import { paramsId } from '../../../src/verification/checked-params.js';
import { bytes32 } from '../../support/sessions.js';
import { slowLine } from '../../support/slow-line.js';
import { onSmallSubnet } from '../../support/small-subnet.js';
import { TOY_PARAMS, type ToyParams, toyKind } from '../../support/toy-kind.js';

const PARAMS: ToyParams = { ...TOY_PARAMS, localnetOnly: false };
const ID = paramsId(PARAMS);
const SET = { kind: 'toy', className: 'toy', id: toHex(ID), params: PARAMS };
const toy = toyKind({
  table: new Map([[SET.id, PARAMS]]),
  parseParams: (value) => value as ToyParams,
});
const kinds = { toy };
const WORKERS = ['rack-1', 'rack-2'];

test('slots of hosts are accepted over a slow line; one that dies in an event loses that event, and no other slot does; one whose day is used up fails none', async () => {
  const stops = new Map<string, AbortController>();
  let dying: string | undefined;
  let capped: string | undefined;
  const deaths: string[] = [];

  async function openHosts(clock: Clock): Promise<Hosts> {
    const hosts = await createHosts({
      clock,
      log: silentLog,
      kinds,
      indices: { read: async () => [], write: async () => {} },
      readHosts: async () =>
        WORKERS.map((worker) => ({ worker, key: toHex(bytes32(worker)), revoked: false })),
    });
    for (const worker of WORKERS) {
      const stop = new AbortController();
      stops.set(worker, stop);
      const local = createLocalSlot(
        { compute: createReferenceCompute(), kind: toy, params: PARAMS, paramsId: ID, clock },
        { index: 0, worker },
      );
      const slot: Slot = {
        ...local,
        declines: () => (capped === worker ? 'capped' : undefined),
        start(job, signal) {
          if (dying === worker) {
            deaths.push(worker);
            stop.abort();
          }
          return local.start(job, signal);
        },
      };
      void runHost(
        {
          clock,
          log: silentLog,
          random: createSeededRandom(worker),
          kinds,
          dial: async () => {
            const [near, far] = slowLine(clock, () => 25);
            void hosts.meet(far, { key: bytes32(worker), address: `${worker}:1` });
            return near;
          },
          under: () => [slot],
        },
        { worker, slots: [{ number: 0, kind: 'toy', className: 'toy' }] },
        stop.signal,
      );
    }
    return hosts;
  }

  /** The miner's slots are there before its hosts are: each stands for the host's one slot. */
  const more = (clock: Clock): Slot[] => {
    let here: Hosts | undefined;
    const opened = openHosts(clock).then((hosts) => {
      here = hosts;
      return hosts;
    });
    const slotOf = (worker: string) => here?.under([SET]).slots.find(({ claim }) => claim.worker === worker);
    return WORKERS.map((worker, i) => ({
      claim: { index: 64 + i, worker, kind: 'toy', paramsId: fromHex(SET.id) },
      phases: toy.facts(PARAMS).phases,
      declines: (block) => slotOf(worker)?.declines?.(block),
      async start(job, signal) {
        await opened;
        const slot = slotOf(worker);
        if (!slot) throw new Error(`${worker} never came`);
        return slot.start(job, signal);
      },
    }));
  };

  const ledger = createMemoryLedger();
  const outcomes = () => ledger.outcomes({ fromEpoch: 0 }).filter(({ slot }) => slot >= 64);
  await onSmallSubnet(
    async ({ start, until }) => {
      const validator = start('validator-a', { kinds, ledger });
      await until(() => outcomes().filter(({ verdict }) => verdict.kind === 'accepted').length >= 4);
      dying = 'rack-2';
      await until(() => deaths.length > 0 && outcomes().some(({ verdict }) => verdict.kind === 'rejected'));
      capped = 'rack-1';
      await until(() => outcomes().some(({ verdict }) => verdict.kind === 'inconclusive'));
      await validator.stop();
      for (const stop of stops.values()) stop.abort();
    },
    { params: PARAMS, paramsId: ID, more },
  );
  const of = (kind: string) =>
    outcomes()
      .filter(({ verdict }) => verdict.kind === kind)
      .map(({ slot, verdict }) => [slot, verdict]);
  expect(of('rejected')[0]).toEqual([65, { kind: 'rejected', reason: 'window' }]);
  expect(of('rejected').filter(([slot]) => slot === 64)).toEqual([]);
  expect(of('inconclusive')).toEqual([[64, { kind: 'inconclusive', cause: 'capped' }]]);
});
