// Owns: what this host has: processors, memory, disks, network, what it runs under, cards. Reads only; what cannot be found out is
// absent. Does not own: asking (host-facts.ts, nvidia-smi.ts), what is wrong with any of it (host-checks.ts), what it can do (proofs).
import { readdir } from 'node:fs/promises';
import { availableParallelism, cpus, type networkInterfaces, totalmem, uptime } from 'node:os';
import { VERSION } from '../../model/version.js';
import type { HostFacts } from '../../protocol/host-facts.js';
import { collectHostFacts, type HostQuestions, type ProgramQuestions } from '../host-facts.js';
import { askNvidiaSmi, type Smi } from './nvidia-smi.js';

export interface Inventory {
  readonly assay: string;
  readonly node: string;
  /** processor, kernel, virtualisation, container runtimes, ports, updates */
  readonly facts: HostFacts;
  readonly cpu: {
    readonly model: string | undefined;
    /** that this process may use at once */
    readonly threads: number;
    readonly mhz: number | undefined;
    /** cores that a container's limit leaves; undefined: no limit is seen */
    readonly limit: number | undefined;
  };
  readonly memory: {
    readonly bytes: number;
    readonly availableBytes: number | undefined;
    readonly swapBytes: number | undefined;
    /** that a container's limit leaves; undefined: no limit is seen */
    readonly limitBytes: number | undefined;
  };
  readonly disks: readonly DiskDevice[];
  readonly volumes: readonly Volume[];
  readonly network: readonly NetworkInterface[];
  readonly cards: Smi;
  /** on the PCI bus, whoever made them and with a driver or without */
  readonly graphics: readonly Graphics[];
  /** whether the system says that its clock follows another; undefined: it says nothing */
  readonly clockFollowed: boolean | undefined;
  readonly upSeconds: number;
}

export interface DiskDevice {
  readonly name: string;
  readonly model: string | undefined;
  readonly bytes: number;
  readonly rotates: boolean | undefined;
}

/** By the numbers of the PCI bus. */
export interface Graphics {
  readonly vendor: 'NVIDIA' | 'AMD' | 'Intel' | 'other';
  /** e.g. `10de:2335` */
  readonly id: string;
  /** e.g. `0000:3b:00.0` */
  readonly at: string;
}

export interface Volume {
  readonly path: string;
  readonly kind: string;
  readonly bytes: number;
  readonly freeBytes: number;
}

export interface NetworkInterface {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly mtu: number | undefined;
  /** as its driver says; virtual ones say nothing */
  readonly megabitsPerS: number | undefined;
}

/** What is asked of the system: a twin in tests. */
export interface InventoryQuestions extends HostQuestions, ProgramQuestions {
  /** names in a folder; empty where it cannot be read */
  list(folder: string): Promise<readonly string[]>;
  interfaces(): ReturnType<typeof networkInterfaces>;
}

