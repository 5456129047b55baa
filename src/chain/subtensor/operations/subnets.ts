// Owns: calls of a subnet's owner: founding, starting, its schedule, identity, mechanisms. Does not own: single
// hyperparameters (hyperparameters.ts).
import { utf8 } from '../../../model/bytes.js';
import {
  adminWindowOpen,
  canPay,
  isDisabled,
  ownerRateLimit,
  ownsHotkey,
  ownsSubnet,
  rateLimited,
  subnetExists,
  transactionRateLimit,
  within,
} from './checks.js';
import {
  type Check,
  emitted,
  form,
  type Operation,
  operation,
  stored,
  subtensorCall,
  whereKept,
} from './operation.js';
import { identityFits } from './registration.js';

export interface SubnetIdentity {
  readonly name?: string;
  readonly githubRepo?: string;
  readonly contact?: string;
  readonly url?: string;
  readonly discord?: string;
  readonly description?: string;
  readonly logoUrl?: string;
  readonly additional?: string;
}

/** Fields of SubnetIdentityV3 in the form that structs of arguments take. */
const toStruct = (identity: SubnetIdentity) => ({
  subnetName: utf8(identity.name ?? ''),
  githubRepo: utf8(identity.githubRepo ?? ''),
  subnetContact: utf8(identity.contact ?? ''),
  subnetUrl: utf8(identity.url ?? ''),
  discord: utf8(identity.discord ?? ''),
  description: utf8(identity.description ?? ''),
  logoUrl: utf8(identity.logoUrl ?? ''),
  additional: utf8(identity.additional ?? ''),
});

const LONG_FIELDS = ['description', 'logoUrl', 'additional'];

/** Subnets have the dynamic mechanism (a pool and alpha of their own); before March 2025 the founder chose. */
const DYNAMIC = 1;

/** The signer owns the new subnet and pays its lock cost; `hotkey` becomes uid 0. */
export function registerNetwork(hotkey: string, identity?: SubnetIdentity): Operation {
  const rest = {
    checks: [...foundingChecks(hotkey), ...(identity ? [identityFits(identity, LONG_FIELDS)] : [])],
    effects: [emitted('NetworkAdded')],
  };
  if (!identity)
    return subtensorCall(
      'register_network',
      { hotkey },
      { ...rest, otherwise: [form('register_network', { hotkey, mechid: DYNAMIC })] },
    );
  return subtensorCall('register_network_with_identity', { hotkey, identity: toStruct(identity) }, rest);
}

/** `do_register_network`; what it costs decays with time, so a lock cost that is out of reach may not stay so. */
const foundingChecks = (hotkey: string): readonly Check[] => [
  ownsHotkey(hotkey, { orNobody: true }),
  async (state) => {
    if (!state.has('LastRateLimitedBlock')) return undefined;
    const [last, limit] = await Promise.all([
      state.integer('LastRateLimitedBlock', { NetworkLastRegistered: [] }),
      state.integer('NetworkRateLimit'),
    ]);
    return rateLimited('NetworkTxRateLimitExceeded', 'subnets of the whole chain', last, limit, state.block);
  },
  canPay((state) => state.integer('NetworkMinLockCost'), 'CannotAffordLockCost'),
];

/** Opens trade of the subnet's alpha and its emission. */
export const startCall = (netuid: number): Operation =>
  subtensorCall(
    'start_call',
    { netuid },
    {
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        async (state) => {
          const first = await state.get('FirstEmissionBlockNumber', netuid);
          return first === undefined
            ? undefined
            : { error: 'FirstEmissionBlockNumberAlreadySet', detail: `it started in block ${first}` };
        },
        async (state) => {
          if (!state.has('StartCallDelay')) return undefined;
          const [born, delay] = await Promise.all([
            state.integer('NetworkRegisteredAt', netuid),
            state.integer('StartCallDelay'),
          ]);
          const free = born + delay;
          return BigInt(state.block) >= free
            ? undefined
            : {
                error: 'NeedWaitingMoreBlocksToStarCall',
                detail: `registered in block ${born}, the delay is ${delay} blocks`,
                atBlock: Number(free),
              };
        },
      ],
      effects: [
        async ({ after }) => {
          const first = await after.get('FirstEmissionBlockNumber', netuid);
          return first === undefined ? { expected: 'FirstEmissionBlockNumber', got: 'none' } : undefined;
        },
      ],
    },
  );

