// Owns: what each instruction that our kernels use does to a warp of 32 lanes, after NVIDIA's "Parallel Thread Execution ISA".
// Does not own: which lanes run when (machine.ts). An instruction that is not here is an error.
import type { LaunchArgument } from '../../../src/compute/cuda/driver.js';
import { toHalf, toSingle } from './half.js';
import { type Block, HOPPER, type Product } from './hopper.js';
import type { GlobalMemory, SharedMemory, Toucher } from './memory.js';
import type { Instruction, Operand } from './parse.js';

/** Registers lie lane by lane: register r of lane l at `32 r + l`. Those of 64 bits are whole numbers that a double holds. */
export interface Warp {
  readonly words: Int32Array;
  /** the same bits, in the byte order of cards, which is that of the machines they are in */
  readonly singles: Float32Array;
  readonly bytes: Int8Array;
  readonly halves: Uint16Array;
  readonly wides: Float64Array;
  /** the same, two words each: what is only ever taken apart again need be no number */
  readonly wideWords: Uint32Array;
  readonly params: readonly LaunchArgument[];
  readonly global: GlobalMemory;
  readonly shared: SharedMemory;
  /** one for each lane */
  readonly touchers: readonly Toucher[];
  readonly copies: readonly LaneCopies[];
  /** of the block */
  readonly index: number;
  readonly block: Block;
  readonly products: WarpProducts;
  /** whether what it waited for was there; set by whoever looks */
  progress: boolean;
}

/** As `LaneCopies`, of products of a warpgroup. */
export interface WarpProducts {
  open: Product[];
  readonly groups: Product[][];
  /** asked for so far */
  count: number;
  /** its registers are in order with what comes */
  fenced: boolean;
}

/** Of one thread: those since the last group ended, and groups that nobody waited for. */
export interface LaneCopies {
  open: Copy[];
  readonly groups: Copy[][];
}
interface Copy {
  readonly to: number;
  readonly data: Uint8Array;
}

/** @param mask a bit for each lane that runs it */
export type Run = (warp: Warp, mask: number) => void;

/** Where operands lie; constants have a place as well. */
export interface Places {
  word(operand: Operand): number;
  wide(operand: Operand): number;
  words(operand: Operand): readonly number[];
  /** of a parameter */
  param(operand: Operand): number;
  /** where a tensor's description and coordinates are */
  tensor(operand: Operand): { readonly base: number; readonly names: readonly number[] };
}

/** A register that holds a base, whether it has 64 bits, and bytes behind it. */
export interface AddressPlace {
  readonly at: number;
  readonly wide: boolean;
  readonly offset: number;
}
export interface Building extends Places {
  address(operand: Operand): AddressPlace;
}

export type Build = (operands: readonly Operand[], places: Building) => Run;

/** @throws Error for one that is not known */
export function build({ opcode, operands }: Instruction, places: Building): Run {
  const found = INSTRUCTIONS[opcode] ?? HOPPER[opcode];
  if (!found) throw new Error(`no instruction ${opcode}`);
  return found(operands, places);
}

const ALL = -1;

const unary =
  (f: (a: number) => number): Build =>
  ([d, a], places) => {
    const [to, x] = [places.word(d), places.word(a)];
    return ({ words }, mask) => {
      for (let l = 0; l < 32; l++) if ((mask >>> l) & 1) words[to + l] = f(words[x + l]);
    };
  };
const binary =
  (f: (a: number, b: number) => number): Build =>
  ([d, a, b], places) => {
    const [to, x, y] = [places.word(d), places.word(a), places.word(b)];
    return ({ words }, mask) => {
      for (let l = 0; l < 32; l++) if ((mask >>> l) & 1) words[to + l] = f(words[x + l], words[y + l]);
    };
  };
const ternary =
  (f: (a: number, b: number, c: number) => number): Build =>
  ([d, a, b, c], places) => {
    const [to, x, y, z] = [places.word(d), places.word(a), places.word(b), places.word(c)];
    return ({ words }, mask) => {
      for (let l = 0; l < 32; l++)
        if ((mask >>> l) & 1) words[to + l] = f(words[x + l], words[y + l], words[z + l]);
    };
  };

