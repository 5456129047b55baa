// Owns: blocks made one by one over a state, with real dispatch and guards. Does not own: nodes, pools, signatures.
import {
  dispatchErrorName,
  type RuntimeCall,
  type RuntimeEvent,
  runtime,
} from '../../src/chain/codec/runtime.js';
import { devKeypair, readyKeys } from '../../src/keys/keypair.js';
import { type Block, type MadeBlock, makeBlock, sealGenesis } from '../../src/localnet/blocks.js';
import { writeGenesis } from '../../src/localnet/genesis.js';
import { createBeacon } from '../../src/localnet/pallets/drand.js';
import type { Pending } from '../../src/localnet/pool.js';
import { State } from '../../src/localnet/state.js';

const TAO = 1_000_000_000n;
const BLOCK_MS = 12_000;

export interface Outcome {
  /** the call's own, of a sudo call the inner one's, and what kept it out of the block */
  readonly error: string | undefined;
  /** without ExtrinsicSuccess and ExtrinsicFailed */
  readonly events: readonly RuntimeEvent[];
  /** what happened before any extrinsic */
  readonly atStart: readonly RuntimeEvent[];
}

export interface BlockWorld {
  readonly state: State;
  readonly block: () => number;
  address(name: string): string;
  /** The next block, with this call in it. @param who a name */
  land(who: string, call: RuntimeCall): Outcome;
  /** The next block, with this call as root. */
  asRoot(call: RuntimeCall): Outcome;
  /** As many blocks with nothing in them. @returns the events of the last */
  pass(blocks: number): readonly RuntimeEvent[];
  /** The next block's number is this much higher than it would be: nothing ran in the blocks between. */
  skip(blocks: number): void;
}

export const subtensor = (name: string, args: object): RuntimeCall =>
  ({ pallet: 'SubtensorModule', name, args }) as unknown as RuntimeCall; // names and arguments are what is tested
export const admin = (name: string, args: object): RuntimeCall =>
  ({ pallet: 'AdminUtils', name, args }) as unknown as RuntimeCall;

/** Every account of `names` has 10 000 TAO; `sudo` is root's. */
export async function createBlockWorld(
  names: readonly string[],
  { fastBlocks = true }: { readonly fastBlocks?: boolean } = {},
): Promise<BlockWorld> {
  await readyKeys();
  const address = (name: string): string => devKeypair(name).address;
  const state = new State(1);
  const balances = [...names, 'sudo'].map((name) => [address(name), 10_000n * TAO] as const);
  writeGenesis(state, { sudo: address('sudo'), balances, fastBlocks });
  const parts = {
    state,
    newSubnetTempo: 360,
    beacon: createBeacon(BLOCK_MS, { seed: 'blocks', periodSeconds: BLOCK_MS / 1000 }),
    onFault: (error: unknown) => {
      throw error;
    },
  };
  let head = sealGenesis(state);
  const next = (extrinsics: readonly Pending[]): MadeBlock => {
    const made = makeBlock(parts, head, { timestampMs: head.number * BLOCK_MS, extrinsics });
    head = made.block;
    return made;
  };
  const land = (who: string, call: RuntimeCall): Outcome => {
    const nonce = state.get(runtime.System.storage.Account, address(who)).nonce;
    // of what waits for a block, only these are read when it is made
    const pending = { bytes: new Uint8Array(), extrinsic: { call }, who: address(who), nonce };
    const { block, refused } = next([pending as unknown as Pending]);
    const outcome = outcomeOf(block);
    return refused[0] ? { ...outcome, error: refused[0].failure.message } : outcome;
  };
  return {
    state,
    block: () => head.number,
    address,
    land,
    asRoot: (call) => land('sudo', { pallet: 'Sudo', name: 'sudo', args: { call } }),
    pass(blocks) {
      for (let i = 0; i < blocks; i++) next([]);
      return outcomeOf(head).atStart;
    },
    skip(blocks) {
      head = { ...head, number: head.number + blocks };
    },
  };
}

/** Subnet 1 of `owner`, started, commit-reveal off, its first hotkey `owner-hotkey`; the freeze window is open. */
export async function createSubnetWorld(
  names: readonly string[] = [],
  options: { readonly fastBlocks?: boolean } = {},
): Promise<BlockWorld> {
  const world = await createBlockWorld(['owner', ...names], options);
  const steps: readonly Outcome[] = [
    world.land('owner', subtensor('register_network', { hotkey: world.address('owner-hotkey') })),
    world.land('owner', subtensor('start_call', { netuid: 1 })),
    world.asRoot(admin('sudo_set_commit_reveal_weights_enabled', { netuid: 1, enabled: false })),
  ];
  const failed = steps.find(({ error }) => error !== undefined);
  if (failed) throw new Error(`a subnet to test with: ${failed.error}`);
  return world;
}

function outcomeOf({ events }: Block): Outcome {
  const of = (index: number) =>
    events
      .filter(({ phase }) => phase.type === 'ApplyExtrinsic' && phase.value[0] === index)
      .map(({ event }) => event);
  const all = of(1); // 0 is the timestamp
  let error: string | undefined;
  for (const event of all) {
    if (event.pallet === 'System' && event.name === 'ExtrinsicFailed')
      error = dispatchErrorName(event.data.dispatch_error);
    if (event.pallet === 'Sudo' && event.name === 'Sudid' && event.data.sudo_result.type === 'Err')
      error = dispatchErrorName(event.data.sudo_result.value[0]);
  }
  return {
    error,
    events: all.filter(({ name }) => name !== 'ExtrinsicSuccess' && name !== 'ExtrinsicFailed'),
    atStart: events.filter(({ phase }) => phase.type === 'Initialization').map(({ event }) => event),
  };
}
