// Owns: `assay rollouts show`: windows of a validator's folder as a table. Does not own: verdicts, judging them again (replay.ts).
import { join } from 'node:path';
import type { Alarm } from '../../../validator/rollouts/alarms.js';
import { historyOf } from '../../../validator/rollouts/history.js';
import { createWindowBook } from '../../../validator/rollouts/judge.js';
import { readRolloutLedger } from '../../../validator/rollouts/ledger.js';
import { EXIT, print, printJson } from '../../output.js';
import { alarmLine, flawLine, type RolloutRow, rolloutTable, rowsOf, tornLine } from '../../rollout-rows.js';
import { readRolloutSubnet } from '../../rollout-subnet.js';

/** @param options.window that one alone */
export async function show(
  folder: string,
  { window, json }: { readonly window?: number; readonly json?: boolean },
): Promise<number> {
  const { rules } = await readRolloutSubnet(folder);
  const { entries, torn } = await readRolloutLedger(join(folder, 'windows'));
  const { windows, flaws } = historyOf(entries);
  const book = createWindowBook({ rules });
  const rows: RolloutRow[] = [];
  const alarms: ({ window: number } & Alarm)[] = [];
  const proven: { window: number; miner: string; place: number; creditTokens: number }[] = [];
  const lapsed: { window: number; why: string }[] = [];
  for (const each of windows) {
    if (each.end === 'lapsed') lapsed.push({ window: each.window, why: each.why ?? '' });
    if (each.end === 'judged' && each.collected) {
      book.close(each.collected, each.verdicts)();
      alarms.push(...book.alarms().map((alarm) => ({ window: each.window, ...alarm })));
      rows.push(...rowsOf(each, book.standings()));
    }
    for (const own of each.proven) {
      book.prove(own);
      const { window, miner, place, creditMillis } = own;
      proven.push({ window, miner, place, creditTokens: creditMillis / 1000 });
    }
  }
  const isWanted = (of: { readonly window: number }): boolean => window === undefined || of.window === window;
  if (json) {
    const found = { rows, lapsed, alarms, proven, flaws };
    const wanted = Object.entries(found).map(([name, all]) => [name, all.filter(isWanted)]);
    printJson({ folder, ...Object.fromEntries(wanted), torn });
    return EXIT.ok;
  }
  print(rolloutTable(rows.filter(isWanted), (miner) => miner));
  for (const each of lapsed.filter(isWanted)) print(`window ${each.window} lapsed: ${each.why}`);
  for (const each of alarms.filter(isWanted)) print(alarmLine(each));
  for (const { window, miner, place, creditTokens } of proven.filter(isWanted))
    print(
      `window ${window}  ${miner}: rollout ${place} was proven wrong; credit ${creditTokens.toFixed(0)} since`,
    );
  for (const each of flaws.filter(isWanted)) print(flawLine(each));
  if (torn > 0) print(tornLine(torn));
  return EXIT.ok;
}
