// Owns: what a model's thread is told and what it answers. Does not own: threads (model.ts, worker.ts), what is done (engine.ts).
import { AssayError, type ErrorCode, type ErrorCodes } from '../../model/errors.js';
import type { DecoderConfig } from '../decoder.js';
import type { Candidates, Position } from '../language-model.js';
import type { Weights } from '../master.js';
import { OnnxEngine, Stopped } from './engine.js';
import { decoderData, type Graphs } from './graphs.js';
import { loadRuntime, type Provider, type Runtime } from './runtime.js';

export interface EngineOrder {
  readonly config: DecoderConfig;
  readonly graphs: Graphs;
  /** on memory that threads share: the thread makes the buffers of the graphs of them. Or those buffers, of graphs of others */
  readonly weights: Weights | { readonly buffers: ReadonlyMap<string, Float32Array> };
  readonly provider: Provider;
  readonly threads: number;
  readonly memoryBytes: number;
  readonly workspaceBytes: number;
}

/** `handle`: of a decoding or of hidden states, chosen by the caller. */
export type Task =
  | {
      readonly do: 'open';
      readonly handle: number;
      readonly prompts: readonly Uint32Array[];
      readonly candidates: number;
    }
  | {
      readonly do: 'advance';
      readonly handle: number;
      readonly tokens: readonly (number | undefined)[];
      readonly joining: readonly Uint32Array[];
    }
  | { readonly do: 'prefill'; readonly handle: number; readonly sequences: readonly Uint32Array[] }
  | {
      readonly do: 'head';
      readonly handle: number;
      readonly at: readonly Position[];
      readonly candidates: number;
    }
  | {
      readonly do: 'logits-of';
      readonly handle: number;
      readonly at: readonly Position[];
      readonly ids: Int32Array;
    }
  | { readonly do: 'release'; readonly handle: number }
  | { readonly do: 'close' };

export type Order = Task & {
  readonly id: number;
  /** one int32: not 0 when nobody waits any more */
  readonly stop: SharedArrayBuffer;
};

export type Value = Candidates | Float32Array | undefined;

/** An error as a message: its class does not survive one. */
export interface Failure {
  readonly message: string;
  readonly code?: ErrorCode;
  readonly data?: ErrorCodes[ErrorCode];
}

/** The first is `ready`, or a failure of 0. */
export type Answer =
  | { readonly id: 0; readonly ready: { readonly version: string } }
  | { readonly id: number; readonly value: Value }
  | { readonly id: number; readonly failed: Failure };

export function toFailure(error: unknown): Failure {
  if (error instanceof AssayError) return { message: error.message, code: error.code, data: error.data };
  return { message: error instanceof Error ? error.message : String(error) };
}

export function fromFailure({ message, code, data }: Failure): Error {
  if (code && data) return new AssayError(code, message, data);
  return new AssayError('internal', `onnxruntime-node: ${message}`, { what: 'model thread' });
}

/** Takes orders one after the other; `ended` is called when all sessions are. */
export async function takeOrders(
  { weights, ...parts }: EngineOrder,
  answer: (answer: Answer) => void,
  ended: () => void,
): Promise<(order: Order) => void> {
  let engine: OnnxEngine;
  let runtime: Runtime;
  try {
    runtime = await loadRuntime();
    const data = 'buffers' in weights ? weights.buffers : decoderData(parts.config, weights);
    engine = await OnnxEngine.create(runtime, { ...parts, data });
  } catch (error) {
    answer({ id: 0, failed: toFailure(error) });
    ended();
    return () => {};
  }
  answer({ id: 0, ready: { version: runtime.env.versions.node ?? 'unknown' } });

  let last: Promise<void> = Promise.resolve();
  return (order) => {
    last = last.then(async () => {
      const flag = new Int32Array(order.stop);
      try {
        answer({ id: order.id, value: await carryOut(engine, order, () => Atomics.load(flag, 0) !== 0) });
      } catch (error) {
        // nobody waits for what was stopped but its end
        answer(
          error instanceof Stopped
            ? { id: order.id, value: undefined }
            : { id: order.id, failed: toFailure(error) },
        );
      }
      if (order.do === 'close') ended();
    });
  };
}

async function carryOut(engine: OnnxEngine, order: Order, stop: () => boolean): Promise<Value> {
  if (stop()) throw new Stopped();
  switch (order.do) {
    case 'open':
      return engine.open(order.handle, order.prompts, order.candidates, stop);
    case 'advance':
      return engine.advance(order.handle, order.tokens, order.joining, stop);
    case 'prefill':
      await engine.prefill(order.handle, order.sequences, stop);
      return undefined;
    case 'head':
      return engine.head(order.handle, order.at, order.candidates, stop);
    case 'logits-of':
      return engine.logitsOf(order.handle, order.at, order.ids, stop);
    case 'release':
      engine.release(order.handle);
      return undefined;
    case 'close':
      await engine.close();
      return undefined;
  }
}
