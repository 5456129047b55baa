// Owns: reading a subnet's schedule from state. Does not own: the arithmetic (chain/schedule.ts).
import type { Netuid } from '../../model/ids.js';
import { type Schedule, toSchedule } from '../schedule.js';
import { asNumber } from './plain.js';
import type { Runtime } from './runtime.js';
import { type Read, readOr } from './storage.js';

const M = 'SubtensorModule';

/** What to read for a schedule, in the order that `scheduleOf` takes it. Absent items of older runtimes: undefined. */
export const scheduleReads = (runtime: Runtime, netuid: Netuid) =>
  [
    readOr(runtime, M, 'Tempo', [netuid], asNumber, 0),
    readOr(runtime, M, 'LastEpochBlock', [netuid], asNumber, undefined),
    readOr(runtime, M, 'SubnetEpochIndex', [netuid], asNumber, undefined),
    readOr(runtime, M, 'PendingEpochAt', [netuid], asNumber, undefined),
  ] as const satisfies readonly Read<number | undefined>[];

type Found = readonly [
  tempo: number,
  lastEpochBlock: number | undefined,
  epochIndex: number | undefined,
  pendingEpochAt: number | undefined,
];

export function scheduleOf(
  netuid: Netuid,
  block: number,
  [tempo, lastEpochBlock, epochIndex, pendingEpochAt]: Found,
): Schedule & { readonly tempo: number } {
  return { tempo, ...toSchedule({ netuid, block, tempo, lastEpochBlock, epochIndex, pendingEpochAt }) };
}
