// A started subnet in a localnet without a network: owner (uid 0), a validator with a permit (1), a miner (2).
import { type RuntimeCall, runtime } from '../../../src/chain/codec/runtime.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import {
  createLocalnet,
  type Localnet,
  type LocalnetOptions,
  type Receipt,
} from '../../../src/localnet/localnet.js';
import type { State } from '../../../src/localnet/state.js';

const TAO = 1_000_000_000n;
export const TEMPO = 10;
export const NETUID = 1;

export const subtensor = (name: string, args: object): RuntimeCall =>
  ({ pallet: 'SubtensorModule', name, args }) as unknown as RuntimeCall; // names and arguments are what is tested

export interface SubnetWorld {
  readonly chain: Localnet;
  readonly alice: string;
  readonly owner: string;
  readonly ownerHotkey: string;
  readonly validator: string;
  readonly miner: string;
  /** Sends a call and makes the block that has it. */
  land(call: RuntimeCall, signer: string): Promise<Receipt>;
  /** The name of what a call failed with, in the pool or in a block; 'ok' when it did not. */
  outcome(call: RuntimeCall, signer: string): Promise<string>;
  /** A call of AdminUtils by root, which must succeed. */
  sudo(name: string, args: object): Promise<void>;
  blocks(count: number): void;
  /** Makes blocks up to and with the next epoch's. */
  toEpoch(): void;
  epoch(): number;
}

/** Commit-reveal on, no rate limits, an epoch every TEMPO blocks. */
export async function createSubnetWorld(options: Partial<LocalnetOptions> = {}): Promise<SubnetWorld> {
  await readyKeys();
  const [alice, owner, ownerHotkey, validator, miner] = (
    ['alice', 'owner', 'owner-hotkey', 'validator', 'miner'] as const
  ).map((name) => devKeypair(name).address) as [string, string, string, string, string];
  const chain = await createLocalnet({
    sudo: alice,
    balances: [alice, owner].map((address) => [address, 10_000n * TAO] as const),
    manual: true,
    tempo: TEMPO,
    ...options,
  });
  const land = async (call: RuntimeCall, signer: string): Promise<Receipt> => {
    const receipt = chain.submit(call, signer);
    chain.produceBlock();
    return await receipt;
  };
  const sudo = async (name: string, args: object): Promise<void> => {
    const call = { pallet: 'AdminUtils', name, args };
    const { error } = await land({ pallet: 'Sudo', name: 'sudo', args: { call } } as RuntimeCall, alice);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
  };
  const epoch = (): number => chain.query('SubtensorModule', 'SubnetEpochIndex', NETUID);
  const world: SubnetWorld = {
    chain,
    alice,
    owner,
    ownerHotkey,
    validator,
    miner,
    land,
    sudo,
    epoch,
    async outcome(call, signer) {
      const landed = land(call, signer);
      return await landed.then(
        ({ error }) => error?.replace('SubtensorModule.', '') ?? 'ok',
        (error: { readonly data: { readonly error: string } }) =>
          error.data.error.replace('SubtensorModule.', ''),
      );
    },
    blocks(count) {
      for (let i = 0; i < count; i++) chain.produceBlock();
    },
    toEpoch() {
      const before = epoch();
      while (epoch() === before) chain.produceBlock();
    },
  };
  for (const [call, signer] of [
    [subtensor('register_network', { hotkey: ownerHotkey }), owner],
    [subtensor('start_call', { netuid: NETUID }), owner],
    [subtensor('burned_register', { netuid: NETUID, hotkey: validator }), alice],
    [subtensor('burned_register', { netuid: NETUID, hotkey: miner }), alice],
    [subtensor('add_stake', { netuid: NETUID, hotkey: validator, amount_staked: 50n * TAO }), alice],
  ] as const) {
    const { error } = await land(call, signer);
    if (error !== undefined) throw new Error(error);
  }
  // as long as an epoch here: nothing could ever be changed
  await sudo('sudo_set_admin_freeze_window', { window: 0 });
  await sudo('sudo_set_weights_set_rate_limit', { netuid: NETUID, weights_set_rate_limit: 0n });
  world.toEpoch(); // grants the validator its permit
  return world;
}

/**
 * Subnet 2, of Alice's hotkey, whose epoch is due in the same block as subnet 1's: the next one, which may run only one.
 *
 * @param meanwhile before the last block before it
 */
export async function addCrowdedSubnet(
  world: SubnetWorld,
  meanwhile: () => Promise<void> = async () => {},
): Promise<void> {
  const { chain, alice, land, sudo } = world;
  for (const call of [
    subtensor('register_network', { hotkey: alice }),
    subtensor('start_call', { netuid: 2 }),
  ]) {
    const { error } = await land(call, alice);
    if (error !== undefined) throw new Error(error);
  }
  await sudo('sudo_set_weights_set_rate_limit', { netuid: 2, weights_set_rate_limit: 0n });
  await sudo('sudo_set_max_epochs_per_block', { max_epochs_per_block: 1 });
  world.toEpoch();
  await meanwhile();
  world.blocks(TEMPO - 3);
  const { S, state } = writable(chain);
  for (const netuid of [1, 2]) state.put(S.LastEpochBlock, [netuid], chain.head().number + 1 - TEMPO);
}

/** The state itself: what no call could bring about. */
export function writable(chain: Localnet) {
  return { S: runtime.SubtensorModule.storage, state: chain.state() as State };
}
