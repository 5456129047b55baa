// Owns: an honest event of each proof kind, at sizes that take milliseconds, on devices that take simulated time.
// Does not own: lines (models.ts), the walk (events.ts).
import type { Compute } from '../../compute/compute.js';
import { createPackedCompute } from '../../compute/cpu/packed.js';
import { createReferenceCompute } from '../../compute/cpu/reference.js';
import { createMemoryDisk } from '../../compute/disk/memory.js';
import type { Disk } from '../../compute/disk.js';
import { createPlainHost } from '../../compute/host/plain.js';
import type { HostLanes, HostMemory } from '../../compute/host.js';
import type { Clock } from '../../model/clock.js';
import type { Random } from '../../model/prng.js';
import type { Verdict } from '../../model/verdict.js';
import { paramsByClass as bandwidthParamsByClass } from '../../verification/kinds/bandwidth/params.js';
import { type ComputeParams, paramsByClass } from '../../verification/kinds/compute/params.js';
import { hostMemoryProof } from '../../verification/kinds/host-memory/index.js';
import { hostMemoryParamsByClass } from '../../verification/kinds/host-memory/params.js';
import { computeProof } from '../../verification/kinds/index.js';
import { livenessProof } from '../../verification/kinds/liveness/index.js';
import { livenessParamsByClass } from '../../verification/kinds/liveness/params.js';
import { memoryProof } from '../../verification/kinds/memory/index.js';
import { memoryParamsByClass } from '../../verification/kinds/memory/params.js';
import { storageProof } from '../../verification/kinds/storage/index.js';
import { storageParamsByClass } from '../../verification/kinds/storage/params.js';
import { playRound } from '../bandwidth-round.js';
import { createVirtualNetwork } from '../devices/links.js';
import { createPacedDevice } from '../devices/paced.js';
import { createVirtualClock } from '../virtual-clock.js';
import { honestEvent } from './events.js';
import { type LineModel, uniform } from './line.js';

/** One event: a verdict for each of its sessions. */
export type HonestEvent = (model: LineModel, random: Random) => Promise<readonly Verdict[]>;

const packed = createPackedCompute();
const reference = createReferenceCompute();

const COMPUTE: ComputeParams = {
  ...paramsByClass('paced')!,
  n: 32,
  labels: 16,
  nominalLabels: 12,
  samples: 16,
};

/** A device that finishes about so many labels in the window; half as many, or half as many more, by the draw. */
function pacedFor(
  params: { n: number; windowMs: number },
  labels: number,
  parts: { clock: Clock; random: Random; bytesPerS?: number },
): Compute {
  const speed = 0.5 + uniform(parts.random);
  const { clock, bytesPerS = Number.POSITIVE_INFINITY } = parts;
  const opsPerS = (speed * labels * 2 * params.n ** 3 * 1000) / params.windowMs;
  return createPacedDevice(packed, { clock, opsPerS, bytesPerS: speed * bytesPerS });
}

const compute: HonestEvent = (model, random) =>
  honestEvent(
    (clock) => ({
      kind: computeProof,
      params: COMPUTE,
      devices: { compute: pacedFor(COMPUTE, 12, { clock, random }) },
    }),
    model,
    random,
  );

const MEMORY = {
  ...memoryParamsByClass('paced-memory')!,
  n: 64,
  labels: 16,
  nominalLabels: 12,
  samples: 8,
  fillSamples: 8,
  passSamples: 8,
  maxRounds: 12,
};
/** nine rounds of all labels in the time of the Pass */
const MEMORY_BYTES_PER_S = (9 * MEMORY.labels * MEMORY.n ** 2 * 1000) / MEMORY.passMs;

const memory: HonestEvent = (model, random) =>
  honestEvent(
    (clock) => ({
      kind: memoryProof,
      params: MEMORY,
      devices: { compute: pacedFor(MEMORY, 12, { clock, random, bytesPerS: MEMORY_BYTES_PER_S }) },
    }),
    model,
    random,
  );

const LIVENESS = { ...livenessParamsByClass('live-small')!, n: 32, labels: 8, samples: 8 };

const liveness: HonestEvent = (model, random) =>
  honestEvent(
    (clock) => ({
      kind: livenessProof,
      params: LIVENESS,
      // all labels are owed: the slowest device still has half of the window to spare
      devices: { compute: pacedFor(LIVENESS, 4 * LIVENESS.labels, { clock, random }) },
    }),
    model,
    random,
  );

