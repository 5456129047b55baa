// Reads tests/vectors/yuma-cases.json and replays a case as the chain would live it: warm-up, actions, epoch, next step.
import { readFileSync } from 'node:fs';
import { type EpochInput, type EpochOutput, runEpoch, type U16Row } from '../../../src/emissions/epoch.js';
import { activityCutoffBlocks } from '../../../src/emissions/schedule.js';

type Action =
  | {
      readonly op: 'set_weights';
      readonly uid: number;
      readonly uids: readonly number[];
      readonly values: readonly number[];
      readonly at_block: number;
      readonly stored: U16Row;
    }
  | { readonly op: 'store_weights_raw'; readonly uid: number; readonly row: U16Row }
  | { readonly op: 'advance_to_block'; readonly block: number }
  | { readonly op: 'set_stake'; readonly uid: number; readonly stake: number }
  | { readonly op: 'active_commit'; readonly uid: number; readonly commit_block: number }
  /** subtensor subnets/uids.rs `replace_neuron` */
  | { readonly op: 'deregister_and_register_new'; readonly uid: number; readonly at_block: number }
  /** subtensor epoch/run_epoch.rs `do_reset_bonds`; of yuma3-scenarios.ts only */
  | { readonly op: 'reset_bonds'; readonly uid: number };

export interface Computed {
  readonly consensus: readonly number[];
  readonly incentive: readonly number[];
  readonly dividends: readonly number[];
  readonly validator_trust: readonly number[];
  readonly stake_weight: readonly number[];
  readonly emission: readonly number[];
  readonly server_emission: readonly number[];
  readonly validator_emission: readonly number[];
  readonly new_permits: readonly boolean[];
  readonly bonds: readonly U16Row[];
}

export interface Step {
  readonly actions: readonly Action[];
  readonly epoch_block: number;
  readonly rao_emission: number;
  readonly computed: Computed;
}

export interface YumaCase {
  readonly id: string;
  readonly description: string;
  readonly n: number;
  readonly hyperparameters: {
    readonly kappa: number;
    readonly bonds_moving_average: number;
    readonly bonds_penalty: number;
    readonly activity_cutoff_factor_milli: number;
    readonly liquid_alpha: boolean;
    readonly yuma3: boolean;
    readonly alpha_low: number;
    readonly alpha_high: number;
    readonly alpha_sigmoid_steepness: number;
    readonly stake_threshold: number;
    readonly commit_reveal: boolean;
    readonly owner_uid: number | null;
    readonly tempo: number;
    readonly max_validators: number;
    readonly last_mechanism_step: number;
  };
  readonly initial: {
    readonly block: number;
    readonly block_at_registration: readonly number[];
    readonly last_update: readonly number[];
    readonly validator_permits: readonly boolean[];
    readonly stakes: readonly number[];
  };
  readonly warmup?: { readonly epoch_block: number; readonly rao_emission: number };
  readonly steps: readonly Step[];
}

interface UnitRows {
  readonly function: string;
  readonly cases: readonly Record<string, unknown>[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/yuma-cases.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly YumaCase[]; readonly unit_cases: readonly UnitRows[] };

export const yumaCases = vectors.cases;

/** Rows of upstream's math.rs tables; the caller knows the shape of each function's rows. */
export function unitRows<Row>(name: string): readonly Row[] {
  const rows = vectors.unit_cases.find((unit) => unit.function.startsWith(name));
  if (rows === undefined) throw new Error(`no unit rows for ${name}`);
  return rows.cases as readonly Row[];
}

/** What the chain would hold between the epochs of a case. */
class Replay {
  private readonly lastUpdate: number[];
  private readonly blockAtRegistration: number[];
  private readonly stakes: bigint[];
  private readonly commits: (number | undefined)[];
  private weights: U16Row[];
  private bonds: readonly U16Row[];
  private permits: readonly boolean[];

