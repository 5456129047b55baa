// Owns: which devices this host has, how they are opened, and why some cannot be. Does not own: opening (process/), what they
// prove (verification).
import { availableParallelism, cpus, totalmem } from 'node:os';
import { AssayError, isAssayError } from '../model/errors.js';
import { MIN_DRIVER, versionText } from './cuda/driver.js';
import type { CardState, NvidiaHost } from './cuda/nvml.js';
import type { DeviceChoice } from './process/device-process.js';

export interface FoundDevice {
  /** what a slot is told: `cpu`, `cuda:0`, `cuda:0.1` for the second slice of the first card, `webgpu`, `webgpu:1` for the next adapter */
  readonly id: string;
  /** as the driver has it: cosmetic, what counts is measured */
  readonly name: string;
  readonly memoryBytes: number | undefined;
  /** how it is opened in a process of its own */
  readonly choice: DeviceChoice;
  /** why it cannot be used as it is, with the fix */
  readonly problem: string | undefined;
  readonly nvidia?: {
    readonly uuid: string;
    readonly pciBusId: string;
    readonly capability: number;
    readonly maxClockHz: number | undefined;
    readonly maxMemoryClockHz: number | undefined;
    readonly link: { readonly generation: number; readonly width: number } | undefined;
    readonly ecc: boolean | undefined;
    readonly slice: boolean;
    readonly state: CardState;
  };
}

export interface FoundDevices {
  /** the best first: what proves most */
  readonly devices: readonly FoundDevice[];
  /** kinds of devices that there are none of, with the reason */
  readonly absent: readonly { readonly backend: 'cuda' | 'webgpu'; readonly why: string }[];
  readonly driver: { readonly version: string; readonly cuda: number } | undefined;
}

export interface FindDevicesOptions {
  /** @default the driver's management library */
  readonly listNvidia?: () => Promise<NvidiaHost>;
  /** adapters that Dawn names. @default those of the optional package */
  readonly listWebGpu?: () => Promise<readonly { readonly name: string; readonly software: boolean }[]>;
}

/** Looks, and opens nothing: no context is made, nothing is compared. */
export async function findDevices(options: FindDevicesOptions = {}): Promise<FoundDevices> {
  const { listNvidia = nvidia, listWebGpu = webGpu } = options;
  const absent: { backend: 'cuda' | 'webgpu'; why: string }[] = [];
  const ask = async <T>(backend: 'cuda' | 'webgpu', list: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await list();
    } catch (error) {
      if (!isAssayError(error, 'unsupported')) throw error;
      absent.push({ backend, why: error.data.why });
      return undefined;
    }
  };
  const host = await ask('cuda', listNvidia);
  const adapters = await ask('webgpu', listWebGpu);
  const cards = host ? cardsOf(host) : [];
  if (host && cards.length === 0) absent.push({ backend: 'cuda', why: 'the NVIDIA driver sees no card' });
  return {
    devices: [
      ...cards,
      ...[...(adapters ?? [])].sort((a, b) => Number(a.software) - Number(b.software)).map(adapterOf),
      cpu(),
    ],
    absent,
    driver: host?.driver,
  };
}

async function nvidia(): Promise<NvidiaHost> {
  const { listNvidia } = await import('./cuda/nvml.js');
  return listNvidia();
}

async function webGpu(): Promise<readonly { readonly name: string; readonly software: boolean }[]> {
  const [{ adapterNames, loadDawn }, { isSoftwareName }] = await Promise.all([
    import('./webgpu/dawn.js'),
    import('./webgpu/adapter.js'),
  ]);
  const names = await adapterNames(await loadDawn());
  if (names.length > 0) return names.map((name) => ({ name, software: isSoftwareName(name) }));
  const why = 'Dawn finds no adapter: install the driver of the graphics processor with its Vulkan part';
  throw new AssayError('unsupported', why, { what: 'webgpu', why });
}

function cardsOf({ cards, silent, driver }: NvidiaHost): FoundDevice[] {
  const found = cards.flatMap((card): FoundDevice[] => {
    const { index, name, capability, computeMode, mig, slices } = card;
    const problem =
      driver.cuda < MIN_DRIVER
        ? `the driver takes CUDA ${versionText(driver.cuda)}: kernels need ${versionText(MIN_DRIVER)}, update it`
        : capability < 75
          ? `compute capability ${capability / 10} has no int8 tensor cores`
          : computeMode === 'prohibited'
            ? 'its compute mode prohibits work: nvidia-smi -c DEFAULT'
            : undefined;
    const { uuid, pciBusId, maxClockHz, maxMemoryClockHz, link, ecc, state } = card;
    const facts = {
      uuid,
      pciBusId,
      capability,
      maxClockHz,
      maxMemoryClockHz,
      link,
      ecc,
      slice: false,
      state,
    };
    if (!mig)
      return [
        {
          id: `cuda:${index}`,
          name,
          memoryBytes: card.memoryBytes,
          choice: { device: 'cuda', uuid },
          problem,
          nvidia: facts,
        },
      ];
    if (slices.length === 0)
      return [
        {
          id: `cuda:${index}`,
          name,
          memoryBytes: card.memoryBytes,
          choice: { device: 'cuda', uuid },
          problem: 'it is set to be cut, and has no slice: nvidia-smi mig -cgi ... -C, or turn MIG off',
          nvidia: facts,
        },
      ];
    return slices.map((slice, place) => ({
      id: `cuda:${index}.${place}`,
      name: `${name}, slice ${place}`,
      memoryBytes: slice.memoryBytes,
      choice: { device: 'cuda', uuid: slice.uuid },
      problem,
      nvidia: { ...facts, uuid: slice.uuid, slice: true },
    }));
  });
  const lost = silent.map(
    ({ index, why }): FoundDevice => ({
      id: `cuda:${index}`,
      name: 'NVIDIA card',
      memoryBytes: undefined,
      choice: { device: 'cuda' },
      problem: `${why}: look for Xid lines in the kernel's log, and restart the host`,
    }),
  );
  return [...found, ...lost];
}

const adapterOf = (
  { name, software }: { readonly name: string; readonly software: boolean },
  place: number,
): FoundDevice => ({
  id: place === 0 ? 'webgpu' : `webgpu:${place}`,
  name,
  memoryBytes: undefined,
  choice: { device: 'webgpu', adapter: name },
  problem: software ? 'it computes on the CPU, slower than the backend for that' : undefined,
});

const cpu = (): FoundDevice => ({
  id: 'cpu',
  name: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'CPU'}`,
  memoryBytes: totalmem(),
  choice: { device: 'cpu', threads: 0 },
  problem: undefined,
});
