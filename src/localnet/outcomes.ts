// Owns: what became of each extrinsic of a block, and what the log says of it. Does not own: making blocks (blocks.ts).
import { dispatchErrorName, type EventRecord, type RuntimeEvent } from '../chain/codec/runtime.js';
import { toHex } from '../model/bytes.js';
import type { Log } from '../model/log.js';
import type { Block } from './blocks.js';
import type { Pending } from './pool.js';

/** @param index position in the block; 0 is the timestamp */
export const eventsOf = (records: readonly EventRecord[], index: number): RuntimeEvent[] =>
  records
    .filter(({ phase }) => phase.type === 'ApplyExtrinsic' && phase.value[0] === index)
    .map(({ event }) => event);

/** `SubtensorModule.SubnetNotExists`; of Sudo.sudo the inner call's; undefined when it succeeded. */
export function errorOf(events: readonly RuntimeEvent[]): string | undefined {
  for (const event of events) {
    if (event.name === 'ExtrinsicFailed') return dispatchErrorName(event.data.dispatch_error);
    if (event.name === 'Sudid' && event.data.sudo_result.type === 'Err')
      return dispatchErrorName(event.data.sudo_result.value[0]);
  }
  return undefined;
}

/** A line for each block: at info when somebody sent something or an epoch ran, else at debug. */
export function logBlock(log: Log, block: Block, extrinsics: readonly Pending[]): void {
  const { number, events } = block;
  const hash = toHex(block.hash);
  const epochs = epochsOf(events);
  if (extrinsics.length === 0 && epochs.length === 0) {
    log.debug('block', { number, hash });
    return;
  }
  const calls = extrinsics.map(({ extrinsic, who }, index) => ({
    call: nameOf(extrinsic.call),
    by: who,
    result: errorOf(eventsOf(events, index + 1)) ?? 'ok',
  }));
  log.info('block', {
    number,
    hash,
    ...(calls.length > 0 ? { calls } : {}),
    ...(epochs.length > 0 ? { epochs } : {}),
  });
}

/** Subnets whose epoch ran at the beginning of the block. */
function epochsOf(events: readonly EventRecord[]): number[] {
  const netuids = new Set<number>();
  for (const { phase, event } of events)
    if (phase.type === 'Initialization' && event.name === 'IncentiveAlphaEmittedToMiners')
      netuids.add(event.data.netuid);
  return [...netuids];
}

function nameOf(call: Pending['extrinsic']['call']): string {
  const inner = call.pallet === 'Sudo' && call.name === 'sudo' ? `(${nameOf(call.args.call)})` : '';
  return `${call.pallet}.${call.name}${inner}`;
}
