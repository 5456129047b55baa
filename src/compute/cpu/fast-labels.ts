// Owns: labels on all cores of the host. Does not own: what each operation gives (spec/plain-labels.ts), threads (crew.ts).
import { availableParallelism } from 'node:os';
import { toHex } from '../../model/bytes.js';
import { unsupported } from '../../model/errors.js';
import { createMerkleTree, HASH_BYTES, type MerkleTree, pathLength } from '../../model/merkle.js';
import type { Labels, LabelsSpec } from '../labels.js';
import { createChain, TAG } from '../spec/chain.js';
import { digestLeaves } from '../spec/digest.js';
import { BLOCK_BYTES } from '../spec/plain-labels.js';
import { Crew, type CrewJob, type CrewParts } from './crew.js';
import type { Engine } from './lane.js';
import type { Onnx } from './onnx.js';
import { BankPool, rowShape } from './store.js';

/** Labels with fewer rows are done on the caller's thread: they take less than the messages would. */
const THREADED_ROWS = 1024;
/** Every lane packs the operand for itself; beyond this many, their copies would no longer fit any cache. */
const MAX_LANES = 64;

export interface FastLabelsOptions {
  readonly engine: Engine;
  /** for engine `onnx`, on the caller's thread */
  readonly onnx?: Onnx | undefined;
  /** 0 is one for each core. @default 0 */
  readonly threads?: number;
  /** labels with fewer rows are done on the caller's thread; a test or probe sets it low. @default 1024 */
  readonly threadedRows?: number;
  /** asked once, before the first threads are used: without them everything is done on the caller's. @default yes */
  readonly threadsWork?: () => Promise<boolean>;
  /** what each thread runs; a test hands in one that dies. @default lane-worker.ts */
  readonly worker?: URL;
  /** told at the end of each step of labels that are done on the caller's thread */
  readonly meter?: CrewParts['meter'];
}

export interface FastLabels {
  openLabels(spec: LabelsSpec): Promise<Labels>;
  prepareLabels(basis: Uint8Array, n: number): Promise<void>;
  close(): Promise<void>;
}

interface Entry {
  readonly key: string;
  readonly crew: Crew;
  users: number;
}

