// Owns: the table of attacks as a page of docs. Does not own: what it says (attack.ts, run.ts).
import type { Attack } from './attack.js';
import type { AttackRow, AttackSummary } from './run.js';

export interface AttackTable {
  readonly seed: string;
  readonly runs: number;
  readonly confidence: number;
  readonly rows: readonly AttackRow[];
  readonly summaries: readonly AttackSummary[];
}

const TITLES: Readonly<Record<string, string>> = {
  compute: '[compute](compute.md)',
  memory: '[memory](memory.md)',
  'host-memory': '[host-memory](host-memory.md)',
  bandwidth: '[bandwidth](bandwidth.md)',
  storage: '[storage](storage.md)',
  liveness: '[liveness](liveness.md)',
};

/** @param command how this file was made: it is written into it */
export function attacksPage(attacks: readonly Attack[], table: AttackTable, command: string): string {
  const kinds = [...new Set(attacks.map(({ kind }) => kind))];
  const per = Number((100 * table.confidence).toFixed(4));
  return `${[
    '# Attacks',
    `Written by \`${command}\`; do not edit. Every run is drawn from the seed \`${table.seed}\` by name, so the same command writes the same page.`,
    [
      'An attack is a simulated miner with a strength. Attacks on content are run through the real prover and the real verifier at a small size, so that a session takes',
      "milliseconds; attacks on time and devices through simulated devices under a virtual clock, the kind's own credit and the scoring rule. Code: `src/testing/attacks/`;",
      'the liars are those of `src/testing/liars/`.',
    ].join('\n'),
    [
      "- **accepted**: runs that the verifier accepted; where everything is accepted, runs that were credited more than the attacker's own.",
      `- **interval**: the rate's exact interval (Clopper and Pearson) at ${per} %. **bound**: what the formula of the kind's page allows, of the rate or of the credit of any run.`,
      '- **credit**: mean over all runs, in devices (for memory and storage in the bytes named); **own**: what its own devices and work would earn without lying. Where credit is above own, the attack',
      '  pays on the mean, and the line says so. A rejected session earns nothing, and that is all that is counted against it here.',
      '  For memory, `own` is what an honest owner of that memory is credited, less than it holds by what the formula takes off everybody; a cheat that "pays" below its bound gets back some of that, and is',
      '  credited no more than it holds, but for `host-digest-helper` and `quick-drives` where hosts and drives are faster than the class takes them to be.',
      '  What `ground-range` has above its own is the luck of the best of its orders, which its bound allows for: some per cent, and it grows with the root of the logarithm of their number.',
      '- **crossing**: neighbouring strengths of which it pays at one and not at the other. Where it pays at none, it is stopped at every strength that was run.',
      '- **without**: the same attacker where the rule that stops it is missing, or as it was first designed. It shows that the attack is one. Where a missing rule would leave the attacker with what an',
      '  honest session looks like, an honest session is judged.',
      '- **found as**: the weakness by the name that it had where it was found: in reviews of our own drafts, or in what checks of other subnets let through.',
    ].join('\n'),
    summaryTable(attacks, table),
    ...kinds.flatMap((kind) => [
      `## ${TITLES[kind] ?? kind}`,
      ...attacks.filter((attack) => attack.kind === kind).map((attack) => section(attack, table)),
    ]),
    UNTESTED,
  ].join('\n\n')}\n`;
}

const UNTESTED = [
  '## What has no line here',
  '',
  '| of the matrix | why |',
  '|---|---|',
  '| fake nvidia-smi, NVML, procfs; LD_PRELOAD; fake clock | nothing that a host says of itself enters a formula: `names-a-bigger-card` is what is left of them |',
  '| one big device claims several small ones | credit is linear in what was done, and an operation has one price whatever the class: `serial-sharer-slots`, `big-card-as-small-ones` |',
  '| structured operands | the operand is a cipher stream and labels have full rank: [compute](compute.md), its unit tests |',
  '| laziness and copying of validators | not a proof: weights are sealed ([commit-reveal](../decisions/0007-weights-once.md)), private samples are shown to nobody |',
  '| harassment by challenges | not a proof: permits, one Arm for each slot, and the rates of [limits](../limits.md) |',
  '| forged validators, replayed signatures, price tampering, hung sessions, floods of labels | not a proof: signatures, channel binding and limits have tests of their own (`tests/conformance/protocol`, `tests/unit/protocol`) |',
  '| outages of validators | not a miner: [no excuse](../decisions/0006-no-excuse.md) |',
  '| location, and relays within one city | nothing here measures where a device is: `proxy` shows what a relay costs its owner |',
].join('\n');

function summaryTable(attacks: readonly Attack[], { summaries }: AttackTable): string {
  const lines = attacks.map((attack) => {
    const of = summaries.find(({ kind, attack: name }) => kind === attack.kind && name === attack.name);
    if (!of) return '';
    const { succeedsAt, succeedsWithout, paysAt, crossings } = of;
    const succeeds = succeedsAt.length > 0 ? succeedsAt.map(number).join(', ') : '-';
    const without = attack.without
      ? succeedsWithout.length > 0
        ? succeedsWithout.map(number).join(', ')
        : 'no'
      : '';
    const pays = paysAt.length === 0 ? 'none' : paysAt.map(number).join(', ');
    const crossing = crossings.map(([from, to]) => `${number(from)} .. ${number(to)}`).join(', ');
    return row([attack.kind, attack.name, attack.origin, succeeds, pays, crossing, without]);
  });
  return [
    row([
      'kind',
      'attack',
      'found as',
      'some run credited more than its own at',
      'pays on the mean at',
      'crossing',
      'without the rule, some run at',
    ]),
    row(new Array<string>(7).fill('---')),
    ...lines.filter((line) => line !== ''),
  ].join('\n');
}

function section(attack: Attack, { rows }: AttackTable): string {
  const own = rows.filter(({ kind, attack: name }) => kind === attack.kind && name === attack.name);
  const lines = own.map((of) =>
    row([
      of.asBuilt ? '' : 'without',
      number(of.strength),
      `${of.accepted} of ${of.runs}`,
      `${rate(of.interval[0])} - ${rate(of.interval[1])}`,
      of.bound === undefined ? '' : `${rate(of.bound)} ${of.bounds === 'credit' ? '(credit)' : ''}`.trim(),
      number(of.meanCredit),
      number(of.own),
      [
        of.pays ? 'pays' : '',
        of.verdict === 'above' ? '**above its bound**' : '',
        of.verdict === 'below' ? '**below its formula**' : '',
      ]
        .filter((word) => word !== '')
        .join(', '),
    ]),
  );
  const { without } = attack;
  return [
    `### ${attack.kind}/${attack.name}`,
    '',
    `A miner that ${attack.what}. Strength: ${attack.strength}. Stopped by: ${attack.stoppedBy}.${without ? ` Without: ${without.rule}.` : ''} Found as: ${attack.origin}.`,
    '',
    row(['', 'strength', 'accepted', 'interval', 'bound', 'credit', 'own', '']),
    row(new Array<string>(8).fill('---')),
    ...lines,
  ].join('\n');
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Four digits, without what is no digit of them. */
const number = (value: number): string => `${Number(value.toPrecision(4))}`;

const rate = (value: number): string =>
  value === 0 || value >= 0.001 ? value.toFixed(3) : value.toExponential(0);
