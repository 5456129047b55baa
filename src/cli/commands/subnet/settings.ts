// Owns: what can be set of a subnet by name: whose right it is, what it takes, which call makes it. Does not own: the
// hyperparameters of pallet AdminUtils themselves (chain/subtensor/operations/hyperparameters.ts), sending.
import {
  HYPERPARAMETERS,
  type Hyperparameter,
  parseHyperparameter,
  setAlphaValues,
  setChainParameter,
  setHyperparameter,
  type ValueKind,
} from '../../../chain/subtensor/operations/hyperparameters.js';
import type { Operation } from '../../../chain/subtensor/operations/operation.js';
import {
  setActivityCutoffFactor,
  setMechanismCount,
  setMechanismEmissionSplit,
  setOwnerHotkey,
  setTempo,
  trimUids,
  updateSymbol,
} from '../../../chain/subtensor/operations/subnets.js';
import { fromAddress } from '../../../keys/ss58.js';
import { invalid } from '../../invalid-input.js';

export interface Setting {
  readonly name: string;
  readonly who: 'owner' | 'root';
  /** of the whole chain: no subnet is named */
  readonly isGlobal: boolean;
  /** refused in the last blocks before an epoch */
  readonly freezes: boolean;
  /** nothing in today's epoch reads it */
  readonly isInert: boolean;
  /** it is an amount, counted in rao */
  readonly isRao?: boolean;
  /** its value in words */
  readonly takes: string;
  /** under which the client lists when it may be set again (SubtensorReader.rateLimits) */
  readonly rateAction: string | undefined;
  /** @throws AssayError `invalid-input` for a value that it cannot have */
  toOperation(netuid: number, text: string): Operation;
}

const TAKES: Readonly<Record<ValueKind, string>> = {
  u8: 'an integer to 255',
  u16: 'an integer to 65535',
  u32: 'an integer of 32 bits',
  u64: 'an integer of 64 bits',
  i16: 'an integer from -32768 to 32767',
  bool: 'true or false',
  u64f64: 'a decimal number',
  i96f32: 'a decimal number',
  account: 'an address',
  'recycle-or-burn': 'recycle or burn',
};

/** Amounts, which the chain counts in rao. */
const RAO: ReadonlySet<string> = new Set([
  'min_burn',
  'max_burn',
  'rao_recycled',
  'network_min_lock_cost',
  'stake_threshold',
]);

/** Limits of their own, beside those under `rateKey`. */
const RATE_ACTIONS: Readonly<Record<string, string>> = {
  weights_version_key: 'sudo_set_weights_version_key',
};

function toSetting(name: string, parameter: Hyperparameter): Setting {
  const { who, isGlobal, freezes, isInert, kind, rateKey } = parameter;
  return {
    name,
    who,
    isGlobal,
    freezes,
    isInert,
    takes: RAO.has(name) ? 'rao, billionths of a TAO' : TAKES[kind],
    isRao: RAO.has(name),
    rateAction: rateKey === undefined ? RATE_ACTIONS[name] : `owner hyperparameter ${rateKey}`,
    toOperation(netuid, text) {
      const value = parseHyperparameter(name, text);
      return isGlobal ? setChainParameter(name, value) : setHyperparameter(netuid, name, value);
    },
  };
}

/** @param expected as the list says it; its bounds are the chain's own, which has the last word */
const integerOf = (
  name: string,
  text: string,
  most: number,
  expected = `an integer in 0..${most}`,
): number => {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= most) return value;
  throw invalid(name, expected, text.slice(0, 60));
};
const TEMPO = 'blocks of an epoch, 360 to 50400';
const CUTOFF = 'thousandths of a tempo, 1000 to 50000';

const integersOf = (name: string, text: string): readonly number[] =>
  text.split(',').map((part) => integerOf(name, part.trim(), 65_535));