/** One crew an operand: the newest stays, older ones only while they have labels. */
export function createFastLabels(options: FastLabelsOptions): FastLabels {
  const { engine, onnx, threads = 0, threadedRows = THREADED_ROWS } = options;
  const { threadsWork = async () => true, worker, meter } = options;
  const entries = new Set<Entry>();
  const pool = new BankPool();
  let newest: Entry | undefined;
  let working: Promise<boolean> | undefined;

  const threadsFor = async (n: number): Promise<number> => {
    if (n < threadedRows) return 0;
    working ??= threadsWork();
    if (!(await working)) return 0;
    const wanted = threads > 0 ? threads : availableParallelism();
    return Math.min(wanted, MAX_LANES, n / rowShape(n).strip);
  };
  const retire = (entry: Entry): void => {
    entries.delete(entry);
    if (newest === entry) newest = undefined;
    void entry.crew.close();
  };
  const crewFor = async (basis: Uint8Array, n: number): Promise<Entry> => {
    const threadCount = await threadsFor(n);
    const key = `${n}/${toHex(basis)}`;
    if (newest?.key === key && !newest.crew.lost) return newest;
    const stale = newest;
    newest = {
      key,
      crew: new Crew({ basis, n, threads: threadCount, engine, onnx, pool, worker, meter }),
      users: 0,
    };
    entries.add(newest);
    if (stale?.users === 0) retire(stale);
    return newest;
  };

  return {
    async prepareLabels(basis, n) {
      await (await crewFor(basis, n)).crew.ready;
    },
    async openLabels(spec) {
      assertSupported(spec);
      const entry = await crewFor(spec.basis, spec.n);
      entry.users++;
      const leave = (): void => {
        entry.users--;
        if (entry.users === 0 && newest !== entry) retire(entry);
      };
      try {
        return await openCrewLabels(spec, entry.crew, leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
    async close() {
      newest = undefined;
      await Promise.all([...entries].map(({ crew }) => crew.close()));
      entries.clear();
      pool.clear();
    },
  };
}

/** @throws AssayError `unsupported` for what no lane can lay out */
function assertSupported({ n, capacity }: LabelsSpec): void {
  const sized = Number.isInteger(Math.log2(n)) && n >= 16 && n <= 16_384;
  if (sized && Number.isInteger(capacity) && capacity >= 1) return;
  const what = `${capacity} labels of side ${n}`;
  const why = 'labels of the CPU are at least one, with a side of a power of two from 16 to 16384';
  throw unsupported(what, why);
}

async function openCrewLabels(spec: LabelsSpec, crew: Crew, leave: () => void): Promise<Labels> {
  const { n, capacity } = spec;
  const chain = createChain(spec.seed, n, capacity);
  const columnIndex = new Map(chain.referenced.map((label, index) => [label, index]));
  const held = crew.open(spec);
  const { store, control } = held;
  let count = 0;
  let settled = 0;
  let released = false;
  let tops: { readonly count: number; readonly rows: MerkleTree; readonly columns: MerkleTree } | undefined;

  const release = (): void => {
    if (released) return;
    released = true;
    control.stop();
    crew.forget(held);
    leave();
  };
  const begin = (limit = count): void => control.begin(count, limit);
  crew.grow(held, 0);
  const run = (job: Omit<CrewJob, 'begin'> & Partial<CrewJob>): Promise<readonly unknown[]> =>
    crew.run(held, { begin, ...job });
  await run({ jobOf: () => ({ do: 'origin' }), begin: () => control.begin(-1, 0) });

  const assertHeld = (): void => {
    if (released) throw new RangeError('labels: released');
  };
  const assertCount = (wanted: number): void => {
    assertHeld();
    if (!(wanted >= 1 && wanted <= count))
      throw new RangeError(`labels: expected 1..${count}, got ${wanted}`);
  };
  const blocksOf = (wanted: number): number => {
    assertCount(wanted);
    const blocks = (wanted * n ** 2) / BLOCK_BYTES;
    if (n ** 2 % BLOCK_BYTES !== 0)
      throw new RangeError(`labels: expected whole blocks of ${BLOCK_BYTES} bytes`);
    return blocks;
  };
  const settle = async (wanted: number): Promise<void> => {
    if (settled >= wanted) return;
    await run({ jobOf: () => ({ do: 'settle', count: wanted }) });
    settled = wanted;
  };
  const topsOver = async (wanted: number): Promise<NonNullable<typeof tops>> => {
    assertCount(wanted);
    if (tops?.count === wanted) return tops;
    await settle(wanted);
    const top = (labels: readonly number[], of: 'rows' | 'columns'): MerkleTree => {
      const leaves = new Uint8Array(labels.length * HASH_BYTES);
      for (const [i, label] of labels.entries())
        if (label <= wanted)
          leaves.set(store.heap(label, of).subarray(HASH_BYTES, 2 * HASH_BYTES), i * HASH_BYTES);
      return createMerkleTree(leaves, TAG.top);
    };
    const all = Array.from({ length: capacity }, (_, i) => i + 1);
    tops = { count: wanted, rows: top(all, 'rows'), columns: top(chain.referenced, 'columns') };
    return tops;
  };
  const path = (
    of: 'rows' | 'columns',
    label: number,
    index: number,
    top: MerkleTree,
    at: number,
    width: number,
  ): Uint8Array => {
    const heap = store.heap(label, of);
    const out = new Uint8Array((pathLength(n) + pathLength(width)) * HASH_BYTES);
    let to = 0;
    for (let i = n + index; i > 1; i >>>= 1, to += HASH_BYTES)
      out.set(heap.subarray((i ^ 1) * HASH_BYTES, ((i ^ 1) + 1) * HASH_BYTES), to);
    top.path(at, out, to);
    return out;
  };

  return {
    spec,
    get count() {
      return count;
    },
    async extend(upTo, more, signal) {
      const goal = Math.min(upTo, capacity);
      const stop = (): void => control.stop();
      while (count < goal && more()) {
        signal.throwIfAborted();
        crew.grow(held, goal);
        let enough = false;
        let told = count;
        let failure: { readonly error: unknown } | undefined;
        signal.addEventListener('abort', stop, { once: true });
        try {
          await run({
            jobOf: () => ({ do: 'extend', from: count + 1 }),
            begin() {
              begin(crew.wanted ? count + 1 : goal);
              if (signal.aborted) stop();
            },
            onLabel(label) {
              // lanes may tell of the same label, and go on to the next before we have heard
              if (label <= told || enough || failure) return;
              told = label;
              try {
                enough = label < goal && !more();
              } catch (error) {
                // this runs on a thread's message: thrown on, it would be nobody's
                failure = { error };
              }
              if (enough || failure) stop();
            },
          });
        } finally {
          signal.removeEventListener('abort', stop);
        }
        // also what was finished before the lanes heard that it was enough
        count = Math.max(count, control.finished);
        signal.throwIfAborted();
        if (failure) throw (failure as { readonly error: unknown }).error; // set in a callback, which narrowing does not see
        if (enough) break;
      }
      return count;
    },
    async roots(wanted) {
      const { rows, columns } = await topsOver(wanted);
      return { rowRoot: rows.root, columnRoot: columns.root };
    },
    async rows(places) {
      assertHeld(); // the memory may be another chain's by now
      return places.map(({ label, index }) => store.rows(label, index, 1).slice());
    },
    async columns(places) {
      assertHeld();
      return places.map(({ label, index }) => store.column(label, index));
    },
    async accumulators(places) {
      const { lanes } = crew;
      const part = Math.ceil(places.length / lanes);
      const results = await run({
        jobOf: (lane) => ({ do: 'accumulators', places: places.slice(lane * part, (lane + 1) * part) }),
      });
      return (results as Int32Array[][]).flat();
    },
    async rowPaths(wanted, places) {
      const { rows } = await topsOver(wanted);
      return places.map(({ label, index }) => path('rows', label, index, rows, label - 1, capacity));
    },
    async columnPaths(wanted, places) {
      const { columns } = await topsOver(wanted);
      return places.map(({ label, index }) =>
        path('columns', label, index, columns, columnIndex.get(label)!, columnIndex.size),
      );
    },
    async pass(wanted, key) {
      const out = new SharedArrayBuffer(digestLeaves(blocksOf(wanted)) * HASH_BYTES);
      await run({ jobOf: () => ({ do: 'pass', count: wanted, key, out }) });
      return new Uint8Array(out).slice();
    },
    async passLeaf(wanted, key, leaf) {
      blocksOf(wanted);
      const turn = leaf % crew.lanes;
      const [digests] = await run({
        jobOf: (lane) => (lane === turn ? { do: 'pass-leaf', count: wanted, key, leaf } : undefined),
      });
      return digests as Uint8Array;
    },
    release,
  };
}
