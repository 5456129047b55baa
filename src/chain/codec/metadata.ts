// Owns: metadata V14 and V15 as bytes, built from the pallets and runtime APIs as they are written down. Does not own:
// either.
import { utf8 } from '../../model/bytes.js';
import { innerEnum, type Pallet, palletPath } from './pallet.js';
import { runtimeCall, runtimeEvent } from './runtime.js';
import type { RuntimeApi } from './runtime-api.js';
import {
  bytes,
  type Codec,
  encode,
  type Field,
  type Instead,
  type Primitive,
  type Shape,
  tuple,
  unit,
  type VariantShape,
  Writer,
  writeCompact,
} from './scale.js';
import { extensionsPayload, SIGNED_EXTENSIONS, uncheckedExtrinsic } from './signed-extensions.js';
import type { AnyStorageItem, Hasher } from './storage.js';
import { multiAddress, multiSignature } from './types.js';

const MAGIC = utf8('meta');
// positions in scale_info's and frame_metadata's own enums
const TYPE_DEF = { composite: 0, variant: 1, sequence: 2, array: 3, tuple: 4, primitive: 5, compact: 6 };
const PRIMITIVES: Record<Primitive, number> = {
  bool: 0,
  str: 2,
  u8: 3,
  u16: 4,
  u32: 5,
  u64: 6,
  u128: 7,
  i16: 10,
  i64: 12,
  i128: 13,
};
const HASHERS: Record<Hasher, number> = { Blake2_128Concat: 2, Twox64Concat: 5, Identity: 6 };

/** Version 14: no runtime APIs. @param instead codecs that stand for others in this runtime */
export function encodeMetadata(pallets: readonly Pallet[], instead?: Instead): Uint8Array {
  const types = new TypeTable(instead);
  const rest = new Writer();
  writeList(pallets, rest, (pallet) => writePallet(pallet, types, rest));
  writeExtrinsic(types, rest);
  writeCompact(types.add(RUNTIME), rest);
  return assemble(14, types, rest);
}

/** Version 15: also what the runtime APIs take and give, and the outer enums. */
export function encodeMetadataV15(
  pallets: readonly Pallet[],
  apis: Readonly<Record<string, RuntimeApi>>,
  instead?: Instead,
): Uint8Array {
  const types = new TypeTable(instead);
  const rest = new Writer();
  writeList(pallets, rest, (pallet) => {
    writePallet(pallet, types, rest);
    writeDocs(rest);
  });
  writeExtrinsicV15(types, rest);
  writeCompact(types.add(RUNTIME), rest);
  writeList(Object.entries(apis), rest, ([name, api]) => writeRuntimeApi(name, api, types, rest));
  for (const outer of [runtimeCall, runtimeEvent, runtimeError(pallets)])
    writeCompact(types.add(outer), rest);
  writeCompact(0, rest); // custom: none
  return assemble(15, types, rest);
}

const RUNTIME: Codec<unknown> = {
  ...unit,
  shape: { kind: 'composite', path: 'node_subtensor_runtime::Runtime', params: [], fields: [] },
};

/** What follows refers to types by index, so it is written first and put behind them. */
function assemble(version: number, types: TypeTable, rest: Writer): Uint8Array {
  const out = new Writer();
  out.raw(MAGIC);
  out.u8(version);
  types.write(out);
  out.raw(rest.finish());
  return out.finish();
}

function writePallet(pallet: Pallet, types: TypeTable, out: Writer): void {
  writeText(pallet.name, out);
  const items = Object.values(pallet.storage);
  out.u8(items.length > 0 ? 1 : 0);
  if (items.length > 0) {
    writeText(pallet.name, out);
    writeList(items, out, (item) => writeStorageItem(item, types, out));
  }
  writeOptionalType(innerEnum(runtimeCall, pallet.name), types, out);
  writeOptionalType(innerEnum(runtimeEvent, pallet.name), types, out);
  writeList(Object.entries(pallet.constants), out, ([name, { type, value }]) => {
    writeText(name, out);
    writeCompact(types.add(type), out);
    bytes.encode(encode(type, value), out);
    writeDocs(out);
  });
  writeOptionalType(errorsOf(pallet), types, out);
  out.u8(pallet.index);
}

