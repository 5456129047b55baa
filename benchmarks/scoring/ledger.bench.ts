// Appending to the ledger, durable in batches, and rebuilding a scoring state from it; bare SQLite over the same facts beside it.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { toHex, u32le, utf8 } from '../../src/model/bytes.js';
import { sha256 } from '../../src/model/hash.js';
import { toHotkey } from '../../src/model/ids.js';
import { silentLog } from '../../src/model/log.js';
import type { Outcome } from '../../src/model/outcome.js';
import { createSeededRandom } from '../../src/model/prng.js';
import { accepted, rejected } from '../../src/model/verdict.js';
import { createScoringState, DEFAULT_POLICY } from '../../src/scoring/index.js';
import type { EventEntry, OutcomeEntry, SessionRecord } from '../../src/validator/ledger/entries.js';
import { openLedger, openLedgerReader } from '../../src/validator/ledger/ledger.js';
import { beginSegment } from '../../src/validator/ledger/segment.js';

type Emit = (row: { bench: string; metric: string; value: number; unit: string; baseline?: number }) => void;

/** What a validator of a full subnet has in an epoch: every hotkey at every event. */
const HOTKEYS = 4096;
const EVENTS = 5;
const APPENDED = 20_000;
/** Outcomes that are read again. ASSAY_BENCH_OUTCOMES=10000000 is the ledger of a quarter; a minute a million to write it. */
const READ = Number(process.env.ASSAY_BENCH_OUTCOMES ?? 2_000_000);

const miners = Array.from({ length: HOTKEYS }, (_, i) => toHotkey(devAddress(i)));
const digest = (name: string): Uint8Array => sha256(utf8(name));

function devAddress(i: number): string {
  return `5${toHex(sha256(u32le(i))).slice(0, 47)}`;
}

