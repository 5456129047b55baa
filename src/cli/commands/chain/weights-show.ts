// Owns: `assay chain weights show`: rows and commits that the chain holds, and what a validator wrote down about its own.
import { z } from 'zod';
import type { PendingCommit, Subnet, WeightRow } from '../../../chain/chain.js';
import { toNetuid } from '../../../model/ids.js';
import { readWeightsBooks, type WeightsRecord, type WrittenBook } from '../../../validator/weights/book.js';
import { dataPaths } from '../../assemble.js';
import { integerBetween, loadFlags } from '../../config.js';
import { shortAddress } from '../../facts.js';
import { foundInstead, invalid } from '../../invalid-input.js';
import { type ChainClient, networkFlags, withChain } from '../../networks.js';
import { EXIT, print, printJson } from '../../output.js';
import { Table } from '../../table.js';
import { mechanismFlag, minedNetuidFlag } from './flags.js';
import { countsAfter } from './weights-form.js';

const schema = z.strictObject({
  ...networkFlags,
  netuid: minedNetuidFlag.optional(),
  mechanism: mechanismFlag,
  uid: integerBetween(0, 65_535, 'a uid').optional(),
  data: z.string().min(1).max(4096).optional(),
});

export async function showChainWeights(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(schema, flags);
  const { netuid, data, json } = options;
  if (netuid === undefined && data === undefined)
    throw invalid('--netuid', 'a subnet, or --data with a validator’s folder', 'neither');
  const books = data === undefined ? undefined : await booksOf(data);
  // a book is what an operator wants to see while the chain is away
  if (netuid === undefined) {
    if (json) printJson({ books: books?.map(withoutBytes) });
    else printBooks(books ?? []);
    return EXIT.ok;
  }
  const place = { netuid, mechanism: options.mechanism, uid: options.uid };
  return withChain(options, signal, async (chain) => {
    const found = await readRows(chain, place);
    if (json) printJson({ ...found, ...(books ? { books: books.map(withoutBytes) } : {}) });
    else {
      printRows(found, place.mechanism);
      if (books) printBooks(books);
    }
    return EXIT.ok;
  });
}

async function booksOf(data: string): Promise<readonly WrittenBook[]> {
  const folder = dataPaths.weights(data);
  try {
    return await readWeightsBooks(folder);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error;
    if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(error.code)) throw error;
    throw invalid(`--data ${data}`, 'the data folder of a validator that ran', foundInstead(error), error);
  }
}

type ShownCommit = PendingCommit & {
  /** a plain commit whose epoch to reveal it in is over: the chain drops it when the next one is revealed or made */
  readonly isExpired?: boolean;
  /** blocks in which a plain commit is to be revealed, as the schedule is now */
  readonly reveal?: { readonly from: number; readonly until: number };
};

interface Rows {
  readonly netuid: number;
  readonly mechanism: number;
  readonly block: number;
  readonly epochIndex: number;
  readonly commitReveal: boolean;
  readonly rows: readonly {
    readonly uid: number;
    readonly hotkey: string;
    readonly row: WeightRow;
    readonly pending: readonly ShownCommit[];
    readonly lastUpdate: number;
  }[];
}

async function readRows(
  chain: ChainClient,
  { netuid, mechanism, uid }: { netuid: number; mechanism: number; uid: number | undefined },
): Promise<Rows> {
  const { hash } = await chain.head();
  const subnet = await chain.subnet(toNetuid(netuid), hash, mechanism);
  const { block, epochIndex, commitRevealEnabled } = subnet;
  const matrix = await chain.weightsMatrix(subnet.netuid, hash, mechanism);
  if (uid !== undefined && !subnet.neurons.some((neuron) => neuron.uid === uid))
    throw invalid('--uid', `one of the ${subnet.neurons.length} of subnet ${netuid}`, String(uid));
  const rows = await Promise.all(
    wanted(subnet, matrix, uid).map(async ({ uid: of, hotkey, lastUpdate }) => ({
      uid: of as number,
      hotkey: hotkey as string,
      row: matrix[of] ?? [],
      pending: (await chain.pendingCommits(subnet.netuid, hotkey, hash, mechanism)).map((commit) =>
        withWindow(commit, subnet),
      ),
      lastUpdate,
    })),
  );
  return { netuid, mechanism, block, epochIndex, commitReveal: commitRevealEnabled, rows };
}