export const listed = (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

const MOST = 64;
/** Block devices that are not disks: parts of memory, images, remote ones that nobody attached. */
const NO_DISK = /^(loop|ram|zram|dm-|md|sr|nbd|fd)/;
/** File systems on a disk, or shared like one. */
const ON_DISK = new Set(['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'overlay', 'nfs', 'nfs4']);

/** @param of.folder where data and plots go */
export async function takeInventory(
  ask: InventoryQuestions,
  of: { readonly folder: string; readonly at: number },
): Promise<Inventory> {
  const [facts, meminfo, limit, limitBytes, disks, volumes, network, cards, graphics, synchronised] =
    await Promise.all([
      collectHostFacts(ask, of),
      ask.read('/proc/meminfo'),
      coresLeft(ask),
      bytesLeft(ask),
      disksOf(ask),
      volumesOf(ask, of.folder),
      networkOf(ask),
      askNvidiaSmi(ask),
      graphicsOf(ask),
      ask.run('timedatectl', ['show', '--property=NTPSynchronized', '--value']),
    ]);
  const [first] = cpus();
  const kib = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d{1,15}) kB$`, 'm').exec(meminfo ?? '')?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  return {
    assay: VERSION,
    node: process.versions.node,
    facts,
    cpu: {
      model: facts.cpu,
      threads: availableParallelism(),
      mhz: first?.speed || undefined,
      limit,
    },
    memory: {
      bytes: totalmem(),
      availableBytes: kib('MemAvailable'),
      swapBytes: kib('SwapTotal'),
      limitBytes: limitBytes !== undefined && limitBytes < totalmem() ? limitBytes : undefined,
    },
    disks,
    volumes,
    network,
    cards,
    graphics,
    clockFollowed: { yes: true, no: false }[synchronised?.trim() ?? ''],
    upSeconds: Math.floor(uptime()),
  };
}

const CGROUP = '/sys/fs/cgroup';

/** `cpu.max` holds microseconds of so many; hosts with the first form of cgroups have a file for each, -1 where there is no limit. */
async function coresLeft(ask: InventoryQuestions): Promise<number | undefined> {
  const [both, quota, period] = await Promise.all(
    ['cpu.max', 'cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us'].map((file) => ask.read(`${CGROUP}/${file}`)),
  );
  const [, of, every] = /^(\d{1,12}) (\d{1,12})$/.exec((both ?? `${quota?.trim()} ${period}`).trim()) ?? [];
  return Number(every) > 0 ? Number(of) / Number(every) : undefined;
}

/** In the first form no limit is a number, larger than any memory. */
async function bytesLeft(ask: InventoryQuestions): Promise<number | undefined> {
  const [now, before] = await Promise.all(
    ['memory.max', 'memory/memory.limit_in_bytes'].map((file) => ask.read(`${CGROUP}/${file}`)),
  );
  return wholeOf(now ?? before);
}

async function disksOf(ask: InventoryQuestions): Promise<readonly DiskDevice[]> {
  const names = (await ask.list('/sys/block')).filter((name) => !NO_DISK.test(name)).slice(0, MOST);
  const disks = await Promise.all(
    names.map(async (name) => {
      const [size, rotational, model] = await Promise.all(
        ['size', 'queue/rotational', 'device/model'].map((what) => ask.read(`/sys/block/${name}/${what}`)),
      );
      const rotates = { '0': false, '1': true }[rotational?.trim() ?? ''];
      return { name: plain(name) ?? '?', model: plain(model), bytes: 512 * (wholeOf(size) ?? 0), rotates };
    }),
  );
  return disks.filter(({ bytes }) => bytes > 0).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Each file system once, and that of the data folder for certain. */
async function volumesOf(ask: InventoryQuestions, folder: string): Promise<readonly Volume[]> {
  const mounts = ((await ask.read('/proc/mounts')) ?? '').split('\n').flatMap((line) => {
    const [device = '', path = '', kind = ''] = line.split(' ');
    return ON_DISK.has(kind) ? [{ device, path: unescaped(path), kind }] : [];
  });
  const once = mounts.filter(({ device }, i) => mounts.findIndex((each) => each.device === device) === i);
  const wanted = [
    ...once.slice(0, MOST).map(({ path, kind }) => ({ path, kind })),
    { path: folder, kind: 'data folder' },
  ];
  const volumes = await Promise.all(
    wanted.map(async ({ path, kind }) => {
      const disk = await ask.disk(path);
      return disk ? [{ path: plain(path) ?? '?', kind, ...disk }] : [];
    }),
  );
  return volumes.flat();
}

/** As the kernel writes blanks: `\040`. */
const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** PCI classes of displays and of accelerators of graphics vendors. */
const DRAWS = /^0x03(00|02|80)|^0x1200/;
const VENDORS: Readonly<Record<string, Graphics['vendor']>> = {
  '0x10de': 'NVIDIA',
  '0x1002': 'AMD',
  '0x8086': 'Intel',
};
const MOST_ON_BUS = 1024;

async function graphicsOf(ask: InventoryQuestions): Promise<readonly Graphics[]> {
  const folder = '/sys/bus/pci/devices';
  const places = (await ask.list(folder)).slice(0, MOST_ON_BUS);
  const found = await Promise.all(
    places.map(async (at) => {
      const of = (what: string) => ask.read(`${folder}/${at}/${what}`).then((text) => text?.trim() ?? '');
      if (!DRAWS.test(await of('class'))) return [];
      const [vendor, device] = await Promise.all([of('vendor'), of('device')]);
      const id = `${vendor}:${device}`.replaceAll('0x', '');
      return /^[0-9a-f]{4}:[0-9a-f]{4}$/.test(id)
        ? [{ vendor: VENDORS[vendor] ?? ('other' as const), id, at: plain(at) ?? '?' }]
        : [];
    }),
  );
  return found.flat();
}

async function networkOf(ask: InventoryQuestions): Promise<readonly NetworkInterface[]> {
  const found = Object.entries(ask.interfaces()).slice(0, MOST);
  return Promise.all(
    found.map(async ([name, addresses = []]) => {
      const [mtu, speed] = await Promise.all(
        ['mtu', 'speed'].map((what) => ask.read(`/sys/class/net/${name}/${what}`).then(wholeOf)),
      );
      return {
        name: plain(name) ?? '?',
        addresses: addresses.map(({ address }) => address),
        mtu,
        megabitsPerS: speed,
      };
    }),
  );
}

/** A number alone; `max`, `-1` and the like are none. */
function wholeOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return /^\d{1,15}$/.test(trimmed) ? Number(trimmed) : undefined;
}

const plain = (text: string | undefined): string | undefined =>
  text
    ?.replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, 120) || undefined;
