// Owns: the checks that Subtensor makes before a call may enter the pool, and again before it is carried out
// (subtensor guards/ and extensions/subtensor.rs). They name the same errors as the call itself would.
import { type RuntimeCall, runtime } from '../../../chain/codec/runtime.js';
import { type BlockContext, CallFailed, ensure } from '../../dispatch.js';
import { passesNetworkRateLimit } from './networks.js';
import { checkServeAxon } from './serving.js';
import { hasWeightsStake, passesWeightsRateLimit } from './weights.js';

const S = runtime.SubtensorModule.storage;
const BAD_REQUEST = 255;

/** `InvalidTransaction::Custom`: what a client sees of an error when the pool already refuses the call. */
const CUSTOM_CODES: Readonly<Record<string, number>> = {
  AmountTooLow: 1,
  NotEnoughStakeToSetWeights: 1,
  NotEnoughBalanceToStake: 2,
  SubnetNotExists: 3,
  HotKeyAccountNotExists: 4,
  NotEnoughStakeToWithdraw: 5,
  SettingWeightsTooFast: 6,
  NetworkTxRateLimitExceeded: 6,
  InsufficientLiquidity: 7,
  HotKeyNotRegisteredInNetwork: 10,
  InvalidIpAddress: 11,
  ServingRateLimitExceeded: 12,
  InvalidPort: 13,
  HotKeyNotRegisteredInSubNet: 19,
  NonAssociatedColdKey: 25,
};

/** @param failure of SubtensorModule, as `guardCall` gave it */
export const customCode = (failure: CallFailed): number =>
  CUSTOM_CODES[failure.message.slice('SubtensorModule.'.length)] ?? BAD_REQUEST;

/** Why `who` cannot get this call through, undefined when nothing speaks against it. */
export function guardCall(who: string, call: RuntimeCall, context: BlockContext): CallFailed | undefined {
  try {
    check(who, call, context);
    return undefined;
  } catch (error) {
    if (error instanceof CallFailed) return error;
    throw error;
  }
}

function check(who: string, call: RuntimeCall, context: BlockContext): void {
  if (call.pallet !== 'SubtensorModule') return;
  const { state, block } = context;
  switch (call.name) {
    case 'set_weights':
    case 'set_mechanism_weights': {
      const { netuid } = call.args;
      ensure(hasWeightsStake(state, who, netuid), 'NotEnoughStakeToSetWeights');
      const uid = state.get(S.Uids, netuid, who);
      if (uid === undefined || state.get(S.CommitRevealWeightsEnabled, netuid)) return;
      ensure(passesWeightsRateLimit(state, netuid, uid, block), 'SettingWeightsTooFast');
      return;
    }
    case 'register_network':
      ensure(passesNetworkRateLimit(state, block), 'NetworkTxRateLimitExceeded');
      return;
    case 'serve_axon':
      checkServeAxon(who, call.args, context);
  }
}
