// Owns: the demo's document and what it must say for the demo to have succeeded. Does not own: gathering it live.
import type { ChainReader, Subnet } from '../chain/chain.js';
import type { Hotkey, Netuid } from '../model/ids.js';
import type { Outcome } from '../model/outcome.js';
import { isAboutContent, verdictToString } from '../model/verdict.js';
import type { ScoringPolicy } from '../scoring/index.js';
import type { ScoredEntry, WeightsEntry } from '../validator/ledger/entries.js';
import type { Ledger } from '../validator/ledger/ledger.js';
import type { ReplayedAll } from '../validator/ledger/replay-all.js';
import { scoreEpoch } from '../validator/score.js';
import { type Behaviour, FACTS } from './world.js';

/** Alpha, stake and burned are decimal strings of rao. */
export interface DemoReport {
  readonly epochs: number;
  readonly blocks: number;
  readonly seconds: number;
  /** null where the system does not tell */
  readonly peakPssMiB: number | null;
  readonly burned: string;
  readonly miners: readonly MinerReport[];
  readonly validators: readonly ValidatorReport[];
}

export interface MinerReport {
  readonly uid: number;
  readonly hotkey: string;
  readonly behaviour: Behaviour;
  /** distinct slots that were challenged */
  readonly slots: number;
  /** sessions, over both validators; so are the counts below */
  readonly checks: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly inconclusive: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** by validator uid: this validator's last score */
  readonly scores: Readonly<Record<number, number>>;
  /** by validator uid, u16 as the chain stores it */
  readonly weights: Readonly<Record<number, number>>;
  readonly incentive: number;
  readonly alphaEarned: string;
}

export interface ValidatorReport {
  readonly uid: number;
  readonly hotkey: string;
  readonly stake: string;
  readonly weightsSetAtBlock: number | null;
  readonly weightsOnChain: boolean;
  readonly alphaEarned: string;
}

export interface ReportInput {
  readonly netuid: Netuid;
  readonly behaviours: ReadonlyMap<Hotkey, Behaviour>;
  readonly validators: readonly {
    readonly hotkey: Hotkey;
    /** alpha staked at the start */
    readonly stakeRao: bigint;
    readonly ledger: Pick<Ledger, 'outcomes' | 'completedEvents' | 'startedEvents'>;
  }[];
  /** what the owner published. @default what counts where nothing was */
  readonly policy?: ScoringPolicy;
  /** the last epoch in which weights counted, by the chain's index */
  readonly lastEpoch: number;
  readonly epochs: number;
  readonly blocks: number;
  readonly seconds: number;
  readonly peakPssMiB: number | null;
  readonly burnedRao: bigint;
}

export async function buildReport(
  reader: Pick<ChainReader, 'subnet' | 'weights' | 'alphaRao'>,
  input: ReportInput,
): Promise<DemoReport> {
  const { netuid } = input;
  const subnet = await reader.subnet(netuid);
  const judges = await Promise.all(
    input.validators.map(async (validator) => {
      const neuron = neuronOf(subnet, validator.hotkey);
      const row = await reader.weights(netuid, neuron.uid);
      const score = scoreEpoch(validator.ledger, input.lastEpoch, { policy: input.policy });
      const outcomes = validator.ledger.outcomes({ fromEpoch: 0 });
      return { ...validator, neuron, row: new Map(row), score, outcomes };
    }),
  );
  const miners = await Promise.all(
    [...input.behaviours].map(async ([hotkey, behaviour]): Promise<MinerReport> => {
      const neuron = neuronOf(subnet, hotkey);
      const own = judges.flatMap(({ outcomes }) => outcomes.filter(({ miner }) => miner === hotkey));
      const count = (kind: Outcome['verdict']['kind']) =>
        own.filter(({ verdict }) => verdict.kind === kind).length;
      const reasons: Record<string, number> = {};
      for (const { verdict } of own) {
        if (verdict.kind === 'accepted') continue;
        const reason = verdict.kind === 'rejected' ? verdict.reason : verdictToString(verdict);
        reasons[reason] = (reasons[reason] ?? 0) + 1;
      }
      const by = <T>(read: (judge: (typeof judges)[number]) => T) =>
        Object.fromEntries(judges.map((judge) => [judge.neuron.uid, read(judge)]));
      return {
        uid: neuron.uid,
        hotkey,
        behaviour,
        slots: new Set(own.map(({ slot }) => slot)).size,
        checks: own.length,
        accepted: count('accepted'),
        rejected: count('rejected'),
        inconclusive: count('inconclusive'),
        reasons,
        scores: by(({ score }) => score?.scores.get(hotkey) ?? 0),
        weights: by(({ row }) => row.get(neuron.uid) ?? 0),
        incentive: neuron.incentive,
        alphaEarned: (await reader.alphaRao(hotkey, netuid)).toString(),
      };
    }),
  );
  const validators = await Promise.all(
    judges.map(async ({ neuron, hotkey, stakeRao, row }): Promise<ValidatorReport> => {
      const set = row.size > 0 && neuron.lastUpdate > neuron.registeredAt;
      return {
        uid: neuron.uid,
        hotkey,
        stake: stakeRao.toString(),
        weightsSetAtBlock: set ? neuron.lastUpdate : null,
        weightsOnChain: set,
        alphaEarned: ((await reader.alphaRao(hotkey, netuid)) - stakeRao).toString(),
      };
    }),
  );
  return {
    epochs: input.epochs,
    blocks: input.blocks,
    seconds: input.seconds,
    peakPssMiB: input.peakPssMiB,
    burned: input.burnedRao.toString(),
    miners: miners.sort((a, b) => a.uid - b.uid),
    validators: validators.sort((a, b) => a.uid - b.uid),
  };
}

