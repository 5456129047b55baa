// Owns: `assay validator replay | export | import | compare`. Does not own: what a ledger is (validator/ledger).
import { randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fromHex, toHex } from '../../model/bytes.js';
import { AssayError, isAssayError } from '../../model/errors.js';
import { verdictToString } from '../../model/verdict.js';
import { exportLedger, importLedger } from '../../validator/ledger/bundle.js';
import { type Compared, compareLedgers } from '../../validator/ledger/compare.js';
import { type LedgerReader, openLedger } from '../../validator/ledger/ledger.js';
import type { Replay, ReplayParts } from '../../validator/ledger/replay.js';
import type { ReplayedAll } from '../../validator/ledger/replay-all.js';
import { dataPaths, systemParts } from '../assemble.js';
import { integerBetween, loadFlags } from '../config.js';
import { counted, factLines, shortAddress } from '../facts.js';
import { readInputHead } from '../input-text.js';
import { foundInstead, invalid } from '../invalid-input.js';
import { classesIn, type Epochs, parseEpochs, refusingCorrupt, withLedger } from '../ledgers.js';
import { EXIT, print, printError, printJson, stderrLog } from '../output.js';
import { createProgress, sayWhile } from '../progress.js';
import { hotkeySigner, type Signer, walletFlags } from '../signers.js';
import { type Known, moduleFlag, openKnown, threadsFor } from '../subnet-module.js';
import { Table } from '../table.js';
import { openWholeFile } from '../whole-file.js';

const path = z.string().min(1).max(4096);
const shared = { json: z.boolean().default(false), epoch: z.string().max(32).optional() };

const replaySchema = z.strictObject({
  ...shared,
  ...moduleFlag,
  data: path,
  all: z.boolean().default(false),
});

/** @param outcome one of them; all with `--all` */
export async function replayFrom(
  outcome: string | undefined,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { data, all, json, epoch, module } = loadFlags(replaySchema, flags);
  if (all === (outcome !== undefined))
    throw invalid('outcome', 'the name of one, or --all', all ? `both ${outcome} and --all` : 'neither');
  if (!all && epoch !== undefined) throw invalid('--epoch', '--all with it', 'an outcome');
  const epochs = parseEpochs(epoch);
  const known = await openKnown(module);
  if (outcome !== undefined)
    return withLedger(data, (ledger) => replayOne(ledger, outcome, { json, known }, signal));
  return withLedger(data, async (ledger) => {
    const replayed = await replayAllOf(ledger, epochs, known, signal);
    const agrees = replayed.disagreeing.length === 0 && replayed.rows.every((row) => row.agrees);
    const isNothing = replayed.rows.length + replayed.agreeing + replayed.disagreeing.length === 0;
    if (json) printJson({ agrees, ...replayed });
    else print(replayedText(replayed));
    if (!agrees) return EXIT.failed;
    return isNothing ? EXIT.expired : EXIT.ok;
  });
}

async function replayOne(
  ledger: LedgerReader,
  outcome: string,
  { json, known }: { readonly json: boolean; readonly known: Known },
  signal: AbortSignal,
): Promise<number> {
  const { replayOutcome } = await import('../../validator/ledger/replay.js');
  return withVerifiers(1, known, signal, async (parts) => {
    const result = await replayOutcome({ ledger, ...parts }, outcome).catch((error: unknown) => {
      if (!isAssayError(error, 'unsupported')) throw error;
      return error;
    });
    if (result instanceof AssayError) {
      printError(result, false);
      return EXIT.expired;
    }
    if (json) printJson(result);
    else print(replayText(result));
    return result.agrees ? EXIT.ok : EXIT.failed;
  });
}

function replayText({ id, verdict, checks, agrees }: Replay): string {
  const table = new Table({
    head: ['check', 'holds', 'detail'],
  });
  for (const { name, ok, detail } of checks) table.push([name, ok ? 'yes' : 'NO', detail]);
  return [
    table.toString(),
    `outcome ${id}: recomputed verdict ${verdictToString(verdict)}`,
    agrees ? 'the journal agrees' : 'the journal DISAGREES',
  ].join('\n');
}

