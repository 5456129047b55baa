// Owns: child hotkeys and takes. Takes are parts of 65535. Does not own: stake itself (staking.ts).
import {
  notRoot,
  ownsHotkey,
  rateLimited,
  registered,
  subnetExists,
  transactionRateLimit,
  within,
} from './checks.js';
import {
  type Check,
  type Effect,
  emitted,
  type Operation,
  SIGNER,
  type State,
  same,
  show,
  stored,
  subtensorCall,
} from './operation.js';

export interface Child {
  readonly hotkey: string;
  /** of 2^64 - 1, which is all of the parent's stake */
  readonly proportion: bigint;
}

const MAX_CHILDREN = 5;
const EVERYTHING = 2n ** 64n - 1n;
/** `TransactionType::SetChildren`: its number and its blocks */
const SET_CHILDREN = { type: 0, blocks: 150n };

/** Replaces the list; [] takes all children away. Takes effect some epochs later (PendingChildKeyCooldown). */
export const setChildren = (netuid: number, hotkey: string, children: readonly Child[]): Operation =>
  subtensorCall(
    'set_children',
    { hotkey, netuid, children: children.map((child) => [child.proportion, child.hotkey]) },
    {
      checks: [
        transactionRateLimit(
          SET_CHILDREN.type,
          'set_children',
          { netuid, key: hotkey },
          async () => SET_CHILDREN.blocks,
        ),
        notRoot(netuid, 'RegistrationNotPermittedOnRootSubnet'),
        subnetExists(netuid),
        ownsHotkey(hotkey),
        listFits(hotkey, children),
      ],
      effects: [childrenKept(netuid, hotkey, children)],
    },
  );

const listFits =
  (hotkey: string, children: readonly Child[]): Check =>
  async () => {
    const keys = children.map((child) => child.hotkey);
    const sum = children.reduce((total, child) => total + child.proportion, 0n);
    if (children.length > MAX_CHILDREN)
      return { error: 'TooManyChildren', detail: `${children.length} children, ${MAX_CHILDREN} are allowed` };
    if (keys.includes(hotkey)) return { error: 'InvalidChild', detail: `${hotkey} is the parent` };
    if (new Set(keys).size < keys.length) return { error: 'DuplicateChild', detail: keys.join(', ') };
    return sum > EVERYTHING
      ? { error: 'ProportionOverflow', detail: `the proportions sum to ${sum}, 2^64 - 1 is everything` }
      : undefined;
  };

/** Waiting for its epoch, or in force at once where the subnet has not started or the chain knows no waiting. */
function childrenKept(netuid: number, hotkey: string, children: readonly Child[]): Effect {
  const sorted = (list: readonly (readonly unknown[])[]) =>
    [...list].sort(([, a], [, b]) => (String(a) < String(b) ? -1 : 1));
  const expected = sorted(children.map((child) => [child.proportion, child.hotkey]));
  return async ({ after }) => {
    const [pending, now] = await Promise.all([
      after.has('PendingChildKeys') ? after.get('PendingChildKeys', netuid, hotkey) : undefined,
      after.get('ChildKeys', hotkey, netuid),
    ]);
    const lists = [Array.isArray(pending) ? pending[0] : undefined, now].filter((list) =>
      Array.isArray(list),
    );
    const found = lists.some((list) => same(sorted(list as unknown[][]), expected)); // pairs, by the chain's type
    return found ? undefined : { expected: `children ${show(expected)}`, got: show(lists) };
  };
}

const takeEffect = (hotkey: string, take: number, event: string): readonly Effect[] => [
  stored('Delegates', [hotkey], take),
  emitted(event, [SIGNER, hotkey, take]),
];

/** Before the middle of 2025 this limit had an item of its own, under the coldkey at first (do_increase_take). */
async function lastTakeBlock(state: State, hotkey: string): Promise<bigint> {
  if (state.has('LastRateLimitedBlock'))
    return state.integer('LastRateLimitedBlock', { LastTxBlockDelegateTake: hotkey });
  const [byColdkey, byHotkey] = await Promise.all(
    [state.signer, hotkey].map((key) => state.integer('LastTxBlockDelegateTake', key)),
  );
  return byColdkey! > byHotkey! ? byColdkey! : byHotkey!;
}

/** The chain compares only with a take that was set; the default binds nobody (`Delegates::try_get`). */
async function takeSet(state: State, hotkey: string): Promise<bigint | undefined> {
  const take = await state.stored('Delegates', hotkey);
  return take === undefined ? undefined : BigInt(take as number); // u16
}

/** Only upwards, and at most once in TxDelegateTakeRateLimit blocks. */
export const increaseTake = (hotkey: string, take: number): Operation =>
  subtensorCall(
    'increase_take',
    { hotkey, take },
    {
      checks: [
        ownsHotkey(hotkey),
        async (state) => {
          const [now, most, last, limit] = await Promise.all([
            takeSet(state, hotkey),
            state.integer('MaxDelegateTake'),
            lastTakeBlock(state, hotkey),
            state.integer('TxDelegateTakeRateLimit'),
          ]);
          if (now !== undefined && BigInt(take) <= now)
            return { error: 'DelegateTakeTooLow', detail: `the take is ${now} already` };
          if (BigInt(take) > most) return { error: 'DelegateTakeTooHigh', detail: `the maximum is ${most}` };
          // one block longer than the other limits: `exceeds_tx_delegate_take_rate_limit` is <=
          return limit === 0n
            ? undefined
            : rateLimited('DelegateTxRateLimitExceeded', `take of ${hotkey}`, last, limit + 1n, state.block);
        },
      ],
      effects: takeEffect(hotkey, take, 'TakeIncreased'),
    },
  );

/** Only downwards, at any time. */
export const decreaseTake = (hotkey: string, take: number): Operation =>
  subtensorCall(
    'decrease_take',
    { hotkey, take },
    {
      checks: [
        ownsHotkey(hotkey),
        async (state) => {
          const [now, least] = await Promise.all([takeSet(state, hotkey), state.integer('MinDelegateTake')]);
          if (now !== undefined && BigInt(take) >= now)
            return { error: 'DelegateTakeTooLow', detail: `the take is ${now}, not above ${take}` };
          return BigInt(take) < least
            ? { error: 'DelegateTakeTooLow', detail: `the minimum is ${least}` }
            : undefined;
        },
      ],
      effects: takeEffect(hotkey, take, 'TakeDecreased'),
    },
  );

/** What a child keeps of its parents' earnings. */
export const setChildkeyTake = (netuid: number, hotkey: string, take: number): Operation =>
  subtensorCall(
    'set_childkey_take',
    { hotkey, netuid, take },
    {
      checks: [
        ownsHotkey(hotkey),
        async (state) => {
          const [least, most] = await Promise.all([
            state.has('MinChildkeyTakePerSubnet')
              ? state.integer('MinChildkeyTakePerSubnet', netuid)
              : state.integer('MinChildkeyTake'),
            state.integer('MaxChildkeyTake'),
          ]);
          return within(`take in subnet ${netuid}`, BigInt(take), least, most, 'InvalidChildkeyTake')(state);
        },
      ],
      effects: [stored('ChildkeyTake', [hotkey, netuid], take)],
    },
  );

/** Where the signer's miner emission of a subnet is staked. */
export const setAutoStakeHotkey = (netuid: number, hotkey: string): Operation =>
  subtensorCall(
    'set_coldkey_auto_stake_hotkey',
    { netuid, hotkey },
    {
      checks: [subnetExists(netuid), registered(netuid, hotkey)],
      effects: [stored('AutoStakeDestination', [SIGNER, netuid], hotkey)],
    },
  );
