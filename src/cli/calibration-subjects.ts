// Owns: what `assay verification calibrate` measures for each kind: devices opened, measured, closed; temporary plots and their end.
// Does not own: measuring and what follows from it (verification/calibration), flags and files (commands/verification/calibrate.ts).
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { HostMemory } from '../compute/host.js';
import { type PlotName, sectorBytes } from '../compute/spec/plot.js';
import type { Findings } from '../verification/calibration/figures.js';
import type { LabelsSet } from '../verification/calibration/labels.js';
import type { MeasureParts } from '../verification/calibration/parts.js';
import { deviceByClass, hashBytesPerS, WINDOW_MS } from '../verification/classes.js';
import type { BandwidthParams } from '../verification/kinds/bandwidth/params.js';
import type { ComputeParams } from '../verification/kinds/compute/params.js';
import type { HostMemoryParams } from '../verification/kinds/host-memory/params.js';
import type { LivenessParams } from '../verification/kinds/liveness/params.js';
import type { MemoryParams } from '../verification/kinds/memory/params.js';
import type { StorageParams } from '../verification/kinds/storage/params.js';
import { systemParts } from './assemble.js';
import { invalid } from './invalid-input.js';
import type { Card } from './one-device.js';
import { stderrLog } from './output.js';
import { createProgress } from './progress.js';

/** What flags say, as far as measuring asks for it. */
export interface CalibrationOptions {
  readonly runs: number;
  /** threads that work at once. @default as many as may */
  readonly threads?: number | undefined;
  readonly memoryGib?: number | undefined;
  /** folders of plots that are there already */
  readonly plots?: readonly string[] | undefined;
  /** where temporary plots are made. @default the system's */
  readonly folder?: string | undefined;
  /** size of the plot that is read */
  readonly gib: number;
  readonly onStep: (what: string) => void;
  /** what kinds of labels are measured on. @default the CPUs */
  readonly card?: Card | undefined;
}

export interface Measurement extends Findings {
  /** what was measured, as it calls itself */
  readonly device: string;
}

export interface CalibrationSubject {
  /** undefined where every class is for cards: the card's name suggests one, or it is named */
  readonly defaultClass: string | undefined;
  /** a run takes so long that fewer of them have to do */
  readonly defaultRuns: number;
  measure(params: unknown, options: CalibrationOptions, signal: AbortSignal): Promise<Measurement>;
}

/** Each is handed parameters of its own kind's table. */
export const CALIBRATED: Readonly<Record<string, CalibrationSubject>> = {
  compute: {
    defaultClass: 'cpu-2048',
    defaultRuns: 5,
    measure(params, options, signal) {
      const { class: name, n, windowMs, labels, nominalLabels } = params as ComputeParams;
      const nominal = { name: 'nominalLabels', labels: nominalLabels };
      return labelsOf({ n, windowMs, labels, nominal, ...publishedOf(name) }, labels, options, signal);
    },
  },
  memory: {
    defaultClass: undefined,
    defaultRuns: 5,
    measure(params, options, signal) {
      const {
        class: name,
        n,
        windowMs,
        labels,
        nominalLabels,
        nominalRounds,
        passMs,
      } = params as MemoryParams;
      const nominal = { name: 'nominalLabels', labels: nominalLabels };
      const passes = { rounds: nominalRounds, labels, withinMs: passMs };
      return labelsOf(
        { n, windowMs, labels, nominal, passes, ...publishedOf(name) },
        labels,
        options,
        signal,
      );
    },
  },
  'host-memory': {
    defaultClass: 'host-8',
    defaultRuns: 3,
    async measure(params, { runs, threads = availableParallelism(), memoryGib, onStep }, signal) {
      const [{ createThreadedHost }, { hostMemoryFindings, measureHostMemory }] = await Promise.all([
        import('../compute/host/threads.js'),
        import('../verification/calibration/host-memory.js'),
      ]);
      const bytes = memoryGib === undefined ? {} : { bytes: memoryGib * 2 ** 30 };
      const host: HostMemory = createThreadedHost({ lanes: threads, ...bytes });
      const room = host.bytes();
      const spec = { params: params as HostMemoryParams, bytes: room, runs };
      const measured = await measureHostMemory({ ...parts(onStep), host }, spec, signal);
      return { device: host.name, ...hostMemoryFindings(measured, spec.params, room) };
    },
  },
  storage: {
    defaultClass: 'nvme',
    defaultRuns: 5,
    measure: (params, options, signal) => storageOf(params as StorageParams, options, signal),
  },
  bandwidth: {
    defaultClass: 'link-1g',
    defaultRuns: 5,
    measure: (params, options, signal) => linkOf(params as BandwidthParams, options, signal),
  },
  liveness: {
    defaultClass: 'live',
    defaultRuns: 5,
    measure(params, options, signal) {
      const { n, windowMs, labels } = params as LivenessParams;
      const nominal = { name: 'labels', labels };
      // more than are owed, or nobody could say by how much they fit
      return labelsOf({ n, windowMs, labels: undefined, nominal }, 64 * labels, options, signal);
    },
  },
};

