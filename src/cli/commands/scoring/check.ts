// Owns: `assay scoring check`: what a policy pays in words and tables, and whether lying pays under it. Does not own: the form and
// the arithmetic (scoring).
import { z } from 'zod';
import {
  type Deterrence,
  type DeterrenceReport,
  deterrence,
  type Pool,
  type ScoringPolicy,
} from '../../../scoring/index.js';
import { builtInFile } from '../../../verification/parameter-file.js';
import { loadFlags } from '../../config.js';
import { type EventTime, eventTime, paidSets, tooShort } from '../../event-time.js';
import { factLines } from '../../facts.js';
import { EXIT, print, printJson } from '../../output.js';
import { readNamedFile } from '../../parameter-files.js';
import { knownClasses, type NamedPolicy, readNamedPolicy } from '../../policy-files.js';
import { moduleFlag, openKnown } from '../../subnet-module.js';
import { Table } from '../../table.js';

const schema = z.strictObject({
  ...moduleFlag,
  json: z.boolean().default(false),
  params: z.string().min(1).max(4096).optional(),
});

/** Of chains of Subtensor; a localnet with faster ones is not what a policy is made for. */
const BLOCK_TIME_MS = 12_000;

export async function checkPolicy(path: string, flags: Record<string, unknown>): Promise<number> {
  const { json, params, module } = loadFlags(schema, flags);
  const known = await openKnown(module);
  const { kinds } = known;
  const parameters = params === undefined ? undefined : await readNamedFile(params, kinds);
  const { sets } = parameters?.file ?? builtInFile(kinds);
  const named = await readNamedPolicy(path, known, knownClasses({ sets }));
  const asked = parameters ? sets : paidSets(named.policy, sets);
  const time = eventTime(named.policy, { kinds, sets: asked }, BLOCK_TIME_MS);
  const report = deterrence(named.policy, known.rules);
  const published = parameters && parameters.file.policy === named.digest;
  if (json) printJson(toDocument(named, report, { published, time }));
  else {
    print(policyText(named));
    if (parameters && !published)
      print(`warning: ${params} names another policy, ${parameters.file.policy.slice(0, 16)}`);
    const short = time && tooShort(time);
    if (short !== undefined) print(`warning: ${short}`);
    print(`\n${deterrenceText(report)}`);
  }
  return report.holds ? EXIT.ok : EXIT.failed;
}

const toDocument = (
  { policy, digest }: NamedPolicy,
  { behaviours, shapes, unknownKinds, margin, holds }: DeterrenceReport,
  {
    published: isNamedByParameters,
    time: eventTime,
  }: { readonly published: boolean | undefined; readonly time: EventTime | undefined },
) => ({
  name: policy.name,
  digest,
  burn: policy.burn,
  pools: policy.pools,
  unassigned: unassignedOf(policy),
  isNamedByParameters,
  eventTime,
  deterrence: {
    holds,
    margin: finite(margin),
    behaviours: behaviours.map(({ behaviour, ...found }) => ({
      behaviour: behaviour.name,
      ...found,
      is: behaviour.form.is,
      margin: finite(found.margin),
      gain: finite(found.gain),
    })),
    shapes: shapes.map((shape) => ({ ...shape, gain: finite(shape.gain) })),
    unknownKinds,
  },
});

/** JSON has no infinity. */
const finite = (value: number | undefined): number | 'infinite' | undefined =>
  value === Number.POSITIVE_INFINITY ? 'infinite' : value;

const percent = (share: number): string => `${Number((share * 100).toFixed(4))} %`;

/** What neither `burn` nor a pool has; it burns as well. */
const unassignedOf = ({ burn, pools }: ScoringPolicy): number =>
  Number((1 - burn - pools.reduce((sum, { share }) => sum + share, 0)).toFixed(6));

/** A policy for whoever has to decide on it. */
export function policyText({ policy, digest }: NamedPolicy): string {
  const table = new Table({ head: ['pool', 'share', 'for', 'prices', 'target', 'unfilled'] });
  for (const pool of policy.pools)
    table.push([
      pool.name,
      percent(pool.share),
      matchText(pool),
      priceText(policy, pool),
      pool.target ?? '-',
      pool.unfilled ?? 'burn',
    ]);
  const unassigned = unassignedOf(policy);
  return [
    factLines([
      ['policy', policy.name],
      ['digest', digest],
      ['burned', percent(policy.burn)],
      ['in no pool', unassigned > 0 ? `${percent(unassigned)}, which burns as well` : undefined],
    ]),
    table.toString(),
    ...sentencesOf(policy).map((sentence) => `- ${sentence}`),
  ].join('\n');
}

function matchText({ credit = 'outcomes', match }: Pool): string {
  if (credit === 'rollouts') return 'verified tokens of rollouts';
  if (credit === 'usage') return 'time that somebody used';
  const parts = [match?.kinds?.join(', '), match?.classes && `classes ${match.classes.join(', ')}`];
  return parts.filter((part) => part !== undefined).join('; ') || 'all that was proven';
}

