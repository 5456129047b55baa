// Owns: which function carries out which call of SubtensorModule.
import { runtime } from '../../../chain/codec/runtime.js';
import { badOrigin, ensure, ensureSigned, type Handlers } from '../../dispatch.js';
import { registerNetwork, startCall } from './networks.js';
import { burnedRegister } from './neurons.js';
import { serveAxon } from './serving.js';
import { addStake } from './staking.js';
import { setWeights } from './weights.js';

export const subtensorHandlers: Handlers<'SubtensorModule'> = {
  set_weights: setWeights,
  set_mechanism_weights({ mecid, ...args }, context) {
    ensure(mecid === 0, 'MechanismDoesNotExist');
    setWeights(args, context);
  },
  add_stake: addStake,
  serve_axon: serveAxon,
  burned_register: burnedRegister,
  register_limit({ netuid, hotkey, limit_price }, context) {
    const { NetworksAdded, Burn } = runtime.SubtensorModule.storage;
    ensure(netuid !== 0, 'RegistrationNotPermittedOnRootSubnet');
    ensure(context.state.get(NetworksAdded, netuid), 'SubnetNotExists');
    ensure(context.state.get(Burn, netuid) <= limit_price, 'RegistrationPriceLimitExceeded');
    burnedRegister({ netuid, hotkey }, context);
  },
  register_network: registerNetwork,
  start_call: startCall,
  set_activity_cutoff_factor({ netuid, factor_milli }, { state, origin, emit }) {
    const { NetworksAdded, SubnetOwner, ActivityCutoffFactorMilli } = runtime.SubtensorModule.storage;
    ensure(state.get(NetworksAdded, netuid), 'SubnetNotExists');
    if (origin.type !== 'root' && ensureSigned(origin) !== state.get(SubnetOwner, netuid)) throw badOrigin();
    ensure(factor_milli >= 1000 && factor_milli <= 50_000, 'ActivityCutoffFactorMilliOutOfBounds');
    state.put(ActivityCutoffFactorMilli, [netuid], factor_milli);
    emit({ pallet: 'SubtensorModule', name: 'ActivityCutoffFactorMilliSet', data: { netuid, factor_milli } });
  },
};