/** As `binary`, with the loop in `loop`: hashing is little else than a few of these, and a call for each lane is most of its time. */
const looped =
  (loop: (words: Int32Array, to: number, x: number, y: number, mask: number) => void): Build =>
  ([d, a, b], places) => {
    const [to, x, y] = [places.word(d), places.word(a), places.word(b)];
    return ({ words }, mask) => loop(words, to, x, y, mask);
  };

/** What a double would round is no answer. */
function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new Error(`64-bit value beyond what is interpreted: ${value}`);
  return value;
}
const wideBinary =
  (f: (a: number, b: number) => number): Build =>
  ([d, a, b], places) => {
    const [to, x, y] = [places.wide(d), places.wide(a), places.wide(b)];
    return ({ wides }, mask) => {
      for (let l = 0; l < 32; l++) if ((mask >>> l) & 1) wides[to + l] = exact(f(wides[x + l], wides[y + l]));
    };
  };
const toWide =
  (f: (a: number, b: number) => number): Build =>
  ([d, a, b], places) => {
    const [to, x, y] = [places.wide(d), places.word(a), b ? places.word(b) : 0];
    return ({ words, wides }, mask) => {
      for (let l = 0; l < 32; l++) if ((mask >>> l) & 1) wides[to + l] = exact(f(words[x + l], words[y + l]));
    };
  };
const wideCopy: Build = ([d, a], places) => {
  const [to, x] = [places.wide(d), places.wide(a)];
  return ({ wides }, mask) => {
    for (let l = 0; l < 32; l++) if ((mask >>> l) & 1) wides[to + l] = wides[x + l];
  };
};

const signed = (f: (a: number, b: number) => boolean): Build => binary((a, b) => (f(a, b) ? 1 : 0));
const unsigned = (f: (a: number, b: number) => boolean): Build =>
  binary((a, b) => (f(a >>> 0, b >>> 0) ? 1 : 0));

/** Byte of eight, those of b behind those of a; bit 3 of the selector takes its sign instead. */
function permute(a: number, b: number, selector: number): number {
  let out = 0;
  for (let i = 0; i < 4; i++) {
    const s = (selector >>> (4 * i)) & 15;
    const byte = (((s & 4) === 0 ? a : b) >>> (8 * (s & 3))) & 255;
    out |= ((s & 8) === 0 ? byte : (byte << 24) >> 31) << (8 * i);
  }
  return out;
}

function dotBytes(a: number, b: number, sum: number): number {
  let total = sum;
  for (let i = 0; i < 32; i += 8) total += ((a << (24 - i)) >> 24) * ((b << (24 - i)) >> 24);
  return total | 0;
}

function extractBits(a: number, from: number, count: number): number {
  const at = from & 255;
  const bits = count & 255;
  const shifted = at > 31 ? 0 : a >>> at;
  return bits > 31 ? shifted : shifted & ((1 << bits) - 1);
}

/** Addresses of a load or store, lane by lane. */
export function addresses(place: AddressPlace): (warp: Warp, lane: number) => number {
  const { at, wide, offset } = place;
  return wide
    ? ({ wides }, lane) => wides[at + lane] + offset
    : ({ words }, lane) => (words[at + lane] >>> 0) + offset;
}

type Space = 'global' | 'shared';

function load(space: Space, size: 1 | 2 | 4): Build {
  return ([d, a], places) => {
    const to = d.kind === 'vector' ? places.words(d) : [places.word(d)];
    const address = addresses(places.address(a));
    const bytes = size * to.length;
    return (warp, mask) => {
      for (let l = 0; l < 32; l++) {
        if (((mask >>> l) & 1) === 0) continue;
        const { from, at } = readable(warp, space, address(warp, l), bytes, l);
        for (let k = 0; k < to.length; k++) warp.words[to[k] + l] = littleEndian(from, at + k * size, size);
      }
    };
  };
}

function readable(warp: Warp, space: Space, address: number, bytes: number, lane: number) {
  if (space === 'global') return warp.global.read(address, bytes, warp.touchers[lane]);
  warp.shared.read(address, bytes, warp.touchers[lane]);
  return { from: warp.shared.bytes, at: address };
}

