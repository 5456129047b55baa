// Owns: the driver API of NVIDIA cards as far as kernels need it: one card, one context, one stream. Does not own: what runs
// (kernels.ts), in which process (../process). Names and numbers are those of the driver's public header.
import { AssayError, unsupported } from '../../model/errors.js';
import { cString, type Library, openLibrary } from './ffi.js';

/** Oldest driver API that the kernels' PTX (ISA 7.8) loads on: CUDA 11.8. */
export const MIN_DRIVER = 11_080;

const LIBRARIES = process.platform === 'win32' ? ['nvcuda.dll'] : ['libcuda.so.1', 'libcuda.so'];
const MISSING =
  'no NVIDIA driver was found. Install the driver (not the CUDA toolkit); in a container, start it with the GPU passed through';

/** Results that are no failure of the device. */
const OUT_OF_MEMORY = 2;
const NOT_READY = 600;

const ATTRIBUTE = {
  clockKiloHertz: 13,
  multiprocessors: 16,
  ecc: 32,
  memoryClockKiloHertz: 36,
  memoryBusBits: 37,
  majorCapability: 75,
  minorCapability: 76,
  sharedBytesOptIn: 97,
} as const;
const MAX_DYNAMIC_SHARED = 8;
const ENCODE_BOXES =
  'int cuTensorMapEncodeTiled(void *map, int type, unsigned int rank, uint64_t address, void *sizes, void *strides, ' +
  'void *box, void *steps, int interleave, int swizzle, int promotion, int fill)';
const MAP_BYTES = 128;
/** Kept: a chain asks for three. */
const MOST_MAPS = 64;

export interface CudaCard {
  readonly name: string;
  readonly memoryBytes: number;
  /** 80 is compute capability 8.0 */
  readonly capability: number;
  readonly multiprocessors: number;
  readonly clockHz: number;
  readonly memoryClockHz: number;
  readonly memoryBusBits: number;
  readonly ecc: boolean;
  /** that one block may ask for */
  readonly sharedBytes: number;
}

/** Rows of bytes that a card (Hopper) copies box by box on its own, sixteen bytes of a box's row placed by 128-byte swizzling. */
export interface Boxes {
  /** a multiple of 16, as `width` */
  readonly at: bigint;
  readonly width: number;
  readonly rows: number;
  /** of one box: at most 128 bytes of at most 256 rows. What lies beyond the last row is zeros */
  readonly box: readonly [width: number, rows: number];
}

/** bigint: 64 bits, a device's address; number: 32 bits */
export type LaunchArgument = bigint | number | Boxes;

/** A kernel and how it is started. */
export interface Launch {
  readonly grid: readonly [number, number, number];
  readonly block: readonly [number, number, number];
  readonly sharedBytes: number;
  readonly args: readonly LaunchArgument[];
}

/** One card in this process. What fails but for want of memory is final: the context is gone, `lost` says why. */
export interface CudaContext {
  /** e.g. 12040 for CUDA 12.4 */
  readonly driver: number;
  readonly card: CudaCard;
  readonly lost: Promise<AssayError<'unreachable'>>;
  /** bytes that nobody has */
  freeBytes(): number;
  /** zeros. @returns the device's address, or undefined when there is no room */
  allocate(bytes: number): bigint | undefined;
  free(address: bigint): void;
  /** @param bytes kept until all that was asked is done: where a card reads the host's memory itself (Grace, HMM), it may come for them late */
  toDevice(address: bigint, bytes: Uint8Array): void;
  /** after all that was asked before; waits for it where it is not done */
  toHost(address: bigint, bytes: Uint8Array): void;
  /** From one place on the card to another; they do not overlap. */
  copy(to: bigint, from: bigint, bytes: number): void;
  /** what all of this is asked of: for libraries that are to be asked in the same order */
  readonly stream: bigint;
  /** @param ptx text. @returns its functions by name. @throws AssayError `unsupported` with the words of the driver's compiler */
  load(ptx: string): (entry: string) => bigint;
  launch(kernel: bigint, launch: Launch): void;
  /** A point in the order of what is asked. */
  mark(): bigint;
  /** Whether all that was asked before a mark is done. Asked until it says so, and not again. */
  passed(mark: bigint): boolean;
  close(): void;
}

export interface OpenCudaOptions {
  /** @default 0: the first that this process sees */
  readonly ordinal?: number;
  /** libraries to try; a test hands in one of its own. @default the driver's */
  readonly libraries?: readonly string[];
}