/** A side by itself is no class: it counts nothing. */
export const measureSide = (
  n: number,
  options: CalibrationOptions,
  signal: AbortSignal,
): Promise<Measurement> =>
  labelsOf(
    { n, windowMs: WINDOW_MS, labels: MOST_LABELS, nominal: { name: 'nominalLabels', labels: 1 } },
    MOST_LABELS,
    options,
    signal,
  );

const MOST_LABELS = 65_536;
/** Of what is free: others live here too. */
const MEMORY_SHARE = 0.5;

const parts = (onStep: MeasureParts['onStep']): MeasureParts => ({
  random: systemParts.random,
  now: () => performance.now(),
  ...(onStep ? { onStep } : {}),
});

function publishedOf(className: string): Pick<LabelsSet, 'published'> {
  const device = deviceByClass(className);
  if (!device) return {};
  const { peakOpsPerS: opsPerS, memoryBytesPerS } = device;
  return { published: { opsPerS, memoryBytesPerS, hashBytesPerS: hashBytesPerS(device) } };
}

function labelsOf(
  set: LabelsSet,
  most: number,
  options: CalibrationOptions,
  signal: AbortSignal,
): Promise<Measurement> {
  const { card } = options;
  return card
    ? labelsOnCard(set, most, { ...options, card }, signal)
    : labelsOnCpus(set, most, options, signal);
}

/** As many as its memory takes: what others hold there is not known beforehand. */
async function labelsOnCard(
  set: LabelsSet,
  most: number,
  { runs, memoryGib, onStep, card }: CalibrationOptions & { readonly card: Card },
  signal: AbortSignal,
): Promise<Measurement> {
  const { n, windowMs } = set;
  const [{ openGpu }, { measureGpu }, { labelFindings, measureLabels }] = await Promise.all([
    import('../compute/gpu/open.js'),
    import('../compute/gpu/measure.js'),
    import('../verification/calibration/labels.js'),
  ]);
  const { clock, random } = systemParts;
  const room = memoryGib === undefined ? card.memoryBytes : memoryGib * 2 ** 30;
  const capacity = Math.min(most, room === undefined ? most : Math.max(1, Math.floor(room / (n * n))));
  const compute = await openGpu(card.choice, { log: stderrLog('warn'), clock });
  try {
    const kernels = async () => measureGpu(compute.gpu, { n, clock, random });
    const spec = { n, capacity, windowMs, runs };
    const measured = await measureLabels({ ...parts(onStep), devices: { compute }, kernels }, spec, signal);
    const filled = Math.max(...measured.map(({ labels }) => labels)) * n * n;
    const found = labelFindings(measured, set, { cores: 1, memoryBytes: card.memoryBytes ?? filled });
    return { device: compute.name, ...found, limits: [...found.limits, ...stateOf(card)] };
  } finally {
    await compute.close?.();
  }
}

/** Recorded beside what was measured, and trusted by nobody. */
function stateOf({ nvidia }: Card): string[] {
  if (!nvidia) return [];
  const { temperatureC, powerW, powerLimitW, clockHz } = nvidia.state;
  const said = [
    temperatureC === undefined ? undefined : `${temperatureC} C`,
    powerW === undefined ? undefined : `${Math.round(powerW)} of ${Math.round(powerLimitW ?? 0)} W`,
    clockHz === undefined ? undefined : `${Math.round(clockHz / 1e6)} MHz`,
  ].filter((each) => each !== undefined);
  return said.length === 0 ? [] : [`before it, the driver said: ${said.join(', ')}`];
}

async function labelsOnCpus(
  set: LabelsSet,
  most: number,
  { runs, threads = availableParallelism(), memoryGib, onStep }: CalibrationOptions,
  signal: AbortSignal,
): Promise<Measurement> {
  const { n, windowMs } = set;
  const limit = memoryGib === undefined ? freemem() * MEMORY_SHARE : memoryGib * 2 ** 30;
  const capacity = Math.min(most, Math.floor(limit / (1.1 * n * n)));
  if (capacity < 1)
    throw invalid('memory', `room for a label of ${n} x ${n}`, `${Math.floor(limit / 2 ** 20)} MiB of it`);
  const [{ openCpu }, { labelFindings, measureLabels }] = await Promise.all([
    import('../compute/probe.js'),
    import('../verification/calibration/labels.js'),
  ]);
  const compute = await openCpu({ log: stderrLog('warn'), threads });
  try {
    const spec = { n, capacity, windowMs, runs };
    const measured = await measureLabels({ ...parts(onStep), devices: { compute } }, spec, signal);
    const host = { cores: threads, memoryBytes: totalmem() };
    return { device: compute.name, ...labelFindings(measured, set, host) };
  } finally {
    await compute.close?.();
  }
}

/** Of each thread in one run, some seconds: starting it counts too. */
const ENCODED_BYTES = 2 ** 33;
const MOST_ENCODED = 1024;
/** How often a sector that is only read is passed over when it is made: as rarely as a plot can be. */
const QUICK_PASSES = 2;

