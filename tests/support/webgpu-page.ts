// Owns: the page's end of chromium-gpu.ts: our own WebGPU code, bundled, asked over strings. Does not own: the browser.
import type { Gpu, GpuCalls, GpuMemory } from '../../src/compute/gpu/gpu.js';
import { type AdapterOptions, openAdapter } from '../../src/compute/webgpu/adapter.js';
import type { Device, WebGpuDoor } from '../../src/compute/webgpu/api.js';
import { createWebGpu, type WebGpuOptions } from '../../src/compute/webgpu/gpu.js';
import { peakProductOps } from '../../src/compute/webgpu/peak.js';
import { AssayError } from '../../src/model/errors.js';

/** Memories are numbers and bytes are base64 on the way. */
export type PageAsk =
  | { readonly do: 'write'; readonly memory: number; readonly at: number; readonly bytes: string }
  | { readonly do: 'run'; readonly kernel: keyof GpuCalls; readonly call: Record<string, unknown> }
  | { readonly do: 'free'; readonly memory: number };
export type PageEnd =
  | { readonly do: 'allocate'; readonly memory: number; readonly bytes: number }
  | {
      readonly do: 'read';
      readonly parts: readonly { readonly memory: number; readonly at: number; readonly bytes: number }[];
    }
  | { readonly do: 'done' }
  | { readonly do: 'destroy' };
export type PageAnswer =
  | { readonly value: unknown }
  | { readonly error: { readonly code?: string; readonly message: string; readonly data?: unknown } };
export interface PageOpened {
  readonly name: string;
  readonly memoryBytes: number;
  readonly packed: boolean;
}
export type PageOptions = AdapterOptions &
  Partial<Pick<WebGpuOptions, 'packed' | 'product' | 'kernels' | 'mostWork'>>;

const toBase64 = (bytes: Uint8Array): string => {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
};
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

export interface PageGpu {
  open(options: PageOptions): Promise<PageAnswer>;
  ask(asks: readonly PageAsk[], end: PageEnd): Promise<PageAnswer>;
  /** operations a second of the adapter's dot products */
  peak(): Promise<PageAnswer>;
}

function createPageGpu(door: WebGpuDoor): PageGpu {
  let gpu: Gpu | undefined;
  let device: Device | undefined;
  const memories = new Map<number, GpuMemory>();
  const of = (id: number): GpuMemory => memories.get(id)!; // the other end keeps the numbers
  const answer = async (work: () => Promise<unknown>): Promise<PageAnswer> => {
    try {
      return { value: await work() };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return {
        error: error instanceof AssayError ? { code: error.code, message, data: error.data } : { message },
      };
    }
  };
  const take = (one: PageAsk): void => {
    if (one.do === 'write') gpu!.write(of(one.memory), one.at, fromBase64(one.bytes));
    else if (one.do === 'free') {
      gpu!.free(of(one.memory));
      memories.delete(one.memory);
    } else gpu!.run(one.kernel, callOf(one.call, of) as never); // the other end's types
  };
  return {
    peak: () => answer(() => peakProductOps(device!, { monotonic: () => performance.now() })),
    open: (options) =>
      answer(async (): Promise<PageOpened> => {
        const opened = await openAdapter(door, options);
        device = opened.device;
        const packed = options.packed ?? opened.packed;
        gpu = await createWebGpu(device, { ...options, name: opened.name, packed });
        return { name: gpu.name, memoryBytes: gpu.memoryBytes, packed };
      }),
    ask: (asks, end) =>
      answer(async () => {
        asks.forEach(take);
        switch (end.do) {
          case 'allocate': {
            const memory = await gpu!.allocate(end.bytes);
            if (memory) memories.set(end.memory, memory);
            return memory !== undefined;
          }
          case 'read': {
            const parts = end.parts.map(({ memory, at, bytes }) => ({ memory: of(memory), at, bytes }));
            return (await gpu!.read(parts)).map(toBase64);
          }
          case 'done':
            return gpu!.done();
          case 'destroy': // as a driver does that takes it away
            return device!.destroy();
        }
      }),
  };
}

function callOf(call: Record<string, unknown>, of: (id: number) => GpuMemory): Record<string, unknown> {
  const entries = Object.entries(call).map(([key, value]): [string, unknown] => {
    if (typeof value !== 'object' || value === null) return [key, value];
    if ('memory' in value) return [key, of(value.memory as number)];
    return [key, fromBase64((value as { bytes: string }).bytes)];
  });
  return Object.fromEntries(entries);
}

const { navigator } = globalThis as unknown as { navigator: { gpu: WebGpuDoor } }; // a browser's
Object.assign(globalThis, { page: createPageGpu(navigator.gpu) });
