// Owns: a WebGPU device as a processor of nine kernels: memory, one queue, readings, what is lost. Nothing of Node: the same
// code runs in a browser. Does not own: sources and grids (kernels.ts), which device it is (adapter.ts).
import { AssayError } from '../../model/errors.js';
import type { Gpu, GpuCalls, GpuMemory, GpuPart } from '../gpu/gpu.js';
import { type Device, type DeviceBuffer, FOR_COMPUTE, FOR_READING, type Opaque, USAGE } from './api.js';
import { createKernels, type Dispatch, type Kernel, type KernelOptions, MOST_WORK } from './kernels.js';

export interface WebGpuOptions extends KernelOptions {
  /** e.g. `webgpu: swiftshader` */
  readonly name: string;
  /** what is compiled; asking for another is an error. @default all */
  readonly kernels?: readonly (keyof GpuCalls)[];
}

/** Numbers of a dispatch begin at multiples of this (`minUniformBufferOffsetAlignment` of every device). */
const PARAMS_BYTES = 256;
/** Dispatches that are handed over together. */
const MOST_DISPATCHES = 256;
/** Longer writes and readings are cut: a browser copies each through memory that it shares with its GPU process. */
const MOST_AT_ONCE = 16 << 20;
const SMALLEST_STAGING = 64 << 10;
/** Staging that lies idle; more is given back to the host. */
const MOST_STAGING = 64 << 20;

type Asked =
  | { readonly kernel: keyof GpuCalls; readonly group: Opaque; readonly dispatch: Dispatch }
  | {
      readonly copy: DeviceBuffer;
      readonly at: number;
      readonly to: DeviceBuffer;
      readonly toAt: number;
      readonly bytes: number;
    };

interface Compiled {
  readonly kernel: Kernel<GpuCalls[keyof GpuCalls]>;
  readonly layout: Opaque;
  readonly pipeline: Opaque;
}