function priceText({ rollouts }: ScoringPolicy, { credit, prices, simulatedPrices }: Pool): string {
  if (credit === 'rollouts') return `${rollouts!.price} for 1,000 tokens`; // a policy with such a pool has one
  if (credit === 'usage') return '1 for a slot that was used all the time';
  const known = Object.entries(prices ?? {}).map(([name, { of, counts }]) => `${counts} for ${of} ${name}`);
  if (simulatedPrices) known.push('and simulated devices, on localnets');
  return known.join('\n');
}

/** What of a policy is no default, a sentence each. */
function sentencesOf(policy: ScoringPolicy): string[] {
  const { pools, pay, memory, caps = {}, uptime, probation, quarantine, boost, rented, schedule } = policy;
  const said: (string | false | undefined)[] = [
    pools.some(({ rule }) => !rule) &&
      (pay === undefined || pay === 'linear'
        ? 'Pay is proportional to what was proven.'
        : `Pay grows with the power ${pay.exponent} of what a coldkey proved in all.`),
    ...pools.map(
      ({ name, rule }) =>
        rule &&
        `What ${name} pays is divided by the subnet's own rule ${rule.name}, version ${rule.version}.`,
    ),
    memory?.retain !== undefined &&
      memory.retain > 0 &&
      `Of what a slot was worth an epoch ago ${percent(memory.retain)} is left.`,
    memory && `A slot that we failed to judge keeps its worth for ${memory.carryEpochs ?? 1} epochs.`,
    ...(['slot', 'hotkey', 'coldkey'] as const).map(
      (what) => caps[what] !== undefined && `A ${what} counts at most ${caps[what]} in each pool.`,
    ),
    uptime &&
      `${percent(uptime.floor)} of pay is certain; the rest hangs on a level that rises by ${uptime.rise} and falls by ${uptime.fall} of what is left.`,
    probation &&
      `A newcomer is paid ${percent(probation.start)} at first and all of it after ${probation.epochs} epochs.`,
    quarantine &&
      `After a rejection for ${quarantine.reasons.join(', ')} nothing is paid for ${quarantine.epochs} epochs.`,
    ...(['stake', 'collateral'] as const).map((what) => {
      const rule = boost?.[what];
      return rule && `${what} adds up to ${percent(rule.most)}, at ${rule.full} TAO and more.`;
    }),
    rented &&
      `A slot that nobody used is paid ${percent(rented.idle)}; receipts of ${rented.signers.length} signers count.`,
    schedule &&
      `${schedule.eventsPerEpoch} events an epoch, and ${schedule.livenessPerEpoch ?? 0} checks of each slot between them.`,
  ];
  return said.filter((sentence): sentence is string => typeof sentence === 'string');
}

const short = (value: number): string => (Number.isFinite(value) ? `${Number(value.toPrecision(4))}` : '∞');

export function deterrenceText({
  behaviours,
  shapes,
  unknownKinds,
  margin,
  holds,
}: DeterrenceReport): string {
  const of = (is: Deterrence['behaviour']['form']['is']) =>
    behaviours.filter(({ behaviour }) => behaviour.form.is === is);
  const table = new Table({
    head: ['lie', 'margin', 'worst at', 'breaks even at', 'gain there'],
  });
  const at = (share: number | undefined) => (share === undefined ? '-' : percent(share));
  const told = [...of('share'), ...of('shared')].sort((a, b) => (a.margin ?? 0) - (b.margin ?? 0));
  for (const { behaviour, margin: own, worstAt, breakEven, gain } of told)
    table.push([
      behaviour.name,
      short(own ?? 0),
      at(worstAt),
      breakEven === undefined ? 'never' : at(breakEven),
      `x ${short(gain)}`,
    ]);
  const untold = of('limit');
  const certain = of('certain').map(({ behaviour }) => behaviour.name);
  return [
    ...(told.length > 0 ? [table.toString()] : []),
    ...(certain.length > 0 ? [`always seen, and paid nothing: ${certain.join(', ')}`] : []),
    ...(unknownKinds.length > 0
      ? [
          `lies about ${unknownKinds.join(', ')} are not known here: what they gain is for who wrote it to say`,
        ]
      : []),
    ...shapes.map(
      ({ name, gain, of: what, holds: fine, wanted }) =>
        `${name}: x ${short(gain)} (${what})${wanted ? ', which the rule is made to pay for' : fine ? '' : ', which PAYS'}`,
    ),
    ...(untold.length === 0 ? [] : ['what no proof can tell, and no pay can deter:']),
    ...untold.map(
      ({ behaviour, gain }) =>
        `  ${behaviour.name}: paid up to x ${short(gain)}${behaviour.form.is === 'limit' ? ` (${behaviour.form.page})` : ''}`,
    ),
    holds
      ? behaviours.length === 0
        ? 'no lie was tried; names alone are not paid for'
        : `least margin ${short(margin)}: no lie pays that a proof can tell`
      : margin > 1
        ? 'no lie that was tried pays, but names alone PAY under this policy'
        : `least margin ${short(margin)}: LYING PAYS under this policy`,
  ].join('\n');
}