/** What judging again takes. On threads: what is replayed may be what ended the one that verified it. */
async function withVerifiers<T>(
  threads: number,
  known: Known,
  signal: AbortSignal,
  work: (parts: Omit<ReplayParts, 'ledger'>) => Promise<T>,
): Promise<T> {
  const [{ verifyChain }, { readyKeys }, { createVerifierPool }] = await Promise.all([
    import('../../protocol/evidence.js'),
    import('../../keys/keypair.js'),
    import('../../validator/verifiers.js'),
  ]);
  await readyKeys();
  const { clock, random } = systemParts;
  const verifiers = createVerifierPool(
    { clock, log: stderrLog('warn'), threads, ...threadsFor(known) },
    signal,
  );
  try {
    return await work({ kinds: known.kinds, random, verifyChain, verifiers });
  } finally {
    await verifiers.close();
  }
}

async function replayAllOf(
  ledger: LedgerReader,
  epochs: Epochs,
  known: Known,
  signal: AbortSignal,
): Promise<ReplayedAll> {
  const [{ replayAll }, { DEFAULT_VERIFIER_THREADS }] = await Promise.all([
    import('../../validator/ledger/replay-all.js'),
    import('../../validator/verifiers.js'),
  ]);
  let total = 0;
  const count = ({ epoch }: { readonly epoch: number }) =>
    void (epoch >= epochs.fromEpoch && epoch <= epochs.toEpoch && total++);
  await ledger.fold({ outcome: count }, {}, signal);
  const progress = createProgress({ unit: 'outcomes', total });
  const threads = Math.max(1, DEFAULT_VERIFIER_THREADS);
  const classOf = await classesIn(ledger, known.kinds, signal);
  return withVerifiers(threads, known, signal, async (parts) => {
    try {
      return await replayAll(
        { ledger, ...parts, classOf, rules: known.rules },
        { ...epochs, concurrency: threads + 1, onProgress: ({ judged }) => progress.update(judged) },
        signal,
      );
    } finally {
      progress.end();
    }
  });
}

/** Of what differs: a ledger that differs everywhere is no better known for a million lines. */
const MOST_SHOWN = 50;

function replayedText(replayed: ReplayedAll): string {
  const { rows, disagreeing, outcomes, agreeing, notKept, inconclusive, unsupported } = replayed;
  const wrong = rows.filter(({ agrees }) => !agrees);
  const table = new Table({ head: ['epoch', 'policy', 'row'] });
  for (const { epoch, policy, agrees, differences } of rows)
    table.push([
      epoch,
      policy.slice(0, 16),
      agrees ? 'the same u16' : `DIFFERS for ${counted(differences.length, 'hotkey')}`,
    ]);
  return [
    ...(rows.length === 0 ? ['no epoch was paid'] : [table.toString()]),
    ...wrong
      .flatMap(({ epoch, differences }) =>
        differences.map(
          ({ hotkey, recorded, due }) => `epoch ${epoch}: ${hotkey} has ${recorded}, and ${due} follows`,
        ),
      )
      .slice(0, MOST_SHOWN),
    ...disagreeing
      .slice(0, MOST_SHOWN)
      .map(
        ({ id, recorded, now, failed }) =>
          `outcome ${id}: recorded ${recorded}, now ${now}${failed.length === 0 ? '' : `; does not hold: ${failed.join(', ')}`}`,
      ),
    factLines([
      ['links and signatures', 'hold'],
      ['rows', `${rows.length - wrong.length} of ${rows.length} the same`],
      ['outcomes', outcomes],
      ['judged again, the same', agreeing],
      ['judged again, another verdict', disagreeing.length],
      ['not judged again: bytes not kept', notKept],
      ['not judged again: inconclusive', inconclusive],
      ['not judged again: of another build', unsupported],
    ]),
    wrong.length === 0 && disagreeing.length === 0 ? 'the ledger agrees' : 'the ledger DISAGREES',
  ].join('\n');
}

