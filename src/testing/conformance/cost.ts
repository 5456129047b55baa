// Owns: what a piece of work costs, counted and not timed: the same on every machine, however busy.
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

export interface Cost {
  readonly hashes: number;
  readonly hashedBytes: number;
  /** bytes of keystream */
  readonly cipherBytes: number;
  /** bytes of all typed arrays that were made by their length; views cost nothing */
  readonly allocatedBytes: number;
}

/** Bytes that went through SHA-256 and AES: what a verifier's time is made of, arithmetic apart. */
export const workOf = ({ hashedBytes, cipherBytes }: Cost): number => hashedBytes + cipherBytes;

/** e of `cost = c size^e` through two points. */
export const exponentOf = (
  small: { readonly size: number; readonly cost: number },
  large: { readonly size: number; readonly cost: number },
): number => Math.log(large.cost / small.cost) / Math.log(large.size / small.size);

/** Runs `work` with every hash, cipher and typed array counted; nothing else may run meanwhile. */
export function costOf(work: () => void): Cost {
  const cost = { hashes: 0, hashedBytes: 0, cipherBytes: 0, allocatedBytes: 0 };
  const undo = [countingCrypto(cost), countingArrays(cost)];
  try {
    work();
  } finally {
    for (const restore of undo) restore();
  }
  return cost;
}

type Counted = { -readonly [K in keyof Cost]: Cost[K] };

function countingCrypto(cost: Counted): () => void {
  const { hash, createHash, createCipheriv } = crypto;
  const count = (data: string | NodeJS.ArrayBufferView): void => {
    cost.hashedBytes += typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength;
  };
  crypto.hash = ((algorithm: string, data: string | NodeJS.ArrayBufferView, encoding: 'hex') => {
    cost.hashes++;
    count(data);
    return hash(algorithm, data, encoding);
  }) as typeof hash; // one overload for all: what it returns is what the original returns
  crypto.createHash = (...args) => {
    const made = createHash(...args);
    cost.hashes++;
    const update = made.update.bind(made) as (data: string | NodeJS.ArrayBufferView) => typeof made;
    made.update = (data: string | NodeJS.ArrayBufferView) => {
      count(data);
      return update(data);
    };
    return made;
  };
  crypto.createCipheriv = ((...args: Parameters<typeof createCipheriv>) => {
    const made = createCipheriv(...args);
    const update = made.update.bind(made) as (data: NodeJS.ArrayBufferView) => Buffer;
    made.update = ((data: NodeJS.ArrayBufferView) => {
      cost.cipherBytes += data.byteLength;
      return update(data);
    }) as typeof made.update;
    return made;
  }) as typeof createCipheriv; // as above
  syncBuiltinESMExports();
  return () => {
    Object.assign(crypto, { hash, createHash, createCipheriv });
    syncBuiltinESMExports();
  };
}

const ARRAYS = [
  'Uint8Array',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigUint64Array',
  'BigInt64Array',
] as const;

function countingArrays(cost: Counted): () => void {
  const globals = globalThis as unknown as Record<string, typeof Uint8Array>;
  const undo = ARRAYS.map((name) => {
    const original = globals[name]!;
    const { prototype } = original;
    const counting: typeof Uint8Array = new Proxy(original, {
      construct(target, args: readonly unknown[], newTarget) {
        const made = Reflect.construct(
          target,
          args,
          newTarget === counting ? target : newTarget,
        ) as Uint8Array;
        // a number is a length, an array or another typed array is copied; a buffer is looked at
        if (!(args[0] instanceof ArrayBuffer) && !(args[0] instanceof SharedArrayBuffer))
          cost.allocatedBytes += made.byteLength;
        return made;
      },
    });
    globals[name] = counting;
    prototype.constructor = counting; // what slice() and map() make their results with
    return () => {
      globals[name] = original;
      prototype.constructor = original;
    };
  });
  return () => {
    for (const restore of undo) restore();
  };
}