/** Bounds come as constants since May 2026; before, the same numbers stood in the code. */
const bounded =
  (
    what: string,
    value: number,
    [min, least]: [string, number],
    [max, most]: [string, number],
    error: string,
  ): Check =>
  async (state) =>
    within(
      what,
      value,
      Number(state.constant('SubtensorModule', min) ?? least),
      Number(state.constant('SubtensorModule', max) ?? most),
      error,
    )(state);

/** `TransactionType::TempoUpdate` */
const TEMPO_UPDATE = 11;

/** The owner's own call: 360..50,400 blocks, once in 360, and the cycle begins anew. */
export const setTempo = (netuid: number, tempo: number): Operation =>
  subtensorCall(
    'set_tempo',
    { netuid, tempo },
    {
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        bounded('tempo', tempo, ['MinTempo', 360], ['MaxTempo', 50_400], 'TempoOutOfBounds'),
        adminWindowOpen(netuid),
        transactionRateLimit(TEMPO_UPDATE, 'set_tempo', { netuid }, async (state) =>
          BigInt((state.constant('SubtensorModule', 'MinTempo') as number | undefined) ?? 360),
        ),
      ],
      effects: [stored('Tempo', [netuid], tempo)],
    },
  );

/** @param factorMilli thousandths of a tempo without weights after which a validator counts as inactive */
export const setActivityCutoffFactor = (netuid: number, factorMilli: number): Operation =>
  subtensorCall(
    'set_activity_cutoff_factor',
    { netuid, factor_milli: factorMilli },
    {
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        bounded(
          'activity cutoff factor',
          factorMilli,
          ['MinActivityCutoffFactorMilli', 1000],
          ['MaxActivityCutoffFactorMilli', 50_000],
          'ActivityCutoffFactorMilliOutOfBounds',
        ),
        adminWindowOpen(netuid),
        ownerRateLimit(netuid, 'ActivityCutoffFactorMilli'),
      ],
      effects: [stored('ActivityCutoffFactorMilli', [netuid], factorMilli)],
    },
  );

/** Schedules an epoch for AdminFreezeWindow blocks from now. */
export const triggerEpoch = (netuid: number): Operation =>
  subtensorCall(
    'trigger_epoch',
    { netuid },
    {
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        isDisabled(
          'CommitRevealWeightsEnabled',
          netuid,
          'DynamicTempoBlockedByCommitReveal',
          'weights are committed',
        ),
        async (state) => {
          const pending = await state.integer('PendingEpochAt', netuid);
          return pending === 0n
            ? undefined
            : {
                error: 'EpochTriggerAlreadyPending',
                detail: `for block ${pending}`,
                atBlock: Number(pending) + 1,
              };
        },
        async (state) => {
          const refusal = await adminWindowOpen(netuid)(state);
          return refusal && { ...refusal, error: 'AutoEpochAlreadyImminent' };
        },
        ownerRateLimit(netuid, 'TriggerEpoch'),
      ],
      effects: [
        async ({ after }) => {
          const [pending, window] = await Promise.all([
            after.integer('PendingEpochAt', netuid),
            after.integer('AdminFreezeWindow'),
          ]);
          const wanted = BigInt(after.block) + window;
          return pending === wanted
            ? undefined
            : { expected: `PendingEpochAt ${wanted}`, got: String(pending) };
        },
      ],
    },
  );

/** Fields left out are set empty: the call replaces the whole identity. */
export function setSubnetIdentity(netuid: number, identity: SubnetIdentity): Operation {
  const struct = toStruct(identity);
  const first = {
    netuid,
    subnet_name: struct.subnetName,
    github_repo: struct.githubRepo,
    subnet_contact: struct.subnetContact,
  };
  const { url, discord, description, logoUrl, additional } = identity;
  const fitsOldForm = ![url, discord, description, logoUrl, additional].some(Boolean);
  return subtensorCall(
    'set_subnet_identity',
    {
      ...first,
      subnet_url: struct.subnetUrl,
      discord: struct.discord,
      description: struct.description,
      logo_url: struct.logoUrl,
      additional: struct.additional,
    },
    {
      // before 2025 identities had three fields; one that was given is not dropped
      otherwise: fitsOldForm ? [form('set_subnet_identity', first)] : [],
      checks: [subnetExists(netuid), ownsSubnet(netuid), identityFits(identity, LONG_FIELDS)],
      effects: [
        emitted('SubnetIdentitySet', [netuid]),
        whereKept('SubnetIdentitiesV3', stored('SubnetIdentitiesV3', [netuid], struct)),
      ],
    },
  );
}