const exportSchema = z.strictObject({
  ...walletFlags,
  ...shared,
  data: path,
  out: path,
  evidence: z.boolean().default(true),
  move: z.boolean().default(false),
});

export async function exportTo(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(exportSchema, flags);
  const { data, out, evidence, move, json } = options;
  const epochs = parseEpochs(options.epoch);
  if (move && (options.epoch !== undefined || !evidence))
    throw invalid('--move', 'all of the ledger', 'a part of it, that nobody could go on from');
  const place = await openWholeFile(out, `--out ${out}`);
  const signer = await hotkeySigner(options, signal);
  return withLedger(data, async (ledger) => {
    const { genesisHash, netuid, hotkey } = ledger.owner!; // a reader has one
    const keypair = await unlockedAs(signer, hotkey);
    const dir = dataPaths.ledger(data);
    const writer = { genesisHash, netuid, keypair };
    if (move) await endLedger(dir, writer);
    // whole or not at all: half an export would be found out only where it is imported
    const part = join(dirname(place.target), `.assay-${randomUUID()}.part`);
    try {
      const { files, bytes, head } = await sayWhile('writing the ledger', () =>
        exportLedger({ dir, writer }, part, { ...epochs, evidence }, signal),
      );
      await rename(part, place.target);
      const said = { out: place.target, files, bytes, epoch: head.epoch, records: head.records, moved: move };
      if (json) printJson({ ...said, link: toHex(head.link) });
      else
        print(
          `${counted(files, 'file')}, ${bytes} bytes to ${said.out}, up to epoch ${head.epoch}, record ${head.records}${move ? '; the ledger here has ended' : ''}`,
        );
      return EXIT.ok;
    } finally {
      await rm(part, { force: true });
    }
  });
}

async function unlockedAs(signer: Signer, hotkey: string) {
  if (signer.address !== hotkey) throw invalid('--hotkey', `the ledger's, ${hotkey}`, signer.address);
  return signer.unlock();
}

async function endLedger(dir: string, writer: Parameters<typeof exportLedger>[0]['writer']): Promise<void> {
  const ledger = await openLedger({ ...systemParts, ...writer, dir, log: stderrLog('warn') });
  try {
    await ledger.move();
  } finally {
    await ledger.close();
  }
}

const importSchema = z.strictObject({
  ...walletFlags,
  json: z.boolean().default(false),
  data: path,
  netuid: integerBetween(1, 4095, 'the number of a subnet').optional(),
  goOn: z.boolean().default(false),
});

export async function importFrom(
  file: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(importSchema, flags);
  const { data, netuid, goOn, json } = options;
  await assertFile(file);
  const signer = goOn ? await hotkeySigner(options, signal) : undefined;
  const { readyKeys } = await import('../../keys/keypair.js');
  await readyKeys();
  const dir = dataPaths.ledger(data);
  const expect = netuid === undefined ? {} : { netuid };
  return refusingCorrupt(async () => {
    // whose it is stands in the file's first line, and who goes on with it has to sign as that one
    const keypair = await signer?.unlock();
    const writerOf = keypair && (await ownerFrom(file, keypair.address));
    const imported = await sayWhile('reading the file, signature and links first', () =>
      importLedger(
        file,
        dir,
        { expect, ...(keypair && writerOf ? { goOn: { ...writerOf, keypair } } : {}) },
        signal,
      ),
    );
    const { owner, head, files, moved } = imported;
    const said = {
      hotkey: owner.hotkey,
      netuid: owner.netuid,
      epoch: head.epoch,
      records: head.records,
      files,
    };
    if (json) printJson({ ...said, moved, goesOn: goOn });
    else
      print(
        [
          factLines([
            ['ledger of', owner.hotkey],
            ['subnet', owner.netuid],
            ['up to', `epoch ${head.epoch}, record ${head.records}`],
            ['files', files],
          ]),
          goOn
            ? 'it goes on here'
            : moved
              ? 'it was handed over; it can be read here, and goes on with --go-on'
              : 'it can be read here, and not gone on with',
        ].join('\n'),
      );
    return EXIT.ok;
  });
}

