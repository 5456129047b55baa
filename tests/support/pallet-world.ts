// Owns: SubtensorModule's calls on a state without a chain around it: subnets with pools, accounts, hotkeys. Does not own:
// blocks, guards, the pool of extrinsics.
import { type RuntimeEvent, runtime } from '../../src/chain/codec/runtime.js';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { type BlockContext, type CallContext, CallFailed } from '../../src/localnet/dispatch.js';
import { writeGenesis } from '../../src/localnet/genesis.js';
import { issue } from '../../src/localnet/pallets/balances.js';
import {
  addStakeTo,
  createHotkey,
  stakeOf,
  subnetAccount,
} from '../../src/localnet/pallets/subtensor/staking.js';
import { State } from '../../src/localnet/state.js';

const S = runtime.SubtensorModule.storage;
export const TAO = 1_000_000_000n;

export interface PalletWorld {
  readonly state: State;
  /** the block that calls are carried out in; may be moved on */
  block: number;
  readonly context: BlockContext;
  /** events of the last call, or of what ran on `context` since */
  readonly events: readonly RuntimeEvent[];
  address(name: string): string;
  /** As in a block: what fails leaves nothing behind. @returns the error's name, undefined when it succeeded */
  call<A>(who: string, handler: (args: A, context: CallContext) => unknown, args: A): string | undefined;
  /** Alpha of `coldkey` on `hotkey`, all by name. */
  stake(hotkey: string, coldkey: string, netuid: number): bigint;
  /** Alpha out of nothing: on the hotkey, and in AlphaOut. */
  grant(hotkey: string, coldkey: string, netuid: number, alphaRao: bigint): void;
  free(name: string): bigint;
}

/**
 * Root and a started subnet of netuid 1, 2, … for each pool, whose TAO its account has. Coldkeys of names get the balance;
 * hotkeys are created as `hotkey: coldkey`.
 */
export async function createPalletWorld(options: {
  readonly pools?: readonly (readonly [taoRao: bigint, alphaRao: bigint])[];
  readonly balances?: Readonly<Record<string, bigint>>;
  readonly hotkeys?: Readonly<Record<string, string>>;
}): Promise<PalletWorld> {
  const { pools = [], balances = {}, hotkeys = {} } = options;
  await readyKeys();
  const address = (name: string): string => devKeypair(name).address;
  const state = new State(1);
  const entries = Object.entries(balances).map(([name, rao]) => [address(name), rao] as const);
  writeGenesis(state, { sudo: address('sudo'), balances: entries, fastBlocks: false });
  const emitted: RuntimeEvent[] = [];
  const emit = (event: RuntimeEvent): void => void emitted.push(event);
  const context = { state, block: 1, emit };
  pools.forEach(([taoRao, alphaRao], index) => {
    const netuid = index + 1;
    state.put(S.NetworksAdded, [netuid], true);
    state.put(S.SubtokenEnabled, [netuid], true);
    state.put(S.SubnetMechanism, [netuid], 1);
    state.put(S.SubnetTAO, [netuid], taoRao);
    state.put(S.SubnetAlphaIn, [netuid], alphaRao);
    issue(context, subnetAccount(netuid), taoRao);
  });
  state.put(S.TotalIssuance, [], state.get(runtime.Balances.storage.TotalIssuance));
  const world: PalletWorld = {
    state,
    get block() {
      return context.block;
    },
    set block(block) {
      context.block = block;
    },
    context,
    events: emitted,
    address,
    call(who, handler, args) {
      const mark = state.mark();
      emitted.length = 0;
      const origin = { type: 'signed', who: address(who) } as const;
      try {
        handler(args, { ...context, origin, dispatch: () => undefined });
        return undefined;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        state.rollback(mark);
        emitted.length = 0;
        return error.message;
      }
    },
    stake: (hotkey, coldkey, netuid) =>
      stakeOf(state, { hotkey: address(hotkey), coldkey: address(coldkey), netuid }),
    grant(hotkey, coldkey, netuid, alphaRao) {
      addStakeTo(context, address(hotkey), address(coldkey), netuid, alphaRao);
      state.put(S.SubnetAlphaOut, [netuid], state.get(S.SubnetAlphaOut, netuid) + alphaRao);
    },
    free: (name) => state.get(runtime.System.storage.Account, address(name)).data.free,
  };
  for (const [hotkey, coldkey] of Object.entries(hotkeys))
    createHotkey(context, address(coldkey), address(hotkey));
  return world;
}