function neuronOf(subnet: Subnet, hotkey: Hotkey): Subnet['neurons'][number] {
  const neuron = subnet.neurons.find((known) => known.hotkey === hotkey);
  if (!neuron) throw new RangeError(`report: ${hotkey} is not on subnet ${subnet.netuid}`);
  return neuron;
}

/** Verdicts about content on which two validators differ in one event and slot: there must be none. */
export function disagreements(outcomes: readonly Outcome[]): string[] {
  const groups = new Map<string, Map<string, Outcome>>();
  for (const outcome of outcomes) {
    const key = `${outcome.event} ${outcome.miner} ${outcome.slot}`;
    const group = groups.get(key) ?? new Map<string, Outcome>();
    group.set(outcome.validator, outcome);
    groups.set(key, group);
  }
  const found: string[] = [];
  for (const group of groups.values()) {
    // only what hangs on bytes: an opening that was judged, by whoever came to judge it
    const judged = [...group.values()].filter(
      ({ verdict }) => verdict.kind === 'accepted' || isAboutContent(verdict),
    );
    const verdicts = new Set(judged.map(({ verdict }) => verdictToString(verdict)));
    const [first] = judged;
    if (first && verdicts.size > 1)
      found.push(
        `${first.miner} slot ${first.slot}, block ${first.eventBlock}: ${[...verdicts].join(' / ')}`,
      );
  }
  return found;
}

export interface Check {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  /** hangs on how fast this machine is right now, not on content or the chain */
  readonly timing: boolean;
}

/** Every condition of success, with what was found. */
export function checkReport(report: DemoReport, outcomes: readonly Outcome[]): Check[] {
  const alpha = (behaviour: Behaviour) =>
    BigInt(report.miners.find((miner) => miner.behaviour === behaviour)!.alphaEarned);
  const large = alpha('honest-large');
  const small = alpha('honest-small');
  /** in devices, over all events and validators: what it earned besides, with a link, is another matter */
  const proven = (behaviour: Behaviour) => {
    const { hotkey } = report.miners.find((miner) => miner.behaviour === behaviour)!;
    const own = outcomes.filter(({ miner, kind }) => miner === hotkey && kind === 'compute');
    return own.reduce((sum, { share }) => sum + share, 0);
  };
  const shared = proven('shares-device-a') + proven('shares-device-b');
  const alone = proven('honest-small');
  const checks: Check[] = [
    timingCheck('both honest miners earned', large > 0n && small > 0n, `${large} and ${small} rao`),
    timingCheck(
      'honest-large earned between 1.3 and 2.4 times honest-small',
      small > 0n && 10n * large >= 13n * small && 10n * large <= 24n * small,
      ratio(large, small),
    ),
  ];
  const memory = alpha('honest-memory');
  checks.push(timingCheck('honest-memory earned', memory > 0n, `${memory} rao`));
  for (const { behaviour, alphaEarned } of report.miners)
    if (FACTS[behaviour].earnsNothing)
      checks.push(check(`${behaviour} earned exactly nothing`, alphaEarned === '0', `${alphaEarned} rao`));
  checks.push(
    timingCheck(
      'two sharers together proved at most 1.15 times what honest-small proved on one device',
      alone === 0 ? shared === 0 : shared > 0 && shared <= 1.15 * alone,
      alone === 0 ? 'nothing to compare with' : `${(shared / alone).toFixed(3)} times`,
    ),
  );
  for (const { behaviour, checks: sessions } of report.miners)
    checks.push(check(`${behaviour} was challenged`, sessions > 0, `${sessions} sessions`));
  for (const { uid, weightsOnChain, weightsSetAtBlock } of report.validators)
    checks.push(
      check(
        `weights of validator uid ${uid} are on the chain`,
        weightsOnChain,
        `set at block ${weightsSetAtBlock}`,
      ),
    );
  const differing = disagreements(outcomes);
  checks.push(
    check(
      'the validators agree on every verdict about content',
      differing.length === 0,
      differing.length === 0 ? 'no difference' : differing.join('; '),
    ),
  );
  return checks;
}

