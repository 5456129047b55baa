// Owns: `assay miner status | callers`: what a running miner says of itself, and who called it. Does not own: the files (miner-files.ts).
import { dataPaths } from '../assemble.js';
import { factLines } from '../facts.js';
import { readCallers, readStatus, STATUS_MS } from '../miner-files.js';
import { EXIT, print, printJson } from '../output.js';
import { Table } from '../table.js';
import { taoText } from '../tao.js';

interface Flags {
  readonly data?: string;
  readonly json?: boolean;
}

/** @returns 0 while it serves, 1 while it does not, or has not said so for a while: one that hangs is still a process */
export async function minerStatus({ data, json }: Flags): Promise<number> {
  const said = await readStatus(dataPaths.minerStatus(data!)); // commander has seen to it
  const { status, pid, isRunning, writtenMs } = said;
  const ageMs = Math.max(0, Date.now() - writtenMs);
  const isOld = ageMs > 4 * STATUS_MS;
  const isServing = isRunning && !isOld && status.phase === 'serving';
  const code = isServing ? EXIT.ok : EXIT.failed;
  if (json) {
    printJson({ isRunning, pid, ageMs, ...status });
    return code;
  }
  const { phase, why, uid, axon, registrationRao, sessions, callers } = status;
  const since = new Date(status.sinceMs).toISOString().slice(0, 19);
  const life = isRunning ? `process ${pid}` : `not running (process ${pid} has ended)`;
  const old = isRunning && isOld ? `, last heard of ${Math.round(ageMs / 1000)} s ago` : '';
  print(
    factLines([
      ['miner', `${status.hotkey}, subnet ${status.netuid}, assay ${status.version}`],
      ['is', `${life}${old}`],
      ['phase', `${phase}${why === undefined ? '' : `: ${why}`}, since ${since}`],
      ['uid', uid ?? 'not registered'],
      ...(registrationRao === undefined
        ? []
        : [['registration', `costs ${taoText(BigInt(registrationRao))} TAO now`] as const]),
      [
        'axon',
        axon
          ? `${axon.ip}:${axon.port}, ${axon.isOnChain ? 'on the chain' : 'not on the chain yet'}`
          : 'none',
      ],
      ['head', status.head ?? 'none yet'],
      ['sessions', `${sessions.open} open; ended: ${countsText(sessions.ended)}`],
      [
        'steps',
        sessions.steps === 0
          ? '0'
          : `${sessions.steps}, ${(sessions.stepSeconds / sessions.steps).toFixed(2)} s each`,
      ],
      ['calls', `${callers.admitted} admitted; not: ${countsText(callers.refused)}`],
    ]),
  );
  const table = new Table({ head: ['slot', 'worker', 'kind', 'phase', 'why'] });
  for (const slot of status.slots)
    table.push([slot.index, slot.worker, slot.kind, slot.phase, slot.why ?? '']);
  if (status.slots.length > 0) print(table.toString());
  for (const { index, kind, class: name, state, said: what, fix } of status.doctor)
    if (state === 'failed')
      print(`slot ${index} ${kind}:${name} is not claimed: ${what}${fix ? `; ${fix}` : ''}`);
  return code;
}

/** @returns 0 */
export async function minerCallers({ data, json }: Flags): Promise<number> {
  const rows = await readCallers(dataPaths.callers(data!));
  if (json) {
    for (const row of rows) printJson(row);
    return EXIT.ok;
  }
  const table = new Table({
    head: ['caller', 'address', 'calls', 'receipts', 'first', 'last', 'did'],
  });
  const at = (ms: number) => new Date(ms).toISOString().slice(0, 19);
  for (const { caller, address, calls, receipts, did, firstMs, lastMs, toldMs } of rows)
    table.push([
      caller ?? 'nobody signed',
      address,
      calls,
      receipts,
      at(firstMs),
      at(lastMs),
      `${countsText(did)}${toldMs === undefined ? '' : ` (told ${at(toldMs)})`}`,
    ]);
  print(table.toString());
  print(`${rows.length} callers, ${rows.filter(({ toldMs }) => toldMs !== undefined).length} told of`);
  return EXIT.ok;
}

/** Zeros left out. */
function countsText(counts: Readonly<Record<string, number | undefined>>): string {
  const some = Object.entries(counts).filter(([, count = 0]) => count > 0);
  return some.length === 0 ? 'nothing' : some.map(([name, count]) => `${count} ${name}`).join(', ');
}
