// Owns: which NVIDIA cards this host has and how they are now, from the driver's management library. Reads only; names are
// cosmetic: what a card can do is measured. Does not own: what runs on them (driver.ts).
import { AssayError, unsupported } from '../../model/errors.js';
import { type Argument, cString, type Library, openLibrary } from './ffi.js';

const LIBRARIES = process.platform === 'win32' ? ['nvml.dll'] : ['libnvidia-ml.so.1', 'libnvidia-ml.so'];
const MISSING =
  'the management library of the NVIDIA driver was not found. Install the driver; in a container, start it with the GPU passed through';

export interface NvidiaDriver {
  /** e.g. 550.54.15 */
  readonly version: string;
  /** newest CUDA it takes, e.g. 12040 */
  readonly cuda: number;
}

/** How a card is at one moment; what it does not tell is undefined. Recorded beside a proof, never trusted. */
export interface CardState {
  readonly temperatureC: number | undefined;
  readonly powerW: number | undefined;
  readonly powerLimitW: number | undefined;
  readonly clockHz: number | undefined;
  readonly memoryClockHz: number | undefined;
  readonly usedBytes: number | undefined;
  /** of the last sample period, 0 to 100 */
  readonly busyPercent: number | undefined;
  /** of computing processes; those of other containers show too, where the driver shows them */
  readonly processes: readonly number[];
}

/** A part of a card that its owner cut off: a device of its own to whoever computes on it. */
export interface MigSlice {
  /** what CUDA_VISIBLE_DEVICES takes */
  readonly uuid: string;
  readonly memoryBytes: number;
}

export interface NvidiaCard {
  readonly index: number;
  /** what CUDA_VISIBLE_DEVICES takes */
  readonly uuid: string;
  readonly name: string;
  readonly pciBusId: string;
  /** undefined: it has none of its own, but the host's */
  readonly memoryBytes: number | undefined;
  /** 90 is compute capability 9.0 */
  readonly capability: number;
  readonly maxClockHz: number | undefined;
  readonly maxMemoryClockHz: number | undefined;
  /** of the slot and the card, the lesser */
  readonly link: { readonly generation: number; readonly width: number } | undefined;
  /** undefined: the card has none */
  readonly ecc: boolean | undefined;
  /** undefined: the card cannot be cut */
  readonly mig: boolean | undefined;
  readonly slices: readonly MigSlice[];
  /** one process may have it for itself, or none */
  readonly computeMode: 'default' | 'exclusive' | 'prohibited';
  readonly state: CardState;
}

export interface NvidiaHost {
  readonly driver: NvidiaDriver;
  readonly cards: readonly NvidiaCard[];
  /** cards that the driver names and does not answer for, with its words: fallen off the bus, or not ours to see */
  readonly silent: readonly { readonly index: number; readonly why: string }[];
}

const SM_CLOCK = 1;
const MEMORY_CLOCK = 2;
const TEXT_BYTES = 96;
const MOST_PROCESSES = 128;
/** Bytes of `nvmlProcessInfo_t` of the calls with `_v3`: pid, used memory, two MIG ids. */
const PROCESS_BYTES = 24;

/**
 * @param libraries to try; a test hands in one of its own. @default the driver's
 * @throws AssayError `unsupported` where there is no driver, or it does not start
 */
export async function listNvidia(libraries: readonly string[] = LIBRARIES): Promise<NvidiaHost> {
  const library = await openLibrary(libraries, MISSING);
  const read = createReader(library);
  read.start();
  try {
    const driver = {
      version: read.text('nvmlSystemGetDriverVersion'),
      cuda: read.word('nvmlSystemGetCudaDriverVersion_v2'),
    };
    const cards: NvidiaCard[] = [];
    const silent: { index: number; why: string }[] = [];
    const count = read.word('nvmlDeviceGetCount_v2');
    for (let index = 0; index < count; index++)
      try {
        cards.push(readCard(read, index));
      } catch (error) {
        if (!(error instanceof NvmlError)) throw error;
        silent.push({ index, why: error.message });
      }
    return { driver, cards, silent };
  } finally {
    read.stop();
  }
}

class NvmlError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

type Reader = ReturnType<typeof createReader>;