export default async function bench(emit: Emit): Promise<void> {
  await readyKeys();
  const keypair = devKeypair('bench validator');
  const writer = { genesisHash: digest('chain'), netuid: 2, keypair };
  const validator = toHotkey(keypair.address);
  const folder = await mkdtemp(join(tmpdir(), 'assay-bench-ledger-'));
  try {
    const outcome = (i: number): Outcome => {
      const event = Math.floor(i / HOTKEYS);
      const isGood = i % 31 !== 0;
      return {
        id: toHex(sha256(u32le(i)).subarray(0, 16)),
        event: eventOf(event),
        eventBlock: 100 + event * 72,
        epoch: Math.floor(event / EVENTS),
        netuid: 2,
        validator,
        miner: miners[i % HOTKEYS]!,
        kind: 'compute',
        paramsId: toHex(digest('params')),
        slot: 0,
        verdict: isGood ? accepted : rejected('window'),
        measuredMs: 1500 + (i % 97),
        ownDelayMs: 0.25,
        credit: isGood ? { opsPerS: 1e15 + i, hashBytesPerS: 1e9 } : {},
        share: isGood ? 0.98 : 0,
        at: 1.7e12 + i,
      };
    };
    const appended = await append(join(folder, 'append'), writer, outcome);
    const sqlite = bareSqlite(join(folder, 'bare.db'), APPENDED);
    emit({
      bench: 'scoring/ledger',
      metric: 'append, durable, with a session of 1.4 kB each, 4,096 at once',
      value: appended,
      unit: 'outcomes/s',
      ...(sqlite ? { baseline: sqlite.insert } : {}),
    });

    const dir = join(folder, 'read');
    await write(dir, writer, outcome);
    const { size } = await stat(join(dir, 'segments', '0000000000.seg'));
    const before = heap();
    const startedAt = performance.now();
    const reader = await openLedgerReader({ dir, log: silentLog });
    const opened = performance.now();
    const state = createScoringState(DEFAULT_POLICY);
    let most = 0;
    let read = 0;
    await reader.fold({
      started: state.started,
      completed(event) {
        state.completed(event);
        most = Math.max(most, process.memoryUsage().heapUsed);
      },
      outcome(each) {
        state.outcome(each);
        read++;
      },
    });
    const ended = performance.now();
    if (read !== READ) throw new Error(`${read} outcomes read, ${READ} written`);
    emit({
      bench: 'scoring/ledger',
      metric: `rebuild of ${READ} outcomes: links, signatures, decoding, scoring state`,
      value: Math.round(READ / ((ended - opened) / 1000)),
      unit: 'outcomes/s',
      ...(sqlite ? { baseline: sqlite.select } : {}),
    });
    emit({
      bench: 'scoring/ledger',
      metric: 'opening it: every link and signature checked',
      value: Math.round(READ / ((opened - startedAt) / 1000)),
      unit: 'outcomes/s',
    });
    emit({
      bench: 'scoring/ledger',
      metric: 'heap while rebuilding, at most',
      value: Math.round((most - before) / 1e6),
      unit: 'MB',
    });
    emit({
      bench: 'scoring/ledger',
      metric: 'heap behind it',
      value: Math.round((heap() - before) / 1e6),
      unit: 'MB',
    });
    emit({
      bench: 'scoring/ledger',
      metric: 'bytes of an outcome',
      value: Math.round(size / (HOTKEYS * EVENTS)),
      unit: 'B',
    });
    await reader.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const eventOf = (event: number): string => toHex(digest(`event ${event}`));
const eventEntry = (type: EventEntry['type'], event: number): EventEntry => ({
  type,
  event: eventOf(event),
  epoch: Math.floor(event / EVENTS),
  block: 100 + event * 72,
  basis: digest('basis'),
});

async function append(
  dir: string,
  writer: Parameters<typeof beginSegment>[1],
  outcome: (i: number) => Outcome,
): Promise<number> {
  const bytes = createSeededRandom('session').bytes(256);
  const frame = (kind: 'arm' | 'commit') =>
    ({
      from: kind === 'arm' ? 'validator' : 'miner',
      kind,
      header: bytes.subarray(0, 120),
      signature: bytes.subarray(0, 64),
      body: bytes,
    }) as const;
  const session: SessionRecord = {
    basis: digest('basis'),
    beacon: digest('beacon'),
    worker: 'host-1',
    nonce: bytes.slice(0, 16),
    salt: bytes.slice(16, 32),
    commits: [],
    digests: {},
    certificates: { validator: bytes.subarray(0, 200) },
    frames: [frame('arm'), frame('commit')],
  };
  const entries = Array.from(
    { length: APPENDED },
    (_, i): OutcomeEntry => ({ type: 'outcome', outcome: outcome(i), session }),
  );
  const ledger = await openLedger({ dir, ...writer, random: createSeededRandom('bench'), log: silentLog });
  const startedAt = performance.now();
  for (let from = 0; from < APPENDED; from += HOTKEYS)
    await Promise.all(entries.slice(from, from + HOTKEYS).map((entry) => ledger.append(entry)));
  const seconds = (performance.now() - startedAt) / 1000;
  await ledger.close();
  return Math.round(APPENDED / seconds);
}

/** By the parts beneath the ledger: sessions would be as much again. */
async function write(
  dir: string,
  writer: Parameters<typeof beginSegment>[1],
  outcome: (i: number) => Outcome,
): Promise<void> {
  const { mkdir } = await import('node:fs/promises');
  await mkdir(join(dir, 'segments'), { recursive: true });
  const path = (epoch: number) => join(dir, 'segments', `${`${epoch}`.padStart(10, '0')}.seg`);
  const evidence = { digest: digest('none'), offset: 0, length: 0 };
  let segment = await beginSegment(path(0), writer, 0, { records: 0, link: new Uint8Array(32) });
  for (let i = 0, event = 0; i < READ; event++) {
    const entry = eventEntry('event-started', event);
    if (entry.epoch > segment.epoch) {
      await segment.finish(writer);
      segment = await beginSegment(path(entry.epoch), writer, entry.epoch, segment.head());
    }
    const pending = [segment.append({ entry })];
    for (let n = 0; n < HOTKEYS && i < READ; n++, i++) {
      const each = outcome(i);
      pending.push(segment.append({ recorded: () => ({ outcome: each, evidence }) }));
    }
    await Promise.all(pending);
    await segment.append({ entry: eventEntry('event-completed', event) });
  }
  await segment.close();
}

function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** A table without links, signatures and evidence, a transaction of 4,096 rows, by the program that the system has. */
function bareSqlite(path: string, rows: number): { insert: number; select: number } | undefined {
  const run = (sql: string) =>
    spawnSync('sqlite3', [path], { input: sql, encoding: 'utf8', maxBuffer: 2 ** 30 });
  const made = run(
    'pragma journal_mode=wal; pragma synchronous=full; create table o(id blob primary key, event int, epoch int, miner int, slot int, verdict int, measured real, delay real, share real, ops real, hashes real, at real) without rowid;',
  );
  if (made.error || made.status !== 0) {
    console.error('no sqlite3 program here: no baseline');
    return undefined;
  }
  const row = (i: number) =>
    `(x'${toHex(sha256(u32le(i)).subarray(0, 16))}',${Math.floor(i / HOTKEYS)},0,${i % HOTKEYS},0,${i % 31 ? 0 : 1},${1500 + (i % 97)},0.25,0.98,1e15,1e9,${1.7e12 + i})`;
  let sql = 'pragma synchronous=full;';
  for (let from = 0; from < rows; from += HOTKEYS)
    sql += `begin;${Array.from({ length: Math.min(HOTKEYS, rows - from) }, (_, n) => `insert into o values${row(from + n)};`).join('')}commit;`;
  const timed = (text: string): number => {
    const from = performance.now();
    const { status, stderr } = run(text);
    if (status !== 0) throw new Error(`sqlite3: ${stderr}`);
    return Math.round(rows / ((performance.now() - from) / 1000));
  };
  return { insert: timed(sql), select: timed('select * from o order by epoch, event;') };
}