const check = (what: string, ok: boolean, found: string): Check => ({ what, ok, found, timing: false });
const timingCheck = (what: string, ok: boolean, found: string): Check => ({ what, ok, found, timing: true });

const ratio = (a: bigint, b: bigint): string =>
  b === 0n ? 'nothing to compare with' : `${Number((1000n * a) / b) / 1000} times`;

/** What became of the rows of a validator: made again from its ledger, and compared with what it sent. */
export interface RowsInput {
  readonly name: string;
  readonly replayed: Pick<ReplayedAll, 'rows' | 'disagreeing'>;
  readonly ledger: Pick<Ledger, 'fold'>;
  readonly uidOf: ReadonlyMap<Hotkey, number>;
  /** hex digest of the policy that all of them must be by */
  readonly policy: string;
  /** epochs whose rows there must be at least */
  readonly paidEpochs: number;
}

export async function checkRows(input: RowsInput): Promise<Check[]> {
  const { name, ledger, uidOf, policy, paidEpochs } = input;
  const { rows, disagreeing } = input.replayed;
  const same = rows.filter(({ agrees }) => agrees);
  const byPolicy = rows.filter((row) => row.policy === policy);
  const scored = new Map<number, ScoredEntry>();
  const sent: WeightsEntry[] = [];
  await ledger.fold({
    scored: (entry) => void scored.set(entry.epoch, entry),
    weights: (entry) => void sent.push(entry),
  });
  const textOf = (row: readonly (readonly [number, number])[]) =>
    row
      .filter(([, weight]) => weight > 0) // a uid that had weight before is sent with none
      .sort(([a], [b]) => a - b)
      .map(([uid, weight]) => `${uid}:${weight}`)
      .join(' ');
  const dueOf = (epoch: number) =>
    textOf((scored.get(epoch)?.row ?? []).map(([hotkey, weight]) => [uidOf.get(hotkey) ?? -1, weight]));
  const altered = sent.filter(({ epoch, row }) => textOf(row) !== dueOf(epoch)).map(({ epoch }) => epoch);
  return [
    check(
      `the published policy paid every epoch of ${name}`,
      byPolicy.length === rows.length && rows.length >= paidEpochs,
      `${byPolicy.length} of ${rows.length} epochs`,
    ),
    check(
      `${name}'s ledger alone gives the same u16 again, and the same verdicts`,
      same.length === rows.length && disagreeing.length === 0,
      `${same.length} of ${rows.length} rows; ${disagreeing.length} other verdicts`,
    ),
    check(
      `${name} sent the rows that it was due`,
      sent.length >= paidEpochs && altered.length === 0,
      altered.length === 0 ? `${sent.length} rows` : `others in epochs ${altered.join(', ')}`,
    ),
  ];
}

/** What an honest miner is rejected for only when this machine is too slow. */
const TIMING_REASONS = ['window', 'left-out', 'opening-timeout', 'unreachable'] as const;

/** Honest miners' missed windows as a share of their judged sessions; 0 without any, which is a failed check of its own. */
export function missedShare(report: DemoReport): number {
  const honest = report.miners.filter(({ behaviour }) => FACTS[behaviour].honest);
  const checks = honest.reduce((sum, miner) => sum + miner.checks, 0);
  const missed = honest.reduce(
    (sum, { reasons }) => sum + TIMING_REASONS.reduce((all, reason) => all + (reasons[reason] ?? 0), 0),
    0,
  );
  return checks === 0 ? 0 : missed / checks;
}

/** Above this the machine is too busy to time proofs. */
export const TOO_BUSY = 0.25;
