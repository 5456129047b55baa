// Owns: `assay rollouts replay`: every verdict of a validator's folder judged again from what lies in it. Does not own: how.
import { stat } from 'node:fs/promises';
import { type ReplayedVerdict, replayLedger } from '../../../validator/rollouts/replay.js';
import { invalid } from '../../invalid-input.js';
import { EXIT, print, printJson } from '../../output.js';
import { sayWhile } from '../../progress.js';
import { openRolloutFolder } from '../../rollout-folder.js';
import { flawLine, tornLine } from '../../rollout-rows.js';

export interface ReplayedFolder {
  readonly verdicts: readonly ReplayedVerdict[];
  /** of the ledger as it was read */
  readonly head: string;
  readonly torn: number;
}

export async function replayFolder(folder: string, signal: AbortSignal): Promise<ReplayedFolder> {
  const { subnet, of, entries, head, torn, modelOf, read, close } = await openRolloutFolder(folder);
  const { policy, rules, quota, environment } = subnet;
  const verdicts: ReplayedVerdict[] = [];
  try {
    const options = { policy, rules, quota, of };
    for await (const verdict of replayLedger({ modelOf, environment, read }, entries, options, signal))
      verdicts.push(verdict);
  } finally {
    await close();
  }
  return { verdicts, head, torn };
}

/** Exits 0 when all are the same, 1 when one differs or the ledger is not whole, 4 when what one rests on is not here any more. */
export async function replay(
  folder: string,
  { json }: { readonly json?: boolean },
  signal: AbortSignal,
): Promise<number> {
  await assertFolder(folder);
  const found = await sayWhile('judging every verdict again', () => replayFolder(folder, signal));
  const count = (is: ReplayedVerdict['is']) => found.verdicts.filter((each) => each.is === is).length;
  const proofs = found.verdicts.filter(({ place }) => place !== undefined).length;
  if (json) printJson({ folder, ...found });
  else {
    for (const each of found.verdicts) {
      const { window, miner, place, is, why } = each;
      if (is === 'flaw') print(flawLine(each));
      else if (is !== 'same')
        print(
          `window ${window}  ${miner}${place === undefined ? '' : `  proof of rollout ${place}`}  ${is}${why ? `: ${why}` : ''}`,
        );
    }
    if (found.torn > 0) print(tornLine(found.torn));
    print(
      `${found.verdicts.length - count('flaw') - proofs} verdicts${proofs > 0 ? ` and ${proofs} proofs` : ''}: ${count('same')} the same to the byte, ${count('different')} different, ${count('refused')} refused, ${count('gone')} without their files; ${count('flaw')} flaws of the ledger, which ends in ${found.head.slice(0, 16)}`,
    );
  }
  if (count('different') + count('refused') + count('flaw') > 0) return EXIT.failed;
  return count('gone') > 0 ? EXIT.expired : EXIT.ok;
}

async function assertFolder(folder: string): Promise<void> {
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw invalid(folder, "a validator's folder of rollouts", 'none');
}
