// Owns: which function carries out which call of SubtensorModule.
import type { Handlers } from '../../dispatch.js';
import { setAutoParentDelegation, setChildren, setPendingChildkeyCooldown } from './children.js';
import {
  batchCommitWeights,
  batchRevealWeights,
  commitCrv3MechanismWeights,
  commitMechanismWeights,
  commitTimelockedMechanismWeights,
  commitTimelockedWeights,
  commitWeights,
  revealMechanismWeights,
  revealWeights,
} from './commits.js';
import { swapHotkey } from './hotkey-swaps.js';
import { setIdentity, setSubnetIdentity } from './identity.js';
import { registerNetwork, startCall } from './networks.js';
import { burnedRegister, registerLimit } from './neurons.js';
import { rootRegister } from './root.js';
import { serveAxon, serveAxonTls, servePrometheus } from './serving.js';
import { tryAssociateHotkey } from './staking.js';
import {
  addStake,
  addStakeBurn,
  addStakeLimit,
  burnAlpha,
  recycleAlpha,
  setAutoStakeHotkey,
} from './staking-calls.js';
import { moveStake, swapStake, transferStake } from './staking-moves.js';
import { decreaseTake, increaseTake, setChildkeyTake } from './takes.js';
import { setActivityCutoffFactor, setTempo, triggerEpoch } from './tempo.js';
import {
  removeStake,
  removeStakeFullLimit,
  removeStakeLimit,
  unstakeAll,
  unstakeAllAlpha,
} from './unstaking.js';
import { batchSetWeights, setMechanismWeights, setWeights } from './weights.js';

export const subtensorHandlers: Handlers<'SubtensorModule'> = {
  set_weights: setWeights,
  set_mechanism_weights: setMechanismWeights,
  batch_set_weights: batchSetWeights,
  commit_weights: commitWeights,
  commit_mechanism_weights: commitMechanismWeights,
  batch_commit_weights: batchCommitWeights,
  reveal_weights: revealWeights,
  reveal_mechanism_weights: revealMechanismWeights,
  batch_reveal_weights: batchRevealWeights,
  commit_timelocked_weights: commitTimelockedWeights,
  commit_timelocked_mechanism_weights: commitTimelockedMechanismWeights,
  commit_crv3_mechanism_weights: commitCrv3MechanismWeights,
  add_stake(args, context) {
    addStake(args, context);
  },
  serve_axon: serveAxon,
  serve_axon_tls: serveAxonTls,
  serve_prometheus: servePrometheus,
  burned_register: burnedRegister,
  // proof of work is no more: what is left of it registers for TAO
  register: burnedRegister,
  register_limit: registerLimit,
  root_register: rootRegister,
  remove_stake: removeStake,
  add_stake_limit(args, context) {
    addStakeLimit(args, context);
  },
  remove_stake_limit: removeStakeLimit,
  remove_stake_full_limit: removeStakeFullLimit,
  unstake_all: unstakeAll,
  unstake_all_alpha: unstakeAllAlpha,
  move_stake: moveStake,
  transfer_stake: transferStake,
  swap_stake: swapStake,
  swap_stake_limit: swapStake,
  recycle_alpha: recycleAlpha,
  burn_alpha: burnAlpha,
  add_stake_burn: addStakeBurn,
  try_associate_hotkey: tryAssociateHotkey,
  set_coldkey_auto_stake_hotkey: setAutoStakeHotkey,
  swap_hotkey: swapHotkey,
  swap_hotkey_v2: swapHotkey,
  decrease_take: decreaseTake,
  increase_take: increaseTake,
  set_childkey_take: setChildkeyTake,
  set_children: setChildren,
  set_pending_childkey_cooldown: setPendingChildkeyCooldown,
  set_auto_parent_delegation_enabled: setAutoParentDelegation,
  register_network({ hotkey }, context) {
    registerNetwork({ hotkey, identity: undefined }, context);
  },
  register_network_with_identity: registerNetwork,
  set_identity: setIdentity,
  set_subnet_identity: setSubnetIdentity,
  start_call: startCall,
  set_tempo: setTempo,
  set_activity_cutoff_factor: setActivityCutoffFactor,
  trigger_epoch: triggerEpoch,
};
