// Owns: `assay rollouts show`: windows of a validator's folder as a table. Does not own: verdicts, judging them again (replay.ts).
import { join } from 'node:path';
import type { Hotkey } from '../../../model/ids.js';
import { ALARMS, type Alarm, createWindowBook } from '../../../validator/rollouts/judge.js';
import { readRolloutLedger } from '../../../validator/rollouts/ledger.js';
import { EXIT, print, printJson } from '../../output.js';
import { type RolloutRow, rolloutTable, rowsOf } from '../../rollout-rows.js';
import { readRolloutSubnet } from '../../rollout-subnet.js';

/** @param options.window that one alone */
export async function show(
  folder: string,
  { window, json }: { readonly window?: number; readonly json?: boolean },
): Promise<number> {
  const { rules } = await readRolloutSubnet(folder);
  const entries = await readRolloutLedger(join(folder, 'windows'));
  const book = createWindowBook({ rules });
  const rows: RolloutRow[] = [];
  const alarms: ({ window: number } & Alarm)[] = [];
  const lapsed: { window: number; why: string }[] = [];
  const verdicts = new Map<number, Map<Hotkey, Uint8Array>>();
  for (const entry of entries) {
    if (entry.type === 'lapsed') lapsed.push({ window: entry.window, why: entry.why });
    if (entry.type === 'verdict') {
      const own = verdicts.get(entry.window) ?? new Map<Hotkey, Uint8Array>();
      verdicts.set(entry.window, own.set(entry.miner, entry.record));
    }
    if (entry.type !== 'judged') continue;
    const collected = entries.find((each) => each.type === 'collected' && each.window === entry.window);
    if (collected?.type === 'collected') {
      book.close(collected, verdicts.get(entry.window) ?? new Map());
      alarms.push(...book.alarms().map((alarm) => ({ window: entry.window, ...alarm })));
    }
    rows.push(...rowsOf(entries, entry.window, book.standings()));
  }
  const wanted = rows.filter((row) => window === undefined || row.window === window);
  const rung = alarms.filter((alarm) => window === undefined || alarm.window === window);
  if (json) {
    printJson({ folder, rows: wanted, lapsed, alarms: rung });
    return EXIT.ok;
  }
  print(rolloutTable(wanted, (miner) => miner));
  for (const each of lapsed) print(`window ${each.window} lapsed: ${each.why}`);
  for (const each of rung)
    print(`window ${each.window}: ${ALARMS[each.is]}${each.is === 'evasive' ? ` (${each.miner})` : ''}`);
  return EXIT.ok;
}
