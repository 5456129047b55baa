// Owns: what the localnet can be asked to do wrong, as values, and what follows from them. Does not own: doing it
// (localnet.ts, rpc.ts, serve.ts), the doors by which it is asked (faults-rpc.ts), runtime upgrades (faults-upgrade.ts).
import { RpcError } from './validity.js';

/** Codes with which a Substrate pool refuses (sc-rpc author/error.rs), and their texts. */
export const POOL_REFUSALS = {
  1010: 'Invalid Transaction',
  1011: 'Unknown Transaction Validity',
  1012: 'Transaction is temporarily banned',
  1014: 'Priority is too low: (0 vs 0)',
  1016: 'Immediately Dropped',
} as const;
export type PoolCode = keyof typeof POOL_REFUSALS;

export interface Rejection {
  /** `SubtensorModule.set_weights`; `*` stands for any text: `*.set_*` */
  readonly pattern: string;
  readonly code: PoolCode;
  /** the number of `Custom error`, with code 1010 */
  readonly custom: number | undefined;
}

/**
 * How a method answers when it answers nonsense: a value of another type, null, the first half of the right answer,
 * an internal error, or not at all.
 */
export const NONSENSE = ['wrong-type', 'null', 'truncated', 'error', 'silence'] as const;
export type Nonsense = (typeof NONSENSE)[number];

export interface Faults {
  /** The clock makes no blocks. `produceBlock` still does. */
  readonly stalled: boolean;
  /** extrinsics stay in the pool for so many blocks that could have carried them */
  readonly inclusionDelayBlocks: number;
  /** the first that matches decides */
  readonly rejections: readonly Rejection[];
  /** the head that RPC serves stays so many blocks behind; it never goes back */
  readonly lagBlocks: number;
  /** by RPC method */
  readonly nonsense: Readonly<Record<string, Nonsense>>;
}

export const NO_FAULTS: Faults = {
  stalled: false,
  inclusionDelayBlocks: 0,
  rejections: [],
  lagBlocks: 0,
  nonsense: {},
};

/** The pool's error for a call that is to be rejected. */
export function rejectionOf(
  { rejections }: Pick<Faults, 'rejections'>,
  call: { readonly pallet: string; readonly name: string },
): RpcError | undefined {
  const found = rejections.find(({ pattern }) => matches(pattern, `${call.pallet}.${call.name}`));
  if (!found) return undefined;
  const reason = found.custom === undefined ? 'Rejected on request' : `Custom error: ${found.custom}`;
  return new RpcError(found.code, POOL_REFUSALS[found.code], reason);
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return pattern === name;
  const [first, last] = [parts[0]!, parts.at(-1)!];
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return at <= end;
}

/** Answered by nobody: whoever asked waits until its own deadline. */
export const NO_ANSWER: unique symbol = Symbol('no answer');

/**
 * @param answer gives the right one; asked only where part of it is told
 * @throws RpcError for `error`
 */
export function nonsenseOf(kind: Nonsense, answer: () => unknown): unknown {
  switch (kind) {
    case 'wrong-type': {
      const right = answer();
      return typeof right === 'string' ? { nonsense: true } : 'nonsense';
    }
    case 'null':
      return null;
    case 'truncated':
      return halfOf(answer());
    case 'error':
      throw new RpcError(-32603, 'Internal error');
    case 'silence':
      return NO_ANSWER;
  }
}

/** Hex keeps whole bytes, so that it is the content that is short and not its spelling. */
function halfOf(value: unknown): unknown {
  if (typeof value === 'string') {
    const half = Math.floor(value.length / 2);
    return value.slice(0, value.startsWith('0x') ? half - (half % 2) : half);
  }
  if (Array.isArray(value)) return value.slice(0, Math.floor(value.length / 2));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.slice(0, Math.floor(entries.length / 2)));
}
