// A validator's events over slots of hosts behind one hotkey, in virtual time: accepted over a slow line, and a host that dies in one
// costs its own slot that event.
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

test('slots of hosts are accepted over a slow line; one that dies in an event loses that event, and no other slot does', async () => {
  const stops = new Map<string, AbortController>();
  let dying: string | undefined;
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
    const opened = openHosts(clock);
    return WORKERS.map((worker, i) => ({
      claim: { index: 64 + i, worker, kind: 'toy', paramsId: fromHex(SET.id) },
      phases: toy.facts(PARAMS).phases,
      async start(job, signal) {
        const hosts = await opened;
        const slot = hosts.under([SET]).slots.find(({ claim }) => claim.worker === worker);
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
      await validator.stop();
      for (const stop of stops.values()) stop.abort();
    },
    { params: PARAMS, paramsId: ID, more },
  );
  const rejected = outcomes().filter(({ verdict }) => verdict.kind !== 'accepted');
  expect(rejected.map(({ slot, verdict }) => [slot, verdict])).toEqual([
    [65, { kind: 'rejected', reason: 'window' }],
  ]);
});
