// Owns: the form in which a pallet is written down: storage, calls, events, errors, constants.
import {
  type Codec,
  type Fields,
  type FieldsValue,
  fieldsShape,
  type VariantDef,
  type VariantDefs,
  variant,
  variants,
} from './scale.js';
import type { AnyStorageItem } from './storage.js';

export interface Constant {
  readonly type: Codec<unknown>;
  readonly value: unknown;
}

export interface Pallet<
  N extends string = string,
  S extends Readonly<Record<string, AnyStorageItem>> = Readonly<Record<string, AnyStorageItem>>,
  C extends VariantDefs = VariantDefs,
  E extends VariantDefs = VariantDefs,
  R extends readonly (readonly [name: string, index: number])[] = readonly (readonly [string, number])[],
> {
  readonly name: N;
  readonly index: number;
  readonly storage: S;
  /** undefined in metadata when empty */
  readonly calls: C;
  readonly events: E;
  readonly errors: R;
  readonly constants: Readonly<Record<string, Constant>>;
}

export function definePallet<
  const N extends string,
  S extends Readonly<Record<string, AnyStorageItem>>,
  C extends VariantDefs,
  E extends VariantDefs,
  const R extends readonly (readonly [name: string, index: number])[],
>(pallet: Pallet<N, S, C, E, R>): Pallet<N, S, C, E, R> {
  return pallet;
}

export const call = <F extends Readonly<Record<string, Codec<unknown>>>>(
  index: number,
  args: F,
): VariantDef<F> => variant(index, args);

/** Fields by name, or by position where the chain's event has none. */
export const event = <F extends Fields>(index: number, fields: F): VariantDef<F> => variant(index, fields);

export type ErrorName<P extends Pallet> = P['errors'][number][0];

export type CallOf<P extends Pallet> = {
  [N in keyof P['calls'] & string]: {
    readonly pallet: P['name'];
    readonly name: N;
    readonly args: FieldsValue<P['calls'][N]['fields']>;
  };
}[keyof P['calls'] & string];

export type EventOf<P extends Pallet> = {
  [N in keyof P['events'] & string]: {
    readonly pallet: P['name'];
    readonly name: N;
    readonly data: FieldsValue<P['events'][N]['fields']>;
  };
}[keyof P['events'] & string];

/** `{ pallet, name, [key] }` of any of `pallets`: the outer enum by pallet index, the inner by variant index. */
export function outerEnum<T extends { readonly pallet: string; readonly name: string }>(
  path: string,
  inner: string,
  pallets: readonly Pallet[],
  of: 'calls' | 'events',
  key: 'args' | 'data',
): Codec<T> {
  const list = pallets
    .filter((pallet) => Object.keys(pallet[of]).length > 0)
    .map((pallet) => ({
      name: pallet.name,
      index: pallet.index,
      codec: variants(`${palletPath(pallet.name)}::pallet::${inner}`, pallet[of]),
    }));
  const byName = new Map(list.map((entry) => [entry.name, entry]));
  const byIndex = new Map(list.map((entry) => [entry.index, entry]));
  return {
    shape: {
      kind: 'variant',
      path,
      params: [],
      variants: list.map(({ name, index, codec }) => ({ name, index, fields: fieldsShape([codec]) })),
    },
    encode(value, out) {
      const entry = byName.get(value.pallet);
      if (!entry) throw new RangeError(`${path}: no pallet ${value.pallet}`);
      out.u8(entry.index);
      const content = (value as Readonly<Record<string, unknown>>)[key];
      const codec = out.instead?.get(entry.codec) ?? entry.codec;
      codec.encode({ type: value.name, value: content } as never, out);
    },
    decode(input) {
      const index = input.u8();
      const entry = byIndex.get(index);
      if (!entry) throw new RangeError(`${path}: no pallet of index ${index}`);
      const codec = (input.instead?.get(entry.codec) ?? entry.codec) as typeof entry.codec; // of the same form
      const { type, value } = codec.decode(input);
      return { pallet: entry.name, name: type, [key]: value } as unknown as T; // T is the union over `pallets`
    },
  };
}

/** The codec of one pallet's own enum inside an outer one, for metadata. */
export function innerEnum(outer: Codec<unknown>, pallet: string): Codec<unknown> | undefined {
  if (outer.shape.kind !== 'variant') return undefined;
  return outer.shape.variants.find((entry) => entry.name === pallet)?.fields[0]?.[1];
}

const PATHS: Readonly<Record<string, string>> = {
  System: 'frame_system',
  SubtensorModule: 'pallet_subtensor',
  AdminUtils: 'pallet_admin_utils',
  // its enums live one module deeper than those of the others
  Swap: 'pallet_subtensor_swap::pallet',
  Utility: 'pallet_subtensor_utility',
};
export const palletPath = (name: string): string => PATHS[name] ?? `pallet_${name.toLowerCase()}`;