const FIRST_LINE = 4096;

/** Chain and subnet of an export, as its first line says them; `importLedger` holds the signature against it. */
async function ownerFrom(
  file: string,
  hotkey: string,
): Promise<{ readonly genesisHash: Uint8Array; readonly netuid: number }> {
  const line = (await readInputHead(file, FIRST_LINE)).split('\n')[0]!;
  const said = z
    .object({
      genesis: z.string().regex(/^[0-9a-f]{64}$/),
      netuid: z.int().min(0).max(0xffff),
      hotkey: z.string(),
    })
    .safeParse(tryJson(line));
  if (!said.success) throw invalid(file, 'a file of `assay validator export`', 'something else');
  if (said.data.hotkey !== hotkey) throw invalid('--hotkey', `the ledger's, ${said.data.hotkey}`, hotkey);
  return { genesisHash: fromHex(said.data.genesis), netuid: said.data.netuid };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function assertFile(file: string): Promise<void> {
  const found = await stat(file).catch((error: unknown) => {
    throw invalid(file, 'a file of `assay validator export`', foundInstead(error), error);
  });
  if (!found.isFile()) throw invalid(file, 'a file of `assay validator export`', 'something else');
}

const compareSchema = z.strictObject({ ...shared, last: integerBetween(0, 1_000_000).default(50) });

export async function compare(
  a: string,
  b: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { json, epoch, last } = loadFlags(compareSchema, flags);
  const epochs = parseEpochs(epoch);
  return withAnyLedger(a, signal, (one) =>
    withAnyLedger(b, signal, async (other) => {
      const compared = await sayWhile('comparing', () =>
        compareLedgers(one, other, { ...epochs, most: last }, signal),
      );
      if (json) printJson(compared);
      else print(comparedText(compared));
      const { events, sessions, fork } = compared;
      const isSame = sessions.different === 0 && events.onlyA + events.onlyB === 0 && fork === undefined;
      return isSame ? EXIT.ok : EXIT.failed;
    }),
  );
}

/** A data folder, or an export, which is unpacked as long as it is looked at. */
async function withAnyLedger(
  place: string,
  signal: AbortSignal,
  work: (ledger: LedgerReader) => Promise<number>,
): Promise<number> {
  const isExport = await stat(place).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isExport) return withLedger(place, work);
  const { readyKeys } = await import('../../keys/keypair.js');
  await readyKeys();
  const folder = await mkdtemp(join(tmpdir(), 'assay-compare-'));
  try {
    return await refusingCorrupt(async () => {
      await importLedger(place, dataPaths.ledger(folder), {}, signal);
      return withLedger(folder, work);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function comparedText({ a, b, events, sessions, why, differences, fork }: Compared): string {
  const table = new Table({ head: ['epoch', 'event', 'miner', 'slot', 'why', 'a', 'b'] });
  const said = (one: Compared['differences'][number]['a']) => (one ? verdictToString(one.verdict) : '-');
  for (const each of differences)
    table.push([
      each.epoch,
      each.event.slice(0, 12),
      shortAddress(each.miner),
      each.slot,
      each.why,
      said(each.a),
      said(each.b),
    ]);
  return [
    ...(differences.length === 0 ? [] : [table.toString()]),
    factLines([
      ['a', a],
      ['b', b],
      ['events of both', events.both],
      ['events of a alone', events.onlyA],
      ['events of b alone', events.onlyB],
      ['sessions, the same', sessions.same],
      ['sessions, of one turn', sessions.oneTurn],
      ['sessions, different', sessions.different],
      ...Object.entries(why).map(([name, count]) => [`  ${name}`, count] as const),
      ['two ledgers of one hotkey', fork && `from epoch ${fork.epoch} on: both are signed`],
    ]),
  ].join('\n');
}
