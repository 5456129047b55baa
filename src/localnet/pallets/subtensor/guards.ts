// Owns: the checks that Subtensor makes before a call may enter the pool, and again before it is carried out
// (subtensor guards/ and extensions/subtensor.rs). They name the same errors as the call itself would.
import type { RuntimeCall } from '../../../chain/codec/runtime.js';
import { type BlockContext, CallFailed, ensure } from '../../dispatch.js';
import { checkWeightsCall } from './commits-guard.js';
import { passesNetworkRateLimit } from './networks.js';
import { checkServeAxon, checkServePrometheus } from './serving.js';
import { checkDelegateTake } from './takes.js';

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
  CommittingWeightsTooFast: 6,
  NetworkTxRateLimitExceeded: 6,
  InsufficientLiquidity: 7,
  SlippageTooHigh: 8,
  TransferDisallowed: 9,
  HotKeyNotRegisteredInNetwork: 10,
  InvalidIpAddress: 11,
  ServingRateLimitExceeded: 12,
  InvalidPort: 13,
  InvalidRevealRound: 15,
  NoWeightsCommitFound: 16,
  RevealTooEarly: 17,
  InputLengthsUnequal: 18,
  HotKeyNotRegisteredInSubNet: 19,
  NonAssociatedColdKey: 25,
  DelegateTakeTooLow: 26,
  DelegateTakeTooHigh: 27,
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
  checkWeightsCall(who, call, context);
  switch (call.name) {
    case 'register_network':
      ensure(passesNetworkRateLimit(state, block), 'NetworkTxRateLimitExceeded');
      return;
    case 'increase_take':
    case 'decrease_take':
      checkDelegateTake(who, call.args, state);
      return;
    case 'serve_axon':
    case 'serve_axon_tls':
      checkServeAxon(who, call.args, context);
      return;
    case 'serve_prometheus':
      checkServePrometheus(who, call.args, context);
  }
}
