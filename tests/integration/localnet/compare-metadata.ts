// Two chains' metadata, item by item: what one has that the other describes otherwise, and what it lacks.
import { Metadata, TypeRegistry } from '@polkadot/types';
import type { PortableRegistry } from '@polkadot/types/metadata';
import { u8aToHex } from '@polkadot/util';

type Latest = Metadata['asLatest'];
type TypeId = Parameters<PortableRegistry['getSiType']>[0];
type PalletMetadata = Latest['pallets'][number];
type StorageEntry = ReturnType<PalletMetadata['storage']['unwrap']>['items'][number];
type Constant = PalletMetadata['constants'][number];
type ApiMethod = Latest['apis'][number]['methods'][number];

interface Extension {
  readonly identifier: { toString(): string };
  readonly type: TypeId;
  readonly implicit: TypeId;
}

export interface Side {
  readonly version: number;
  readonly latest: Latest;
  readonly lookup: PortableRegistry;
  readonly extensions: readonly Extension[];
}

export interface Missing {
  /** pallet, `runtime APIs` or `signed extensions` */
  readonly where: string;
  readonly kind: Kind;
  readonly names: readonly string[];
}

export interface Count {
  readonly where: string;
  readonly kind: Kind;
  readonly ours: number;
  readonly theirs: number;
}

export type Kind = 'calls' | 'storage' | 'events' | 'errors' | 'constants' | 'methods' | 'extensions';

export interface Comparison {
  /** One line for each thing that both name and describe differently, or that only the first has. */
  readonly differences: readonly string[];
  readonly counts: readonly Count[];
  readonly missing: readonly Missing[];
}

export function readMetadata(bytes: Uint8Array): Side {
  const registry = new TypeRegistry();
  const metadata = new Metadata(registry, u8aToHex(bytes));
  registry.setMetadata(metadata);
  const latest = metadata.asLatest;
  // on the way from an older form to the latest @polkadot/types drops the types of what is signed implicitly
  const older =
    metadata.version === 14 ? metadata.asV14 : metadata.version === 15 ? metadata.asV15 : undefined;
  const extensions =
    older?.extrinsic.signedExtensions.map(({ identifier, type, additionalSigned }) => ({
      identifier,
      type,
      implicit: additionalSigned,
    })) ?? latest.extrinsic.transactionExtensions.toArray();
  return { version: metadata.version, latest, lookup: latest.lookup, extensions };
}