const errorEnums = new WeakMap<Pallet, Codec<unknown>>();

/** One object for each pallet, so that it is one type however often it is named. */
function errorsOf(pallet: Pallet): Codec<unknown> | undefined {
  if (pallet.errors.length === 0) return undefined;
  let codec = errorEnums.get(pallet);
  if (!codec) {
    const list = pallet.errors.map(([name, index]): VariantShape => ({ name, index, fields: [] }));
    const path = `${palletPath(pallet.name)}::pallet::Error`;
    codec = { ...unit, shape: { kind: 'variant', path, params: [], variants: list } };
    errorEnums.set(pallet, codec);
  }
  return codec;
}

function runtimeError(pallets: readonly Pallet[]): Codec<unknown> {
  const list = pallets.flatMap((pallet): VariantShape[] => {
    const codec = errorsOf(pallet);
    return codec ? [{ name: pallet.name, index: pallet.index, fields: [[undefined, codec]] }] : [];
  });
  const path = 'node_subtensor_runtime::RuntimeError';
  return { ...unit, shape: { kind: 'variant', path, params: [], variants: list } };
}

function writeStorageItem(item: AnyStorageItem, types: TypeTable, out: Writer): void {
  writeText(item.name, out);
  out.u8(item.modifier === 'Optional' ? 0 : 1);
  const keys = item.parts.map((part) => part.codec);
  out.u8(keys.length === 0 ? 0 : 1);
  if (keys.length > 0) {
    writeList(item.parts, out, (part) => out.u8(HASHERS[part.hasher]));
    writeCompact(types.add(keys.length === 1 ? keys[0]! : tuple(...keys)), out);
  }
  writeCompact(types.add(item.value), out);
  bytes.encode(
    item.modifier === 'Optional' ? Uint8Array.of(0) : encode<unknown>(item.value, item.fallback),
    out,
  );
  writeDocs(out);
}

function writeExtrinsic(types: TypeTable, out: Writer): void {
  writeCompact(types.add(uncheckedExtrinsic(runtimeCall)), out);
  out.u8(EXTRINSIC_FORMAT);
  writeExtensions(types, out);
}

function writeExtrinsicV15(types: TypeTable, out: Writer): void {
  out.u8(EXTRINSIC_FORMAT);
  for (const type of [multiAddress, runtimeCall, multiSignature, extensionsPayload])
    writeCompact(types.add(type), out);
  writeExtensions(types, out);
}

const EXTRINSIC_FORMAT = 4;

function writeExtensions(types: TypeTable, out: Writer): void {
  writeList(SIGNED_EXTENSIONS, out, ([identifier, extra, additional]) => {
    writeText(identifier, out);
    writeCompact(types.add(extra), out);
    writeCompact(types.add(additional), out);
  });
}

function writeRuntimeApi(name: string, { methods }: RuntimeApi, types: TypeTable, out: Writer): void {
  writeText(name, out);
  writeList(Object.entries(methods), out, ([method, { inputs, output }]) => {
    writeText(method, out);
    writeList(Object.entries(inputs), out, ([input, type]) => {
      writeText(input, out);
      writeCompact(types.add(type), out);
    });
    writeCompact(types.add(output), out);
    writeDocs(out);
  });
  writeDocs(out);
}

/** Types in order of first use; the same structure, or the same codec object, is one type. */
class TypeTable {
  readonly #types: Uint8Array[] = [];
  readonly #byCodec = new Map<Codec<unknown>, number>();
  readonly #byStructure = new Map<string, number>();

  constructor(private readonly instead?: Instead) {}