/** One of the chain's own symbols, unused by other subnets. */
export const updateSymbol = (netuid: number, symbol: string): Operation =>
  subtensorCall(
    'update_symbol',
    { netuid, symbol: utf8(symbol) },
    {
      checks: [subnetExists(netuid), ownsSubnet(netuid)],
      effects: [stored('TokenSymbol', [netuid], utf8(symbol))],
    },
  );

/** `MechanismCountSetRateLimit` and `MechanismEmissionRateLimit` */
const MECHANISM_RATE_BLOCKS = 7200n;
/** `TransactionType::MechanismCountUpdate`, `::MechanismEmission` */
const MECHANISM_COUNT_UPDATE = 7;
const MECHANISM_EMISSION = 8;
/** Neurons times mechanisms at most. */
const MAX_UIDS_IN_ALL = 256n;

/** How many weight matrices the subnet has; lowering it drops those of the others. */
export const setMechanismCount = (netuid: number, count: number): Operation =>
  operation(
    'AdminUtils',
    'sudo_set_mechanism_count',
    { netuid, mechanism_count: count },
    {
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        adminWindowOpen(netuid),
        transactionRateLimit(
          MECHANISM_COUNT_UPDATE,
          'mechanism count',
          { netuid },
          async () => MECHANISM_RATE_BLOCKS,
        ),
        async (state) => {
          const [most, uids] = await Promise.all([
            state.integer('MaxMechanismCount'),
            state.integer('MaxAllowedUids', netuid),
          ]);
          const bounds = await within('mechanism count', BigInt(count), 1n, most, 'InvalidValue')(state);
          if (bounds || BigInt(count) * uids <= MAX_UIDS_IN_ALL) return bounds;
          return {
            error: 'TooManyUIDsPerMechanism',
            detail: `${count} mechanisms of ${uids} uids exceed 256`,
          };
        },
      ],
      effects: [stored('MechanismCountCurrent', [netuid], count)],
    },
  );

/** @param split parts of 65535, one for each mechanism; undefined shares evenly */
export const setMechanismEmissionSplit = (netuid: number, split: readonly number[] | undefined): Operation =>
  operation(
    'AdminUtils',
    'sudo_set_mechanism_emission_split',
    { netuid, maybe_split: split },
    {
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        adminWindowOpen(netuid),
        transactionRateLimit(
          MECHANISM_EMISSION,
          'emission split',
          { netuid },
          async () => MECHANISM_RATE_BLOCKS,
        ),
        async (state) => {
          if (!split) return undefined;
          const count = await state.integer('MechanismCountCurrent', netuid);
          const sum = split.reduce((total, part) => total + part, 0);
          if (BigInt(split.length) > count)
            return { error: 'InvalidValue', detail: `${split.length} parts for ${count} mechanisms` };
          return sum === 65_535
            ? undefined
            : { error: 'InvalidValue', detail: `the parts sum to ${sum}, not 65535` };
        },
      ],
      effects: [stored('MechanismEmissionSplit', [netuid], split)],
    },
  );

/** The hotkey that is exempt from permit and threshold, and immune. */
export const setOwnerHotkey = (netuid: number, hotkey: string): Operation =>
  operation(
    'AdminUtils',
    'sudo_set_sn_owner_hotkey',
    { netuid, hotkey },
    {
      otherwise: [form('sudo_set_subnet_owner_hotkey', { netuid, hotkey }, 'AdminUtils')],
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        async (state) => {
          if (state.byRoot || !state.has('LastRateLimitedBlock')) return undefined;
          const last = await state.integer('LastRateLimitedBlock', { SetSNOwnerHotkey: netuid });
          return rateLimited(
            'TxRateLimitExceeded',
            `owner hotkey of subnet ${netuid}`,
            last,
            50_400n,
            state.block,
          );
        },
      ],
      effects: [stored('SubnetOwnerHotkey', [netuid], hotkey)],
    },
  );

/** Takes neurons away until `most` remain, those that earn least first. */
export const trimUids = (netuid: number, most: number): Operation =>
  operation(
    'AdminUtils',
    'sudo_trim_to_max_allowed_uids',
    { netuid, max_n: most },
    {
      checks: [
        subnetExists(netuid),
        ownsSubnet(netuid),
        adminWindowOpen(netuid),
        transactionRateLimit(9, 'trimming', { netuid }, async () => 216_000n),
      ],
      effects: [stored('MaxAllowedUids', [netuid], most)],
    },
  );
