// Owns: WebGPU as far as it is used here, in our own words: our types stand without a browser's and without Dawn's package.
// Does not own: who implements it (a browser, dawn.ts).

export interface GpuLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
}

export interface DeviceBuffer {
  readonly size: number;
  mapAsync(mode: number, at: number, bytes: number): Promise<undefined>;
  getMappedRange(at: number, bytes: number): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

/** What is only handed on. */
export type Opaque = object;

export interface DevicePass {
  setPipeline(pipeline: Opaque): void;
  setBindGroup(index: number, group: Opaque, offsets: readonly number[]): void;
  dispatchWorkgroups(x: number, y: number): void;
  end(): void;
}

export interface DeviceEncoder {
  beginComputePass(): DevicePass;
  copyBufferToBuffer(from: DeviceBuffer, fromAt: number, to: DeviceBuffer, toAt: number, bytes: number): void;
  finish(): Opaque;
}

export interface DeviceQueue {
  submit(commands: readonly Opaque[]): void;
  writeBuffer(to: DeviceBuffer, at: number, bytes: Uint8Array): void;
  onSubmittedWorkDone(): Promise<undefined>;
}

export type ErrorFilter = 'validation' | 'out-of-memory' | 'internal';

/** `GPUDevice` */
export interface Device {
  readonly limits: GpuLimits;
  readonly queue: DeviceQueue;
  readonly lost: Promise<{ readonly reason?: string; readonly message: string }>;
  createBuffer(options: { readonly size: number; readonly usage: number }): DeviceBuffer;
  createShaderModule(options: { readonly code: string }): Opaque;
  createBindGroupLayout(options: {
    readonly entries: readonly {
      readonly binding: number;
      readonly visibility: number;
      readonly buffer: {
        readonly type: 'uniform' | 'storage' | 'read-only-storage';
        readonly hasDynamicOffset?: boolean;
      };
    }[];
  }): Opaque;
  createPipelineLayout(options: { readonly bindGroupLayouts: readonly Opaque[] }): Opaque;
  createComputePipelineAsync(options: {
    readonly layout: Opaque;
    readonly compute: { readonly module: Opaque; readonly entryPoint: string };
  }): Promise<Opaque>;
  createBindGroup(options: {
    readonly layout: Opaque;
    readonly entries: readonly {
      readonly binding: number;
      readonly resource: { readonly buffer: DeviceBuffer; readonly size?: number };
    }[];
  }): Opaque;
  createCommandEncoder(): DeviceEncoder;
  pushErrorScope(filter: ErrorFilter): void;
  popErrorScope(): Promise<{ readonly message: string } | null>;
  addEventListener(
    type: 'uncapturederror',
    listener: (event: { readonly error: { readonly message: string } }) => void,
  ): void;
  destroy(): void;
}

/** `GPUAdapter` */
export interface Adapter {
  readonly limits: GpuLimits;
  readonly info: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter?: boolean;
  };
  requestDevice(options: { readonly requiredLimits: Record<string, number> }): Promise<Device>;
}

/** `navigator.gpu` */
export interface WebGpuDoor {
  readonly wgslLanguageFeatures?: { has(feature: string): boolean };
  requestAdapter(options: {
    readonly powerPreference: 'high-performance' | 'low-power';
  }): Promise<Adapter | null>;
}

/** Bits of the standard, which names them on globals that Node does not have. */
export const USAGE = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;
export const FOR_COMPUTE = 4;
export const FOR_READING = 1;