/** Calls of their own, which owners make beside those of AdminUtils. */
const OWN: readonly (Pick<Setting, 'name' | 'takes' | 'rateAction' | 'toOperation'> & {
  readonly freezes?: boolean;
})[] = [
  {
    name: 'tempo',
    takes: TEMPO,
    rateAction: 'set_tempo',
    toOperation: (netuid, text) => setTempo(netuid, integerOf('tempo', text, 65_535, TEMPO)),
  },
  {
    name: 'activity_cutoff_factor',
    takes: CUTOFF,
    rateAction: 'owner hyperparameter ActivityCutoffFactorMilli',
    toOperation: (netuid, text) =>
      setActivityCutoffFactor(netuid, integerOf('activity_cutoff_factor', text, 0xffff_ffff, CUTOFF)),
  },
  {
    name: 'alpha_values',
    takes: 'low,high of 65535',
    rateAction: 'owner hyperparameter AlphaValues',
    toOperation(netuid, text) {
      const [low, high, ...more] = integersOf('alpha_values', text);
      if (low === undefined || high === undefined || more.length > 0)
        throw invalid('alpha_values', 'two integers, low,high', text.slice(0, 60));
      return setAlphaValues(netuid, low, high);
    },
  },
  {
    name: 'mechanism_count',
    takes: 'how many weight matrices',
    rateAction: 'sudo_set_mechanism_count',
    toOperation: (netuid, text) => setMechanismCount(netuid, integerOf('mechanism_count', text, 255)),
  },
  {
    name: 'mechanism_emission_split',
    takes: 'parts that sum to 65535, with commas, or even',
    rateAction: 'sudo_set_mechanism_emission_split',
    toOperation: (netuid, text) =>
      setMechanismEmissionSplit(
        netuid,
        text === 'even' ? undefined : integersOf('mechanism_emission_split', text),
      ),
  },
  {
    name: 'owner_hotkey',
    takes: 'an address',
    rateAction: 'sudo_set_sn_owner_hotkey',
    freezes: false,
    toOperation(netuid, text) {
      fromAddress(text);
      return setOwnerHotkey(netuid, text);
    },
  },
  {
    name: 'symbol',
    takes: 'one of the chain’s symbols',
    rateAction: undefined,
    freezes: false,
    toOperation: (netuid, text) => updateSymbol(netuid, text),
  },
  {
    name: 'trim_uids',
    takes: 'how many neurons stay',
    rateAction: 'sudo_trim_to_max_allowed_uids',
    toOperation: (netuid, text) => trimUids(netuid, integerOf('trim_uids', text, 65_535)),
  },
];

/** As their owners may set them; `tempo` is in both lists, for root has a call of its own for it. */
const OWNERS: readonly Setting[] = [
  ...OWN.map((own) => ({ who: 'owner' as const, isGlobal: false, isInert: false, freezes: true, ...own })),
  ...[...HYPERPARAMETERS]
    .filter(([, { who }]) => who === 'owner')
    .map(([name, parameter]) => toSetting(name, parameter)),
];
const ROOTS: readonly Setting[] = [...HYPERPARAMETERS]
  .filter(([, { who }]) => who === 'root')
  .map(([name, parameter]) => toSetting(name, parameter));

export const allSettings = (): readonly Setting[] => [...OWNERS, ...ROOTS];

/**
 * @param byRoot as the sudo key would set it
 * @throws AssayError `invalid-input` for a name that is in no list
 */
export function settingOf(name: string, byRoot: boolean): Setting {
  const lists = byRoot ? [...ROOTS, ...OWNERS] : [...OWNERS, ...ROOTS];
  const found = lists.find((setting) => setting.name === name.replaceAll('-', '_'));
  if (found) return found;
  throw invalid('hyperparameter', 'one that `assay subnet set --list` names', name.slice(0, 60));
}

/** Names that the chain's list of hyperparameters has for what is set under another; undefined: nobody sets it. */
const LISTED_AS: Readonly<Record<string, string | undefined>> = {
  weights_version: 'weights_version_key',
  weights_rate_limit: 'weights_set_rate_limit',
  activity_cutoff: 'activity_cutoff_factor',
  registration_allowed: 'network_registration_allowed',
  target_regs_per_interval: 'target_registrations_per_interval',
  bonds_moving_avg: 'bonds_moving_average',
  max_regs_per_block: 'max_registrations_per_block',
  max_validators: 'max_allowed_validators',
  commit_reveal_period: 'commit_reveal_weights_interval',
  subnet_is_active: 'subtoken_enabled',
  transfers_enabled: 'toggle_transfer',
  yuma_version: 'yuma3_enabled',
  alpha_high: 'alpha_values',
  alpha_low: 'alpha_values',
  min_childkey_take: 'min_childkey_take_per_subnet',
  max_weights_limit: undefined,
};

/** What sets a hyperparameter of the chain's list; undefined where nothing does. */
export function settingOfListed(name: string): Setting | undefined {
  const own = Object.hasOwn(LISTED_AS, name) ? LISTED_AS[name] : name;
  return allSettings().find((setting) => setting.name === own);
}
