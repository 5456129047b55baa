// Owns: `assay miner maintenance declare | list | cancel`. Does not own: the bytes (protocol/maintenance.ts), which declarations a
// validator counts (parameters/maintenance.ts).
import { join } from 'node:path';
import { z } from 'zod';
import { type Statement, statementsJson, withStatement } from '../../miner/declarations.js';
import { lockFile } from '../../model/file-lock.js';
import { toHotkey, toNetuid } from '../../model/ids.js';
import { silentLog } from '../../model/log.js';
import { createMaintenanceBook, type MaintenanceRefusal } from '../../parameters/maintenance.js';
import { readMaintenance, signMaintenance } from '../../protocol/maintenance.js';
import { DEFAULT_POLICY, maintenanceRules } from '../../scoring/index.js';
import { dataPaths, loadKey } from '../assemble.js';
import { loadFlags } from '../config.js';
import { invalid } from '../invalid-input.js';
import { readStatements } from '../miner-declines.js';
import { type ChainClient, networkFlags, withChain } from '../networks.js';
import { EXIT, print, printJson } from '../output.js';
import { readNamedPolicy } from '../policy-files.js';
import { moduleFlag, openKnown } from '../subnet-module.js';
import { Table } from '../table.js';
import { openWholeFile } from '../whole-file.js';
import { minedNetuidFlag } from './chain/flags.js';

const text = z.string().min(1).max(4096);
const shared = {
  ...networkFlags,
  data: text,
  netuid: minedNetuidFlag,
  hotkey: text,
  wallet: text.optional(),
  walletPath: text.optional(),
  json: z.boolean().optional(),
};
const declaring = z.strictObject({
  ...shared,
  ...moduleFlag,
  from: text.optional(),
  hours: z.number().min(0.01).max(168),
  worker: z.array(z.string().min(1).max(64)).max(16).default([]),
  policy: text.optional(),
});
const cancelling = z.strictObject({ ...shared, at: z.number().int().min(0).optional() });

const WHY: Record<MaintenanceRefusal, string> = {
  late: 'it would be over before it counts',
  changed: 'its serial is of another declaration',
  'too-many': 'more declarations than the policy allows',
  'too-long': 'more hours than the policy allows',
  'too-far': 'it begins later than validators take note of',
};

export async function declare(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const options = loadFlags(declaring, flags);
  const keypair = await loadKey(options, silentLog);
  const rules = maintenanceRules(
    options.policy === undefined
      ? DEFAULT_POLICY
      : (await readNamedPolicy(options.policy, await openKnown(options.module))).policy,
  );
  return withChain(options, signal, async (chain) => {
    const now = await nowOf(chain, options.netuid);
    const blocksOf = (hours: number) => Math.ceil((hours * 3_600_000) / now.blockTimeMs);
    // every validator asks once an epoch: by then all of them have heard of it
    const heardBy = now.head + now.epochBlocks + rules.leadBlocks;
    const fromBlock = options.from === undefined ? heardBy : fromOf(options.from, now.head, blocksOf);
    return change(options.data, async (statements) => {
      const serial = Math.max(0, ...statements.map((each) => each.serial + 1), now.head);
      const bytes = signMaintenance(keypair, {
        genesis: now.genesis,
        netuid: options.netuid,
        serial,
        fromBlock,
        untilBlock: fromBlock + blocksOf(options.hours),
        workers: [...new Set(options.worker)].sort(),
      });
      const statement: Statement = { ...readMaintenance(bytes), bytes };
      const book = createMaintenanceBook();
      const miner = toHotkey(keypair.address);
      for (const { serial, workers, fromBlock: from, untilBlock: until } of statements)
        book.restore({ miner, serial, workers, declaredFrom: from, from, until });
      const heard = book.hear(miner, statement, now.head, rules);
      if (heard && 'refused' in heard)
        throw invalid('maintenance', 'what validators will count', WHY[heard.refused]);
      const all = withStatement(statements, statement, now.head);
      if (fromBlock < heardBy)
        process.stderr.write(
          `validators that have not asked by block ${fromBlock - rules.leadBlocks} count it ${rules.leadBlocks} blocks after they do; from block ${heardBy} on it counts for all that are up\n`,
        );
      show([statement], now, options.json);
      return all;
    });
  });
}

