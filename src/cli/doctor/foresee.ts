// Owns: whether earnings can be foreseen from what was looked at, and of which proofs. Does not own: the arithmetic (earnings.ts).
import { isAssayError } from '../../model/errors.js';
import type { Hotkey } from '../../model/ids.js';
import { invalid } from '../invalid-input.js';
import type { Known } from '../subnet-module.js';
import { type Check, unknown } from './check.js';
import { type Earnings, earningsOf } from './earnings.js';
import { type Finding, ON_A_DEVICE } from './finding.js';
import type { SubnetLook } from './look-at-subnet.js';
import type { KnownSet, ProvenSlot } from './would-pay.js';

/** @throws AssayError `invalid-input` for worth of a pool that the policy does not have */
export function foresee(
  look: Omit<SubnetLook, 'skew' | 'policy'> & { readonly policy: Pick<SubnetLook['policy'], 'found'> },
  of: {
    readonly known: Pick<Known, 'kinds' | 'rules'>;
    readonly findings: readonly Finding[];
    readonly hotkey: Hotkey | undefined;
    readonly given: ReadonlyMap<string, number> | undefined;
    /** equal ones that this host has: what one proved counts so often. @default 1 */
    readonly cards?: number;
  },
): { readonly check?: Check; readonly earnings?: Earnings } {
  const { info, subnet, emission, priceRao, registrationRao, policy } = look;
  const { known, findings, hotkey, given, cards = 1 } = of;
  const none = (said: string, fix?: string) => ({ check: unknown('earnings', said, fix) });
  if (!policy.found) return none('not counted: the policy is not here'); // its own line says what to do
  if (!emission) return none('not counted: subnets of this chain have no alpha');
  if (emission.alphaOutRao === 0n)
    return none('subnet makes nothing yet', 'its owner starts it: assay subnet start');
  const isLive = info.type === 'live';
  const slots = findings.flatMap((finding) => {
    const many = ON_A_DEVICE.includes(finding.kind) ? cards : 1;
    return Array.from({ length: many }, () => slotOf(finding, isLive)).flat();
  });
  if (slots.length === 0)
    return none(
      'not counted: nothing was proven that a policy could pay',
      isLive
        ? 'prove at full size: without --small, and with the class that the line of its kind asks for'
        : 'let the proofs run, with --small or without',
    );
  const sets: KnownSet[] = Object.entries(known.kinds).flatMap(([name, kind]) =>
    kind
      ? [...kind.table].map(([paramsId, set]) => ({ kind: name, class: kind.facts(set).className, paramsId }))
      : [],
  );
  const chain = { subnet, emission, blockTimeMs: info.blockTimeMs, priceRao, registrationRao };
  const worths = given && byPool(given, policy.found.policy.pools);
  const paid = { policy: policy.found.policy, rules: known.rules, given: worths };
  try {
    return { earnings: earningsOf({ ...paid, sets, slots, hotkey, chain }) };
  } catch (error) {
    if (isAssayError(error, 'rule-failed'))
      return none(
        `not counted: ${error.message}`,
        "tell the subnet's owner: where it fails validators pay nobody",
      );
    throw error;
  }
}

/** Over loopback nobody was met, and what only shows life is paid by its effect on the rest. */
function slotOf(
  { kind, class: name, paramsId, state, credit, share, simulated }: Finding,
  isLive: boolean,
): ProvenSlot[] {
  if (state !== 'proven' || name === undefined || paramsId === undefined || kind === 'bandwidth') return [];
  if (Object.keys(credit).length === 0 || (simulated && isLive)) return [];
  return [{ kind, class: name, paramsId, credit, share, simulated }];
}

/** A number without a pool is of the one that there is. */
function byPool(
  given: ReadonlyMap<string, number>,
  pools: readonly { readonly name: string }[],
): ReadonlyMap<string, number> {
  const names = pools.map(({ name }) => name);
  return new Map(
    [...given].map(([pool, worth]) => {
      const name = pool === '' && names.length === 1 ? names[0]! : pool;
      if (!names.includes(name))
        throw invalid(
          '--others-worth',
          `pool=number, with one of ${names.join(', ')}`,
          pool === '' ? 'no pool' : pool,
        );
      return [name, worth];
    }),
  );
}
