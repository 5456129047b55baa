// Owns: several mechanisms of one subnet: dividing the emission, joining the results (subtensor subnets/mechanism.rs).
// Does not own: the epoch of each (epoch.ts).
import type { EpochOutput } from './epoch.js';
import { U64F64 } from './fixed.js';

/**
 * `split_emissions`: by the set split (u16 of 65535) or evenly; what rounding leaves goes to mechanism 0.
 *
 * @param split `MechanismEmissionSplit`, undefined when unset
 */
export function splitEmission(
  emissionRao: bigint,
  count: number,
  split: readonly number[] | undefined,
): bigint[] {
  const parts = Array.from({ length: count }, (_, index) => {
    if (split === undefined) return emissionRao / BigInt(count);
    return (emissionRao * BigInt(split[index] ?? 0)) / 65535n;
  });
  const assigned = parts.reduce((total, part) => total + part, 0n);
  if (parts.length > 0 && emissionRao > assigned) parts[0]! += emissionRao - assigned;
  return parts;
}

/** What the subnet stores for all mechanisms together. Incentive and bonds stay with each mechanism. */
export type SubnetEpoch = Omit<EpochOutput, 'incentive' | 'bonds'>;

/**
 * `epoch_with_mechanisms`: earnings are added; the other values, `emission` among them, are averaged by each mechanism's
 * part of the emission; active and permits hold if any mechanism says so.
 *
 * @param outputs by mechanism
 * @param parts as `splitEmission` gave them
 */
export function joinMechanisms(outputs: readonly EpochOutput[], parts: readonly bigint[]): SubnetEpoch {
  const [first] = outputs;
  if (first === undefined || outputs.length !== parts.length)
    throw new RangeError(
      `outputs: expected one per part (${parts.length}, at least 1), got ${outputs.length}`,
    );
  const total = parts.reduce((sum, part) => sum + part, 0n);
  // nothing to distribute: mechanism 0 speaks for all
  const weights = parts.map((part, index) => {
    if (total === 0n) return index === 0 ? U64F64.one : 0n;
    return U64F64.div(U64F64.fromInteger(part), U64F64.fromInteger(total));
  });
  const uids = first.consensus.map((_, uid) => uid);
  const average = (value: (output: EpochOutput, uid: number) => number | bigint): bigint[] =>
    uids.map((uid) =>
      // floored after each mechanism, as the chain's accumulators are integers
      outputs.reduce((sum, output, index) => {
        const part = U64F64.mul(U64F64.fromInteger(value(output, uid)), weights[index]!);
        return U64F64.toU64(U64F64.add(U64F64.fromInteger(sum), part));
      }, 0n),
    );
  const averageU16 = (value: (output: EpochOutput, uid: number) => number): number[] =>
    average(value).map((sum) => Math.min(65535, Number(sum)));
  const added = (value: (output: EpochOutput, uid: number) => bigint): bigint[] =>
    uids.map((uid) => outputs.reduce((sum, output) => sum + value(output, uid), 0n));
  const any = (value: (output: EpochOutput, uid: number) => boolean): boolean[] =>
    uids.map((uid) => outputs.some((output) => value(output, uid)));

  return {
    consensus: averageU16((output, uid) => output.consensus[uid]!),
    dividends: averageU16((output, uid) => output.dividends[uid]!),
    validatorTrust: averageU16((output, uid) => output.validatorTrust[uid]!),
    stakeWeight: averageU16((output, uid) => output.stakeWeight[uid]!),
    active: any((output, uid) => output.active[uid]!),
    newPermits: any((output, uid) => output.newPermits[uid]!),
    emission: average((output, uid) => output.emission[uid]!),
    serverEmission: added((output, uid) => output.serverEmission[uid]!),
    validatorEmission: added((output, uid) => output.validatorEmission[uid]!),
  };
}
