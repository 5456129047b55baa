// Owns: decoding and prefilling on three sessions, in whatever thread it is made: it takes that thread while the runtime computes. Does
// not own: threads (model.ts), what may be asked (asked.ts: it trusts its caller).
import type { DecoderConfig } from '../decoder.js';
import type { Candidates, Position } from '../language-model.js';
import { batchesOf } from './batches.js';
import { Budget } from './budget.js';
import { cacheBytes, capacityFor, KvCache } from './cache.js';
import { BODY, type Graphs, HEAD, MASKED, ROWS } from './graphs.js';
import { openSession, type Provider, type Runtime, type Session, type Tensor } from './runtime.js';

export interface EngineParts {
  readonly config: DecoderConfig;
  readonly graphs: Graphs;
  /** buffers that the graphs name */
  readonly data: ReadonlyMap<string, Float32Array>;
  readonly provider: Provider;
  /** of one operator; 0 leaves it to the runtime */
  readonly threads: number;
  /** of caches and hidden states */
  readonly memoryBytes: number;
  /** of the runtime while it computes, about */
  readonly workspaceBytes: number;
}

/** Thrown where a caller found that it is to stop. */
export class Stopped extends Error {}

interface Decoding {
  readonly candidates: number;
  readonly cache: KvCache;
  readonly slots: number;
  bytes: number;
  /** in the order of the caller */
  rows: Row[];
}
interface Row {
  slot: number;
  length: number;
  readonly prompt: Prompt;
}
/** What is known of a prompt beside its keys and values, which are the first of each row that has it. */
interface Prompt {
  readonly ids: Uint32Array;
  /** of its last token */
  readonly hidden: Float32Array;
}
/** Prompts that are to become rows, and where their keys and values lie. */
interface Joining {
  readonly cache: KvCache;
  /** a row each, in the order of the caller */
  readonly rows: readonly Row[];
  readonly bytes: number;
}
interface Hidden {
  /** of each sequence, [length, width] */
  readonly outputs: readonly Float32Array[];
  readonly bytes: number;
}

/** What the body made of a batch. */
interface Fresh {
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
}

/** What goes into the body: `n` rows of `length` tokens. */
interface Feed {
  readonly ids: ArrayLike<number>;
  /** as many as ids */
  readonly positions: ArrayLike<number>;
  readonly n: number;
  readonly length: number;
  /** what came before them, in its first n slots; undefined: nothing */
  readonly past?: { readonly cache: KvCache; readonly mask: Float32Array } | undefined;
  /** whether keys and values of these tokens come back */
  readonly withCache: boolean;
}

/** Rows of a batch, or a piece of one sequence. */
interface Passed {
  /** of each row, the sequence that it belongs to */
  readonly sequences: readonly number[];
  /** tokens of a row, padding among them */
  readonly length: number;
  /** position of its first token */
  readonly from: number;
  readonly hidden: Float32Array;
  readonly fresh: Fresh;
}

export class OnnxEngine {
  readonly #decodings = new Map<number, Decoding>();
  readonly #hiddens = new Map<number, Hidden>();
  readonly #budget: Budget;
  readonly #layers: readonly number[];
  readonly #cacheOutputs: readonly string[];
  /** of the last length: the same for all batches of it */
  #newMask = { length: 0, values: new Float32Array(0) };

  private constructor(
    private readonly runtime: Runtime,
    private readonly parts: Omit<EngineParts, 'data'>,
    private readonly sessions: { readonly body: Session; readonly head: Session; readonly rows: Session },
  ) {
    this.#budget = new Budget(parts.memoryBytes);
    this.#layers = [...Array(parts.config.layers).keys()];
    this.#cacheOutputs = this.#layers.flatMap((i) => [`${BODY.newKeys}${i}`, `${BODY.newValues}${i}`]);
  }

  static async create(runtime: Runtime, parts: EngineParts): Promise<OnnxEngine> {
    const opened: Session[] = [];
    try {
      for (const graph of ['body', 'head', 'rows'] as const)
        opened.push(await openSession(runtime, parts.graphs[graph], parts));
    } catch (error) {
      for (const session of opened) await session.release();
      throw error;
    }
    const [body, head, rows] = opened;
    // sessions have copies of their own: kept here, the buffers would be there twice
    const { data: _, ...kept } = parts;
    return new OnnxEngine(runtime, kept, { body, head, rows });
  }