/** @throws AssayError `unsupported` where there is no driver, too old a one, no such card, or one that is taken */
export async function openCuda({
  ordinal = 0,
  libraries = LIBRARIES,
}: OpenCudaOptions = {}): Promise<CudaContext> {
  const library = await openLibrary(libraries, MISSING);
  const api = bind(library);
  /** In the driver's words. */
  const errorText = (code: number): string => {
    const text = new BigUint64Array(1);
    const said = (ask: Api['errorName']): string =>
      ask(code, text) === 0 && text[0] !== 0n ? library.text(text[0]) : '';
    return `${said(api.errorName) || `error ${code}`}: ${said(api.errorString) || 'the driver does not say more'}`;
  };
  const must = (what: string, code: number): void => {
    if (code === 0) return;
    const why = [errorText(code), FIXES[code]].filter(Boolean).join('; ');
    throw unsupported(what, why);
  };

  must('NVIDIA driver', api.init(0));
  const number = new Int32Array(1);
  const handle = new BigUint64Array(1);
  must('NVIDIA driver', api.driverVersion(number));
  const driver = number[0];
  if (driver < MIN_DRIVER) {
    const what = `NVIDIA driver for CUDA ${versionText(driver)}`;
    const why = `it is too old: kernels need CUDA ${versionText(MIN_DRIVER)} (driver 520) or later; update the driver`;
    throw unsupported(what, why);
  }
  must('NVIDIA cards', api.deviceCount(number));
  if (ordinal >= number[0]) {
    const what = `NVIDIA card ${ordinal}`;
    const why = `this process sees ${number[0]}; CUDA_VISIBLE_DEVICES says which`;
    throw unsupported(what, why);
  }
  must(`NVIDIA card ${ordinal}`, api.deviceGet(number, ordinal));
  const device = number[0];
  const card = describe(api, device, must);
  const what = `NVIDIA card ${ordinal} (${card.name})`;
  // 4: the thread that waits sleeps and does not spin
  must(what, api.contextCreate(handle, 4, device));
  const context = handle[0];
  must(what, api.streamCreate(handle, 1));
  const stream = handle[0];

  let tellLost: (error: AssayError<'unreachable'>) => void = () => undefined;
  const lost = new Promise<AssayError<'unreachable'>>((resolve) => {
    tellLost = resolve;
  });
  let gone: AssayError<'unreachable'> | undefined;
  let closed = false;
  const alive = (): void => {
    if (gone) throw gone;
    if (closed) throw new AssayError('unreachable', `${what}: it was closed`, { address: what });
  };
  /** An error of a context stays with it: nothing after it can be trusted. */
  const check = (step: string, code: number): void => {
    if (code === 0) return;
    gone = new AssayError('unreachable', `${what}: ${step}: ${errorText(code)}`, { address: what });
    tellLost(gone);
    throw gone;
  };

  // a launch's arguments are handed over as bytes: what they and these words point to must stay where it is
  const packed = new DataView(new ArrayBuffer(512)); // no kernel has as many arguments
  const packedBytes = new BigUint64Array(1);
  const extra = BigUint64Array.of(1n, library.address(packed), 2n, library.address(packedBytes), 0n);
  const shared = new Map<bigint, number>();
  const modules: bigint[] = [];
  /** The driver's description is a matter of these numbers alone: what lies there may be anything. */
  const maps = new Map<string, Uint8Array>();
  /** What copies to the device may not have read yet: since the last mark, and before each that is not passed. */
  const inCopies: Uint8Array[] = [];
  const marks = new Map<bigint, readonly Uint8Array[]>();
  /** Marks that were passed, to be set again. */
  const spareMarks: bigint[] = [];
  const newMark = (): bigint => {
    const event = new BigUint64Array(1);
    check('marking a step', api.eventCreate(event, 2)); // 2: nobody asks for its time
    return event[0];
  };
  let encode: ReturnType<Library['bind']> | undefined;
  const mapOf = ({ at, width, rows, box }: Boxes): Uint8Array => {
    const key = `${at}/${width}/${rows}/${box}`;
    const known = maps.get(key);
    if (known) return known;
    encode ??= library.bind(ENCODE_BOXES); // drivers before CUDA 12 do not have it, nor need it
    const room = new Uint8Array(2 * MAP_BYTES);
    const from = Number(-library.address(room) & 63n); // it must lie at a multiple of 64
    const map = room.subarray(from, from + MAP_BYTES);
    const [sizes, strides] = [
      BigUint64Array.of(BigInt(width), BigInt(rows)),
      BigUint64Array.of(BigInt(width)),
    ];
    const [boxes, steps] = [Uint32Array.from(box), Uint32Array.of(1, 1)];
    // bytes, two dimensions; not interleaved, swizzled by 128 bytes, whole lines into the cache, zeros beyond the ends
    must(`${what}: boxes of ${box}`, encode(map, 0, 2, at, sizes, strides, boxes, steps, 0, 3, 2, 0));
    if (maps.size >= MOST_MAPS) maps.clear();
    maps.set(key, map);
    return map;
  };

  return {
    driver,
    card,
    lost,
    freeBytes() {
      alive();
      const sizes = new BigUint64Array(2);
      check('memory', api.memoryInfo(sizes.subarray(0, 1), sizes.subarray(1, 2)));
      return Number(sizes[0]);
    },
    allocate(bytes) {
      alive();
      const address = new BigUint64Array(1);
      const code = api.allocate(address, bytes);
      if (code === OUT_OF_MEMORY) return undefined;
      check(`allocating ${bytes} bytes`, code);
      check('clearing memory', api.fill(address[0], 0, bytes, stream));
      return address[0];
    },
    free(address) {
      if (!gone && !closed) check('freeing memory', api.free(address));
    },
    toDevice(address, bytes) {
      alive();
      inCopies.push(bytes);
      check('copying to the device', api.toDevice(address, bytes, bytes.length, stream));
    },
    toHost(address, bytes) {
      alive();
      check('copying from the device', api.toHost(bytes, address, bytes.length, stream));
      check('copying from the device', api.synchronize(stream));
      inCopies.length = 0;
    },
    copy(to, from, bytes) {
      alive();
      check('copying on the device', api.onDevice(to, from, bytes, stream));
    },
    stream,
    load(ptx) {
      alive();
      const text = new TextEncoder().encode(`${ptx}\0`);
      const log = new Uint8Array(8192);
      // CU_JIT_ERROR_LOG_BUFFER and its size; values are pointers or numbers in a pointer's place
      const options = Int32Array.of(5, 6);
      const values = BigUint64Array.of(library.address(log), BigInt(log.length));
      const module = new BigUint64Array(1);
      const code = api.moduleLoad(module, text, 2, options, values);
      if (code !== 0) {
        const said = cString(log);
        const why = `the driver does not take these kernels: ${errorText(code)}${said ? `; ${said}` : ''}`;
        throw unsupported(what, why);
      }
      modules.push(module[0]);
      return (entry) => {
        const found = new BigUint64Array(1);
        must(`${what}: kernel ${entry}`, api.moduleFunction(found, module[0], entry));
        return found[0];
      };
    },
    launch(kernel, { grid, block, sharedBytes, args }) {
      alive();
      if ((shared.get(kernel) ?? 0) < sharedBytes) {
        check('shared memory of a kernel', api.functionAttribute(kernel, MAX_DYNAMIC_SHARED, sharedBytes));
        shared.set(kernel, sharedBytes);
      }
      packedBytes[0] = BigInt(pack(args, packed, mapOf));
      const [gx, gy, gz] = grid;
      const [bx, by, bz] = block;
      check(
        'starting a kernel',
        api.launch(kernel, gx, gy, gz, bx, by, bz, sharedBytes, stream, null, extra),
      );
    },
    mark() {
      alive();
      const mark = spareMarks.pop() ?? newMark();
      check('marking a step', api.eventRecord(mark, stream));
      marks.set(mark, inCopies.splice(0));
      return mark;
    },
    passed(mark) {
      alive();
      const code = api.eventQuery(mark);
      if (code === NOT_READY) return false;
      check('a kernel', code);
      marks.delete(mark);
      spareMarks.push(mark);
      return true;
    },
    close() {
      if (closed) return;
      closed = true;
      api.contextDestroy(context); // modules, stream and memory go with it, after a fault too
    },
  };
}