function littleEndian(from: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value |= from[at + i] << (8 * i);
  return value;
}

function store(space: Space, size: 1 | 2 | 4): Build {
  return ([a, d], places) => {
    const values = d.kind === 'vector' ? places.words(d) : [places.word(d)];
    const address = addresses(places.address(a));
    const bytes = size * values.length;
    return (warp, mask) => {
      for (let l = 0; l < 32; l++) {
        if (((mask >>> l) & 1) === 0) continue;
        const to = address(warp, l);
        let target = warp.shared.bytes;
        let at = to;
        if (space === 'shared') warp.shared.write(to, bytes, warp.touchers[l]);
        else ({ from: target, at } = warp.global.write(to, bytes, warp.touchers[l]));
        for (let i = 0; i < bytes; i++) {
          const value = warp.words[values[Math.floor(i / size)] + l];
          target[at + i] = value >>> (8 * (i % size));
        }
      }
    };
  };
}

export function assertWholeWarp(mask: number, what: string): void {
  if (mask !== ALL) throw new Error(`${what}: not all lanes of the warp are there`);
}

/**
 * "Warp-level matrix load instruction: ldmatrix": lane l names row l % 8 of matrix l / 8, 16 bytes; of each matrix lane l gets
 * the four bytes from 4 (l % 4) of row l / 4.
 */
const loadMatrices: Build = ([d, a], places) => {
  const to = places.words(d);
  const address = addresses(places.address(a));
  return (warp, mask) => {
    assertWholeWarp(mask, 'ldmatrix');
    for (let l = 0; l < 32; l++) warp.shared.read(address(warp, l), 16, warp.touchers[l]);
    for (let matrix = 0; matrix < 4; matrix++)
      for (let l = 0; l < 32; l++) {
        const row = address(warp, 8 * matrix + (l >> 2));
        warp.words[to[matrix] + l] = littleEndian(warp.shared.bytes, row + 4 * (l & 3), 4);
      }
  };
};

/** Row and column of the elements of an operand or of sums, by lane and element; `group` is lane / 4, `within` lane % 4. */
type Layout = (group: number, within: number, element: number) => readonly [row: number, column: number];

interface Shape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Layout;
  readonly b: Layout;
  readonly c: Layout;
}

/** "Matrix fragments for mma.m16n8k32" with elements of 8 bits. */
const M16N8K32: Shape = {
  m: 16,
  n: 8,
  k: 32,
  a: (group, within, i) => [
    group + (i < 4 || (i >= 8 && i < 12) ? 0 : 8),
    within * 4 + (i & 3) + (i < 8 ? 0 : 16),
  ],
  b: (group, within, i) => [within * 4 + (i & 3) + (i < 4 ? 0 : 16), group],
  c: (group, within, i) => [group + (i < 2 ? 0 : 8), within * 2 + (i & 1)],
};
/** "Matrix fragments for mma.m16n8k16 with floating point type", of 16 bits. */
const M16N8K16: Shape = {
  m: 16,
  n: 8,
  k: 16,
  a: (group, within, i) => [
    group + (i < 2 || (i >= 4 && i < 6) ? 0 : 8),
    within * 2 + (i & 1) + (i < 4 ? 0 : 8),
  ],
  b: (group, within, i) => [within * 2 + (i & 1) + (i < 2 ? 0 : 8), group],
  c: (group, within, i) => [group + (i < 2 ? 0 : 8), within * 2 + (i & 1)],
};
/** "Matrix fragments for mma.m8n8k16" with elements of 8 bits. */
const M8N8K16: Shape = {
  m: 8,
  n: 8,
  k: 16,
  a: (group, within, i) => [group, within * 4 + i],
  b: (group, within, i) => [within * 4 + i, group],
  c: (group, within, i) => [group, within * 2 + i],
};

const halfOf = (word: number, i: number): number => toSingle((word >>> (16 * i)) & 0xffff);