  constructor(
    private readonly yuma: Omit<YumaCase, 'steps'>,
    private readonly run: typeof runEpoch,
  ) {
    const { initial, n } = yuma;
    this.lastUpdate = [...initial.last_update];
    this.blockAtRegistration = [...initial.block_at_registration];
    this.stakes = initial.stakes.map(BigInt);
    this.permits = initial.validator_permits;
    this.commits = new Array<number | undefined>(n).fill(undefined);
    this.weights = Array.from({ length: n }, () => []);
    this.bonds = Array.from({ length: n }, () => []);
  }

  act(action: Action): void {
    switch (action.op) {
      case 'set_weights':
        this.weights[action.uid] = action.stored;
        this.lastUpdate[action.uid] = action.at_block;
        return;
      case 'store_weights_raw':
        this.weights[action.uid] = action.row;
        return;
      case 'advance_to_block': // each epoch names its own block
        return;
      case 'set_stake':
        this.stakes[action.uid] = BigInt(action.stake);
        return;
      case 'active_commit':
        this.commits[action.uid] = action.commit_block;
        return;
      case 'deregister_and_register_new': {
        const { uid, at_block } = action;
        this.blockAtRegistration[uid] = at_block;
        this.lastUpdate[uid] = at_block;
        this.weights = this.weights.map((row, i) =>
          i === uid ? [] : row.map(([j, value]) => [j, j === uid ? 0 : value] as const),
        );
        this.bonds = this.bonds.map((row, i) => (i === uid ? [] : row));
        this.permits = this.permits.map((permit, i) => permit && i !== uid);
        return;
      }
      case 'reset_bonds':
        this.bonds = this.bonds.map((row) => row.filter(([j]) => j !== action.uid));
    }
  }

  input(block: number, raoEmission: number): EpochInput {
    const { n, hyperparameters: h } = this.yuma;
    return {
      n,
      block,
      tempo: h.tempo,
      activityCutoff: activityCutoffBlocks(h.activity_cutoff_factor_milli, h.tempo),
      lastUpdate: this.lastUpdate,
      blockAtRegistration: this.blockAtRegistration,
      kappa: h.kappa,
      bondsPenalty: h.bonds_penalty,
      bondsMovingAverage: h.bonds_moving_average,
      maxValidators: h.max_validators,
      stakeThreshold: BigInt(h.stake_threshold),
      stakes: this.stakes,
      ownerUid: h.owner_uid ?? undefined,
      weights: this.weights,
      bonds: this.bonds,
      validatorPermits: this.permits,
      lastMechanismStep: h.last_mechanism_step,
      commitReveal: h.commit_reveal ? { earliestCommit: this.commits } : undefined,
      yuma3On: h.yuma3,
      liquidAlpha: h.liquid_alpha
        ? { low: h.alpha_low, high: h.alpha_high, steepness: h.alpha_sigmoid_steepness }
        : undefined,
      raoEmission: BigInt(raoEmission),
    };
  }

  epoch(block: number, raoEmission: number): EpochOutput {
    const output = this.run(this.input(block, raoEmission));
    this.bonds = output.bonds;
    this.permits = output.newPermits;
    return output;
  }
}

/** Runs every step of a case, each on the state the one before left. */
export function replay(
  yuma: Omit<YumaCase, 'steps'> & { readonly steps: readonly Omit<Step, 'computed'>[] },
  run = runEpoch,
): readonly EpochOutput[] {
  const state = new Replay(yuma, run);
  if (yuma.warmup) state.epoch(yuma.warmup.epoch_block, yuma.warmup.rao_emission);
  return yuma.steps.map((step) => {
    for (const action of step.actions) state.act(action);
    return state.epoch(step.epoch_block, step.rao_emission);
  });
}

/** The output in the words of the vector file. */
export function toComputed(output: EpochOutput): Computed {
  return {
    consensus: output.consensus,
    incentive: output.incentive,
    dividends: output.dividends,
    validator_trust: output.validatorTrust,
    stake_weight: output.stakeWeight,
    emission: output.emission.map(Number),
    server_emission: output.serverEmission.map(Number),
    validator_emission: output.validatorEmission.map(Number),
    new_permits: output.newPermits,
    bonds: output.bonds,
  };
}