/** Whoever has a row, may have one, or has written since it was registered; of all neurons most have not. */
const wanted = ({ neurons }: Subnet, matrix: readonly WeightRow[], uid: number | undefined) =>
  neurons.filter((neuron) => {
    if (uid !== undefined) return neuron.uid === uid;
    const wrote = neuron.lastUpdate > neuron.registeredAt;
    return wrote || neuron.validatorPermit || (matrix[neuron.uid] ?? []).length > 0;
  });

function printRows({ rows, block, netuid, epochIndex, commitReveal }: Rows, mechanism: number): void {
  const table = new Table({
    head: ['uid', 'hotkey', 'set', 'weights (uid:value of 65535)', 'pending commits'],
  });
  for (const { uid, hotkey, row, pending, lastUpdate } of rows)
    table.push([
      uid,
      shortAddress(hotkey),
      lastUpdate === 0 ? '-' : `${block - lastUpdate} ago`,
      row.length === 0 ? 'none' : row.map(([to, value]) => `${to}:${value}`).join(' '),
      pending.map(pendingText).join('; ') || '-',
    ]);
  print(table.toString());
  const how = commitReveal ? 'committed and revealed' : 'set in the open';
  print(`subnet ${netuid}, mechanism ${mechanism}, block ${block}, epoch ${epochIndex}; weights are ${how}`);
}

/** When a plain commit can be revealed: in the epoch `revealPeriodEpochs` after its own, and in no other. */
export function withWindow(commit: PendingCommit, subnet: Parameters<typeof countsAfter>[0]): ShownCommit {
  if (commit.kind !== 'plain') return commit;
  if (commit.epoch + subnet.revealPeriodEpochs < subnet.epochIndex) return { ...commit, isExpired: true };
  const { revealedFrom: from, epochBlock: until } = countsAfter(subnet, commit.epoch);
  return from === undefined || until === undefined
    ? commit
    : { ...commit, reveal: { from, until: until - 1 } };
}

function pendingText(commit: ShownCommit): string {
  if (commit.kind !== 'plain')
    return `sealed in epoch ${commit.epoch}, block ${commit.block}, round ${commit.revealRound}`;
  const { epoch, block, isExpired, reveal } = commit;
  const when = isExpired
    ? ', expired: it can no longer be revealed'
    : reveal
      ? `, reveal in blocks ${reveal.from}-${reveal.until}`
      : '';
  return `hash of epoch ${epoch}, block ${block}${when}`;
}

function printBooks(books: readonly WrittenBook[]): void {
  if (books.length === 0) print('no weights were written down yet');
  for (const { chain, hotkey, records } of books) {
    print(`book of ${hotkey} on chain ${chain}…${records.length === 0 ? ': no weights yet' : ''}`);
    if (records.length === 0) continue;
    const table = new Table({
      head: ['subnet', 'mech', 'epoch', 'stage', 'form', 'included', 'applied', 'row', 'what was wrong'],
    });
    for (const record of records) table.push(bookRow(record));
    print(table.toString());
  }
}

function bookRow(record: WeightsRecord): (string | number)[] {
  const { netuid, mechanism, epoch, stage, sending, included, applied, reason, refusals, lastError } = record;
  const trouble = [
    ...(reason === undefined ? [] : [reason]),
    ...(refusals === 0 ? [] : [`refused ${refusals}x: ${lastError ?? 'unknown'}`]),
  ];
  return [
    netuid,
    mechanism,
    epoch,
    stage,
    sending?.form ?? '-',
    included?.block ?? '-',
    applied ?? '-',
    sending?.row.map(([uid, value]) => `${uid}:${value}`).join(' ') ?? '-',
    trouble.join('; ') || '-',
  ];
}

/** Signed bytes and salts are the validator's alone until they are public. */
const withoutBytes = ({ chain, hotkey, records }: WrittenBook) => ({
  chain,
  hotkey,
  records: records.map(({ sending, reveal: _, ...record }) => ({
    ...record,
    ...(sending ? { form: sending.form, row: sending.row, revealRound: sending.revealRound } : {}),
  })),
});