/** Where element e of lane l lies in a matrix of `width` columns: lane by lane. */
function scatter(layout: Layout, elements: number, width: number): Int32Array {
  return Int32Array.from({ length: 32 * elements }, (_, at) => {
    const lane = Math.floor(at / elements);
    const [row, column] = layout(lane >> 2, lane & 3, at % elements);
    return row * width + column;
  });
}

function multiplyMatrices(shape: Shape, type: 's8' | 'f16'): Build {
  const { m, n, k } = shape;
  const perWord = type === 's8' ? 4 : 2;
  const [inA, inB, inC] = [(m * k) / 32, (k * n) / 32, (m * n) / 32];
  const aAt = scatter(shape.a, inA, k);
  const bAt = scatter(
    (group, within, i) => {
      const [row, column] = shape.b(group, within, i);
      return [column, row]; // column by column, as it is summed
    },
    inB,
    k,
  );
  const cAt = scatter(shape.c, inC, n);
  const left = new Float64Array(m * k);
  const right = new Float64Array(k * n);
  /** Elements of one operand from the registers of all lanes. */
  const gather = (warp: Warp, registers: readonly number[], at: Int32Array, to: Float64Array): void => {
    const each = at.length / 32;
    for (let e = 0; e < each; e++) {
      const first = registers[Math.floor(e / perWord)];
      const part = e % perWord;
      for (let l = 0; l < 32; l++)
        to[at[l * each + e]] =
          type === 's8' ? warp.bytes[4 * (first + l) + part] : toSingle(warp.halves[2 * (first + l) + part]);
    }
  };
  return ([d, a, b, c], places) => {
    const [to, as, bs, cs] = [d, a, b, c].map((operand) => places.words(operand));
    if (as.length * perWord !== inA || bs.length * perWord !== inB || cs.length !== inC || to.length !== inC)
      throw new Error(`mma.m${m}n${n}k${k}: wrong number of registers`);
    return (warp, mask) => {
      assertWholeWarp(mask, 'mma');
      const { words, singles } = warp;
      gather(warp, as, aAt, left);
      gather(warp, bs, bAt, right);
      for (let l = 0; l < 32; l++)
        for (let e = 0; e < inC; e++) {
          const at = cAt[l * inC + e];
          const row = Math.floor(at / n) * k;
          const column = (at % n) * k;
          let sum = type === 's8' ? words[cs[e] + l] : singles[cs[e] + l];
          let largest = Math.abs(sum);
          for (let i = 0; i < k; i++) {
            const product = left[row + i] * right[column + i];
            sum += product;
            largest += Math.abs(product);
          }
          if (type === 's8') words[to[e] + l] = sum;
          else {
            // in what order hardware adds and how it rounds what it shifts out is not said: whole numbers of a bit less than
            // single precision holds need not care
            if (!Number.isInteger(sum) || largest > 2 ** 23)
              throw new Error(`mma: ${sum} is not exact in single precision`);
            singles[to[e] + l] = sum;
          }
        }
    };
  };
}

/** The copy is done when a thread that began it waited for its group, and others learn of it by a wait of all. */
const copyAsync: Build = ([d, a, size], places) => {
  if (size.kind !== 'number' || size.value !== 16n)
    throw new Error('cp.async: only 16 bytes are interpreted');
  const to = addresses(places.address(d));
  const from = addresses(places.address(a));
  return (warp, mask) => {
    for (let l = 0; l < 32; l++) {
      if (((mask >>> l) & 1) === 0) continue;
      const source = warp.global.read(from(warp, l), 16, warp.touchers[l]);
      warp.shared.beginCopy(to(warp, l), 16, warp.touchers[l]);
      warp.copies[l].open.push({ to: to(warp, l), data: source.from.slice(source.at, source.at + 16) });
    }
  };
};
const commitGroup: Build = () => (warp, mask) => {
  for (let l = 0; l < 32; l++) {
    if (((mask >>> l) & 1) === 0) continue;
    warp.copies[l].groups.push(warp.copies[l].open);
    warp.copies[l].open = [];
  }
};
const waitGroup: Build = ([count]) => {
  if (count.kind !== 'number') throw new Error('cp.async.wait_group: expected a number');
  const pending = Number(count.value);
  return (warp, mask) => {
    for (let l = 0; l < 32; l++) {
      if (((mask >>> l) & 1) === 0) continue;
      const { groups } = warp.copies[l];
      while (groups.length > pending)
        for (const { to, data } of groups.shift()!) warp.shared.endCopy(to, data, warp.touchers[l]);
    }
  };
};