  /** @throws Stopped between batches, AssayError `limit-exceeded` */
  async open(
    id: number,
    prompts: readonly Uint32Array[],
    candidates: number,
    stop: () => boolean,
  ): Promise<Candidates> {
    const { config } = this.parts;
    const capacity = capacityFor(roomFor(prompts, config), config);
    const bytes = cacheBytes(prompts.length, capacity, config);
    this.#budget.take(bytes, `a cache of ${prompts.length} rows of ${capacity} tokens`);
    try {
      const cache = new KvCache(config, prompts.length, capacity);
      const { distinct, which } = distinctOf(prompts);
      const read = await this.#read(distinct, cache, stop);
      let free = distinct.length;
      const rows = which.map((slot, i): Row => {
        const prompt = read[slot];
        const { length } = prompt.ids;
        if (which.indexOf(slot) === i) return { slot, length, prompt };
        cache.copy(cache, slot, free, length);
        return { slot: free++, length, prompt };
      });
      const first = await this.#head(joined(rows.map(({ prompt }) => prompt.hidden)), candidates);
      this.#decodings.set(id, { candidates, cache, slots: prompts.length, bytes, rows });
      return first;
    } catch (error) {
      this.#budget.give(bytes);
      throw error;
    }
  }

  /** @throws Stopped before the step, AssayError `limit-exceeded`: then all is as it was */
  async advance(
    id: number,
    tokens: readonly (number | undefined)[],
    joining: readonly Uint32Array[],
    stop: () => boolean,
  ): Promise<Candidates> {
    const { config } = this.parts;
    const decoding = this.#decodings.get(id)!; // the caller has opened it
    const { candidates, rows } = decoding;
    const staying = rows.filter((_, row) => tokens[row] !== undefined);
    this.#growFor(decoding, Math.max(roomFor(joining, config), ...staying.map(({ length }) => length + 1)));
    const prompts = joining.length > 0 ? await this.#prompts(decoding, joining, stop) : undefined;
    try {
      const next = new Map(rows.map((row, i) => [row, tokens[i]!])); // those without one are not staying
      const hidden = staying.length > 0 ? await this.#step(decoding, staying, next) : [];
      const joiners = (prompts?.rows ?? []).map(({ slot, length, prompt }, i): Row => {
        decoding.cache.copy(prompts!.cache, slot, staying.length + i, length);
        return { slot: staying.length + i, length, prompt };
      });
      const ends = joiners.map(({ prompt }) => prompt.hidden);
      const result = await this.#head(joined([...hidden, ...ends]), candidates);
      for (const row of staying) row.length++;
      decoding.rows = [...staying, ...joiners];
      return result;
    } finally {
      if (prompts) this.#budget.give(prompts.bytes);
    }
  }

