// Owns: living through a case as the chain would: warm-up, actions, epoch, next step. Does not own: the form of a case
// (parse.ts), the epoch.
import type { EpochInput, EpochOutput, runEpoch, U16Row } from '../epoch.js';
import { runEpochInDoubles } from '../epoch-in-doubles.js';
import { activityCutoffBlocks } from '../schedule.js';
import { maxUpscale } from '../weights.js';
import type { CaseAction, EpochCase } from './parse.js';

export interface EpochCaseResult {
  readonly id: string;
  /** what each step's epoch wrote */
  readonly steps: readonly EpochOutput[];
}

/**
 * Runs every step of a case, each on the state that the one before left. Only the epoch is called, not the coinbase, so
 * the block of the last successful epoch stays what the case says.
 *
 * @param run the reference instead of the fast one, which gives the same
 */
export function runEpochCase(
  epochCase: EpochCase,
  run: typeof runEpoch = runEpochInDoubles,
): EpochCaseResult {
  const state = startOf(epochCase);
  if (epochCase.warmup) epoch(epochCase, state, epochCase.warmup, run);
  const steps = epochCase.steps.map((step) => {
    for (const action of step.actions) act(state, action);
    return epoch(epochCase, state, step, run);
  });
  return { id: epochCase.id, steps };
}

/** What the chain holds between epochs. */
interface State {
  tempo: number;
  readonly lastUpdate: number[];
  readonly blockAtRegistration: number[];
  readonly stakes: bigint[];
  readonly earliestCommit: (number | undefined)[];
  readonly weights: U16Row[];
  bonds: readonly U16Row[];
  permits: readonly boolean[];
}

function startOf({ n, hyperparameters, initial }: EpochCase): State {
  return {
    tempo: hyperparameters.tempo,
    lastUpdate: [...initial.lastUpdate],
    blockAtRegistration: [...initial.blockAtRegistration],
    stakes: [...initial.stakesRao],
    earliestCommit: new Array<undefined>(n).fill(undefined),
    weights: Array.from({ length: n }, () => []),
    bonds: Array.from({ length: n }, () => []),
    permits: initial.validatorPermits,
  };
}

function act(state: State, action: CaseAction): void {
  switch (action.op) {
    case 'set_weights': {
      const stored = maxUpscale(action.values);
      state.weights[action.uid] = action.uids.map((uid, k) => [uid, stored[k]!] as const);
      state.lastUpdate[action.uid] = action.atBlock;
      return;
    }
    case 'store_weights_raw':
      state.weights[action.uid] = action.row;
      return;
    case 'advance_to_block':
      return;
    case 'set_stake':
      state.stakes[action.uid] = action.stakeRao;
      return;
    case 'set_tempo':
      state.tempo = action.tempo;
      return;
    case 'active_commit': {
      const earlier = state.earliestCommit[action.uid] ?? action.commitBlock;
      state.earliestCommit[action.uid] = Math.min(earlier, action.commitBlock);
      return;
    }
    case 'reset_bonds_to':
      state.bonds = state.bonds.map((row) => row.filter(([uid]) => uid !== action.uid));
      return;
    case 'deregister_and_register_new':
      replaceNeuron(state, action.uid, action.atBlock);
  }
}

/** `replace_neuron` with `clear_neuron`. Bonds towards the uid stay stored: it is for the epoch not to count them. */
function replaceNeuron(state: State, uid: number, block: number): void {
  state.blockAtRegistration[uid] = block;
  state.lastUpdate[uid] = block;
  state.stakes[uid] = 0n;
  // commits belong to the hotkey that left
  state.earliestCommit[uid] = undefined;
  state.weights.forEach((row, i) => {
    state.weights[i] = i === uid ? [] : row.map(([j, value]) => [j, j === uid ? 0 : value] as const);
  });
  state.bonds = state.bonds.with(uid, []);
  state.permits = state.permits.with(uid, false);
}

function epoch(
  epochCase: EpochCase,
  state: State,
  { epochBlock, raoEmission }: { readonly epochBlock: number; readonly raoEmission: bigint },
  run: typeof runEpoch,
): EpochOutput {
  const output = run(inputOf(epochCase, state, epochBlock, raoEmission));
  state.bonds = output.bonds;
  state.permits = output.newPermits;
  return output;
}

function inputOf(
  { n, hyperparameters: h }: EpochCase,
  state: State,
  block: number,
  raoEmission: bigint,
): EpochInput {
  return {
    n,
    block,
    tempo: state.tempo,
    activityCutoff: activityCutoffBlocks(h.activityCutoffFactorMilli, state.tempo),
    lastUpdate: state.lastUpdate,
    blockAtRegistration: state.blockAtRegistration,
    kappa: h.kappa,
    bondsPenalty: h.bondsPenalty,
    bondsMovingAverage: h.bondsMovingAverage,
    maxValidators: h.maxValidators,
    stakeThreshold: h.stakeThresholdRao,
    stakes: state.stakes,
    ownerUid: h.ownerUid,
    weights: state.weights,
    bonds: state.bonds,
    validatorPermits: state.permits,
    lastMechanismStep: h.lastMechanismStep,
    commitReveal: h.commitReveal ? { earliestCommit: state.earliestCommit } : undefined,
    yuma3On: h.yuma3,
    liquidAlpha: h.liquidAlpha
      ? { low: h.alphaLow, high: h.alphaHigh, steepness: h.alphaSigmoidSteepness }
      : undefined,
    raoEmission,
  };
}