async function storageOf(
  params: StorageParams,
  options: CalibrationOptions,
  signal: AbortSignal,
): Promise<Measurement> {
  const { threads = availableParallelism(), runs, onStep } = options;
  const [{ createPlot }, { createFileDisk }, { measureStorage, storageFindings }] = await Promise.all([
    import('../compute/disk/create-plot.js'),
    import('../compute/disk/file.js'),
    import('../verification/calibration/storage.js'),
  ]);
  const { sectorBlocks, leafBlocks, passes, maxSectors } = params;
  const size = sectorBytes(params);
  const found = options.plots && (await plotIn(options.plots, params));
  const temporary = await temporaryFolder(options.folder ?? tmpdir());
  const place = systemParts.random.bytes(32);
  const disk = createFileDisk({
    folders: [...(options.plots ?? []), join(temporary.path, 'read')],
    // by itself it takes more than there are cores: most of them wait
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  });
  try {
    const name: PlotName = found ?? { place, sectorBlocks, leafBlocks, passes: QUICK_PASSES };
    if (!found) {
      const sectors = Math.min(maxSectors, Math.max(1, Math.floor((options.gib * 2 ** 30) / size)));
      onStep(`making ${Math.round((sectors * size) / 2 ** 20)} MiB to read`);
      const folder = join(temporary.path, 'read');
      const progress = createProgress({ unit: 'sectors', total: sectors });
      try {
        const onProgress = ({ done }: { done: number }) => progress.update(done);
        await createPlot({ folder, name, sectors, threads, onProgress }, signal);
      } finally {
        progress.end();
      }
    }
    let encoded = 0;
    const each = threads * Math.min(MOST_ENCODED, Math.ceil(ENCODED_BYTES / (size * passes)));
    const encode = async (until: AbortSignal): Promise<number> => {
      encoded += each;
      const folder = join(temporary.path, 'encode');
      const encodedName = { place, sectorBlocks, leafBlocks, passes };
      await createPlot({ folder, name: encodedName, sectors: encoded, threads }, until);
      return each;
    };
    const plot = await disk.open(name, signal);
    const measured = await measureStorage(
      { ...parts(onStep), plot, encode, diskBytes: diskReads },
      { params, runs },
      signal,
    );
    return { device: disk.name, ...storageFindings(measured, params, { cores: threads }) };
  } finally {
    await disk.close();
    await temporary.remove();
  }
}

/** The first plot of the class's sectors and leaves. @throws AssayError `invalid-input` */
async function plotIn(folders: readonly string[], params: StorageParams): Promise<PlotName> {
  const { readHeader } = await import('../compute/disk/plot-files.js');
  for (const folder of folders) {
    const header = await readHeader(folder);
    if (header?.name.sectorBlocks === params.sectorBlocks && header.name.leafBlocks === params.leafBlocks)
      return header.name;
  }
  throw invalid('--plots', `a folder with a plot of class ${params.class}`, folders.join(', '));
}

/** Gone at the end of the process at the latest: a second Ctrl-C waits for nothing. */
async function temporaryFolder(parent: string): Promise<{ readonly path: string; remove(): Promise<void> }> {
  let path: string;
  try {
    path = await mkdtemp(join(parent, 'assay-calibrate-'));
  } catch (cause) {
    throw invalid('--folder', 'a folder that can be written to', parent, cause);
  }
  const atExit = (): void => rmSync(path, { recursive: true, force: true });
  process.once('exit', atExit);
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true });
      process.off('exit', atExit);
    },
  };
}

/** Bytes that this process has had read from a device, threads and all; undefined where the system does not say. */
function diskReads(): number | undefined {
  let text: string;
  try {
    text = readFileSync('/proc/self/io', 'utf8');
  } catch {
    return undefined; // another system, or one that keeps it to itself
  }
  const bytes = /^read_bytes: (\d+)$/m.exec(text)?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}

const LOOPBACK = '127.0.0.1';

async function linkOf(
  params: BandwidthParams,
  { runs, onStep }: CalibrationOptions,
  signal: AbortSignal,
): Promise<Measurement> {
  const [{ openTcpLink }, { ed25519FromSeed }, { linkFindings, measureLink }] = await Promise.all([
    import('../compute/tcp/link.js'),
    import('../model/ed25519.js'),
    import('../verification/calibration/bandwidth.js'),
  ]);
  const { clock, random } = systemParts;
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  const open = () =>
    openTcpLink({ clock, key: ed25519FromSeed(random.bytes(32)) }, { host: LOOPBACK, port: 0 }, over);
  const links = [await open(), await open()] as const;
  const [link, source] = links;
  try {
    const measured = await measureLink(
      { ...parts(onStep), link, source, address: LOOPBACK },
      { params, runs },
      signal,
    );
    return { device: link.name, ...linkFindings(measured, params) };
  } finally {
    stop.abort();
    await Promise.all(links.map(({ closed }) => closed));
  }
}