  /** Those that stay take the first slots, and a token each. @returns hidden states, a row each, in the order of the caller */
  async #step(
    decoding: Decoding,
    staying: readonly Row[],
    next: ReadonlyMap<Row, number>,
  ): Promise<Float32Array[]> {
    this.#vacate(decoding, staying);
    const { cache } = decoding;
    const n = staying.length;
    const { capacity } = cache;
    const bySlot = staying.toSorted((a, b) => a.slot - b.slot);
    const pastMask = new Float32Array(n * capacity);
    for (const { slot, length } of bySlot)
      pastMask.fill(MASKED, slot * capacity + length, (slot + 1) * capacity);
    const ids = bySlot.map((row) => next.get(row)!); // each has one
    const positions = bySlot.map(({ length }) => length);
    const past = { cache, mask: pastMask };
    const { hidden, fresh } = await this.#body({ ids, positions, n, length: 1, past, withCache: true });

    const { width } = this.parts.config;
    return staying.map(({ slot, length }) => {
      for (const layer of this.#layers)
        cache.write(
          layer,
          { keys: fresh.keys[layer], values: fresh.values[layer], length: 1 },
          slot,
          slot,
          length,
          1,
        );
      return hidden.subarray(slot * width, (slot + 1) * width);
    });
  }

  /**
   * In a cache of their own: nothing of the decoding is touched, and rows that leave may lend theirs.
   * @throws Stopped between batches, AssayError `limit-exceeded`
   */
  async #prompts(
    { cache, rows }: Decoding,
    joining: readonly Uint32Array[],
    stop: () => boolean,
  ): Promise<Joining> {
    const { config } = this.parts;
    const { distinct, which } = distinctOf(joining);
    const longest = Math.max(...distinct.map(({ length }) => length));
    const bytes = cacheBytes(distinct.length, longest, config);
    this.#budget.take(bytes, `${distinct.length} prompts of up to ${longest} tokens that join`);
    try {
      const own = new KvCache(config, distinct.length, longest);
      const lenders = distinct.map((ids) => rows.find(({ prompt }) => equal(prompt.ids, ids)));
      const unread = [...lenders.keys()].filter((i) => !lenders[i]);
      const read = await this.#read(
        unread.map((i) => distinct[i]),
        own,
        stop,
      );
      const made = new Map(unread.map((which, slot) => [which, { slot, prompt: read[slot] }]));
      for (const [i, row] of lenders.entries()) {
        if (!row) continue;
        const slot = made.size;
        own.copy(cache, row.slot, slot, row.prompt.ids.length);
        made.set(i, { slot, prompt: row.prompt });
      }
      const lying = which.map((i) => ({ ...made.get(i)!, length: distinct[i].length }));
      return { cache: own, rows: lying, bytes };
    } catch (error) {
      this.#budget.give(bytes);
      throw error;
    }
  }

  /** Prefills prompts into the first slots of a cache. */
  async #read(prompts: readonly Uint32Array[], cache: KvCache, stop: () => boolean): Promise<Prompt[]> {
    const { width } = this.parts.config;
    const read = prompts.map((ids): Prompt => ({ ids, hidden: new Float32Array(width) }));
    if (prompts.length === 0) return read;
    await this.#eachBatch(prompts, true, stop, ({ sequences, length, from, hidden, fresh }) => {
      for (const [at, row] of sequences.entries()) {
        const count = Math.min(prompts[row].length - from, length);
        for (const i of this.#layers)
          cache.write(i, { keys: fresh.keys[i], values: fresh.values[i], length }, at, row, from, count);
        // of a sequence in pieces, the last one's stays
        const end = at * length + count;
        read[row].hidden.set(hidden.subarray((end - 1) * width, end * width));
      }
    });
    return read;
  }

  /** @throws Stopped between batches, AssayError `limit-exceeded` */
  async prefill(id: number, sequences: readonly Uint32Array[], stop: () => boolean): Promise<void> {
    const { width } = this.parts.config;
    const tokens = sequences.reduce((sum, { length }) => sum + length, 0);
    const bytes = 4 * tokens * width;
    this.#budget.take(bytes, `the hidden states of ${tokens} tokens`);
    try {
      const outputs = sequences.map((sequence) => new Float32Array(sequence.length * width));
      await this.#eachBatch(sequences, false, stop, ({ sequences: batch, length, from, hidden }) => {
        for (const [at, sequence] of batch.entries()) {
          const count = Math.min(sequences[sequence].length - from, length);
          const rows = hidden.subarray(at * length * width, (at * length + count) * width);
          outputs[sequence].set(rows, from * width);
        }
      });
      this.#hiddens.set(id, { outputs, bytes });
    } catch (error) {
      this.#budget.give(bytes);
      throw error;
    }
  }

  head(id: number, at: readonly Position[], candidates: number, stop: () => boolean): Promise<Candidates> {
    return this.#head(this.#gather(id, at), candidates, stop);
  }

  async logitsOf(
    id: number,
    at: readonly Position[],
    ids: Int32Array,
    stop: () => boolean,
  ): Promise<Float32Array> {
    const { width } = this.parts.config;
    const perRow = at.length === 0 ? 0 : ids.length / at.length;
    const out = new Float32Array(ids.length);
    if (ids.length === 0) return out;
    const hidden = this.#gather(id, at);
    const most = this.#rowsAtOnce(perRow * width);
    for (let from = 0; from < at.length; from += most) {
      if (stop()) throw new Stopped();
      const to = Math.min(from + most, at.length);
      const { logits } = await this.sessions.rows.run(
        {
          [ROWS.hidden]: this.#floats(hidden.slice(from * width, to * width), [to - from, width]),
          [ROWS.ids]: this.#integers(ids.subarray(from * perRow, to * perRow), [to - from, perRow]),
        },
        [ROWS.logits],
      );
      out.set(logits.data as Float32Array, from * perRow); // as the graph says
    }
    return out;
  }

  release(id: number): void {
    this.#budget.give(this.#decodings.get(id)?.bytes ?? this.#hiddens.get(id)?.bytes ?? 0);
    this.#decodings.delete(id);
    this.#hiddens.delete(id);
  }

  async close(): Promise<void> {
    this.#decodings.clear();
    this.#hiddens.clear();
    for (const session of Object.values(this.sessions)) await session.release();
  }

  /** More capacity where a row is at its end. */
  #growFor(decoding: Decoding, length: number): void {
    const { config } = this.parts;
    if (length <= decoding.cache.capacity) return;
    const capacity = capacityFor(length, config);
    const bytes = cacheBytes(decoding.slots, capacity, config);
    this.#budget.take(bytes - decoding.bytes, `a cache of ${decoding.slots} rows of ${capacity} tokens`);
    // before it grows: where the host has no memory after all, what was taken goes with the decoding
    decoding.bytes = bytes;
    decoding.cache.grow(capacity, decoding.rows.length);
  }

  /** Rows that stay take the first slots. */
  #vacate({ cache, rows }: Decoding, staying: readonly Row[]): void {
    if (staying.length === rows.length) return;
    const taken = new Set(staying.map(({ slot }) => slot));
    let free = 0;
    for (const row of staying.toSorted((a, b) => b.slot - a.slot)) {
      if (row.slot < staying.length) break;
      while (taken.has(free)) free++;
      cache.copy(cache, row.slot, free, row.length);
      taken.add(free);
      row.slot = free;
    }
  }

  async #eachBatch(
    sequences: readonly Uint32Array[],
    withCache: boolean,
    stop: () => boolean,
    take: (passed: Passed) => void,
  ): Promise<void> {
    const { config, workspaceBytes } = this.parts;
    const lengths = sequences.map(({ length }) => length);
    for (const { sequences: batch, length, piece } of batchesOf(lengths, config, workspaceBytes)) {
      if (piece !== undefined) {
        await this.#inPieces(sequences, batch[0], piece, stop, take);
        continue;
      }
      if (stop()) throw new Stopped();
      const n = batch.length;
      // what stands after an end is seen by nothing before it
      const ids = new Uint32Array(n * length);
      for (const [at, sequence] of batch.entries()) ids.set(sequences[sequence], at * length);
      const positions = Uint32Array.from(ids, (_, i) => i % length);
      const made = await this.#body({ ids, positions, n, length, withCache });
      take({ sequences: batch, length, from: 0, ...made });
    }
  }

  /** One sequence, each piece of which sees those before it in a cache that is as long as they are. */
  async #inPieces(
    sequences: readonly Uint32Array[],
    which: number,
    piece: number,
    stop: () => boolean,
    take: (passed: Passed) => void,
  ): Promise<void> {
    const { config } = this.parts;
    const sequence = sequences[which];
    // growing has one layer twice for a moment: less than the runtime needs
    const bytes = cacheBytes(1, sequence.length, config);
    this.#budget.take(bytes, `a cache of 1 row of ${sequence.length} tokens, read in pieces,`);
    try {
      const cache = new KvCache(config, 1, 0);
      for (let from = 0; from < sequence.length; from += piece) {
        if (stop()) throw new Stopped();
        const ids = sequence.subarray(from, from + piece);
        const positions = ids.map((_, i) => from + i);
        const past = { cache, mask: new Float32Array(from) };
        const { length } = ids;
        const made = await this.#body({ ids, positions, n: 1, length, past, withCache: true });
        take({ sequences: [which], length, from, ...made });
        if (from + length === sequence.length) break;
        cache.grow(from + length, 1);
        const { keys, values } = made.fresh;
        for (const i of this.#layers)
          cache.write(i, { keys: keys[i], values: values[i], length }, 0, 0, from, length);
      }
    } finally {
      this.#budget.give(bytes);
    }
  }

  async #body({
    ids,
    positions,
    n,
    length,
    past,
    withCache,
  }: Feed): Promise<{ readonly hidden: Float32Array; readonly fresh: Fresh }> {
    const { kvHeads, headWidth } = this.parts.config;
    const group = this.parts.config.heads / kvHeads;
    const capacity = past?.cache.capacity ?? 0;
    const feeds: Record<string, Tensor> = {
      [BODY.ids]: this.#integers(ids, [n, length]),
      [BODY.positions]: this.#integers(positions, [n, length]),
      [BODY.pastMask]: this.#floats(past?.mask ?? new Float32Array(0), [n, 1, 1, capacity]),
      [BODY.newMask]: this.#floats(this.#maskOf(length, group), [length * group, length]),
      [BODY.split]: this.#integers([capacity, length], [2]),
    };
    const size = n * kvHeads * headWidth * capacity;
    for (const i of this.#layers) {
      const keys = past?.cache.keys[i].subarray(0, size) ?? new Float32Array(0);
      const values = past?.cache.values[i].subarray(0, size) ?? new Float32Array(0);
      feeds[`${BODY.pastKeys}${i}`] = this.#floats(keys, [n, kvHeads, headWidth, capacity]);
      feeds[`${BODY.pastValues}${i}`] = this.#floats(values, [n, kvHeads, capacity, headWidth]);
    }
    const wanted = withCache ? [BODY.hidden, ...this.#cacheOutputs] : [BODY.hidden];
    const out = await this.sessions.body.run(feeds, wanted);
    const of = (name: string): Float32Array => out[name].data as Float32Array; // as the graph says
    const rowsOf = (name: string): Float32Array[] =>
      withCache ? this.#layers.map((i) => of(`${name}${i}`)) : [];
    return { hidden: of(BODY.hidden), fresh: { keys: rowsOf(BODY.newKeys), values: rowsOf(BODY.newValues) } };
  }

  async #head(
    hidden: Float32Array<ArrayBuffer>,
    candidates: number,
    stop: () => boolean = () => false,
  ): Promise<Candidates> {
    const { width, vocabulary } = this.parts.config;
    const rows = hidden.length / width;
    const ids = new Int32Array(rows * candidates);
    const logits = new Float32Array(rows * candidates);
    const most = this.#rowsAtOnce(vocabulary);
    for (let from = 0; from < rows; from += most) {
      if (stop()) throw new Stopped();
      const to = Math.min(from + most, rows);
      const out = await this.sessions.head.run(
        {
          [HEAD.hidden]: this.#floats(hidden.slice(from * width, to * width), [to - from, width]),
          [HEAD.k]: this.#integers([candidates], [1]),
        },
        [HEAD.logits, HEAD.ids],
      );
      logits.set(out[HEAD.logits].data as Float32Array, from * candidates); // as the graph says, both
      const words = lowWords(out[HEAD.ids].data as BigInt64Array);
      for (let i = 0; i < (to - from) * candidates; i++) ids[from * candidates + i] = words[2 * i];
    }
    return { rows, perRow: candidates, ids, logits };
  }

  /** Rows of `floats` each that the runtime may hold at once. */
  #rowsAtOnce(floats: number): number {
    return Math.max(1, Math.floor(this.parts.workspaceBytes / 4 / floats));
  }

  #gather(id: number, at: readonly Position[]): Float32Array<ArrayBuffer> {
    const { width } = this.parts.config;
    const { outputs } = this.#hiddens.get(id)!; // the caller has opened it
    const out = new Float32Array(at.length * width);
    for (const [i, { sequence, position }] of at.entries())
      out.set(outputs[sequence].subarray(position * width, (position + 1) * width), i * width);
    return out;
  }

  #maskOf(length: number, group: number): Float32Array {
    if (this.#newMask.length === length) return this.#newMask.values;
    const values = new Float32Array(length * group * length);
    for (let query = 0; query < length * group; query++)
      values.fill(MASKED, query * length + Math.floor(query / group) + 1, (query + 1) * length);
    this.#newMask = { length, values };
    return values;
  }

  #floats(values: Float32Array, dims: readonly number[]): Tensor {
    return new this.runtime.Tensor('float32', values, dims);
  }

  #integers(values: ArrayLike<number>, dims: readonly number[]): Tensor {
    const longs = new BigInt64Array(values.length);
    const words = lowWords(longs);
    for (let i = 0; i < values.length; i++) words[2 * i] = values[i];
    return new this.runtime.Tensor('int64', longs, dims);
  }
}

/** Tokens for which there must be room: those of a prompt and the next, or a row at the edge would grow at once. */
const roomFor = (prompts: readonly Uint32Array[], { maxPositions }: DecoderConfig): number =>
  Math.min(Math.max(0, ...prompts.map(({ length }) => length)) + 1, maxPositions);

/** Each once, and for each as given which of these it is. */
function distinctOf(prompts: readonly Uint32Array[]): {
  readonly distinct: readonly Uint32Array[];
  readonly which: readonly number[];
} {
  const names = new Map<string, number>();
  const distinct: Uint32Array[] = [];
  const which = prompts.map((ids) => {
    const name = ids.join();
    const at = names.get(name) ?? distinct.push(ids) - 1;
    names.set(name, at);
    return at;
  });
  return { distinct, which };
}

const equal = (a: Uint32Array, b: Uint32Array): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);

/** One behind the other. */
function joined(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const width = rows[0]?.length ?? 0;
  const out = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) out.set(row, i * width);
  return out;
}

/** Ids fit half of an int64: 17 times as fast as going through BigInt (measured at 16,384 ids). */
function lowWords(longs: BigInt64Array): Int32Array {
  return new Int32Array(longs.buffer, longs.byteOffset, 2 * longs.length);
}
