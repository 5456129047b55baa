// Owns: registering and swapping hotkeys, and identities of coldkeys. Does not own: subnets (subnets.ts), axons (serving.ts).
import { utf8 } from '../../../model/bytes.js';
import {
  burnWithin,
  canPay,
  holdsRootStake,
  isEnabled,
  notRegistered,
  notRoot,
  ownsHotkey,
  subnetExists,
} from './checks.js';
import {
  type Check,
  type Effect,
  emitted,
  form,
  type Operation,
  SIGNER,
  stored,
  subtensorCall,
  whereKept,
} from './operation.js';

const hasUid =
  (netuid: number, hotkey: string): Effect =>
  async ({ after }) => {
    const uid = await after.get('Uids', netuid, hotkey);
    return uid === undefined ? { expected: `a uid of ${hotkey}`, got: 'none' } : undefined;
  };

/** `do_register` of subnets/registration.rs, in its order. */
const registrationChecks = (netuid: number, hotkey: string, limitRao?: bigint): readonly Check[] => [
  notRoot(netuid, 'RegistrationNotPermittedOnRootSubnet'),
  subnetExists(netuid),
  ...(limitRao === undefined ? [] : [burnWithin(netuid, limitRao)]),
  isEnabled('NetworkRegistrationAllowed', netuid, 'SubNetRegistrationDisabled', 'registration is closed'),
  notRegistered(netuid, hotkey),
  canPay((state) => state.integer('Burn', netuid), 'NotEnoughBalanceToStake'),
  ownsHotkey(hotkey, { orNobody: true }),
];

const registrationEffects = (netuid: number, hotkey: string): readonly Effect[] => [
  hasUid(netuid, hotkey),
  stored('Owner', [hotkey], SIGNER),
];

/** Pays whatever registration costs in the block that carries it. */
export const burnedRegister = (netuid: number, hotkey: string): Operation =>
  subtensorCall(
    'burned_register',
    { netuid, hotkey },
    { checks: registrationChecks(netuid, hotkey), effects: registrationEffects(netuid, hotkey) },
  );

/** Fails where registration costs more than the limit. @param limitRao rao of TAO */
export const registerLimit = (netuid: number, hotkey: string, limitRao: bigint): Operation =>
  subtensorCall(
    'register_limit',
    { netuid, hotkey, limit_price: limitRao },
    { checks: registrationChecks(netuid, hotkey, limitRao), effects: registrationEffects(netuid, hotkey) },
  );

/** Joins the root network, whose seats go to the highest stakes of TAO on it. */
export const rootRegister = (hotkey: string): Operation =>
  subtensorCall(
    'root_register',
    { hotkey },
    {
      checks: [notRegistered(0, hotkey), ownsHotkey(hotkey, { orNobody: true }), holdsRootStake(hotkey)],
      effects: [hasUid(0, hotkey)],
    },
  );

/** Makes the signer the owner of a hotkey that has none. */
export const associateHotkey = (hotkey: string): Operation =>
  subtensorCall(
    'try_associate_hotkey',
    { hotkey },
    { checks: [ownsHotkey(hotkey, { orNobody: true })], effects: [stored('Owner', [hotkey], SIGNER)] },
  );

/**
 * Gives a hotkey's uids, stake and history to another, on one subnet or on all.
 * @param options.keepStake leave the stake where it is; refused by chains that cannot
 */
export function swapHotkey(
  hotkey: string,
  to: string,
  { netuid, keepStake = false }: { readonly netuid?: number; readonly keepStake?: boolean } = {},
): Operation {
  const both = { hotkey, new_hotkey: to };
  const older = netuid === undefined ? [form('swap_hotkey', both)] : [];
  return subtensorCall(
    'swap_hotkey_v2',
    { ...both, netuid, keep_stake: keepStake },
    {
      otherwise: keepStake ? [] : [form('swap_hotkey', { ...both, netuid }), ...older],
      checks: [
        async () =>
          hotkey === to ? { error: 'NewHotKeyIsSameWithOld', detail: `both are ${hotkey}` } : undefined,
        ownsHotkey(hotkey),
        ownsHotkey(to, { orNobody: true }),
        ...(netuid === undefined ? [] : [subnetExists(netuid), notRegistered(netuid, to)]),
      ],
      effects: [
        netuid === undefined
          ? emitted('HotkeySwapped', [SIGNER, hotkey, to])
          : emitted('HotkeySwappedOnSubnet', [SIGNER, hotkey, to, netuid]),
        stored('Owner', [to], SIGNER),
      ],
    },
  );
}

export interface Identity {
  readonly name?: string;
  readonly url?: string;
  readonly githubRepo?: string;
  readonly image?: string;
  readonly discord?: string;
  readonly description?: string;
  readonly additional?: string;
}

/** Of the signer's coldkey. Fields left out are set empty: the call replaces the whole identity. */
export function setIdentity(identity: Identity): Operation {
  const of = (field: keyof Identity) => utf8(identity[field] ?? '');
  const old = {
    name: of('name'),
    url: of('url'),
    image: of('image'),
    discord: of('discord'),
    description: of('description'),
    additional: of('additional'),
  };
  const plain = { ...old, githubRepo: of('githubRepo') };
  return subtensorCall(
    'set_identity',
    { ...old, github_repo: of('githubRepo') },
    {
      // before 2025 identities had no repository; one that was given is not dropped
      otherwise: identity.githubRepo ? [] : [form('set_identity', old)],
      checks: [identityFits(identity, ['image', 'description', 'additional'])],
      effects: [
        emitted('ChainIdentitySet', [SIGNER]),
        whereKept('IdentitiesV2', stored('IdentitiesV2', [SIGNER], plain)),
      ],
    },
  );
}

/** Lengths of utils/identity.rs, in bytes. */
export const identityFits =
  (identity: object, long: readonly string[]): Check =>
  async () => {
    for (const [field, text] of Object.entries(identity) as [string, string | undefined][]) {
      const limit = long.includes(field) ? 1024 : 256;
      const bytes = utf8(text ?? '').length;
      if (bytes > limit)
        return { error: 'InvalidIdentity', detail: `${field} has ${bytes} bytes, ${limit} are allowed` };
    }
    return undefined;
  };