/** @throws AssayError `unsupported` when a kernel does not compile there */
export async function createWebGpu(device: Device, options: WebGpuOptions): Promise<Gpu> {
  const { name, mostWork = MOST_WORK } = options;
  const memoryBytes = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  let gone: AssayError<'unreachable'> | undefined;
  let closed = false;
  let endWaiting: (why: AssayError) => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    endWaiting = reject;
  });
  ended.catch(() => undefined); // whoever waits hears it
  let tellLost: (why: AssayError<'unreachable'>) => void = () => undefined;
  const lost = new Promise<AssayError<'unreachable'>>((resolve) => {
    tellLost = resolve;
  });

  const fail = (why: string): void => {
    if (gone) return;
    gone = new AssayError('unreachable', `${name}: ${why}`, { address: name });
    endWaiting(gone);
    if (!closed) tellLost(gone);
  };
  void device.lost.then(({ reason, message }) =>
    fail(
      closed
        ? 'it was closed'
        : `the device was lost (${reason ?? 'unknown'}): ${message || 'no reason given'}`,
    ),
  );
  // a command that is refused is left out by the standard: what follows would be computed from something else
  device.addEventListener('uncapturederror', ({ error }) => fail(`it refused a command: ${error.message}`));

  const buffers = new Map<GpuMemory, DeviceBuffer>();
  const of = (memory: GpuMemory): DeviceBuffer => {
    const buffer = buffers.get(memory);
    if (!buffer) throw new RangeError('gpu: expected memory that is allocated');
    return buffer;
  };
  const compiled = await compile(device, options);
  const params = device.createBuffer({
    size: PARAMS_BYTES * MOST_DISPATCHES,
    usage: USAGE.uniform | USAGE.copyTarget,
  });

  let asked: Asked[] = [];
  const checks = new Set<Promise<void>>();
  /** What is done between gives an error of its own instead of a result: that ends the device. */
  const checked = (work: () => void): void => {
    device.pushErrorScope('validation');
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('internal');
    work();
    const errors = Promise.all([device.popErrorScope(), device.popErrorScope(), device.popErrorScope()]);
    const check = errors.then(
      (found) => {
        const error = found.find((one) => one !== null);
        if (error) fail(`it refused a command: ${error.message}`);
      },
      (error: unknown) => fail(messageOf(error)),
    );
    checks.add(check);
    void check.finally(() => checks.delete(check));
  };

  const submit = (part: readonly Asked[]): void => {
    const numbers = new Uint32Array((PARAMS_BYTES / 4) * part.length);
    const encoder = device.createCommandEncoder();
    let pass: ReturnType<typeof encoder.beginComputePass> | undefined;
    for (const [i, one] of part.entries()) {
      if ('copy' in one) {
        pass?.end();
        pass = undefined;
        encoder.copyBufferToBuffer(one.copy, one.at, one.to, one.toAt, one.bytes);
        continue;
      }
      numbers.set(one.dispatch.params, (i * PARAMS_BYTES) / 4);
      pass ??= encoder.beginComputePass();
      pass.setPipeline(compiled.get(one.kernel)!.pipeline); // `run` has looked
      pass.setBindGroup(0, one.group, [i * PARAMS_BYTES]);
      pass.dispatchWorkgroups(one.dispatch.x, one.dispatch.y);
    }
    pass?.end();
    device.queue.writeBuffer(params, 0, new Uint8Array(numbers.buffer));
    device.queue.submit([encoder.finish()]);
  };
  const flush = (): void => {
    const all = asked;
    asked = [];
    if (all.length === 0 || gone) return;
    checked(() => {
      for (let from = 0, to = 0, work = 0; from < all.length; from = to, work = 0) {
        for (; to < all.length && to - from < MOST_DISPATCHES && work < mostWork; to++) {
          const one = all[to];
          if ('dispatch' in one) work += one.dispatch.work;
        }
        submit(all.slice(from, to));
      }
    });
  };
  const settled = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const value = await Promise.race([work, ended]);
      await Promise.race([Promise.all(checks), ended]);
      return value;
    } catch (error) {
      if (!gone) fail(messageOf(error)); // a mapping that is refused, which only a lost device does
      throw gone;
    }
  };

  const idle: DeviceBuffer[] = [];
  const staging = (bytes: number): DeviceBuffer => {
    const at = idle.findIndex(({ size }) => size >= bytes);
    if (at >= 0) return idle.splice(at, 1)[0];
    const size = Math.max(SMALLEST_STAGING, 2 ** Math.ceil(Math.log2(bytes)));
    return device.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyTarget });
  };
  const giveStaging = (one: DeviceBuffer): void => {
    one.unmap();
    const kept = idle.reduce((sum, { size }) => sum + size, one.size);
    if (kept > MOST_STAGING) one.destroy();
    else idle.push(one);
    idle.sort((a, b) => a.size - b.size);
  };
  /** Asked at once, whatever is asked before the answer: copies are in the queue when it returns. */
  const beginReading = (
    parts: readonly GpuPart[],
  ): { readonly pieces: readonly Piece[]; readonly mapped: DeviceBuffer; readonly bytes: number }[] => {
    const readings = cut(parts).map((pieces) => {
      const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, 0);
      return { pieces, mapped: staging(bytes), bytes };
    });
    for (const { pieces, mapped } of readings) {
      let toAt = 0;
      for (const { part, from, bytes } of pieces) {
        const { memory, at } = parts[part];
        asked.push({ copy: of(memory), at: at + from, to: mapped, toAt, bytes });
        toAt += bytes;
      }
    }
    flush();
    return readings;
  };
  const alive = (): void => {
    if (gone) throw gone;
  };

  return {
    name,
    memoryBytes,
    async allocate(bytes) {
      alive();
      if (bytes > memoryBytes) return undefined;
      flush(); // the device is busy meanwhile
      device.pushErrorScope('validation');
      device.pushErrorScope('out-of-memory');
      const made = device.createBuffer({
        size: bytes,
        usage: USAGE.storage | USAGE.copySource | USAGE.copyTarget,
      });
      const errors = await settled(Promise.all([device.popErrorScope(), device.popErrorScope()]));
      if (errors.some((error) => error !== null)) {
        made.destroy();
        return undefined;
      }
      const memory: GpuMemory = { bytes };
      buffers.set(memory, made);
      return memory;
    },
    free(memory) {
      flush();
      of(memory).destroy();
      buffers.delete(memory);
    },
    write(memory, at, bytes) {
      alive();
      flush();
      const to = of(memory);
      checked(() => {
        for (let from = 0; from < bytes.length; from += MOST_AT_ONCE)
          device.queue.writeBuffer(to, at + from, bytes.subarray(from, from + MOST_AT_ONCE));
      });
    },
    run(kernel, call) {
      alive();
      const found = compiled.get(kernel);
      if (!found) throw new RangeError(`gpu: expected a kernel that was compiled, got ${kernel}`);
      const group = device.createBindGroup({
        layout: found.layout,
        entries: [
          { binding: 0, resource: { buffer: params, size: PARAMS_BYTES } },
          ...found.kernel.memories(call).map((memory, i) => ({
            binding: i + 1,
            resource: { buffer: of(memory) },
          })),
        ],
      });
      for (const dispatch of found.kernel.dispatches(call)) asked.push({ kernel, group, dispatch });
    },
    async read(parts) {
      alive();
      const out = parts.map(({ bytes }) => new Uint8Array(bytes));
      const readings = beginReading(parts);
      await settled(Promise.all(readings.map(({ mapped, bytes }) => mapped.mapAsync(FOR_READING, 0, bytes))));
      alive();
      for (const { pieces, mapped, bytes } of readings) {
        const there = new Uint8Array(mapped.getMappedRange(0, bytes));
        let at = 0;
        for (const piece of pieces) {
          out[piece.part].set(there.subarray(at, at + piece.bytes), piece.from);
          at += piece.bytes;
        }
        giveStaging(mapped);
      }
      return out;
    },
    async done() {
      alive();
      flush();
      await settled(device.queue.onSubmittedWorkDone());
      alive();
    },
    lost,
    async close() {
      closed = true;
      buffers.clear();
      device.destroy();
    },
  };
}

