// Owns: the packed operand of an epoch on each device, shared by all slots and sessions that use it.
import type { Compute, Multiplier } from '../../../compute/compute.js';
import { operandMatrix } from '../../../compute/spec/chain.js';
import { toHex } from '../../../model/bytes.js';

/** A multiplier whose callers take turns: its result buffer belongs to one of them at a time. */
export interface SharedOperand {
  /** Runs `use` when nobody else does. */
  exclusive<T>(use: (multiplier: Multiplier) => Promise<T>): Promise<T>;
  /** Once per `acquireOperand`; the packed operand goes when its last user has gone and another has taken its place. */
  release(): void;
}

interface Entry {
  readonly key: string;
  readonly multiplier: Promise<Multiplier>;
  users: number;
  tail: Promise<unknown>;
}

/** One operand a device: the newest, and older ones only while somebody still uses them. */
const newest = new WeakMap<Compute, Entry>();

/** Packing costs seconds at large n, so it happens once for each epoch and device, before the clock runs where possible. */
export async function acquireOperand(compute: Compute, basis: Uint8Array, n: number): Promise<SharedOperand> {
  const key = `${n}/${toHex(basis)}`;
  let entry = newest.get(compute);
  if (entry?.key !== key) {
    const stale = entry;
    entry = { key, multiplier: pack(compute, basis, n), users: 0, tail: Promise.resolve() };
    newest.set(compute, entry);
    if (stale?.users === 0) retire(stale);
  }
  const held = entry;
  held.users++;
  const release = (): void => {
    held.users--;
    if (held.users === 0 && newest.get(compute) !== held) retire(held);
  };
  let multiplier: Multiplier;
  try {
    multiplier = await held.multiplier;
  } catch (error) {
    // a device that failed once is asked anew the next time
    if (newest.get(compute) === held) newest.delete(compute);
    throw error;
  }
  let released = false;
  return {
    exclusive(use) {
      const result = held.tail.then(() => use(multiplier));
      held.tail = result.catch(() => undefined); // the caller sees the failure; the next in line does not care
      return result;
    },
    release() {
      if (released) return;
      released = true;
      release();
    },
  };
}

const pack = async (compute: Compute, basis: Uint8Array, n: number): Promise<Multiplier> =>
  compute.loadOperand(operandMatrix(basis, n), n);

function retire(entry: Entry): void {
  void Promise.all([entry.multiplier, entry.tail]).then(
    ([multiplier]) => multiplier.release(),
    () => undefined, // it never was packed
  );
}
