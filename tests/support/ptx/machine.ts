// Owns: a launch of an interpreted kernel: blocks one by one, warps of 32 lanes, lanes that part and meet again, waits. Does not
// own: single instructions (instructions.ts), who may touch what (memory.ts).
import {
  type AddressPlace,
  type Building,
  build,
  type LaneCopies,
  type Run,
  type Warp,
} from './instructions.js';
import { type GlobalMemory, SharedMemory, type Toucher } from './memory.js';
import type { Entry, Instruction, Operand } from './parse.js';

export interface PtxLaunch {
  readonly grid: readonly [number, number, number];
  readonly block: readonly [number, number, number];
  readonly sharedBytes: number;
  readonly args: readonly (bigint | number)[];
}

type Step =
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'branch'; readonly target: number; readonly guard: number; readonly taken: number }
  /** for all threads of the block */
  | { readonly kind: 'wait' }
  /** for all lanes of the warp, wherever they were meanwhile; then they run it at once */
  | { readonly kind: 'meet'; readonly run: Run | undefined }
  | { readonly kind: 'exit' };

/** A kernel whose operands have places. */
export interface Kernel {
  readonly entry: Entry;
  readonly steps: readonly Step[];
  readonly words: number;
  readonly wides: number;
  readonly constants: readonly { readonly at: number; readonly wide: boolean; readonly value: number }[];
  readonly special: ReadonlyMap<string, number>;
  readonly sharedBytes: number;
}

const SPECIAL = ['%tid.x', '%ctaid.x', '%ctaid.y'];
const NO_GUARD = -1;

export function prepare(entry: Entry): Kernel {
  const registers = new Map<
    string,
    { readonly wide: boolean; readonly base: number; readonly count: number }
  >();
  let words = 0;
  let wides = 0;
  for (const { prefix, type, count } of entry.registers) {
    const wide = type === 'b64';
    registers.set(prefix, { wide, base: wide ? wides : words, count });
    if (wide) wides += count;
    else words += count;
  }
  const special = new Map(SPECIAL.map((name) => [name, 32 * words++]));
  const shared = new Map<string, number>();
  let sharedBytes = 0;
  // those of the launch's size come last
  for (const { name, align, bytes } of [...entry.shared].sort((a, b) => b.bytes - a.bytes)) {
    sharedBytes = Math.ceil(sharedBytes / align) * align;
    shared.set(name, sharedBytes);
    sharedBytes += bytes;
  }
  const constants: { at: number; wide: boolean; value: number }[] = [];
  const constant = (value: number, wide: boolean): number => {
    const known = constants.find((other) => other.wide === wide && other.value === value);
    if (known) return known.at;
    const at = 32 * (wide ? wides++ : words++);
    constants.push({ at, wide, value });
    return at;
  };
  const register = (name: string): { readonly at: number; readonly wide: boolean } | undefined => {
    const [, prefix, number] = /^(%[a-z]+)(\d+)$/.exec(name) ?? [];
    const found = prefix === undefined ? undefined : registers.get(prefix);
    if (!found) return undefined;
    if (Number(number) >= found.count) throw new Error(`register ${name} is not declared`);
    return { at: 32 * (found.base + Number(number)), wide: found.wide };
  };
  const place = (operand: Operand, wide: boolean): number => {
    if (operand.kind === 'number') {
      const value = wide ? operand.value : BigInt.asIntN(32, operand.value);
      return constant(Number(value), wide);
    }
    if (operand.kind !== 'name') throw new Error(`expected a register, got ${operand.kind}`);
    const found = register(operand.name);
    if (found) {
      if (found.wide !== wide) throw new Error(`register ${operand.name} has the wrong size`);
      return found.at;
    }
    const address = shared.get(operand.name);
    const at = address === undefined ? special.get(operand.name) : constant(address, wide);
    if (at === undefined) throw new Error(`no operand ${operand.name}`);
    return at;
  };
  const places: Building = {
    word: (operand) => place(operand, false),
    wide: (operand) => place(operand, true),
    words(operand) {
      if (operand.kind !== 'vector') throw new Error(`expected registers, got ${operand.kind}`);
      return operand.names.map((name) => place({ kind: 'name', name }, false));
    },
    param(operand) {
      const base = operand.kind === 'address' && operand.offset === 0 ? operand.base : '';
      const index = entry.params.findIndex(({ name }) => name === base);
      if (index < 0) throw new Error(`no parameter ${base}`);
      return index;
    },
    address(operand): AddressPlace {
      if (operand.kind !== 'address') throw new Error(`expected an address, got ${operand.kind}`);
      const found = register(operand.base);
      if (found) return { ...found, offset: operand.offset };
      return { at: place({ kind: 'name', name: operand.base }, false), wide: false, offset: operand.offset };
    },
  };
  const step = (instruction: Instruction): Step => {
    const { opcode, operands, guard } = instruction;
    const label = operands[0];
    if (opcode === 'bra' || opcode === 'bra.uni') {
      const target = label?.kind === 'name' ? entry.labels.get(label.name) : undefined;
      if (target === undefined) throw new Error('branch to nowhere');
      const guarded = guard ? place({ kind: 'name', name: guard.register }, false) : NO_GUARD;
      return { kind: 'branch', target, guard: guarded, taken: guard?.negated ? 0 : 1 };
    }
    if (guard) throw new Error(`${opcode} under a predicate is not interpreted`);
    if (opcode === 'ret') return { kind: 'exit' };
    if (opcode === 'bar.warp.sync') {
      if (label?.kind !== 'number' || BigInt.asIntN(32, label.value) !== -1n)
        throw new Error('bar.warp.sync: only whole warps are interpreted');
      return { kind: 'meet', run: undefined };
    }
    if (opcode.startsWith('shfl.sync.')) return { kind: 'meet', run: build(instruction, places) };
    if (opcode !== 'bar.sync') return { kind: 'run', run: build(instruction, places) };
    if (label?.kind !== 'number' || label.value !== 0n || operands.length !== 1)
      throw new Error('bar.sync: only barrier 0 of all threads is interpreted');
    return { kind: 'wait' };
  };
  const steps = entry.code.map((instruction) => {
    try {
      return step(instruction);
    } catch (cause) {
      throw new Error(`${entry.name}, line ${instruction.line}: ${(cause as Error).message}`, { cause });
    }
  });
  return { entry, steps, words, wides, constants, special, sharedBytes };
}

