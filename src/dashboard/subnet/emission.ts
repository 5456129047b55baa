// Owns: who gets what of a subnet's alpha, read back from what its last epoch assigned to each uid. Does not own: what an epoch
// assigns (emissions), prices.
import type { Neuron, Subnet } from '../../chain/chain.js';
import { DEFAULT_OWNER_CUT, isOfOwner } from '../../emissions/coinbase.js';
import { perDayRao } from '../chain-facts.js';

export const ROLES = ['miners', 'validators', 'owner', 'burned'] as const;
export type EmissionRole = (typeof ROLES)[number];

export interface RoleEmission {
  readonly role: EmissionRole;
  /** of the last epoch */
  readonly epochRao: bigint;
  readonly perDayRao: bigint;
  /** of all four, 0..1 */
  readonly share: number;
}

export interface EmissionView {
  readonly roles: readonly RoleEmission[];
  readonly epochRao: bigint;
  readonly perDayRao: bigint;
  /** of what miners' weights say, the part that goes to the owner's own hotkeys and with that to nobody; undefined for no incentive */
  readonly burnShare: number | undefined;
}

const U16 = 65_535n;

/**
 * An epoch assigns each uid half of all by incentive and half by dividends (all of it by one of them where the other is nobody's);
 * the two are told apart by the shares that it left beside them. The owner's cut was taken before.
 *
 * @param ownerCut u16 proportion; 0 where it is off
 */
export function emissionOf(
  subnet: Pick<
    Subnet,
    'neurons' | 'ownerHotkey' | 'ownerColdkey' | 'tempo' | 'lastEpochBlock' | 'nextEpochBlock'
  >,
  { blockTimeMs, ownerCut = DEFAULT_OWNER_CUT }: { readonly blockTimeMs: number; readonly ownerCut?: number },
): EmissionView {
  const { neurons, ownerHotkey, ownerColdkey, tempo, lastEpochBlock, nextEpochBlock } = subnet;
  const incentives = neurons.reduce((sum, { incentive }) => sum + incentive, 0);
  const dividends = neurons.reduce((sum, { dividends: own }) => sum + own, 0);
  let [miners, validators, burned] = [0n, 0n, 0n];
  for (const neuron of neurons) {
    const byIncentive = incentivePart(neuron, { incentives, dividends });
    validators += neuron.emissionRao - byIncentive;
    if (isOfOwner(neuron, { hotkey: ownerHotkey, coldkey: ownerColdkey })) burned += byIncentive;
    else miners += byIncentive;
  }
  const assigned = miners + validators + burned;
  const cut = BigInt(ownerCut);
  const owner = cut >= U16 ? 0n : (assigned * cut) / (U16 - cut);
  const all = assigned + owner;
  // an epoch comes in the block after tempo of them, unless the owner has one come at another
  const epochBlocks = nextEpochBlock === undefined ? 0 : Math.max(1, nextEpochBlock - lastEpochBlock);
  const hasEpochs = tempo > 0 && epochBlocks > 0 && blockTimeMs > 0;
  const perDay = (rao: bigint): bigint => (hasEpochs ? perDayRao({ epochBlocks, blockTimeMs }, rao) : 0n);
  const amounts: Readonly<Record<EmissionRole, bigint>> = { miners, validators, owner, burned };
  return {
    roles: ROLES.map((role) => ({
      role,
      epochRao: amounts[role],
      perDayRao: perDay(amounts[role]),
      share: all === 0n ? 0 : Number((amounts[role] * 1_000_000n) / all) / 1e6,
    })),
    epochRao: all,
    perDayRao: perDay(all),
    burnShare: miners + burned === 0n ? undefined : Number((burned * 1_000_000n) / (miners + burned)) / 1e6,
  };
}

function incentivePart(
  { emissionRao, incentive, dividends }: Pick<Neuron, 'emissionRao' | 'incentive' | 'dividends'>,
  all: { readonly incentives: number; readonly dividends: number },
): bigint {
  if (incentive === 0) return 0n;
  if (dividends === 0) return emissionRao;
  const by = BigInt(incentive) * BigInt(all.dividends);
  return (emissionRao * by) / (by + BigInt(dividends) * BigInt(all.incentives));
}