/** Bytes `from` .. `from + bytes` of a part. */
interface Piece {
  readonly part: number;
  readonly from: number;
  readonly bytes: number;
}

/** Parts in the order of asking, so many at once as one staging buffer takes. */
function cut(parts: readonly GpuPart[]): Piece[][] {
  const out: Piece[][] = [];
  let room = 0;
  for (const [part, { bytes }] of parts.entries())
    for (let from = 0; from < bytes; ) {
      if (room === 0) {
        out.push([]);
        room = MOST_AT_ONCE;
      }
      const piece = { part, from, bytes: Math.min(bytes - from, room) };
      out[out.length - 1].push(piece);
      from += piece.bytes;
      room -= piece.bytes;
    }
  return out;
}

async function compile(device: Device, options: WebGpuOptions): Promise<Map<keyof GpuCalls, Compiled>> {
  const kernels = createKernels(options);
  const names = options.kernels ?? (Object.keys(kernels) as (keyof GpuCalls)[]);
  const compiled = await Promise.all(
    names.map(async (name): Promise<[keyof GpuCalls, Compiled]> => {
      // a kernel is only ever given its own call: `run` takes both by one name
      const kernel = kernels[name] as Kernel<GpuCalls[keyof GpuCalls]>;
      const { bindings, code } = kernel;
      const layout = device.createBindGroupLayout({
        entries: Array.from({ length: bindings + 1 }, (_, binding) => ({
          binding,
          visibility: FOR_COMPUTE,
          buffer:
            binding === 0
              ? { type: 'uniform', hasDynamicOffset: true }
              : { type: binding === bindings ? 'storage' : 'read-only-storage' },
        })),
      });
      try {
        const pipeline = await device.createComputePipelineAsync({
          layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
          compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
        });
        return [name, { kernel, layout, pipeline }];
      } catch (error) {
        const what = `kernel ${name} on ${options.name}`;
        throw new AssayError('unsupported', `${what}: ${messageOf(error)}`, { what, why: messageOf(error) });
      }
    }),
  );
  return new Map(compiled);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