/** Runs all of it. @throws MemoryFault, or Error with the line, for what a card would not answer for */
export function launch(
  kernel: Kernel,
  { grid, block, sharedBytes, args }: PtxLaunch,
  global: GlobalMemory,
): void {
  const { entry } = kernel;
  const threads = block[0];
  if (block[1] !== 1 || block[2] !== 1 || grid[2] !== 1 || threads % 32 !== 0 || threads > entry.maxThreads)
    throw new Error(`${entry.name}: blocks of ${block} are not interpreted, or too large`);
  if (args.length !== entry.params.length)
    throw new Error(`${entry.name}: expected ${entry.params.length} arguments`);
  args.forEach((arg, i) => {
    const bytes = typeof arg === 'bigint' ? 8 : 4;
    if (bytes !== entry.params[i].bytes) throw new Error(`${entry.name}: argument ${i} has ${bytes} bytes`);
  });
  const warps = Array.from(
    { length: threads / 32 },
    (_, index) => new LaneGroup(kernel, index, args, global),
  );
  for (let y = 0; y < grid[1]; y++)
    for (let x = 0; x < grid[0]; x++) {
      const shared = new SharedMemory(kernel.sharedBytes + sharedBytes);
      const first = (y * grid[0] + x) * threads;
      for (const warp of warps) warp.begin(shared, first, x, y);
      for (let epoch = 2; warps.some((warp) => warp.live); epoch++) {
        for (const warp of warps) warp.runToWait();
        for (const warp of warps) warp.endWait(epoch);
      }
    }
  global.endLaunch();
}

/** Lanes have places of their own in the code; those furthest behind run first, so that who parted meets again. */
class LaneGroup implements Warp {
  readonly words: Int32Array;
  readonly singles: Float32Array;
  readonly bytes: Int8Array;
  readonly halves: Uint16Array;
  readonly wides: Float64Array;
  readonly touchers: { thread: number; warp: number; blockEpoch: number; warpEpoch: number }[];
  readonly copies: LaneCopies[] = [];
  shared = new SharedMemory(0);
  readonly #next = new Int32Array(32);
  /** a bit for each lane that has not come to its end */
  #alive = 0;
  /** those that came to where all lanes of the warp meet */
  #met = 0;

