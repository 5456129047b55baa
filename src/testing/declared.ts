// Owns: what a machine proves as so many slots of whatever class it says it is: by published figures, honestly worked. Pure.
// Does not own: figures and classes (verification), what proven amounts count (scoring).
import type { Credit } from '../model/credit.js';
import { type DeviceFigures, fitOf, PASS_EFFICIENCY } from '../verification/classes.js';
import * as compute from '../verification/kinds/compute/params.js';
import type { HostMemoryParams } from '../verification/kinds/host-memory/params.js';
import * as memory from '../verification/kinds/memory/params.js';
import { type HostFigures, hostMemoryOutcome } from './liars/host-memory-model.js';

/** What each of `slots` slots on one card is credited that share its window evenly. */
export function computeAs(card: DeviceFigures, params: compute.ComputeParams, slots: number): Credit {
  const { memoryLabels, labelMs } = fitOf(card, params.n);
  const made = Math.min(Math.floor(params.windowMs / labelMs), memoryLabels);
  return compute.creditFor(params, Math.min(Math.floor(made / slots), params.labels));
}

/** The same of its memory, its passes and the work that fills it; nothing where no round is finished. */
export function memoryAs(card: DeviceFigures, params: memory.MemoryParams, slots: number): Credit {
  const { n, windowMs, fillMs, passMs, maxRounds } = params;
  const { memoryLabels, labelMs } = fitOf(card, n);
  const inTime = (ms: number): number => Math.min(Math.floor(ms / labelMs), memoryLabels);
  const labels = Math.min(Math.floor(inTime(fillMs) / slots), params.labels);
  const windowLabels = Math.min(Math.floor(inTime(windowMs) / slots), labels);
  const roundS = (labels * n ** 2 * slots) / (PASS_EFFICIENCY * card.memoryBytesPerS);
  const rounds = Math.min(maxRounds, Math.floor(passMs / 1000 / roundS));
  return labels < 1 || rounds < 1 ? {} : memory.creditFor(params, { windowLabels, labels, rounds });
}

/** The same of a host whose cores, memory and links they share evenly. */
export function hostMemoryAs(host: HostFigures, params: HostMemoryParams, slots: number): Credit {
  const { cores, memoryBytes, link, disk } = host;
  const part: HostFigures = {
    ...host,
    cores: Math.max(1, Math.floor(cores / slots)),
    memoryBytes: memoryBytes / slots,
    memoryBytesPerS: host.memoryBytesPerS / slots,
    hashBytesPerS: host.hashBytesPerS / slots,
    link: { ...link, bytesPerS: link.bytesPerS / slots },
    disk: { ...disk, bytesPerS: disk.bytesPerS / slots },
  };
  const { labelBytes } = params;
  const claimedBytes =
    Math.floor(Math.min(params.maxBytes, (0.8 * memoryBytes) / slots) / labelBytes) * labelBytes;
  const { creditedBytes, creditedBytesPerS } = hostMemoryOutcome(params, part, { claimedBytes, missing: {} });
  return { hostBytes: creditedBytes, hostBytesPerS: creditedBytesPerS };
}