/** Values of before the exchange, from the lane whose number differs in the bits of `b`. */
const exchange: Build = ([d, a, b, clamp, members], places) => {
  const [to, from, bits] = [places.word(d), places.word(a), places.word(b)];
  if (
    clamp.kind !== 'number' ||
    clamp.value !== 31n ||
    members.kind !== 'number' ||
    BigInt.asIntN(32, members.value) !== -1n
  )
    throw new Error('shfl: only whole warps are interpreted');
  const before = new Int32Array(32);
  return ({ words }, mask) => {
    assertWholeWarp(mask, 'shfl');
    before.set(words.subarray(from, from + 32));
    for (let l = 0; l < 32; l++) words[to + l] = before[l ^ (words[bits + l] & 31)];
  };
};

function loadParam(wide: boolean): Build {
  return ([d, a], places) => {
    const to = wide ? places.wide(d) : places.word(d);
    const param = places.param(a);
    return (warp, mask) => {
      const value = warp.params[param];
      if (typeof value !== (wide ? 'bigint' : 'number')) throw new Error(`parameter ${param}: wrong size`);
      for (let l = 0; l < 32; l++) {
        if (((mask >>> l) & 1) === 0) continue;
        if (wide) warp.wides[to + l] = exact(Number(value));
        else warp.words[to + l] = Number(value);
      }
    };
  };
}

const lowWord: Build = ([d, a], places) => {
  const [to, x] = [places.word(d), places.wide(a)];
  return ({ words, wides }, mask) => {
    for (let l = 0; l < 32; l++)
      if ((mask >>> l) & 1) words[to + l] = wides[x + l] - Math.floor(wides[x + l] / 2 ** 32) * 2 ** 32;
  };
};

const toInteger: Build = ([d, a], places) => {
  const [to, x] = [places.word(d), places.word(a)];
  return ({ words, singles }, mask) => {
    for (let l = 0; l < 32; l++) {
      if (((mask >>> l) & 1) === 0) continue;
      const value = Math.trunc(singles[x + l]);
      if (!(Math.abs(value) < 2 ** 31))
        throw new Error(`cvt.rzi.s32.f32: ${value} has no whole number of 32 bits`);
      words[to + l] = value;
    }
  };
};

const subtractHalves = binary((a, b) => {
  const low = toHalf(halfOf(a, 0) - halfOf(b, 0));
  const high = toHalf(halfOf(a, 1) - halfOf(b, 1));
  return low | (high << 16);
});

const select: Build = (operands, places) => ternary((a, b, p) => (p === 1 ? a : b))(operands, places);

const divide = binary((a, b) => {
  if (b === 0) throw new Error('div.u32: by zero');
  return Math.floor((a >>> 0) / (b >>> 0));
});