/** Arguments in C's layout: each at a multiple of its size, descriptions of boxes at one of 64. @returns bytes used */
export function pack(
  args: readonly LaunchArgument[],
  to: DataView,
  mapOf: (boxes: Boxes) => Uint8Array,
): number {
  let at = 0;
  const place = (bytes: number, multiple: number): number => {
    const from = Math.ceil(at / multiple) * multiple;
    at = from + bytes;
    return from;
  };
  for (const arg of args)
    if (typeof arg === 'bigint') to.setBigUint64(place(8, 8), arg, true);
    else if (typeof arg === 'number') to.setUint32(place(4, 4), arg, true);
    else new Uint8Array(to.buffer, to.byteOffset).set(mapOf(arg), place(MAP_BYTES, 64));
  return at;
}

type Api = ReturnType<typeof bind>;

/** What to do about results of the first calls, where the driver's own words leave it open. */
const FIXES: Readonly<Record<number, string>> = {
  [OUT_OF_MEMORY]: 'other work holds the memory of the card: end it, or start fewer slots',
  46: 'another process has the card for itself: end it, or set the compute mode back to default',
  100: 'no card is visible: check the driver with nvidia-smi, pass the card into the container, look at CUDA_VISIBLE_DEVICES',
  101: 'check the number of the card and CUDA_VISIBLE_DEVICES',
  222: 'update the driver',
  802: 'the fabric manager of this host is not running yet: start nvidia-fabricmanager',
  803: 'driver and library are of different versions: restart the host, or the container with matching libraries',
};