/** V14 describes neither runtime APIs nor the outer enums; of such a one they are not compared. */
export function compareMetadata(ours: Side, theirs: Side): Comparison {
  const differences: string[] = [];
  const counts: Count[] = [];
  const missing: Missing[] = [];
  const typeDifference = typeComparer(ours.lookup, theirs.lookup);

  const compareType = (at: string, a: TypeId, b: TypeId): void => {
    const difference = typeDifference(a, b);
    if (difference !== undefined) differences.push(`${at}: ${difference}`);
  };
  const compareValue = (at: string, a: unknown, b: unknown): void => {
    const [own, real] = [String(a), String(b)];
    if (own !== real) differences.push(`${at}: ${shortened(own)} here, ${shortened(real)} there`);
  };

  /** Pairs what has the same name; the rest is a difference if it is ours alone, missing if it is theirs alone. */
  function match<T>(
    where: string,
    kind: Kind,
    own: readonly T[],
    real: readonly T[],
    nameOf: (item: T) => string,
    compare: (at: string, own: T, real: T) => void,
  ): void {
    const byName = new Map(real.map((item) => [nameOf(item), item]));
    const names = new Set(own.map(nameOf));
    for (const item of own) {
      const name = nameOf(item);
      const counterpart = byName.get(name);
      if (counterpart === undefined) differences.push(`${where} ${kind} ${name}: not there`);
      else compare(`${where}.${name}`, item, counterpart);
    }
    counts.push({ where, kind, ours: own.length, theirs: real.length });
    const lacking = [...byName.keys()].filter((name) => !names.has(name));
    if (lacking.length > 0) missing.push({ where, kind, names: lacking });
  }

  function comparePallet(where: string, own: PalletMetadata | undefined, real: PalletMetadata): void {
    if (own) compareValue(`${where} index`, own.index, real.index);
    for (const field of ['calls', 'events', 'errors'] as const)
      if (own?.[field].isSome && real[field].isSome)
        compareType(`${where} ${field}`, own[field].unwrap().type, real[field].unwrap().type);
    for (const kind of ['calls', 'events', 'errors'] as const)
      match(
        where,
        kind,
        variantsOf(ours, own?.[kind]),
        variantsOf(theirs, real[kind]),
        (variant) => variant.name.toString(),
        (at, a, b) => {
          compareValue(`${at} index`, a.index, b.index);
          compareFields(at, a.fields, b.fields, compareType, compareValue);
        },
      );
    match(
      where,
      'storage',
      own ? storageOf(own) : [],
      storageOf(real),
      (item: StorageEntry) => item.name.toString(),
      (at, a, b) => {
        compareValue(`${at} modifier`, a.modifier, b.modifier);
        compareValue(`${at} kind`, a.type.type, b.type.type);
        if (a.type.isMap && b.type.isMap) {
          compareValue(`${at} hashers`, a.type.asMap.hashers, b.type.asMap.hashers);
          compareType(`${at} key`, a.type.asMap.key, b.type.asMap.key);
          compareType(`${at} value`, a.type.asMap.value, b.type.asMap.value);
        } else if (a.type.isPlain && b.type.isPlain)
          compareType(`${at} value`, a.type.asPlain, b.type.asPlain);
        compareValue(`${at} default`, a.fallback.toHex(), b.fallback.toHex());
      },
    );
    if (own?.storage.isSome && real.storage.isSome)
      compareValue(`${where} storage prefix`, own.storage.unwrap().prefix, real.storage.unwrap().prefix);
    match(
      where,
      'constants',
      own?.constants.toArray() ?? [],
      real.constants.toArray(),
      (constant: Constant) => constant.name.toString(),
      (at, a, b) => {
        compareType(at, a.type, b.type);
        compareValue(`${at} value`, a.value.toHex(), b.value.toHex());
      },
    );
  }

  const own = new Map(ours.latest.pallets.map((pallet) => [pallet.name.toString(), pallet]));
  for (const real of theirs.latest.pallets) {
    const name = real.name.toString();
    comparePallet(name, own.get(name), real);
    own.delete(name);
  }
  for (const name of own.keys()) differences.push(`pallet ${name}: not there`);

  match(
    'signed extensions',
    'extensions',
    ours.extensions,
    theirs.extensions,
    ({ identifier }: Extension) => identifier.toString(),
    (at, a, b) => {
      compareType(`${at} payload`, a.type, b.type);
      compareType(`${at} implicit`, a.implicit, b.implicit);
    },
  );

  if (ours.version > 14) {
    const [extrinsic, real] = [ours.latest.extrinsic, theirs.latest.extrinsic];
    compareType('address', extrinsic.addressType, real.addressType);
    compareType('signature', extrinsic.signatureType, real.signatureType);
    compareType('call', extrinsic.callType, real.callType);
    const apis = new Map(ours.latest.apis.map((api) => [api.name.toString(), api]));
    for (const real of theirs.latest.apis) {
      const name = real.name.toString();
      match(
        name,
        'methods',
        apis.get(name)?.methods.toArray() ?? [],
        real.methods.toArray(),
        (method: ApiMethod) => method.name.toString(),
        (at, a, b) => {
          compareFields(at, a.inputs, b.inputs, compareType, compareValue);
          compareType(`${at} output`, a.output, b.output);
        },
      );
      apis.delete(name);
    }
    for (const name of apis.keys()) differences.push(`runtime API ${name}: not there`);
    compareType('outer enum of errors', ours.latest.outerEnums.errorType, theirs.latest.outerEnums.errorType);
    compareType('outer enum of calls', ours.latest.outerEnums.callType, theirs.latest.outerEnums.callType);
    compareType('outer enum of events', ours.latest.outerEnums.eventType, theirs.latest.outerEnums.eventType);
  }
  return { differences, counts, missing };
}

interface NamedField {
  readonly name: unknown;
  readonly type: TypeId;
}

function compareFields(
  at: string,
  own: readonly NamedField[],
  real: readonly NamedField[],
  compareType: (at: string, a: TypeId, b: TypeId) => void,
  compareValue: (at: string, a: unknown, b: unknown) => void,
): void {
  const names = (fields: readonly NamedField[]): string => fields.map(({ name }) => `${name}`).join(', ');
  compareValue(`${at} arguments`, names(own), names(real));
  if (own.length === real.length)
    own.forEach(({ name, type }, index) => {
      compareType(`${at}(${`${name}` || index})`, type, real[index]!.type);
    });
}