  add(original: Codec<unknown>): number {
    const codec = this.instead?.get(original) ?? original;
    const { shape } = codec;
    if (shape.kind === 'lazy') return this.add(shape.of());
    const known = this.#byCodec.get(codec);
    if (known !== undefined) return known;
    if (shape.kind !== 'composite' && (shape.kind !== 'variant' || shape.path === 'Option')) {
      const key = this.#structure(shape);
      const same = this.#byStructure.get(key);
      if (same !== undefined) return same;
      const index = this.#reserve();
      this.#byStructure.set(key, index);
      this.#byCodec.set(codec, index);
      this.#types[index] = this.#encode(index, shape);
      return index;
    }
    // reserved before its fields are visited: a call may contain a call
    const index = this.#reserve();
    this.#byCodec.set(codec, index);
    this.#types[index] = this.#encode(index, shape);
    return index;
  }

  write(out: Writer): void {
    writeCompact(this.#types.length, out);
    for (const type of this.#types) out.raw(type);
  }

  #reserve(): number {
    return this.#types.push(new Uint8Array()) - 1;
  }

  #structure(shape: Shape): string {
    switch (shape.kind) {
      case 'primitive':
        return shape.name;
      case 'compact':
      case 'sequence':
        return `${shape.kind} ${this.add(shape.of)}`;
      case 'array':
        return `array ${shape.length} ${this.add(shape.of)}`;
      case 'tuple':
        return `tuple ${shape.of.map((part) => this.add(part)).join(' ')}`;
      default:
        return `option ${shape.kind === 'variant' ? this.add(shape.params[0]![1]) : ''}`;
    }
  }

  #encode(index: number, shape: Shape): Uint8Array {
    const body = new Writer();
    writeCompact(index, body);
    const path = shape.kind === 'composite' || shape.kind === 'variant' ? shape.path.split('::') : [];
    const params = shape.kind === 'composite' || shape.kind === 'variant' ? shape.params : [];
    writeList(path, body, (part) => writeText(part, body));
    writeList(params, body, ([name, type]) => {
      writeText(name, body);
      body.u8(1);
      writeCompact(this.add(type), body);
    });
    this.#writeDef(shape, body);
    writeDocs(body);
    return body.finish();
  }

  #writeDef(shape: Shape, out: Writer): void {
    if (shape.kind === 'lazy') return;
    out.u8(TYPE_DEF[shape.kind]);
    switch (shape.kind) {
      case 'primitive':
        out.u8(PRIMITIVES[shape.name]);
        break;
      case 'compact':
      case 'sequence':
        writeCompact(this.add(shape.of), out);
        break;
      case 'array':
        out.uint(shape.length, 4);
        writeCompact(this.add(shape.of), out);
        break;
      case 'tuple':
        writeList(shape.of, out, (part) => writeCompact(this.add(part), out));
        break;
      case 'composite':
        this.#writeFields(shape.fields, out);
        break;
      case 'variant':
        writeList(shape.variants, out, ({ name, index, fields }) => {
          writeText(name, out);
          this.#writeFields(fields, out);
          out.u8(index);
          writeDocs(out);
        });
    }
  }

  #writeFields(fields: readonly Field[], out: Writer): void {
    writeList(fields, out, ([name, type]) => {
      out.u8(name === undefined ? 0 : 1);
      if (name !== undefined) writeText(name, out);
      writeCompact(this.add(type), out);
      out.u8(0); // no type name
      writeDocs(out);
    });
  }
}

function writeList<T>(list: readonly T[], out: Writer, each: (item: T) => void): void {
  writeCompact(list.length, out);
  for (const item of list) each(item);
}

function writeOptionalType(codec: Codec<unknown> | undefined, types: TypeTable, out: Writer): void {
  out.u8(codec === undefined ? 0 : 1);
  if (codec !== undefined) writeCompact(types.add(codec), out);
}

const writeText = (text: string, out: Writer): void => bytes.encode(utf8(text), out);
const writeDocs = (out: Writer): void => writeCompact(0, out);