const HOST = {
  ...hostMemoryParamsByClass('host-small')!,
  labelBytes: 256,
  infoBytes: 84,
  minBytes: 2 ** 12,
  maxBytes: 2 ** 14,
  maxLeaves: 8,
  labelSamples: 6,
  digestSamples: 6,
  stepSamples: 4,
};

const plainHost = createPlainHost();

/** The same memory, whose fill takes some of its time and whose rounds and walk take theirs. */
function slowHost(inner: HostMemory, clock: Clock, random: Random): HostMemory {
  const fillMs = 200 + 3000 * uniform(random);
  const passMs = 40 + 60 * uniform(random);
  const walkMs = 50 + 200 * uniform(random);
  return {
    name: `slow(${inner.name})`,
    lanes: inner.lanes,
    bytes: () => inner.bytes(),
    async openLanes(spec, signal) {
      const lanes = await inner.openLanes(spec, signal);
      const after = async <T>(ms: number, work: Promise<T>): Promise<T> => {
        const result = await work;
        await clock.sleep(ms);
        return result;
      };
      const slow: Pick<HostLanes, 'fill' | 'pass' | 'walk'> = {
        fill: (...args) => after(fillMs, lanes.fill(...args)),
        pass: (...args) => after(passMs, lanes.pass(...args)),
        walk: (...args) => after(walkMs, lanes.walk(...args)),
      };
      // getters stay getters
      return Object.create(lanes, Object.getOwnPropertyDescriptors(slow)) as HostLanes;
    },
  };
}

const hostMemory: HonestEvent = (model, random) =>
  honestEvent(
    (clock) => ({
      kind: hostMemoryProof,
      params: HOST,
      devices: { compute: reference, host: slowHost(plainHost, clock, random) },
    }),
    model,
    random,
  );

const STORAGE = storageParamsByClass('small')!;
const plainDisk = createMemoryDisk({ sectors: 23 });

/** The same plots, whose leaves take up to half of the time that they are owed in. */
function slowDisk(inner: Disk, clock: Clock, random: Random): Disk {
  const leavesMs = 0.5 * STORAGE.answerMs * uniform(random);
  return {
    name: `slow(${inner.name})`,
    async open(name, signal) {
      const plot = await inner.open(name, signal);
      return {
        ...plot,
        async digestLeaves(...args) {
          const digests = await plot.digestLeaves(...args);
          await clock.sleep(leavesMs);
          return digests;
        },
      };
    },
  };
}

const storage: HonestEvent = (model, random) =>
  honestEvent(
    (clock) => ({
      kind: storageProof,
      params: STORAGE,
      devices: { compute: packed, disk: slowDisk(plainDisk, clock, random) },
    }),
    model,
    random,
  );

const RATE = 250_000;
const LINK = {
  ...bandwidthParamsByClass('paced')!,
  segmentLeaves: 2,
  maxSegments: 24,
  samples: 16,
  nominalBytesPerS: RATE,
};
const HOSTS = 8;

/** One round of eight hosts on lines of the model, each of a rate of its own. */
const bandwidth: HonestEvent = async (model, random) => {
  const clock = createVirtualClock();
  const network = createVirtualNetwork({ clock });
  const [least, most] = model.rttMs;
  const hosts = Array.from({ length: HOSTS }, (_, i) => {
    const address = `10.${i}.0.1`;
    const rate = RATE * (0.5 + uniform(random));
    const link = network.host({
      address,
      upBytesPerS: rate,
      downBytesPerS: rate,
      // two such ways are a line of the model
      latencyMs: (least + uniform(random) * (most - least) + model.jitterMs) / 4,
      loss: model.loss,
    });
    return { link, address, skewMs: uniform(random) * 0.01 * LINK.windowMs };
  });
  const round = playRound(
    { clock, random: random.fork('round'), compute: reference },
    { params: LINK, hosts },
  );
  return (await clock.runUntil(round)).map(({ verdict }) => verdict);
};

export const HONEST_KINDS: Readonly<Record<string, HonestEvent>> = {
  compute,
  memory,
  'host-memory': hostMemory,
  bandwidth,
  storage,
  liveness,
};