export async function cancel(
  serial: number,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const options = loadFlags(cancelling, flags);
  const keypair = await loadKey(options, silentLog);
  return withChain(options, signal, async (chain) => {
    const now = await nowOf(chain, options.netuid);
    return change(options.data, async (statements) => {
      const known = statements.find((each) => each.serial === serial);
      if (!known)
        throw invalid('serial', 'that of a declaration (assay miner maintenance list)', `${serial}`);
      const untilBlock = Math.max(known.fromBlock, Math.min(known.untilBlock, options.at ?? now.head));
      const { genesis, netuid, fromBlock, workers } = known;
      const bytes = signMaintenance(keypair, { genesis, netuid, serial, fromBlock, untilBlock, workers });
      const statement: Statement = { ...readMaintenance(bytes), bytes };
      show([statement], now, options.json);
      return withStatement(statements, statement, now.head);
    });
  });
}

export async function list(flags: { data?: string; json?: boolean }): Promise<number> {
  const statements = await readStatements(dataPaths.maintenance(flags.data!)); // commander has seen to it
  show(statements, undefined, flags.json);
  return EXIT.ok;
}

interface Now {
  readonly head: number;
  readonly epochBlocks: number;
  readonly blockTimeMs: number;
  readonly genesis: Uint8Array;
}

async function nowOf(chain: ChainClient, netuid: number): Promise<Now> {
  const [{ number: head }, { blockTimeMs, genesisHash: genesis }, subnet] = await Promise.all([
    chain.head(),
    chain.info(),
    chain.subnet(toNetuid(netuid)),
  ]);
  const { lastEpochBlock, nextEpochBlock = lastEpochBlock } = subnet;
  return { head, epochBlocks: nextEpochBlock - lastEpochBlock, blockTimeMs, genesis };
}

/** A block, or so many hours from now: `+2.5h`. */
function fromOf(said: string, head: number, blocksOf: (hours: number) => number): number {
  const hours = /^\+(\d{1,3}(?:\.\d{1,2})?)h$/.exec(said)?.[1];
  if (hours !== undefined) return head + blocksOf(Number(hours));
  if (/^\d{1,10}$/.test(said)) return Number(said);
  throw invalid('--from', 'a block, or hours from now such as +2.5h', said.slice(0, 32));
}

/** One command at a time; the running miner reads what is there, whole. */
async function change(
  data: string,
  by: (statements: readonly Statement[]) => Promise<readonly Statement[]>,
): Promise<number> {
  const path = dataPaths.maintenance(data);
  const unlock = lockFile(join(data, 'maintenance'), `--data ${data}`);
  try {
    const file = await openWholeFile(path, path, 0o600);
    await file.write(`${JSON.stringify(statementsJson(await by(await readStatements(path))))}\n`);
  } finally {
    unlock();
  }
  return EXIT.ok;
}

function show(statements: readonly Statement[], now: Now | undefined, json = false): void {
  const rows = statements.map(({ serial, fromBlock, untilBlock, workers }) => {
    const hours = now && ((untilBlock - fromBlock) * now.blockTimeMs) / 3_600_000;
    return { serial, fromBlock, untilBlock, workers, ...(hours === undefined ? {} : { hours }) };
  });
  if (json) {
    for (const row of rows) printJson(row);
    return;
  }
  const table = new Table({ head: ['serial', 'from block', 'until block', 'workers'] });
  for (const { serial, fromBlock, untilBlock, workers } of rows)
    table.push([
      serial,
      fromBlock,
      untilBlock === fromBlock ? 'cancelled' : untilBlock,
      workers.join(', ') || 'all',
    ]);
  print(table.toString());
}
