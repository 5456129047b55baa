// Owns: Debian's headless Chromium as a WebGPU device of the tests: the very code that Dawn runs, on a software adapter.
// Does not own: what runs in the page (webgpu-page.ts).
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import type { Gpu, GpuCalls, GpuMemory } from '../../src/compute/gpu/gpu.js';
import { AssayError, type ErrorCode } from '../../src/model/errors.js';
import { CHROMIUM } from './browser.js';
import type { PageAnswer, PageAsk, PageEnd, PageGpu, PageOpened, PageOptions } from './webgpu-page.js';

/** Why these tests cannot run here, or undefined. */
export const noChromium = existsSync(CHROMIUM)
  ? undefined
  : `no Chromium at ${CHROMIUM}: apt-get install chromium runs the WebGPU kernels`;

const FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
  '--ignore-gpu-blocklist',
];

export interface PagedGpu extends Gpu {
  readonly packed: boolean;
  /** operations a second of the adapter's dot products */
  peak(): Promise<number>;
  /** The device is gone, as when a driver takes it away. */
  destroy(): Promise<void>;
}

export interface ChromiumGpus {
  /** A device of its own, in a page of its own. */
  open(options?: PageOptions): Promise<PagedGpu>;
  close(): Promise<void>;
}

export async function openChromium(): Promise<ChromiumGpus> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./webgpu-page.ts', import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    logLevel: 'error',
  });
  const script = outputFiles[0]!.text;
  // WebGPU is there on secure pages only, and loopback is one
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<title>gpu</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  return {
    async open(options = {}) {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.addScriptTag({ content: script });
      const opened = answered<PageOpened>(
        await page.evaluate((asked) => (globalThis as unknown as { page: PageGpu }).page.open(asked), {
          allowSoftware: true,
          ...options,
        }),
      );
      const send = (asks: readonly PageAsk[], end: PageEnd): Promise<PageAnswer> =>
        page.evaluate(
          (asked) => (globalThis as unknown as { page: PageGpu }).page.ask(asked.asks, asked.end),
          { asks, end },
        );
      return {
        ...createProxy(opened, send, () => page.close()),
        packed: opened.packed,
        peak: async () =>
          answered(await page.evaluate(() => (globalThis as unknown as { page: PageGpu }).page.peak())),
      };
    },
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function createProxy(
  { name, memoryBytes }: PageOpened,
  send: (asks: readonly PageAsk[], end: PageEnd) => Promise<PageAnswer>,
  close: () => Promise<void>,
): Omit<PagedGpu, 'packed' | 'peak'> {
  const ids = new Map<GpuMemory, number>();
  let next = 0;
  let asks: PageAsk[] = [];
  const of = (memory: GpuMemory): number => {
    const id = ids.get(memory);
    if (id === undefined) throw new RangeError('gpu: expected memory that is allocated');
    return id;
  };
  const end = async <T>(last: PageEnd): Promise<T> => {
    const before = asks;
    asks = [];
    return answered<T>(await send(before, last));
  };
  return {
    name,
    memoryBytes,
    lost: new Promise(() => undefined),
    async allocate(bytes) {
      const id = next++;
      if (!(await end<boolean>({ do: 'allocate', memory: id, bytes }))) return undefined;
      const memory: GpuMemory = { bytes };
      ids.set(memory, id);
      return memory;
    },
    free(memory) {
      asks.push({ do: 'free', memory: of(memory) });
      ids.delete(memory);
    },
    write(memory, at, bytes) {
      asks.push({ do: 'write', memory: of(memory), at, bytes: base64(bytes) });
    },
    run<K extends keyof GpuCalls>(kernel: K, call: GpuCalls[K]) {
      const entries = Object.entries(call).map(([key, value]): [string, unknown] => {
        if (value instanceof Uint8Array) return [key, { bytes: base64(value) }];
        return [key, typeof value === 'object' ? { memory: of(value as GpuMemory) } : value];
      });
      asks.push({ do: 'run', kernel, call: Object.fromEntries(entries) });
    },
    async read(parts) {
      const asked = parts.map(({ memory, at, bytes }) => ({ memory: of(memory), at, bytes }));
      const read = await end<string[]>({ do: 'read', parts: asked });
      return read.map((text) => new Uint8Array(Buffer.from(text, 'base64')));
    },
    done: () => end({ do: 'done' }),
    destroy: () => end({ do: 'destroy' }),
    close,
  };
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

function answered<T>(answer: PageAnswer): T {
  if (!('error' in answer)) return answer.value as T; // the type that the asking side gave
  const { code, message, data } = answer.error;
  // the page's own words for it
  throw code ? new AssayError(code as ErrorCode, message, data as never) : new Error(message);
}
