// Owns: a call as a value: what is sent by the chain's own names, what is looked at before, what must be true after.
// Does not own: encoding (calls.ts), sending and reading back (operate.ts), which calls there are (the files beside this).
import { equals } from '../../../model/bytes.js';

/** An argument by its plain value; `Uint8Array` for bytes, SS58 for accounts, `undefined` for None, a variant by name. */
export type Arg =
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CallForm
  | readonly Arg[]
  | { readonly [name: string]: Arg };

/** One way to say it: names as the metadata has them. */
export interface CallForm {
  readonly pallet: string;
  readonly name: string;
  readonly args: Readonly<Record<string, Arg>>;
}

/** Stands for the signer's address in keys and event fields; no address looks like it. */
export const SIGNER = '$signer';

type Key = string | number | bigint | Uint8Array | readonly Key[] | { readonly [variant: string]: Key };
export type Keys = readonly Key[];

/** The state of one block. Values as plain.ts gives them; items of SubtensorModule by name, others as `Pallet.Item`. */
export interface State {
  /** whose call it is; behind a proxy the account that it is made for */
  readonly signer: string;
  /** true when the call is made by the chain itself (sudo) */
  readonly byRoot: boolean;
  readonly block: number;
  has(item: string): boolean;
  get(item: string, ...keys: Keys): Promise<unknown>;
  /** undefined also where the metadata has a default: only what somebody put there. */
  stored(item: string, ...keys: Keys): Promise<unknown>;
  integer(item: string, ...keys: Keys): Promise<bigint>;
  flag(item: string, ...keys: Keys): Promise<boolean>;
  /** undefined when absent or the zero account */
  account(item: string, ...keys: Keys): Promise<string | undefined>;
  /** What a runtime API (`Trait_method`) answers; undefined where chain or node has none of that name. */
  api(name: `${string}_${string}`, ...args: readonly unknown[]): Promise<unknown>;
  /** undefined when this chain has no such constant */
  constant(pallet: string, name: string): unknown;
}

/** Why the chain would refuse: its own name for it, and the figures that say so. */
export interface Refusal {
  readonly error: string;
  readonly detail: string;
  /** first block in which this reason is gone, where state tells */
  readonly atBlock?: number;
}

/** undefined when nothing speaks against the call as far as state tells. */
export type Check = (state: State) => Promise<Refusal | undefined>;

export interface OperationEvent {
  /** as the metadata names it: `SubtensorModule` */
  readonly pallet: string;
  readonly name: string;
  /** fields in order, plain */
  readonly data: readonly unknown[];
}

/** What a call left behind in its block. */
export interface Seen {
  readonly after: State;
  /** of this call alone */
  readonly events: readonly OperationEvent[];
}

/** undefined when the effect is there, otherwise what was expected and what is there. */
export type Effect = (seen: Seen) => Promise<{ readonly expected: string; readonly got: string } | undefined>;

/** One part of a call whose parts succeed or fail by themselves. */
export interface Item {
  /** what it is called in results: `subnet 3`, `Balances.transfer_keep_alive` */
  readonly label: string;
  readonly effects: readonly Effect[];
}

export interface Operation extends CallForm {
  readonly signer: 'hotkey' | 'coldkey' | 'root';
  readonly checks: readonly Check[];
  readonly effects: readonly Effect[];
  /** the same for chains that have not the first form, in order of preference; only what means the same */
  readonly otherwise?: readonly CallForm[];
  /** of a batch, with the rule that says which of them failed */
  readonly items?: { readonly rule: 'utility' | 'weights-by-netuid'; readonly of: readonly Item[] };
}

type Rest = Partial<Pick<Operation, 'signer' | 'checks' | 'effects' | 'otherwise' | 'items'>>;

export const operation = (
  pallet: string,
  name: string,
  args: CallForm['args'],
  rest: Rest = {},
): Operation => ({
  pallet,
  name,
  args,
  signer: 'coldkey',
  checks: [],
  effects: [],
  ...rest,
});

export const SUBTENSOR = 'SubtensorModule';

/** A call of SubtensorModule. */
export const subtensorCall = (name: string, args: CallForm['args'], rest: Rest = {}): Operation =>
  operation(SUBTENSOR, name, args, rest);

/** The same call in an older form. */
export const form = (name: string, args: CallForm['args'], pallet = SUBTENSOR): CallForm => ({
  pallet,
  name,
  args,
});

/** Holds when the item has this value after the block. */
export const stored =
  (item: string, keys: Keys, expected: unknown): Effect =>
  async ({ after }) => {
    const got = await after.get(item, ...withSigner(keys, after.signer));
    const wanted = withSigner(expected, after.signer);
    return same(wanted, got) ? undefined : { expected: `${item} ${show(wanted)}`, got: show(got) };
  };

/** Holds when the call left such an event; `undefined` fields may have any value. */
export const emitted =
  (name: string, fields: readonly unknown[] = [], pallet = SUBTENSOR): Effect =>
  async ({ events, after }) => {
    const wanted = withSigner(fields, after.signer) as readonly unknown[]; // maps a list to a list
    const found = events.some(
      (event) =>
        event.pallet === pallet &&
        event.name === name &&
        wanted.every((field, i) => field === undefined || same(field, event.data[i])),
    );
    if (found) return undefined;
    const shown = wanted.map((field) => (field === undefined ? '_' : show(field))).join(', ');
    return {
      expected: `event ${pallet}.${name}(${shown})`,
      got: events.map((event) => `${event.pallet}.${event.name}`).join(', ') || 'no event',
    };
  };

/** The effect where the chain has the item; runtimes without it have no such trace. */
export const whereKept =
  (item: string, effect: Effect): Effect =>
  async (seen) =>
    seen.after.has(item) ? effect(seen) : undefined;

/** Integers are equal whether they came as number or bigint. */
export function same(a: unknown, b: unknown): boolean {
  if (isInteger(a) && isInteger(b)) return BigInt(a) === BigInt(b);
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && equals(a, b);
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((element, i) => same(element, b[i]));
  if (isObject(a) && isObject(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => same(a[key], b[key]));
  }
  return a === b;
}

const isInteger = (value: unknown): value is number | bigint =>
  typeof value === 'bigint' || Number.isInteger(value);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function withSigner<T>(value: T, signer: string): T {
  if (value === SIGNER) return signer as T; // a string for a string
  if (Array.isArray(value)) return value.map((element) => withSigner(element, signer)) as T;
  return value;
}

/** Short enough for an error message; bytes are never printed as text. */
export function show(value: unknown): string {
  const text = JSON.stringify(value, (_key, v: unknown) => {
    if (typeof v === 'bigint') return v.toString();
    return v instanceof Uint8Array ? `${v.length} bytes` : v;
  });
  return text === undefined ? 'none' : text.slice(0, 200);
}