function describe(api: Api, device: number, must: (what: string, code: number) => void): CudaCard {
  const what = 'NVIDIA card';
  const value = new Int32Array(1);
  const attribute = (number: number): number => {
    must(what, api.deviceAttribute(value, number, device));
    return value[0];
  };
  const name = new Uint8Array(256);
  must(what, api.deviceName(name, name.length, device));
  const bytes = new BigUint64Array(1);
  must(what, api.deviceMemory(bytes, device));
  return {
    name: cString(name),
    memoryBytes: Number(bytes[0]),
    capability: 10 * attribute(ATTRIBUTE.majorCapability) + attribute(ATTRIBUTE.minorCapability),
    multiprocessors: attribute(ATTRIBUTE.multiprocessors),
    clockHz: 1000 * attribute(ATTRIBUTE.clockKiloHertz),
    memoryClockHz: 1000 * attribute(ATTRIBUTE.memoryClockKiloHertz),
    memoryBusBits: attribute(ATTRIBUTE.memoryBusBits),
    ecc: attribute(ATTRIBUTE.ecc) !== 0,
    sharedBytes: attribute(ATTRIBUTE.sharedBytesOptIn),
  };
}

/** 12040 is 12.4. */
export const versionText = (version: number): string =>
  `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;

function bind({ bind: of }: Library) {
  return {
    init: of('int cuInit(unsigned int flags)'),
    driverVersion: of('int cuDriverGetVersion(void *version)'),
    deviceCount: of('int cuDeviceGetCount(void *count)'),
    deviceGet: of('int cuDeviceGet(void *device, int ordinal)'),
    deviceName: of('int cuDeviceGetName(void *name, int bytes, int device)'),
    deviceMemory: of('int cuDeviceTotalMem_v2(void *bytes, int device)'),
    deviceAttribute: of('int cuDeviceGetAttribute(void *value, int attribute, int device)'),
    contextCreate: of('int cuCtxCreate_v2(void *context, unsigned int flags, int device)'),
    contextDestroy: of('int cuCtxDestroy_v2(uint64_t context)'),
    streamCreate: of('int cuStreamCreate(void *stream, unsigned int flags)'),
    synchronize: of('int cuStreamSynchronize(uint64_t stream)'),
    eventCreate: of('int cuEventCreate(void *event, unsigned int flags)'),
    eventRecord: of('int cuEventRecord(uint64_t event, uint64_t stream)'),
    eventQuery: of('int cuEventQuery(uint64_t event)'),
    memoryInfo: of('int cuMemGetInfo_v2(void *free, void *total)'),
    allocate: of('int cuMemAlloc_v2(void *address, size_t bytes)'),
    free: of('int cuMemFree_v2(uint64_t address)'),
    fill: of('int cuMemsetD8Async(uint64_t address, unsigned char value, size_t bytes, uint64_t stream)'),
    toDevice: of('int cuMemcpyHtoDAsync_v2(uint64_t to, void *from, size_t bytes, uint64_t stream)'),
    toHost: of('int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, uint64_t stream)'),
    onDevice: of('int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, uint64_t stream)'),
    moduleLoad: of(
      'int cuModuleLoadDataEx(void *module, void *image, unsigned int count, void *options, void *values)',
    ),
    moduleFunction: of('int cuModuleGetFunction(void *function, uint64_t module, const char *name)'),
    functionAttribute: of('int cuFuncSetAttribute(uint64_t function, int attribute, int value)'),
    launch: of(
      'int cuLaunchKernel(uint64_t function, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, ' +
        'unsigned int by, unsigned int bz, unsigned int shared, uint64_t stream, void *params, void *extra)',
    ),
    errorName: of('int cuGetErrorName(int code, void *text)'),
    errorString: of('int cuGetErrorString(int code, void *text)'),
  };
}
