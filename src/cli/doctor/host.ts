// Owns: opening what the named kinds are proven with on this host, and closing it. Does not own: which class (classes.ts).
import type { Devices } from '../../compute/compute.js';
import { systemParts } from '../assemble.js';
import { invalid } from '../invalid-input.js';
import { deviceOf } from '../one-device.js';
import { stderrLog } from '../output.js';
import { SMALL_STORAGE } from './classes.js';
import { type Asked, computes, type Host } from './finding.js';

export interface OpenedHost extends Omit<Host, 'findings' | 'catalogue'> {
  close(): Promise<void>;
}

/** What the named kinds need, and nothing else: ports and plots are opened for them only. */
export async function openHost(
  { threads, small, plots, class: named, device }: Asked,
  names: readonly string[],
  signal: AbortSignal,
): Promise<OpenedHost> {
  const [
    { isolateDevice },
    { openCpu },
    { createThreadedHost },
    { createMemoryDisk },
    { storageParamsByClass },
  ] = await Promise.all([
    import('../../compute/process/isolate.js'),
    import('../../compute/probe.js'),
    import('../../compute/host/threads.js'),
    import('../../compute/disk/memory.js'),
    import('../../verification/kinds/storage/params.js'),
  ]);
  const closing: (() => Promise<unknown> | undefined)[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(closing.map((end) => end()));
  };
  try {
    const plot = plots && !small ? await plotOf(plots, named) : undefined;
    const { findDevices } = await import('../../compute/find-devices.js');
    const found = device !== undefined || computes(names) ? await findDevices() : undefined;
    const card = await deviceOf(device, found);
    const log = stderrLog('warn');
    const opening = card
      ? isolateDevice({ choice: card.choice, log, clock: systemParts.clock })
      : openCpu({ log, threads: threads ?? 0 });
    const compute = await opening.catch((error: unknown) => {
      signal.throwIfAborted(); // a terminal's Ctrl-C ends a process that opens its device, too
      throw error;
    });
    closing.push(() => compute.close?.());
    signal.throwIfAborted();
    let devices: Devices = { compute, host: createThreadedHost(threads ? { lanes: threads } : {}) };
    if (plot && plots) {
      const { createFileDisk } = await import('../../compute/disk/file.js');
      const disk = createFileDisk({ folders: plots });
      closing.push(() => disk.close());
      // as a miner does when it starts: it takes seconds, and no session has them
      await disk.open(plot.name, signal);
      devices = { ...devices, disk };
    } else if (small || named === SMALL_STORAGE) {
      const tiny = storageParamsByClass('small');
      if (tiny) devices = { ...devices, disk: createMemoryDisk({ sectors: tiny.nominalSectors }) };
    }
    if (!names.includes('bandwidth')) return { devices, card, found, plot, meets: undefined, close };
    const { link, meets, end } = await openLinks(signal);
    closing.push(end);
    return { devices: { ...devices, link }, card, found, plot, meets, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const LOOPBACK = '127.0.0.1';

/** As many ends as a class has sources, and receivers. */
const ENDS = 8;

/** A link of this host, and those that it meets. */
export async function openLinks(signal: AbortSignal) {
  const [{ openTcpLink }, { ed25519FromSeed }] = await Promise.all([
    import('../../compute/tcp/link.js'),
    import('../../model/ed25519.js'),
  ]);
  const { clock, random } = systemParts;
  const stop = new AbortController();
  const over = AbortSignal.any([signal, stop.signal]);
  const open = () =>
    openTcpLink({ clock, key: ed25519FromSeed(random.bytes(32)) }, { host: LOOPBACK, port: 0 }, over);
  const [link, ...others] = await Promise.all([open(), ...Array.from({ length: ENDS }, open)]);
  const nothing = { name: 'none', loadOperand: () => Promise.reject(new TypeError('ends multiply nothing')) };
  const ends = others.map((other) => ({ address: LOOPBACK, devices: { compute: nothing, link: other } }));
  return {
    link,
    meets: { address: LOOPBACK, ends },
    async end(): Promise<void> {
      stop.abort();
      await Promise.all([link, ...others].map(({ closed }) => closed));
    },
  };
}

/** The first plot whose shape and size some class takes. @throws AssayError `invalid-input` */
async function plotOf(
  folders: readonly string[],
  named: string | undefined,
): Promise<NonNullable<Host['plot']>> {
  const [{ readHeader }, { STORAGE_PARAMS }] = await Promise.all([
    import('../../compute/disk/plot-files.js'),
    import('../../verification/kinds/storage/params.js'),
  ]);
  const found: string[] = [];
  for (const folder of folders) {
    const header = await readHeader(folder);
    if (!header) {
      found.push(`none in ${folder}`);
      continue;
    }
    const { name, sectors } = header;
    const fits = STORAGE_PARAMS.find(
      (each) =>
        (named === undefined || each.class === named) &&
        each.sectorBlocks === name.sectorBlocks &&
        each.leafBlocks === name.leafBlocks &&
        each.passes === name.passes &&
        each.minSectors <= sectors &&
        each.maxSectors >= sectors,
    );
    if (fits) return { name, class: fits.class };
    found.push(`${sectors} sectors of ${name.sectorBlocks} KiB in ${folder}`);
  }
  const classes = STORAGE_PARAMS.map(
    (each) => `${each.class} from ${each.minSectors} sectors of ${each.sectorBlocks} KiB`,
  );
  throw invalid('--plots', `a folder with a plot of a class (${classes.join(', ')})`, found.join(', '));
}
