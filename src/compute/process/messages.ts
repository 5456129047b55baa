// Owns: what a device in a process of its own is asked and answers. Does not own: either end.
import type { ErrorCode, ErrorCodes } from '../../model/errors.js';
import type { LogLevel } from '../../model/log.js';
import type { Compute } from '../compute.js';
import type { ProductModule } from '../cuda/kernels.js';
import type { Labels, LabelsSpec } from '../labels.js';

/** Reads and other calls of `Labels` that are one question and one answer. */
export type LabelsRead = Exclude<keyof Labels, 'spec' | 'count' | 'extend' | 'release'>;

export type DeviceRequest =
  | { readonly call: number; readonly do: 'load-operand'; readonly b: Int8Array; readonly n: number }
  | { readonly call: number; readonly do: 'multiply'; readonly held: number; readonly a: Int8Array }
  | { readonly call: number; readonly do: 'prepare-labels'; readonly basis: Uint8Array; readonly n: number }
  | { readonly call: number; readonly do: 'open-labels'; readonly spec: LabelsSpec }
  | { readonly call: number; readonly do: 'extend'; readonly held: number; readonly upTo: number }
  | {
      readonly call: number;
      readonly do: 'read';
      readonly held: number;
      readonly what: LabelsRead;
      readonly with: readonly unknown[];
    }
  /** no answer: the extension that `call` began is to end */
  | { readonly stop: number }
  /** no answer: a multiplier or labels */
  | { readonly release: number };

export type DeviceAnswer =
  /** once, first: what the device is */
  | { readonly ready: ReadyDevice }
  /** instead of `ready`, and then the process ends: there is no such device here, or only one without what took this process with it */
  | { readonly refused: DeviceError; readonly fault?: ProductModule }
  /** the last one: the device is gone, and the process with it */
  | { readonly lost: string }
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly error: DeviceError }
  /** an extension asks whether there is time for the next label */
  | { readonly more: number; readonly count: number }
  | { readonly log: LogLevel; readonly message: string; readonly data: Record<string, unknown> };

export interface ReadyDevice extends Pick<Compute, 'name' | 'supports'> {
  /** whether it keeps labels by its own means */
  readonly labels: boolean;
}

/** Between processes an error keeps its words, not its class. */
export interface DeviceError {
  readonly name: string;
  readonly message: string;
  readonly assay?: { readonly code: ErrorCode; readonly data: ErrorCodes[ErrorCode] };
}
