// Owns: which adapter of a WebGPU implementation is taken, its name, what it is asked to allow. Nothing of Node. Does not own:
// where the implementation comes from (dawn.ts, a browser's navigator).
import { unsupported } from '../../model/errors.js';
import type { Adapter, Device, WebGpuDoor } from './api.js';

export interface AdapterOptions {
  /** A processor that only acts as a graphics processor: exact, and slower than the CPU backend. @default false */
  readonly allowSoftware?: boolean;
  /** where there are several. @default 'high-performance' */
  readonly power?: 'high-performance' | 'low-power';
}

export interface OpenedAdapter {
  readonly device: Device;
  /** e.g. `webgpu: NVIDIA H200`; cosmetic */
  readonly name: string;
  readonly software: boolean;
  /** WGSL has `dot4I8Packed` */
  readonly packed: boolean;
}

const PACKED = 'packed_4x8_integer_dot_product';
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render|\bwarp\b/i;

/** @throws AssayError `unsupported`, with what to do */
export async function openAdapter(
  door: WebGpuDoor,
  { allowSoftware = false, power = 'high-performance' }: AdapterOptions = {},
): Promise<OpenedAdapter> {
  const adapter = await door.requestAdapter({ powerPreference: power });
  if (!adapter)
    throw unsupported(
      'webgpu',
      'no adapter was found: install the driver of the graphics processor with its Vulkan part, on Linux also the loader (libvulkan1) and the right to open /dev/dri (group render)',
    );
  const label = labelOf(adapter);
  const software = isSoftware(adapter);
  if (software && !allowSoftware)
    throw unsupported(
      'webgpu',
      `the only adapter is ${label}, which runs on the processor: install the driver of the graphics processor, or use the cpu device, which is faster than this`,
    );
  return {
    device: await adapter.requestDevice({ requiredLimits: largest(adapter) }),
    name: `webgpu: ${label}`,
    software,
    packed: door.wgslLanguageFeatures?.has(PACKED) ?? false,
  };
}

function labelOf({ info }: Adapter): string {
  return (
    info.description ||
    info.device ||
    [info.vendor, info.architecture].filter(Boolean).join(' ') ||
    'unnamed adapter'
  );
}

function isSoftware({ info }: Adapter): boolean {
  const words = [info.vendor, info.architecture, info.device, info.description].join(' ');
  return info.isFallbackAdapter === true || isSoftwareName(words);
}

export const isSoftwareName = (name: string): boolean => SOFTWARE.test(name);

/** A device has the standard's limits unless more is asked for: 128 MiB bound at once, where a label may have 256. */
function largest({ limits }: Adapter): Record<string, number> {
  const { maxBufferSize, maxStorageBufferBindingSize } = limits;
  return { maxBufferSize, maxStorageBufferBindingSize };
}
