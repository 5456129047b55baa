// Owns: when the owner's analysis is made: when somebody asks and there is something new, in steps that leave others their turn. Does
// not own: the analysis (dashboard/suspicions).
import type { Neuron } from '../../chain/chain.js';
import type { Observations } from '../../dashboard/suspicions/observations.js';
import type { SuspicionsSource } from '../../dashboard/suspicions/page.js';
import { suspicions } from '../../dashboard/suspicions/suspicions.js';
import type { Clock } from '../../model/clock.js';
import { drain } from '../../validator/ledger/load.js';

/** Measured on a busy core, 4,096 hotkeys over 128 events: 0.8 s of steps for one parameter set, 2.4 s for five; a step takes 10 ms. */
const EVERY_MS = 30_000;

export function createSuspicionsSource(parts: {
  readonly observations: Observations;
  /** of the newest reading; undefined where no chain is asked */
  neurons(): { readonly block: number; readonly neurons: readonly Neuron[] } | undefined;
  /** what is seen of ports since it was asked last */
  readonly sights?: (() => Promise<void>) | undefined;
  readonly clock: Pick<Clock, 'now'>;
}): SuspicionsSource {
  const { observations, neurons, sights = async () => {}, clock } = parts;
  let made:
    | { readonly of: string; readonly answer: Awaited<ReturnType<SuspicionsSource['current']>> }
    | undefined;
  let making: Promise<Awaited<ReturnType<SuspicionsSource['current']>>> | undefined;

  async function make(): Promise<Awaited<ReturnType<SuspicionsSource['current']>>> {
    await sights();
    const now = neurons();
    const of = `${now?.block} ${observations.seen()}`;
    const analysis = await drain(suspicions(now?.neurons, observations));
    const answer = { analysis, madeMs: clock.now() };
    made = { of, answer };
    return answer;
  }

  return {
    async current() {
      const of = `${neurons()?.block} ${observations.seen()}`;
      const isFresh = made && (made.of === of || clock.now() - made.answer.madeMs < EVERY_MS);
      if (made && isFresh) return made.answer;
      making ??= make().finally(() => {
        making = undefined;
      });
      return making;
    },
  };
}
