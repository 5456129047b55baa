// Owns: what the owner of a fresh localnet does before anybody can earn on it. Does not own: the processes.
import type { ChainReader, ChainWriter, SudoCall } from '../chain/chain.js';
import { type Keypair, keypairFromUri } from '../keys/index.js';
import { type Hotkey, type Netuid, toHotkey, type Uid } from '../model/ids.js';
import type { Publication } from '../verification/publication.js';
import { type OwnersFiles, ownersFiles } from './demo-policy.js';
import { DEMO_PLAN, type World, type WorldValidator } from './world.js';

const TAO = 1_000_000_000n;
/** What each coldkey begins with. */
export const FUNDS_TAO = 10_000;

/**
 * A new subnet starts as the chain starts it: Yuma3 and commit-reveal on, emission off, weights once in 100 blocks
 * (subtensor subnets/subnet.rs `do_register_network`, `init_new_network`). The demo's epochs are short, so root changes
 * that, call by call.
 */
export function ownersSudoCalls(
  netuid: Netuid,
  commitReveal: boolean,
  tempo: number = DEMO_PLAN.tempo,
): readonly { readonly why: string; readonly call: SudoCall }[] {
  const call = (why: string, name: string, ...args: SudoCall['args']) => ({
    why,
    call: { call: name, args: [netuid, ...args] },
  });
  return [
    call('epochs of a few seconds', 'sudo_set_tempo', tempo),
    call('a new subnet has it off; without it no TAO would flow', 'sudo_set_subnet_emission_enabled', true),
    call("classic bonds: the demo's figures were measured with them", 'sudo_set_yuma3_enabled', false),
    call(
      commitReveal ? 'weights sealed until the next epoch, as a new subnet has it' : 'weights in the open',
      'sudo_set_commit_reveal_weights_enabled',
      commitReveal,
    ),
    call('weights every epoch', 'sudo_set_weights_set_rate_limit', 0),
    call('axons may be served at once', 'sudo_set_serving_rate_limit', 0),
  ];
}

/** TAO by account, for the chain's genesis. */
export function funds(world: World): string[] {
  const coldkeys = [world.owner, ...world.validators, ...world.miners].map(({ coldkeyUri }) => coldkeyUri);
  return coldkeys.map((uri) => `${keypairFromUri(uri).address}=${FUNDS_TAO}`);
}

export interface Registered {
  readonly netuid: Netuid;
  /** uid by name of the world */
  readonly uids: ReadonlyMap<string, Uid>;
  /** alpha staked, rao, by validator name */
  readonly stakes: ReadonlyMap<string, bigint>;
}

/** Registers subnet and neurons, in the world's order, and stakes for the validators. */
export async function setUp(
  parts: {
    chain: ChainReader & ChainWriter;
    root: Keypair;
    say: (line: string) => void;
    /** Commits the owner's hotkey to a policy. @default the owner publishes none */
    publish?: (ownerHotkey: Keypair, netuid: Netuid, publication: Publication) => Promise<unknown>;
  },
  world: World,
  {
    commitReveal = false,
    tempo = DEMO_PLAN.tempo,
    files = ownersFiles(),
  }: {
    readonly commitReveal?: boolean;
    readonly tempo?: number;
    /** @default those of the demo */
    readonly files?: OwnersFiles;
  } = {},
): Promise<Registered> {
  const { chain, root, say, publish } = parts;
  const owner = keypairFromUri(world.owner.coldkeyUri);
  const ownerHotkey = keypairFromUri(world.owner.hotkeyUri);
  const { netuid } = await chain.registerNetwork(owner, toHotkey(ownerHotkey.address));
  await chain.startCall(owner, netuid);
  say(`subnet ${netuid} registered and started; root now calls, as the owner of any fresh localnet must:`);
  const calls = ownersSudoCalls(netuid, commitReveal, tempo);
  for (const { why, call } of calls) say(`  sudo AdminUtils.${call.call}(${call.args.join(', ')})  ${why}`);
  const publishing = async () => {
    if (!publish) return;
    const { policyDigest, publication } = files;
    const { epochIndex } = await chain.subnet(netuid);
    await publish(ownerHotkey, netuid, publication(epochIndex));
    say(`the owner publishes policy ${policyDigest.slice(0, 16)}: it counts from epoch ${epochIndex + 1} on`);
  };
  await Promise.all([...calls.map(({ call }) => chain.sudo(root, call)), publishing()]);

  const uids = new Map<string, Uid>();
  const byName = new Map([...world.validators, ...world.miners].map((each) => [each.name as string, each]));
  const stakes = new Map<string, bigint>();
  const staking: Promise<void>[] = [];
  for (const name of world.registration) {
    const { hotkeyUri, coldkeyUri } = byName.get(name)!;
    const coldkey = keypairFromUri(coldkeyUri);
    const hotkey = toHotkey(keypairFromUri(hotkeyUri).address);
    const { uid } = await chain.burnedRegister(coldkey, netuid, hotkey);
    uids.set(name, uid);
    const validator = world.validators.find((each) => each.name === name);
    if (!validator) continue;
    const staked = stake(coldkey, hotkey, validator);
    staked.catch(() => {}); // a registration may fail first, and nobody would wait for this one
    staking.push(staked);
  }
  await Promise.all(staking);
  return { netuid, uids, stakes };

  async function stake(coldkey: Keypair, hotkey: Hotkey, { name, stakeRao }: WorldValidator): Promise<void> {
    await chain.addStake(coldkey, netuid, hotkey, stakeRao);
    const alpha = await chain.alphaRao(hotkey, netuid);
    stakes.set(name, alpha);
    say(`${name} staked ${stakeRao / TAO} TAO: ${tao(alpha)} alpha`);
  }
}

/** Rao as TAO or alpha, three decimals. */
export const tao = (rao: bigint): string => (Number(rao / 1_000_000n) / 1000).toFixed(3);
