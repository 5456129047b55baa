// One of each operation that the chain client knows, with values that encode.
import * as balances from '../../src/chain/subtensor/operations/balances.js';
import * as commitments from '../../src/chain/subtensor/operations/commitments.js';
import * as delegation from '../../src/chain/subtensor/operations/delegation.js';
import {
  HYPERPARAMETERS,
  type Hyperparameter,
  setAlphaValues,
  setChainParameter,
  setHyperparameter,
} from '../../src/chain/subtensor/operations/hyperparameters.js';
import type { Operation } from '../../src/chain/subtensor/operations/operation.js';
import * as registration from '../../src/chain/subtensor/operations/registration.js';
import * as serving from '../../src/chain/subtensor/operations/serving.js';
import * as staking from '../../src/chain/subtensor/operations/staking.js';
import * as subnets from '../../src/chain/subtensor/operations/subnets.js';
import * as weights from '../../src/chain/subtensor/operations/weights.js';
import { asProxy, asSudo, batch } from '../../src/chain/subtensor/operations/wrapping.js';
import { toAddress } from '../../src/keys/ss58.js';

const address = (byte: number): string => toAddress(new Uint8Array(32).fill(byte));
const [HOT, OTHER_HOT, COLD, OTHER_COLD] = [address(1), address(2), address(3), address(4)] as [
  string,
  string,
  string,
  string,
];
const NETUID = 7;
const TAO = 1_000_000_000n;
const ROW = [
  [0, 0],
  [3, 65_535],
] as const;
const HASH = new Uint8Array(32).fill(9);
const MOVE = { hotkey: HOT, fromNetuid: NETUID, toNetuid: 8, alphaRao: TAO };
const LIMIT = { limitPriceRao: 2n ** 63n, allowPartial: true };
const KEY = { algorithm: 4, publicKey: new Uint8Array(32).fill(5) };

const anyValue = ({ kind }: Hyperparameter) =>
  kind === 'bool' ? true : kind === 'recycle-or-burn' ? 'Recycle' : kind === 'account' ? HOT : 5n;

