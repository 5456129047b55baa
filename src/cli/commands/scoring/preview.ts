// Owns: `assay scoring preview`: what a policy would have paid on a ledger, and the difference between two.
import { z } from 'zod';
import { type Hotkey, toColdkey } from '../../../model/ids.js';
import {
  createScoringState,
  type Facts,
  type PaidNeuron,
  restoreScoringState,
  type ScoringState,
} from '../../../scoring/index.js';
import { readHold, withoutEvents } from '../../../validator/breaker.js';
import type { LedgerReader } from '../../../validator/ledger/ledger.js';
import type { LedgerFold } from '../../../validator/ledger/load.js';
import { scoreState } from '../../../validator/score.js';
import { loadFlags } from '../../config.js';
import { counted } from '../../facts.js';
import { invalid } from '../../invalid-input.js';
import { classesIn, type Epochs, parseEpochs, withLedger } from '../../ledgers.js';
import { EXIT, print, printJson } from '../../output.js';
import { burnedText, type PayDocument, payTable, toPayDocument } from '../../pay-rows.js';
import { type NamedPolicy, readNamedPolicy } from '../../policy-files.js';
import { sayWhile } from '../../progress.js';
import { type Known, moduleFlag, openKnown } from '../../subnet-module.js';

const path = z.string().min(1).max(4096);
const schema = z.strictObject({
  ...moduleFlag,
  json: z.boolean().default(false),
  data: path,
  against: path.optional(),
  epoch: z.string().max(32).optional(),
});

export async function previewPolicy(
  policy: string,
  flags: Record<string, unknown>,
  signal: AbortSignal,
): Promise<number> {
  const { json, data, against, epoch, module } = loadFlags(schema, flags);
  const epochs = parseEpochs(epoch);
  if (policy === '-' && against === '-')
    throw invalid('--against', 'a file', 'standard input, which is read once');
  const known = await openKnown(module);
  const own = await readNamedPolicy(policy, known);
  const other = against === undefined ? undefined : await readNamedPolicy(against, known);
  return withLedger(data, async (ledger) => {
    const paid = await sayWhile('paying what the ledger has', () =>
      payAll({ ledger, known }, other ? [own, other] : [own], epochs, signal),
    );
    if (paid.length === 0) {
      process.stderr.write('nothing to pay: the ledger has no completed event in these epochs\n');
      return EXIT.expired;
    }
    if (json)
      printJson({
        policy: own.digest,
        ...(other ? { against: other.digest } : {}),
        epochs: paid.map(({ pays: [mine, its], ...of }) => ({
          ...of,
          ...mine,
          ...(its ? { against: its } : {}),
        })),
      });
    else print(paid.map(epochText).join('\n\n'));
    return EXIT.ok;
  });
}

interface PaidEpoch {
  readonly epoch: number;
  readonly events: number;
  /** whether the ledger has what does not follow from outcomes */
  readonly factsKept: boolean;
  /** by policy, in the order in which they were given */
  readonly pays: readonly PayDocument[];
}

function epochText({ epoch, events, factsKept, pays: [own, other] }: PaidEpoch): string {
  const facts = factsKept ? '' : '; nothing is kept of coldkeys, stake, rollouts and used time';
  return [
    `epoch ${epoch}: ${counted(events, 'event')}${facts}`,
    payTable(own!, other),
    burnedText(own!),
    ...(other ? ['the other policy:', burnedText(other)] : []),
  ].join('\n');
}

/**
 * One state for each policy, told in the ledger's order. An epoch is paid where the ledger says that it was; one that never was,
 * when an event of a later one is completed or the ledger ends.
 */
async function payAll(
  { ledger, known }: { readonly ledger: LedgerReader; readonly known: Known },
  policies: readonly NamedPolicy[],
  { fromEpoch, toEpoch }: Epochs,
  signal: AbortSignal,
): Promise<readonly PaidEpoch[]> {
  const classOf = await classesIn(ledger, known.kinds, signal);
  const parts = { classOf, rules: known.rules };
  const compacted = ledger.compacted();
  const states = policies.map(({ policy, digest }) =>
    compacted?.policy === digest
      ? restoreScoringState(policy, compacted.state, parts)
      : createScoringState(policy, parts),
  );
  const paid = new Map<number, PaidEpoch>();
  const payOnce = (epoch: number, facts?: Facts) => {
    if (epoch < fromEpoch || epoch > toEpoch || paid.has(epoch)) return;
    const pays = states.flatMap((state) => {
      const pay = scoreState(state, epoch)?.pay(facts ?? factsFrom(state, epoch));
      return pay ? [toPayDocument(pay)] : [];
    });
    // a policy that has nothing to say of an epoch cannot be compared in it
    if (pays.length < states.length) return;
    const events = states[0]!.eventsOf(epoch); // as many as there are policies
    paid.set(epoch, { epoch, events, factsKept: facts !== undefined, pays });
  };
  let newest: number | undefined;
  const { voided } = await readHold(ledger, signal);
  const into: LedgerFold = {
    started: (event) => states.forEach((state) => void state.started(event)),
    outcome: (outcome) => states.forEach((state) => void state.outcome(outcome)),
    completed(event) {
      if (newest !== undefined && event.epoch > newest) payOnce(newest);
      newest = Math.max(newest ?? 0, event.epoch);
      states.forEach((state) => void state.completed(event));
    },
    scored: ({ epoch, facts }) => payOnce(epoch, facts),
  };
  await ledger.fold({ ...into, ...withoutEvents(into, voided) }, {}, signal);
  if (newest !== undefined) payOnce(newest);
  return [...paid.values()];
}

/** Of an epoch without any: whom the outcomes name, nobody under another's coldkey. What burns is nobody's. */
function factsFrom(state: ScoringState, epoch: number): Facts {
  const neurons = new Map<Hotkey, PaidNeuron>();
  for (const [hotkey] of state.at(epoch)) neurons.set(hotkey, { coldkey: toColdkey(hotkey) });
  return { neurons, owner: '' as Hotkey };
}
