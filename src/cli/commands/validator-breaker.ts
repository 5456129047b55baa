// Owns: `assay validator breaker`: whether scores are held, why, and a person's word on it. Does not own: the rule
// (validator/breaker.ts), how the word reaches the validator (breaker-file.ts).
import { createTallies, sharesOf } from '../../validator/breaker.js';
import type { BreakerEntry } from '../../validator/ledger/entries.js';
import type { LedgerReader } from '../../validator/ledger/ledger.js';
import type { Decision } from '../../validator/scorer.js';
import { readDecision, writeDecision } from '../breaker-file.js';
import { withLedger } from '../ledgers.js';
import { EXIT, print, printJson } from '../output.js';
import { Table } from '../table.js';

interface HoldRow {
  readonly since: number;
  /** in which it ended; undefined while it goes on */
  readonly ended?: number | undefined;
  readonly by?: 'released' | 'accepted' | 'expired' | undefined;
  /** in which scores count as judged if nobody says anything */
  readonly until: number | undefined;
  readonly owners: number;
  readonly drifted: number;
  /** millionths */
  readonly stakeShare: number;
}

export async function showBreaker(flags: { data?: string; json?: boolean }): Promise<number> {
  const data = flags.data!;
  return withLedger(data, async (ledger) => {
    const holds = await holdsIn(ledger);
    const last = holds.at(-1);
    const isHeld = last !== undefined && last.ended === undefined;
    const decision = await readDecision(data);
    if (flags.json) printJson({ held: isHeld, decision, holds });
    else print(toText(holds, isHeld, decision));
    return EXIT.ok;
  });
}

/** @returns 1 where nothing is held */
export async function decideBreaker(
  decision: Decision,
  flags: { data?: string; json?: boolean },
): Promise<number> {
  const data = flags.data!;
  return withLedger(data, async (ledger) => {
    const last = (await holdsIn(ledger)).at(-1);
    const isHeld = last !== undefined && last.ended === undefined;
    if (isHeld) await writeDecision(data, decision);
    if (flags.json) printJson({ held: isHeld, decision: isHeld ? decision : undefined });
    else
      print(
        isHeld
          ? `${decision}: the validator takes it at its next block, or when it is started`
          : 'no scores are held: there is nothing to decide',
      );
    return isHeld ? EXIT.ok : EXIT.failed;
  });
}

async function holdsIn(ledger: LedgerReader): Promise<readonly HoldRow[]> {
  const holds: HoldRow[] = [];
  const tallies = createTallies();
  const { outcome, completed } = tallies;
  await ledger.fold({
    outcome,
    completed,
    breaker({ is, epoch, since, neurons, limits }: BreakerEntry) {
      if (is === 'tripped') {
        const drift = tallies.drift(epoch, neurons ?? new Map());
        const until = limits && since + limits.holdEpochs;
        const { owners, drifted } = drift;
        holds.push({ since, until, owners, drifted, stakeShare: sharesOf(drift).stake });
      } else if (is !== 'held') {
        const open = holds.pop();
        if (open) holds.push({ ...open, ended: epoch, by: is });
      }
    },
  });
  return holds;
}

function toText(holds: readonly HoldRow[], isHeld: boolean, decision: Decision | undefined): string {
  if (holds.length === 0) return 'no scores are held, and none were';
  const table = new Table({ head: ['since epoch', 'until', 'ended', 'owners', 'of stake'] });
  for (const { since, until, ended, by, owners, drifted, stakeShare } of holds)
    table.push([
      since,
      until ?? '-',
      ended === undefined ? '-' : `${ended} ${by}`,
      `${drifted} of ${owners} failed`,
      `${(stakeShare / 10_000).toFixed(1)} %`,
    ]);
  const now = !isHeld
    ? 'no scores are held'
    : decision
      ? `scores are held; ${decision} waits for the validator's next block`
      : "scores are held: `assay validator breaker release` where the failure was not the miners', `accept` where it was";
  return `${table.toString()}\n${now}`;
}