/** By the name it has in the client. */
export const everyOperation = (): ReadonlyMap<string, Operation> =>
  new Map<string, Operation>([
    ['transfer', balances.transfer(COLD, 2n ** 63n)],
    ['transferAllowingDeath', balances.transferAllowingDeath(COLD, TAO)],
    ['transferAll', balances.transferAll(COLD)],
    ['burnedRegister', registration.burnedRegister(NETUID, HOT)],
    ['registerLimit', registration.registerLimit(NETUID, HOT, TAO)],
    ['rootRegister', registration.rootRegister(HOT)],
    ['associateHotkey', registration.associateHotkey(HOT)],
    ['swapHotkey', registration.swapHotkey(HOT, OTHER_HOT, { netuid: NETUID, keepStake: true })],
    ['swapHotkey everywhere', registration.swapHotkey(HOT, OTHER_HOT)],
    ['setIdentity', registration.setIdentity({ name: '0x41', url: 'https://a.test', githubRepo: 'ä' })],
    ['addStake', staking.addStake(NETUID, HOT, TAO)],
    ['addStakeLimit', staking.addStakeLimit(NETUID, HOT, TAO, LIMIT)],
    ['removeStake', staking.removeStake(NETUID, HOT, TAO)],
    ['removeStakeLimit', staking.removeStakeLimit(NETUID, HOT, TAO, LIMIT)],
    ['removeAllStake', staking.removeAllStake(NETUID, HOT)],
    ['removeAllStake with a limit', staking.removeAllStake(NETUID, HOT, 1n)],
    ['unstakeAll', staking.unstakeAll(HOT)],
    ['unstakeAllAlpha', staking.unstakeAllAlpha(HOT)],
    ['moveStake', staking.moveStake({ ...MOVE, toHotkey: OTHER_HOT })],
    ['transferStake', staking.transferStake({ ...MOVE, toColdkey: OTHER_COLD })],
    ['swapStake', staking.swapStake(MOVE)],
    ['swapStake with a limit', staking.swapStake(MOVE, LIMIT)],
    ['recycleAlpha', staking.recycleAlpha(NETUID, HOT, TAO)],
    ['burnAlpha', staking.burnAlpha(NETUID, HOT, TAO)],
    ['addStakeBurn', staking.addStakeBurn(NETUID, HOT, TAO, 5n)],
    ['setChildren', delegation.setChildren(NETUID, HOT, [{ hotkey: OTHER_HOT, proportion: 2n ** 63n }])],
    ['increaseTake', delegation.increaseTake(HOT, 11_796)],
    ['decreaseTake', delegation.decreaseTake(HOT, 1)],
    ['setChildkeyTake', delegation.setChildkeyTake(NETUID, HOT, 9)],
    ['setAutoStakeHotkey', delegation.setAutoStakeHotkey(NETUID, HOT)],
    ['serveAxon', serving.serveAxon(NETUID, { ip: '10.0.0.1', port: 8091 })],
    ['serveAxon with a key', serving.serveAxon(NETUID, { ip: '2001:db8::1', port: 8091, serverKey: KEY })],
    ['servePrometheus', serving.servePrometheus(NETUID, { ip: '10.0.0.1', port: 9090 })],
    ['setWeights', weights.setWeights({ netuid: NETUID, weights: ROW, versionKey: 2n ** 40n })],
    [
      'setWeights of a mechanism',
      weights.setWeights({ netuid: NETUID, mechanism: 1, weights: ROW, versionKey: 0n }),
    ],
    ['commitWeights', weights.commitWeights({ netuid: NETUID }, HASH)],
    ['commitWeights of a mechanism', weights.commitWeights({ netuid: NETUID, mechanism: 1 }, HASH)],
    [
      'revealWeights',
      weights.revealWeights({ netuid: NETUID, weights: ROW, versionKey: 0n, salt: [1, 2, 65_535] }),
    ],
    [
      'revealWeights of a mechanism',
      weights.revealWeights({ netuid: NETUID, mechanism: 1, weights: ROW, versionKey: 0n, salt: [] }),
    ],
    [
      'commitTimelockedWeights',
      weights.commitTimelockedWeights({ netuid: NETUID, bytes: HASH, revealRound: 12_345_678, version: 4 }),
    ],
    [
      'commitTimelockedWeights of a mechanism',
      weights.commitTimelockedWeights({
        netuid: NETUID,
        mechanism: 1,
        bytes: HASH,
        revealRound: 5,
        version: 4,
      }),
    ],
    ['batchSetWeights', weights.batchSetWeights([{ netuid: NETUID, weights: ROW, versionKey: 1n }])],
    ['batchCommitWeights', weights.batchCommitWeights([{ netuid: NETUID, hash: HASH }])],
    ['batchRevealWeights', weights.batchRevealWeights(NETUID, [{ weights: ROW, versionKey: 0n, salt: [1] }])],
    [
      'setCommitment',
      commitments.setCommitment(NETUID, [
        { kind: 'raw', bytes: new TextEncoder().encode('hello') },
        { kind: 'sha2-256', hash: HASH },
        { kind: 'timelocked', encrypted: HASH, revealRound: 99 },
      ]),
    ],
    [
      'setCommitment, the rest',
      commitments.setCommitment(NETUID, [
        { kind: 'raw', bytes: new Uint8Array(500) },
        { kind: 'reset-bonds' },
        { kind: 'none' },
      ]),
    ],
    ['registerNetwork', subnets.registerNetwork(HOT)],
    [
      'registerNetwork with an identity',
      subnets.registerNetwork(HOT, { name: 'seven', url: 'https://a.test' }),
    ],
    ['startCall', subnets.startCall(NETUID)],
    ['setTempo', subnets.setTempo(NETUID, 360)],
    ['setActivityCutoffFactor', subnets.setActivityCutoffFactor(NETUID, 5000)],
    ['triggerEpoch', subnets.triggerEpoch(NETUID)],
    ['setSubnetIdentity', subnets.setSubnetIdentity(NETUID, { name: 'seven', logoUrl: 'https://a.test/x' })],
    ['updateSymbol', subnets.updateSymbol(NETUID, 'α')],
    ['setMechanismCount', subnets.setMechanismCount(NETUID, 2)],
    ['setMechanismEmissionSplit', subnets.setMechanismEmissionSplit(NETUID, [60_000, 5535])],
    ['setMechanismEmissionSplit evenly', subnets.setMechanismEmissionSplit(NETUID, undefined)],
    ['setOwnerHotkey', subnets.setOwnerHotkey(NETUID, HOT)],
    ['trimUids', subnets.trimUids(NETUID, 64)],
    ['setAlphaValues', setAlphaValues(NETUID, 2000, 60_000)],
    ...[...HYPERPARAMETERS].map(([name, parameter]): [string, Operation] => [
      `hyperparameter ${name}`,
      parameter.isGlobal
        ? setChainParameter(name, anyValue(parameter))
        : setHyperparameter(NETUID, name, anyValue(parameter)),
    ]),
    ['batch', batch([balances.transfer(COLD, TAO), staking.addStake(NETUID, HOT, TAO)], 'interrupt')],
    ['batch, all or nothing', batch([balances.transfer(COLD, TAO)], 'all')],
    ['batch, forced', batch([balances.transfer(COLD, TAO)], 'force')],
    ['asSudo', asSudo(setHyperparameter(NETUID, 'kappa', 5n))],
    ['asProxy', asProxy(COLD, staking.addStake(NETUID, HOT, TAO), 'Staking')],
  ]);