function createReader(library: Library) {
  const errorString = library.bind('uint64_t nvmlErrorString(int code)');
  const said = (code: number): string => library.text(BigInt(errorString(code)));
  const check = (name: string, code: number): void => {
    if (code !== 0) throw new NvmlError(code, `${name}: ${said(code)}`);
  };
  /** Functions that ask something of a device, or of the system where there is none. */
  const call = (name: string, declaration: string, ...args: Argument[]): void =>
    check(name, library.bind(`int ${name}(${declaration})`)(...args));
  const of = (device: bigint | undefined): readonly [string, ...Argument[]] =>
    device === undefined ? [''] : ['uint64_t device, ', device];

  return {
    start(): void {
      const code = library.bind('int nvmlInit_v2()')();
      if (code === 0) return;
      const what = 'NVIDIA driver';
      const why = `${said(code)}; look at nvidia-smi`;
      throw unsupported(what, why);
    },
    stop(): void {
      library.bind('int nvmlShutdown()')();
    },
    text(name: string, device?: bigint): string {
      const bytes = new Uint8Array(TEXT_BYTES);
      const [declared, ...args] = of(device);
      call(name, `${declared}void *text, unsigned int bytes`, ...args, bytes, bytes.length);
      return cString(bytes);
    },
    word(name: string, device?: bigint): number {
      const word = new Uint32Array(1);
      const [declared, ...args] = of(device);
      call(name, `${declared}void *word`, ...args, word);
      return word[0];
    },
    wordOf(name: string, device: bigint, which: number): number {
      const word = new Uint32Array(1);
      call(name, 'uint64_t device, unsigned int which, void *word', device, which, word);
      return word[0];
    },
    words(name: string, device: bigint): readonly [number, number] {
      const words = new Uint32Array(2);
      const [first, second] = [words.subarray(0, 1), words.subarray(1, 2)];
      call(name, 'uint64_t device, void *first, void *second', device, first, second);
      return [words[0], words[1]];
    },
    into<T extends ArrayBufferView>(name: string, device: bigint, to: T): T {
      call(name, 'uint64_t device, void *to', device, to);
      return to;
    },
    handle(index: number): bigint {
      const handle = new BigUint64Array(1);
      const name = 'nvmlDeviceGetHandleByIndex_v2';
      call(name, 'unsigned int index, void *device', index, handle);
      return handle[0];
    },
    slice(device: bigint, index: number): bigint {
      const handle = new BigUint64Array(1);
      const name = 'nvmlDeviceGetMigDeviceHandleByIndex';
      call(name, 'uint64_t device, unsigned int index, void *slice', device, index, handle);
      return handle[0];
    },
    processes(device: bigint): readonly number[] {
      const count = Uint32Array.of(MOST_PROCESSES);
      const all = new DataView(new ArrayBuffer(MOST_PROCESSES * PROCESS_BYTES));
      const name = 'nvmlDeviceGetComputeRunningProcesses_v3';
      call(name, 'uint64_t device, void *count, void *processes', device, count, all);
      return Array.from({ length: Math.min(count[0], MOST_PROCESSES) }, (_, i) =>
        all.getUint32(i * PROCESS_BYTES, true),
      );
    },
  };
}

/** What a card does not have, or this user may not ask, is no failure of the card. */
function maybe<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof NvmlError || (error instanceof AssayError && error.code === 'unsupported'))
      return undefined;
    throw error;
  }
}

function readCard(read: Reader, index: number): NvidiaCard {
  const device = read.handle(index);
  const [major, minor] = read.words('nvmlDeviceGetCudaComputeCapability', device);
  const hertz = (name: string, clock: number): number | undefined =>
    maybe(() => 1e6 * read.wordOf(name, device, clock));
  const generation = maybe(() => read.word('nvmlDeviceGetMaxPcieLinkGeneration', device));
  const width = maybe(() => read.word('nvmlDeviceGetMaxPcieLinkWidth', device));
  const mig = maybe(() => read.words('nvmlDeviceGetMigMode', device)[0] === 1);
  const pci = read.into('nvmlDeviceGetPciInfo_v3', device, new Uint8Array(128));
  return {
    index,
    uuid: read.text('nvmlDeviceGetUUID', device),
    name: read.text('nvmlDeviceGetName', device),
    pciBusId: cString(pci.subarray(PCI_BUS_ID_AT, PCI_BUS_ID_AT + 32)),
    memoryBytes: maybe(() => memoryOf(read, device).total),
    capability: 10 * major + minor,
    maxClockHz: hertz('nvmlDeviceGetMaxClockInfo', SM_CLOCK),
    maxMemoryClockHz: hertz('nvmlDeviceGetMaxClockInfo', MEMORY_CLOCK),
    link: generation !== undefined && width !== undefined ? { generation, width } : undefined,
    ecc: maybe(() => read.words('nvmlDeviceGetEccMode', device)[0] === 1),
    mig,
    slices: mig ? slicesOf(read, device) : [],
    computeMode: COMPUTE_MODES[maybe(() => read.word('nvmlDeviceGetComputeMode', device)) ?? 0] ?? 'default',
    state: {
      temperatureC: maybe(() => read.wordOf('nvmlDeviceGetTemperature', device, 0)),
      powerW: maybe(() => read.word('nvmlDeviceGetPowerUsage', device) / 1000),
      powerLimitW: maybe(() => read.word('nvmlDeviceGetEnforcedPowerLimit', device) / 1000),
      clockHz: hertz('nvmlDeviceGetClockInfo', SM_CLOCK),
      memoryClockHz: hertz('nvmlDeviceGetClockInfo', MEMORY_CLOCK),
      usedBytes: maybe(() => memoryOf(read, device).used),
      busyPercent: maybe(() => read.into('nvmlDeviceGetUtilizationRates', device, new Uint32Array(2))[0]),
      processes: maybe(() => read.processes(device)) ?? [],
    },
  };
}

/** In `nvmlPciInfo_t`. */
const PCI_BUS_ID_AT = 36;
const COMPUTE_MODES = ['default', 'exclusive', 'prohibited', 'exclusive'] as const;

function memoryOf(read: Reader, device: bigint): { readonly total: number; readonly used: number } {
  const [total, , used] = read.into('nvmlDeviceGetMemoryInfo', device, new BigUint64Array(3));
  return { total: Number(total), used: Number(used) };
}

/** Places without a slice are no failure. */
function slicesOf(read: Reader, device: bigint): MigSlice[] {
  const places = maybe(() => read.word('nvmlDeviceGetMaxMigDeviceCount', device)) ?? 0;
  const slices: MigSlice[] = [];
  for (let place = 0; place < places; place++) {
    const slice = maybe(() => read.slice(device, place));
    if (slice === undefined) continue;
    slices.push({ uuid: read.text('nvmlDeviceGetUUID', slice), memoryBytes: memoryOf(read, slice).total });
  }
  return slices;
}
