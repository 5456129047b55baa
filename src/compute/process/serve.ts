// Owns: the device's end: takes requests, one device behind them. Does not own: which device (device-process.ts), the way
// that messages come.
import { AssayError } from '../../model/errors.js';
import type { Compute, Multiplier } from '../compute.js';
import type { Labels } from '../labels.js';
import type { DeviceAnswer, DeviceError, DeviceRequest } from './messages.js';

/** @returns what takes each request; answers go to `tell` */
export function serveCompute(
  compute: Compute,
  tell: (answer: DeviceAnswer) => void,
): (request: DeviceRequest) => void {
  const held = new Map<number, Multiplier | Labels>();
  const extending = new Map<number, AbortController>();
  let next = 0;

  const keep = (one: Multiplier | Labels): number => {
    held.set(next, one);
    return next++;
  };
  const get = (handle: number): Multiplier | Labels => {
    const one = held.get(handle);
    if (!one) throw new RangeError(`device: expected something held, got ${handle}`);
    return one;
  };

  const extend = async (call: number, labels: Labels, upTo: number): Promise<number> => {
    const stop = new AbortController();
    extending.set(call, stop);
    let first = true;
    // whoever asked said yes to the first one; for the others the answer may come a label late
    const more = (): boolean => {
      if (!first) tell({ more: call, count: labels.count });
      first = false;
      return !stop.signal.aborted;
    };
    try {
      return await labels.extend(upTo, more, stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      return labels.count;
    } finally {
      extending.delete(call);
    }
  };

  const answer = async (
    request: Exclude<DeviceRequest, { stop: number } | { release: number }>,
  ): Promise<unknown> => {
    switch (request.do) {
      case 'load-operand':
        return keep(await compute.loadOperand(request.b, request.n));
      case 'multiply':
        return (get(request.held) as Multiplier).multiply(request.a);
      case 'prepare-labels':
        return compute.prepareLabels?.(request.basis, request.n);
      case 'open-labels':
        return keep(await compute.openLabels!(request.spec)); // asked of devices that said `labels`
      case 'extend':
        return extend(request.call, get(request.held) as Labels, request.upTo);
      case 'read': {
        const labels = get(request.held) as Labels;
        const read = labels[request.what] as (...args: readonly unknown[]) => Promise<unknown>;
        return read.apply(labels, request.with as unknown[]);
      }
    }
  };

  return (request) => {
    if ('stop' in request) {
      extending.get(request.stop)?.abort();
      return;
    }
    if ('release' in request) {
      held.get(request.release)?.release();
      held.delete(request.release);
      return;
    }
    const { call } = request;
    answer(request).then(
      (value) => tell({ call, value }),
      (error: unknown) => tell({ call, error: told(error) }),
    );
  };
}

/** An error as another process hears it. */
export function told(error: unknown): DeviceError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  if (!(error instanceof AssayError)) return { name, message };
  return { name, message, assay: { code: error.code, data: error.data } };
}
