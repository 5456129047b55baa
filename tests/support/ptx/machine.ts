// Owns: a launch of an interpreted kernel: blocks one by one or in clusters, warps of 32 lanes, lanes that part and meet again, waits.
// Does not own: single instructions (instructions.ts), who may touch what (memory.ts).
import type { LaunchArgument } from '../../../src/compute/cuda/driver.js';
import { type Block, type Cluster, deliver, YIELDING } from './hopper.js';
import {
  type AddressPlace,
  type Building,
  build,
  type LaneCopies,
  type Run,
  type Warp,
  type WarpProducts,
} from './instructions.js';
import { type GlobalMemory, SharedMemory, type Toucher } from './memory.js';
import type { Entry, Instruction, Operand } from './parse.js';

export interface PtxLaunch {
  readonly grid: readonly [number, number, number];
  readonly block: readonly [number, number, number];
  readonly sharedBytes: number;
  readonly args: readonly LaunchArgument[];
}

type Step =
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'branch'; readonly target: number; readonly guard: number; readonly taken: number }
  /** for all threads of the block, or of its cluster */
  | { readonly kind: 'wait'; readonly of: Crowd }
  /** as `run`, and then others' turn */
  | { readonly kind: 'yield'; readonly run: Run }
  /** for all lanes of the warp, wherever they were meanwhile; then they run it at once */
  | { readonly kind: 'meet'; readonly run: Run | undefined }
  | { readonly kind: 'exit' };

type Crowd = 'block' | 'cluster';

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

/** Time stands still here. */
const SPECIAL = ['%tid.x', '%ctaid.x', '%ctaid.y', '%nctaid.x', '%cluster_ctarank', '%globaltimer_lo'];
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
  const named = new Map(
    [...entry.named].map(([name, type]) => {
      const wide = type === 'b64';
      return [name, { wide, at: 32 * (wide ? wides++ : words++) }];
    }),
  );
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
    const inner = named.get(name);
    if (inner) return inner;
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
    const param = entry.params.findIndex(({ name }) => name === operand.name);
    // a parameter's address is nothing but itself
    if (param >= 0 && wide) return constant(-1 - param, true);
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
    tensor(operand) {
      if (operand.kind !== 'tensor') throw new Error(`expected a box of a tensor, got ${operand.kind}`);
      const of = (name: string, wide: boolean): number => place({ kind: 'name', name }, wide);
      return { base: of(operand.base, true), names: operand.names.map((name) => of(name, false)) };
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
    if (guard) {
      const run = build(instruction, places);
      const at = place({ kind: 'name', name: guard.register }, false);
      const taken = guard.negated ? 0 : 1;
      const guarded: Run = (warp, mask) => {
        let among = 0;
        for (let lane = 0; lane < 32; lane++) if (warp.words[at + lane] === taken) among |= 1 << lane;
        if ((mask & among) !== 0) run(warp, mask & among);
      };
      return { kind: YIELDING.test(opcode) ? 'yield' : 'run', run: guarded };
    }
    if (opcode === 'ret') return { kind: 'exit' };
    if (opcode === 'bar.warp.sync') {
      if (label?.kind !== 'number' || BigInt.asIntN(32, label.value) !== -1n)
        throw new Error('bar.warp.sync: only whole warps are interpreted');
      return { kind: 'meet', run: undefined };
    }
    if (opcode.startsWith('shfl.sync.')) return { kind: 'meet', run: build(instruction, places) };
    if (opcode === 'barrier.cluster.arrive.release') return { kind: 'run', run: () => undefined };
    if (opcode === 'barrier.cluster.wait.acquire') return { kind: 'wait', of: 'cluster' };
    if (YIELDING.test(opcode)) return { kind: 'yield', run: build(instruction, places) };
    if (opcode !== 'bar.sync') return { kind: 'run', run: build(instruction, places) };
    if (label?.kind !== 'number' || label.value !== 0n || operands.length !== 1)
      throw new Error('bar.sync: only barrier 0 of all threads is interpreted');
    return { kind: 'wait', of: 'block' };
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
    const bytes = typeof arg === 'bigint' ? 8 : typeof arg === 'number' ? 4 : 128;
    if (bytes !== entry.params[i].bytes) throw new Error(`${entry.name}: argument ${i} has ${bytes} bytes`);
  });
  if (grid[0] % entry.cluster !== 0)
    throw new Error(`${entry.name}: clusters of ${entry.cluster} do not fill the grid`);
  const warps = Array.from({ length: entry.cluster }, () =>
    Array.from({ length: threads / 32 }, (_, index) => new LaneGroup(kernel, index, args, global)),
  );
  for (let y = 0; y < grid[1]; y++)
    for (let x = 0; x < grid[0]; x += entry.cluster) {
      const cluster: Cluster = { blocks: [], copies: [] };
      warps.forEach((group, rank) => {
        const shared = new SharedMemory(kernel.sharedBytes + sharedBytes);
        const block = { rank, shared, barriers: new Map(), products: [], cluster, ended: false };
        cluster.blocks.push(block);
        const first = (y * grid[0] + x + rank) * threads;
        for (const warp of group) warp.begin(block, first, { x: x + rank, y, width: grid[0] });
      });
      runCluster(entry.name, warps, cluster);
    }
  global.endLaunch();
}