const storageOf = ({ storage }: PalletMetadata): readonly StorageEntry[] =>
  storage.isSome ? storage.unwrap().items.toArray() : [];

const variantsOf = (side: Side, field: PalletMetadata['calls'] | undefined) =>
  field?.isSome ? side.lookup.getSiType(field.unwrap().type).def.asVariant.variants.toArray() : [];

/**
 * Types of which the localnet may have a part: calls, events and errors are compared one by one, and so are the
 * extensions that an extrinsic's parameters list.
 */
const PARTIAL = /::pallet::(Call|Event|Error)$|::Runtime(Call|Event|Error)$|::UncheckedExtrinsic$/;

/** Structural equality of two types, with paths, field and variant names; undefined when they are the same. */
function typeComparer(ours: PortableRegistry, theirs: PortableRegistry) {
  /** compared, or being compared further up: a call may contain a call */
  const known = new Map<string, string | undefined>();

  const compare = (a: TypeId, b: TypeId): string | undefined => {
    const key = `${a} ${b}`;
    if (known.has(key)) return known.get(key);
    known.set(key, undefined);
    const difference = structure(a, b);
    known.set(key, difference);
    return difference;
  };

  function structure(a: TypeId, b: TypeId): string | undefined {
    const [own, real] = [ours.getSiType(a), theirs.getSiType(b)];
    const path = own.path.map(String).join('::');
    const realPath = real.path.map(String).join('::');
    if (path !== realPath) return `type ${path || own.def.type} here, ${realPath || real.def.type} there`;
    const inside = path === '' ? '' : `in ${path}: `;
    if (own.def.type !== real.def.type) return `${inside}${own.def.type} here, ${real.def.type} there`;
    const difference = PARTIAL.test(path) ? undefined : (params(a, b) ?? definition(a, b));
    return difference === undefined ? undefined : inside + difference;
  }

  /** Parameters that stand for a type; the others (`T: Config`) say nothing. */
  function params(a: TypeId, b: TypeId): string | undefined {
    const [own, real] = [ours, theirs].map((lookup, index) =>
      lookup
        .getSiType(index === 0 ? a : b)
        .params.filter(({ type }) => type.isSome)
        .map(({ name, type }) => ({ name, type: type.unwrap() })),
    ) as [NamedField[], NamedField[]];
    return fields(own, real, 'type parameters');
  }

  function definition(a: TypeId, b: TypeId): string | undefined {
    const own = ours.getSiType(a).def;
    const real = theirs.getSiType(b).def;
    if (own.isPrimitive)
      return own.asPrimitive.type === real.asPrimitive.type
        ? undefined
        : `${own.asPrimitive.type} here, ${real.asPrimitive.type} there`;
    if (own.isCompact) return compare(own.asCompact.type, real.asCompact.type);
    if (own.isSequence) return compare(own.asSequence.type, real.asSequence.type);
    if (own.isArray)
      return own.asArray.len.eq(real.asArray.len)
        ? compare(own.asArray.type, real.asArray.type)
        : `${own.asArray.len} items here, ${real.asArray.len} there`;
    if (own.isTuple) {
      const members = (list: readonly TypeId[]) => list.map((type) => ({ name: '', type }));
      return fields(members([...own.asTuple]), members([...real.asTuple]), 'members');
    }
    if (own.isComposite)
      return fields(own.asComposite.fields.toArray(), real.asComposite.fields.toArray(), 'fields');
    if (!own.isVariant) return `${own.type} is not compared`;
    const [left, right] = [own.asVariant.variants, real.asVariant.variants];
    const names = (list: typeof left) => list.map(({ name, index }) => `${index} ${name}`).join(', ');
    if (names(left) !== names(right)) return `variants ${names(left)} here, ${names(right)} there`;
    for (const [index, { name, fields: inner }] of left.entries()) {
      const difference = fields(inner.toArray(), right[index]!.fields.toArray(), `fields of ${name}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  function fields(own: readonly NamedField[], real: readonly NamedField[], what: string): string | undefined {
    const names = (list: readonly NamedField[]) => `(${list.map(({ name }) => `${name}`).join(', ')})`;
    if (names(own) !== names(real)) return `${what} ${names(own)} here, ${names(real)} there`;
    for (const [index, { name, type }] of own.entries()) {
      const difference = compare(type, real[index]!.type);
      if (difference !== undefined) return `${`${name}` || index}: ${difference}`;
    }
    return undefined;
  }

  return compare;
}

const shortened = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);