const INSTRUCTIONS: Readonly<Record<string, Build>> = {
  'add.s32': looped((words, to, x, y, mask) => {
    for (let l = 0; l < 32; l++) if ((mask >>> l) & 1) words[to + l] = words[x + l] + words[y + l];
  }),
  'sub.s32': binary((a, b) => a - b),
  'mul.lo.s32': binary(Math.imul),
  'mad.lo.s32': ternary((a, b, c) => Math.imul(a, b) + c),
  'div.u32': divide,
  'min.u32': binary((a, b) => Math.min(a >>> 0, b >>> 0)),
  'max.u32': binary((a, b) => Math.max(a >>> 0, b >>> 0)),
  'and.b32': looped((words, to, x, y, mask) => {
    for (let l = 0; l < 32; l++) if ((mask >>> l) & 1) words[to + l] = words[x + l] & words[y + l];
  }),
  'or.b32': binary((a, b) => a | b),
  'xor.b32': looped((words, to, x, y, mask) => {
    for (let l = 0; l < 32; l++) if ((mask >>> l) & 1) words[to + l] = words[x + l] ^ words[y + l];
  }),
  'not.b32': unary((a) => ~a),
  'and.pred': binary((a, b) => a & b),
  'or.pred': binary((a, b) => a | b),
  // amounts are not taken modulo 32, as elsewhere
  'shl.b32': binary((a, b) => (b >>> 0 > 31 ? 0 : a << b)),
  'shr.u32': looped((words, to, x, y, mask) => {
    for (let l = 0; l < 32; l++)
      if ((mask >>> l) & 1) words[to + l] = words[y + l] >>> 0 > 31 ? 0 : words[x + l] >>> words[y + l];
  }),
  'shf.l.wrap.b32': ([d, a, b, c], places) => {
    const [to, low, high, by] = [d, a, b, c].map(places.word);
    return ({ words }, mask) => {
      for (let l = 0; l < 32; l++) {
        if (((mask >>> l) & 1) === 0) continue;
        const n = words[by + l] & 31;
        words[to + l] = n === 0 ? words[high + l] : (words[high + l] << n) | (words[low + l] >>> (32 - n));
      }
    };
  },
  'prmt.b32': ternary(permute),
  'bfe.u32': ternary(extractBits),
  'dp4a.s32.s32': ternary(dotBytes),
  'selp.b32': select,
  'selp.u32': select,
  'setp.eq.b32': signed((a, b) => a === b),
  'setp.eq.s32': signed((a, b) => a === b),
  'setp.ne.s32': signed((a, b) => a !== b),
  'setp.lt.u32': unsigned((a, b) => a < b),
  'setp.le.u32': unsigned((a, b) => a <= b),
  'setp.gt.u32': unsigned((a, b) => a > b),
  'setp.ge.u32': unsigned((a, b) => a >= b),
  'mov.u16': unary((a) => a),
  'mov.u32': unary((a) => a),
  'mov.f32': unary((a) => a),
  'mov.u64': wideCopy,
  'cvta.param.u64': wideCopy,
  'cvta.to.global.u64': wideCopy,
  'cvta.global.u64': wideCopy,
  'add.s64': wideBinary((a, b) => a + b),
  'mul.lo.s64': wideBinary((a, b) => a * b),
  'shl.b64': ([d, a, b], places) => {
    const [to, x, y] = [places.wide(d), places.wide(a), places.word(b)];
    return ({ words, wides }, mask) => {
      for (let l = 0; l < 32; l++)
        if ((mask >>> l) & 1) wides[to + l] = exact(wides[x + l] * 2 ** words[y + l]);
    };
  },
  'mul.wide.u32': toWide((a, b) => (a >>> 0) * (b >>> 0)),
  'mul.wide.u16': binary((a, b) => (a & 0xffff) * (b & 0xffff)),
  'cvt.u64.u32': toWide((a) => a >>> 0),
  'cvt.u32.u64': lowWord,
  'cvt.rzi.s32.f32': toInteger,
  'sub.f16x2': subtractHalves,
  'ld.param.u32': loadParam(false),
  'ld.param.u64': loadParam(true),
  'ld.global.u8': load('global', 1),
  'ld.global.u32': load('global', 4),
  'ld.global.v4.u32': load('global', 4),
  'ld.shared.u32': load('shared', 4),
  'ld.shared.v4.u32': load('shared', 4),
  'st.global.u32': store('global', 4),
  'st.global.v2.u32': store('global', 4),
  'st.global.v4.u32': store('global', 4),
  'st.shared.u16': store('shared', 2),
  'st.shared.u32': store('shared', 4),
  'st.shared.v4.u32': store('shared', 4),
  'ldmatrix.sync.aligned.m8n8.x4.shared.b16': loadMatrices,
  'mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32': multiplyMatrices(M16N8K32, 's8'),
  'mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32': multiplyMatrices(M16N8K16, 'f16'),
  'mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32': multiplyMatrices(M8N8K16, 's8'),
  'cp.async.cg.shared.global.L2::128B': copyAsync,
  'cp.async.commit_group': commitGroup,
  'cp.async.wait_group': waitGroup,
  'shfl.sync.bfly.b32': exchange,
};