/** Warps take turns; a copy of the card's own comes when nobody can do anything else. */
function runCluster(name: string, groups: readonly (readonly LaneGroup[])[], cluster: Cluster): void {
  const all = groups.flat();
  let epoch = 2;
  const meet = (warps: readonly LaneGroup[], crowd: Crowd): boolean => {
    const live = warps.filter((warp) => warp.live);
    if (live.length === 0 || !live.every(({ waiting }) => waiting === crowd)) return false;
    for (const warp of warps) warp.endWait(epoch);
    epoch++;
    return true;
  };
  while (all.some((warp) => warp.live)) {
    let progress = false;
    for (const warp of all) if (warp.live && !warp.waiting) progress = warp.runToStop() || progress;
    for (const [rank, group] of groups.entries()) {
      if (!group.some((warp) => warp.live)) cluster.blocks[rank].ended = true;
      progress = meet(group, 'block') || progress;
    }
    progress = meet(all, 'cluster') || progress;
    if (!progress && !deliver(cluster)) throw new Error(`${name}: all wait, and nothing comes`);
  }
  if (cluster.copies.length > 0) throw new Error(`${name}: a copy is under way at the end`);
}

/** Lanes have places of their own in the code; those furthest behind run first, so that who parted meets again. */
class LaneGroup implements Warp {
  readonly words: Int32Array;
  readonly singles: Float32Array;
  readonly bytes: Int8Array;
  readonly halves: Uint16Array;
  readonly wides: Float64Array;
  readonly wideWords: Uint32Array;
  readonly touchers: { thread: number; warp: number; blockEpoch: number; warpEpoch: number }[];
  readonly copies: LaneCopies[] = [];
  shared = new SharedMemory(0);
  block!: Block; // as `shared`, of `begin`
  products: WarpProducts = { open: [], groups: [], count: 0, fenced: false };
  progress = false;
  waiting: Crowd | undefined;
  readonly #next = new Int32Array(32);
  /** a bit for each lane that has not come to its end */
  #alive = 0;
  /** those that came to where all lanes of the warp meet */
  #met = 0;

  constructor(
    private readonly kernel: Kernel,
    readonly index: number,
    readonly params: readonly LaunchArgument[],
    readonly global: GlobalMemory,
  ) {
    this.words = new Int32Array(32 * kernel.words);
    this.singles = new Float32Array(this.words.buffer);
    this.bytes = new Int8Array(this.words.buffer);
    this.halves = new Uint16Array(this.words.buffer);
    this.wides = new Float64Array(32 * kernel.wides);
    this.wideWords = new Uint32Array(this.wides.buffer);
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

  begin(
    block: Block,
    first: number,
    { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
  ): void {
    this.block = block;
    this.shared = block.shared;
    this.products = { open: [], groups: [], count: 0, fenced: false };
    this.waiting = undefined;
    this.words.fill(0x5ead_beef); // no register is anything before it is written
    this.wides.fill(Number.NaN);
    for (const { at, wide, value } of this.kernel.constants)
      (wide ? this.wides : this.words).fill(value, at, at + 32);
    const { special } = this.kernel;
    const known = { '%ctaid.x': x, '%ctaid.y': y, '%nctaid.x': width, '%cluster_ctarank': block.rank };
    for (const [name, value] of Object.entries({ ...known, '%globaltimer_lo': 0 }))
      this.words.fill(value, special.get(name)!, special.get(name)! + 32);
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
    this.waiting = undefined;
    for (const toucher of this.touchers) {
      toucher.blockEpoch = epoch;
      toucher.warpEpoch = 1;
    }
  }

  /** Until all lanes wait for other warps, came to their end, or it is others' turn. @returns false when it only looked in vain */
  runToStop(): boolean {
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
      while (step.kind === 'run' && at !== meet) {
        this.#do(step.run, mask, at);
        step = steps[++at];
      }
      if (at === meet || step.kind === 'run') this.#set(mask, at);
      else if (step.kind === 'branch') this.#branch(step, mask, at);
      else if (step.kind === 'exit') this.#alive &= ~mask;
      else if (step.kind === 'meet') this.#meet(step.run, mask, at + 1);
      else if (step.kind === 'yield') {
        this.progress = !entry.code[at].opcode.includes('try_wait');
        this.#do(step.run, mask, at);
        this.#set(mask, at + 1);
        return this.progress;
      } else {
        if (mask !== this.#alive)
          throw new Error(`${entry.name}: some lanes of a warp wait for all and some do not`);
        this.#set(mask, at + 1);
        this.waiting = step.of;
        return true;
      }
    }
    return true;
  }

  #do(run: Run, mask: number, at: number): void {
    try {
      run(this, mask);
    } catch (cause) {
      const { entry } = this.kernel;
      const { line, opcode } = entry.code[at];
      throw new Error(`${entry.name}, line ${line}, ${opcode}: ${(cause as Error).message}`, { cause });
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
