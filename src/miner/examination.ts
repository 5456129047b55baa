// Owns: what the doctor found of slots, said aloud, and looking again at what failed until it is well. Does not own: the proofs
// (handed in), what a failed slot means (whoever claims it).
import type { Clock } from '../model/clock.js';
import type { Log } from '../model/log.js';
import type { SlotFinding } from './status.js';

/** A slot that failed is examined again after this, then after twice as long, and so on: most often something else ran here. */
const FIRST_AGAIN_MS = 60_000;
const LONGEST_AGAIN_MS = 6 * 3600_000;
/** Not while something is at work: the proof would take its device's time. */
const BUSY_MS = 10_000;

export interface Examination {
  /** by index */
  findings(): readonly SlotFinding[];
  /** All slots, once. @throws what the examiner throws */
  first(signal: AbortSignal): Promise<void>;
  /** What failed, ever more rarely, until nothing does any more, or aborted. */
  again(signal: AbortSignal): Promise<void>;
}

export type Examine = (
  signal: AbortSignal,
  /** only those to look at again, by what was found before. @default all */
  only?: readonly SlotFinding[],
) => Promise<readonly SlotFinding[]>;

/** @param parts.onFailed told of each slot once, however often it fails */
export function createExamination(parts: {
  readonly clock: Clock;
  readonly log: Log;
  readonly examine: Examine;
  readonly isBusy: () => boolean;
  readonly onFailed?: (slot: string, finding: SlotFinding) => void;
}): Examination {
  const { clock, log, examine, isBusy, onFailed = () => {} } = parts;
  let findings: readonly SlotFinding[] = [];

  async function look(signal: AbortSignal, only?: readonly SlotFinding[]): Promise<void> {
    const found = await examine(signal, only);
    const isAgain = (each: SlotFinding) => found.some((other) => nameOf(other) === nameOf(each));
    findings = [...findings.filter((each) => !isAgain(each)), ...found].sort((a, b) => a.index - b.index);
    for (const finding of found) {
      const { index, kind, class: name, state, said, fix } = finding;
      const slot = `${index} ${kind}:${name}`;
      if (state !== 'failed') {
        log.info('slot examined', { slot, state, said });
        continue;
      }
      log.error('slot is not claimed: its proof failed here', { slot, why: said, fix });
      const known = only?.some((before) => nameOf(before) === nameOf(finding)) ?? false;
      if (!known) onFailed(slot, finding);
    }
  }

  return {
    findings: () => findings,
    first: look,
    async again(signal) {
      for (let pauseMs = FIRST_AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_AGAIN_MS)) {
        await clock.sleep(pauseMs, signal);
        while (isBusy() && !signal.aborted) await clock.sleep(BUSY_MS, signal);
        const failed = findings.filter(({ state }) => state === 'failed');
        if (signal.aborted || failed.length === 0) return;
        await look(signal, failed).catch((error: unknown) => {
          if (!signal.aborted) log.warn('slots not examined again', { error });
        });
      }
    },
  };
}

const nameOf = ({ index, kind }: Pick<SlotFinding, 'index' | 'kind'>): string => `${index} ${kind}`;
