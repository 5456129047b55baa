// Owns: what the chain's own rules say beforehand, each as one check over state. Does not own: which call needs which.
import type { Check, Refusal } from './operation.js';

const refuse = (error: string, detail: string, atBlock?: number): Refusal =>
  atBlock === undefined ? { error, detail } : { error, detail, atBlock };

/** Amounts as people write them; the rest of a rao is never hidden. */
export function tao(rao: bigint): string {
  const fraction = (rao % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${rao / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

export const subnetExists =
  (netuid: number, error = 'SubnetNotExists'): Check =>
  async (state) =>
    (await state.flag('NetworksAdded', netuid)) ? undefined : refuse(error, `there is no subnet ${netuid}`);

export const notRoot =
  (netuid: number, error: string): Check =>
  async () =>
    netuid === 0 ? refuse(error, 'subnet 0 is the root network') : undefined;

/** @param hotkey the signer without it. @param error the name that this call's own check has for it */
export const registered =
  (netuid: number, hotkey?: string, error = 'HotKeyNotRegisteredInSubNet'): Check =>
  async (state) => {
    const who = hotkey ?? state.signer;
    const uid = await state.get('Uids', netuid, who);
    return uid === undefined ? refuse(error, `${who} has no uid in subnet ${netuid}`) : undefined;
  };

export const notRegistered =
  (netuid: number, hotkey: string): Check =>
  async (state) => {
    const uid = await state.get('Uids', netuid, hotkey);
    return uid === undefined
      ? undefined
      : refuse('HotKeyAlreadyRegisteredInSubNet', `${hotkey} is uid ${uid} of subnet ${netuid}`);
  };

/** A hotkey exists once it has an owner: registered somewhere, or associated (`hotkey_account_exists`). */
export const hotkeyExists =
  (hotkey: string): Check =>
  async (state) =>
    (await state.account('Owner', hotkey)) === undefined
      ? refuse('HotKeyAccountNotExists', `${hotkey} was never registered by anybody`)
      : undefined;

/** @param orNobody a hotkey without an owner passes too: the call makes the signer its owner */
export const ownsHotkey =
  (hotkey: string, { orNobody = false } = {}): Check =>
  async (state) => {
    const owner = await state.account('Owner', hotkey);
    if (owner === state.signer || (orNobody && owner === undefined)) return undefined;
    return refuse('NonAssociatedColdKey', `${hotkey} belongs to ${owner ?? 'nobody'}`);
  };

/**
 * `reducible_balance` of pallet_balances (impl_fungible.rs, Polite): reserved funds count towards what is frozen.
 * @param keepAlive what remains must be the existential deposit at least, or the account would be removed
 */
export const canPay =
  (
    rao: bigint | ((state: Parameters<Check>[0]) => Promise<bigint>),
    error: string,
    keepAlive = false,
  ): Check =>
  async (state) => {
    const [account, amount] = await Promise.all([
      state.get('System.Account', state.signer),
      typeof rao === 'bigint' ? rao : rao(state),
    ]);
    const {
      free = 0,
      frozen = 0,
      reserved = 0,
    } = (account as { data?: Partial<Record<'free' | 'frozen' | 'reserved', number | bigint>> } | undefined)
      ?.data ?? {};
    const deposit = BigInt(
      (state.constant('Balances', 'ExistentialDeposit') as number | bigint | undefined) ?? 0,
    );
    const kept = keepAlive ? deposit : 0n;
    const untouchable = BigInt(frozen) - BigInt(reserved);
    const floor = untouchable > kept ? untouchable : kept;
    const available = BigInt(free) > floor ? BigInt(free) - floor : 0n;
    if (amount <= available) return undefined;
    const why = floor === 0n ? '' : ` (${tao(BigInt(free))} less ${tao(floor)} that must stay)`;
    return refuse(error, `needs ${tao(amount)} TAO, ${state.signer} has ${tao(available)}${why}`);
  };

export const burnWithin =
  (netuid: number, limitRao: bigint): Check =>
  async (state) => {
    const burn = await state.integer('Burn', netuid);
    return burn > limitRao
      ? refuse(
          'RegistrationPriceLimitExceeded',
          `registration costs ${tao(burn)} TAO, the limit is ${tao(limitRao)}`,
        )
      : undefined;
  };

/** Sudo passes: the chain takes the root origin wherever it takes the owner's. */
export const ownsSubnet =
  (netuid: number): Check =>
  async (state) => {
    if (state.byRoot) return undefined;
    const owner = await state.account('SubnetOwner', netuid);
    return owner === state.signer
      ? undefined
      : refuse('BadOrigin', `subnet ${netuid} belongs to ${owner ?? 'nobody'}, not to ${state.signer}`);
  };

/** For calls that only the root origin may make. */
export const byRootOnly: Check = async (state) =>
  state.byRoot ? undefined : refuse('BadOrigin', 'only the chain’s sudo key may make this call');

export const holdsSudo: Check = async (state) => {
  if (!state.has('Sudo.Key')) return refuse('RequireSudo', 'this chain has no sudo key');
  const key = await state.account('Sudo.Key');
  return key === state.signer ? undefined : refuse('RequireSudo', `the sudo key is ${key ?? 'nobody’s'}`);
};

export const isEnabled =
  (item: string, netuid: number, error: string, what: string): Check =>
  async (state) =>
    (await state.flag(item, netuid)) ? undefined : refuse(error, `${what} in subnet ${netuid}`);

export const isDisabled =
  (item: string, netuid: number, error: string, what: string): Check =>
  async (state) =>
    (await state.flag(item, netuid)) ? refuse(error, `${what} in subnet ${netuid}`) : undefined;

/** `check_passes_rate_limit` of utils/rate_limiting.rs: never done (0) passes. */
export function rateLimited(
  error: string,
  what: string,
  last: bigint,
  limit: bigint,
  block: number,
): Refusal | undefined {
  const free = last + limit;
  if (last === 0n || BigInt(block) >= free) return undefined;
  return refuse(error, `${what}: last in block ${last}, once in ${limit} blocks`, Number(free));
}

/**
 * Admin calls are refused while fewer than AdminFreezeWindow blocks remain to the next epoch, and all the time that a
 * triggered epoch is pending (utils/misc.rs `is_in_admin_freeze_window`). Passes where the chain has no such window.
 */
export const adminWindowOpen =
  (netuid: number): Check =>
  async (state) => {
    if (!state.has('AdminFreezeWindow') || !state.has('LastEpochBlock')) return undefined;
    const [tempo, last, pending, window] = await Promise.all([
      state.integer('Tempo', netuid),
      state.integer('LastEpochBlock', netuid),
      state.integer('PendingEpochAt', netuid),
      state.integer('AdminFreezeWindow'),
    ]);
    const block = BigInt(state.block);
    if (tempo === 0n) return undefined;
    const error = 'AdminActionProhibitedDuringWeightsWindow';
    if (pending > block)
      return refuse(error, `an epoch of subnet ${netuid} is triggered for block ${pending}`, Number(pending));
    const next = last + tempo;
    const remaining = next > block ? next - block : 0n;
    return remaining < window
      ? refuse(
          error,
          `the next epoch of subnet ${netuid} is in ${remaining} blocks, the window is ${window}`,
          Number(next) + 1,
        )
      : undefined;
  };

/** One change of each hyperparameter in OwnerHyperparamRateLimit tempos, for the owner alone. */
export const ownerRateLimit =
  (netuid: number, hyperparameter: string): Check =>
  async (state) => {
    if (state.byRoot || !state.has('OwnerHyperparamRateLimit') || !state.has('LastRateLimitedBlock'))
      return undefined;
    const [tempo, epochs, last] = await Promise.all([
      state.integer('Tempo', netuid),
      state.integer('OwnerHyperparamRateLimit'),
      state.integer('LastRateLimitedBlock', { OwnerHyperparamUpdate: [netuid, hyperparameter] }),
    ]);
    return rateLimited(
      'TxRateLimitExceeded',
      `${hyperparameter} of subnet ${netuid}`,
      last,
      tempo * epochs,
      state.block,
    );
  };

/** Rate limits that are kept in TransactionKeyLastBlock under the number of their TransactionType. */
export const transactionRateLimit =
  (
    type: number,
    what: string,
    { netuid, key, error = 'TxRateLimitExceeded' }: { netuid: number; key?: string; error?: string },
    limit: (state: Parameters<Check>[0]) => Promise<bigint>,
  ): Check =>
  async (state) => {
    if (state.byRoot || !state.has('TransactionKeyLastBlock')) return undefined;
    const [last, blocks] = await Promise.all([
      state.integer('TransactionKeyLastBlock', key ?? state.signer, netuid, type),
      limit(state),
    ]);
    return rateLimited(error, `${what} in subnet ${netuid}`, last, blocks, state.block);
  };

/** A value that this client can tell to be out of bounds without asking the chain. */
export const within =
  (what: string, value: bigint | number, min: bigint | number, max: bigint | number, error: string): Check =>
  async () =>
    value >= min && value <= max
      ? undefined
      : refuse(error, `${what}: expected ${min}..${max}, got ${value}`);

/** The signer's alpha (TAO on root) behind a hotkey, rao; undefined where only the chain itself could tell. */
export async function stakeOf(
  state: Parameters<Check>[0],
  hotkey: string,
  netuid: number,
): Promise<bigint | undefined> {
  const info = await state.api(
    'StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid',
    hotkey,
    state.signer,
    netuid,
  );
  if (typeof info !== 'object' || info === null || !('stake' in info)) return undefined;
  const { stake } = info;
  return typeof stake === 'number' || typeof stake === 'bigint' ? BigInt(stake) : undefined;
}

export const holdsStake =
  (hotkey: string, netuid: number, alphaRao: bigint): Check =>
  async (state) => {
    const stake = await stakeOf(state, hotkey, netuid);
    if (stake === undefined || alphaRao <= stake) return undefined;
    const detail = `${state.signer} has ${tao(stake)} staked to ${hotkey} in subnet ${netuid}, not ${tao(alphaRao)}`;
    return refuse('NotEnoughStakeToWithdraw', detail);
  };

/** Without any the chain would take the call and do nothing. Passes where only the chain itself could tell. */
export const holdsAnyStake =
  (hotkey: string, where: (netuid: number) => boolean): Check =>
  async (state) => {
    const infos = await state.api('StakeInfoRuntimeApi_get_stake_info_for_coldkey', state.signer);
    if (!Array.isArray(infos)) return undefined;
    // StakeInfo of rpc_info/stake_info.rs
    const held = infos as readonly { hotkey: string; netuid: number; stake: number | bigint }[];
    return held.some((info) => info.hotkey === hotkey && where(info.netuid) && info.stake > 0)
      ? undefined
      : refuse('NotEnoughStakeToWithdraw', `${state.signer} has nothing there staked to ${hotkey}`);
  };

/** Root is joined by stake on root once its seats are taken (`do_root_register`). */
export const holdsRootStake =
  (hotkey: string): Check =>
  async (state) => {
    const [n, seats, mine] = await Promise.all([
      state.integer('SubnetworkN', 0),
      state.integer('MaxAllowedUids', 0),
      state.integer('TotalHotkeyAlpha', hotkey, 0),
    ]);
    if (n < seats) return undefined;
    const members = await Promise.all(
      Array.from({ length: Number(n) }, async (_, uid) => state.account('Keys', 0, uid)),
    );
    const stakes = await Promise.all(
      members.map(async (member) =>
        member === undefined ? 0n : state.integer('TotalHotkeyAlpha', member, 0),
      ),
    );
    const least = stakes.reduce((a, b) => (b < a ? b : a));
    return mine > least
      ? undefined
      : refuse(
          'StakeTooLowForRoot',
          `${hotkey} has ${tao(mine)} TAO on root, the smallest member ${tao(least)}`,
        );
  };

/** @param alphaPriceRao rao of TAO for one alpha (10^9 rao of it) */
export const priceWithin =
  (netuid: number, alphaPriceRao: bigint, side: 'buy' | 'sell'): Check =>
  async (state) => {
    const price = await state.api('SwapRuntimeApi_current_alpha_price', netuid);
    if (typeof price !== 'number' && typeof price !== 'bigint') return undefined;
    const past = side === 'buy' ? BigInt(price) > alphaPriceRao : BigInt(price) < alphaPriceRao;
    if (!past) return undefined;
    const detail = `one alpha of subnet ${netuid} costs ${tao(BigInt(price))} TAO, the limit is ${tao(alphaPriceRao)}`;
    return refuse('SlippageTooHigh', detail);
  };