  constructor(
    private readonly kernel: Kernel,
    private readonly index: number,
    readonly params: readonly (bigint | number)[],
    readonly global: GlobalMemory,
  ) {
    this.words = new Int32Array(32 * kernel.words);
    this.singles = new Float32Array(this.words.buffer);
    this.bytes = new Int8Array(this.words.buffer);
    this.halves = new Uint16Array(this.words.buffer);
    this.wides = new Float64Array(32 * kernel.wides);
    this.touchers = Array.from({ length: 32 }, () => ({
      thread: 0,
      warp: index,
      blockEpoch: 1,
      warpEpoch: 1,
    }));
  }

  get live(): boolean {
    return this.#alive !== 0;
  }

  begin(shared: SharedMemory, first: number, x: number, y: number): void {
    this.shared = shared;
    this.words.fill(0x5ead_beef); // no register is anything before it is written
    this.wides.fill(Number.NaN);
    for (const { at, wide, value } of this.kernel.constants)
      (wide ? this.wides : this.words).fill(value, at, at + 32);
    const { special } = this.kernel;
    this.words.fill(x, special.get('%ctaid.x')!, special.get('%ctaid.x')! + 32);
    this.words.fill(y, special.get('%ctaid.y')!, special.get('%ctaid.y')! + 32);
    for (let lane = 0; lane < 32; lane++) {
      const thread = 32 * this.index + lane;
      this.words[special.get('%tid.x')! + lane] = thread;
      Object.assign(this.touchers[lane], {
        thread: first + thread,
        blockEpoch: 1,
        warpEpoch: 1,
      } satisfies Partial<Toucher>);
      this.copies[lane] = { open: [], groups: [] };
    }
    this.#next.fill(0);
    this.#alive = -1;
  }

  endWait(epoch: number): void {
    for (const toucher of this.touchers) {
      toucher.blockEpoch = epoch;
      toucher.warpEpoch = 1;
    }
  }

  /** Until all lanes wait for the other warps, or came to their end. */
  runToWait(): void {
    const { steps, entry } = this.kernel;
    while (this.#alive !== 0) {
      let at = Number.POSITIVE_INFINITY;
      let meet = Number.POSITIVE_INFINITY;
      let mask = 0;
      for (let lane = 0; lane < 32; lane++) {
        if ((((this.#alive & ~this.#met) >>> lane) & 1) === 0) continue;
        const next = this.#next[lane];
        if (next < at) [at, meet, mask] = [next, at, 1 << lane];
        else if (next === at) mask |= 1 << lane;
        else if (next < meet) meet = next;
      }
      if (mask === 0) throw new Error(`${entry.name}: lanes wait for some that came to their end`);
      let step = steps[at];
      try {
        while (step.kind === 'run' && at !== meet) {
          step.run(this, mask);
          step = steps[++at];
        }
      } catch (cause) {
        const { line, opcode } = entry.code[at];
        throw new Error(`${entry.name}, line ${line}, ${opcode}: ${(cause as Error).message}`, { cause });
      }
      if (at === meet || step.kind === 'run') this.#set(mask, at);
      else if (step.kind === 'branch') this.#branch(step, mask, at);
      else if (step.kind === 'exit') this.#alive &= ~mask;
      else if (step.kind === 'meet') this.#meet(step.run, mask, at + 1);
      else {
        if (mask !== this.#alive)
          throw new Error(`${entry.name}: some lanes of a warp wait for all and some do not`);
        this.#set(mask, at + 1);
        return;
      }
    }
  }

  #branch({ target, guard, taken }: Extract<Step, { kind: 'branch' }>, mask: number, at: number): void {
    for (let lane = 0; lane < 32; lane++) {
      if (((mask >>> lane) & 1) === 0) continue;
      const goes = guard === NO_GUARD || this.words[guard + lane] === taken;
      this.#next[lane] = goes ? target : at + 1;
    }
  }

  #meet(run: Run | undefined, mask: number, next: number): void {
    const { name } = this.kernel.entry;
    if (this.#alive !== -1) throw new Error(`${name}: lanes of a warp meet after some came to their end`);
    this.#set(mask, next);
    this.#met |= mask;
    if (this.#met !== -1) return;
    if (this.#next.some((other) => other !== next))
      throw new Error(`${name}: lanes meet at different places`);
    this.#met = 0;
    if (run) run(this, -1);
    else for (const toucher of this.touchers) toucher.warpEpoch++; // what they wrote is there for each other
  }

  #set(mask: number, at: number): void {
    for (let lane = 0; lane < 32; lane++) if ((mask >>> lane) & 1) this.#next[lane] = at;
  }
}
