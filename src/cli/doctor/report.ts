// Owns: how the doctor tells what it found. Does not own: what it found (examine.ts).
import { availableParallelism, cpus, totalmem } from 'node:os';
import type { Credit, Resource } from '../../model/credit.js';
import { BY_SIZE, classOf, DERIVED } from '../../verification/classes.js';
import { gibibytes, scaled } from '../facts.js';
import { print, printProse } from '../output.js';
import { Table, terminalWidth } from '../table.js';
import { withoutControls } from '../text-width.js';
import type { Check } from './check.js';
import type { Earnings } from './earnings.js';
import { type Asked, computes, type Finding, type Host } from './finding.js';

export function show(
  findings: readonly Finding[],
  {
    devices,
    card,
    notes,
  }: Pick<Host, 'devices' | 'card'> & { readonly notes: readonly string[] | undefined },
  { small }: Asked,
  tookMs: number,
): void {
  const [cpu] = cpus();
  printProse(
    `host: ${availableParallelism()} CPUs (${cpu?.model.trim() ?? 'unknown'}), ${gibibytes(totalmem())} of memory`,
  );
  printProse(`products: ${devices.compute.name}`);
  const table = new Table({
    head: [
      'kind',
      'class',
      'result',
      'would be credited',
      'counts one',
      'share',
      'commits, ms',
      'opening',
      'took',
    ],
  });
  for (const {
    kind,
    class: name,
    state,
    credit,
    nominal,
    share,
    steps,
    openingBytes,
    tookMs: took,
  } of findings) {
    const ran = steps.length > 0;
    const amounts = creditLines(state === 'proven' ? credit : {}, nominal);
    table.push([
      kind,
      name ?? '-',
      state,
      amounts.map(([credited]) => credited).join('\n') ||
        (state === 'proven' ? 'nothing: it only shows life' : '-'),
      amounts.map(([, one]) => one).join('\n') || '-',
      state === 'proven' ? share.toFixed(2) : '-',
      steps.map(({ from, tookMs: at, withinMs }) => `${from} ${Math.round(at)} of ${withinMs}`).join('\n') ||
        '-',
      ran ? `${(openingBytes / 1e6).toFixed(2)} MB` : '-',
      ran ? `${(took / 1000).toFixed(1)} s` : '-',
    ]);
  }
  print(table.toString());
  for (const { kind, class: name, state, said, fix, note, credit } of findings) {
    if (state !== 'proven') printProse(`${kind}: ${said}`);
    if (fix) printProse(`${kind}: ${fix}`);
    if (note) printProse(`${kind}: ${note}`);
    const advice = name === undefined ? undefined : classAdvice(name, credit);
    if (advice) printProse(`${kind}: ${advice}`);
  }
  for (const note of notes ?? []) printProse(`${card?.id ?? 'cpu'}: ${note}`);
  const proven = findings.filter(({ state }) => state === 'proven');
  const failed = findings.filter(({ state }) => state === 'failed').length;
  printProse(
    `${proven.length} proven, ${failed} failed, ${findings.length - proven.length - failed} not for this host; ${Math.round(tookMs / 1000)} s`,
  );
  if (small)
    printProse(
      'small classes are for simulated devices: they show that proofs work here, not what they earn',
    );
  else if (proven.length > 0) {
    printProse(
      `share: of a slot that counts one in its class. Each was proven by itself: slots of one host share its cores${card ? ', those of a card the card' : ''}`,
    );
    const slots = proven
      .filter(({ kind }) => SERVED.has(kind))
      .map(({ kind, class: name }) => `${kind}:${name}${card && computes([kind]) ? `@${card.id}` : ''}`);
    // to be copied: a line break would be, too
    if (slots.length > 0) print(`to serve them: assay miner start --slots ${slots.join(' ')} --help`);
  }
}

const MARKS: Readonly<Record<Check['state'], string>> = {
  ok: 'ok',
  warning: 'warn',
  failed: 'FAIL',
  unknown: '?',
};

/** Words in lines of so many columns, all but the first indented alike; a word that is longer stands alone. */
export function wrapped(text: string, indent: number, columns: number): string {
  const room = Math.max(20, columns - indent);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${' '.repeat(indent)}`);
}

/** A line each, and under it what to do. Names of chains, and words of drivers, are strangers'. */
export function showChecks(checks: readonly Check[]): void {
  const width = Math.max(0, ...checks.map(({ about }) => about.length));
  const indent = 8 + width;
  const columns = terminalWidth();
  for (const { about, state, said, fix } of checks) {
    print(
      `${MARKS[state].padEnd(4)}  ${about.padEnd(width)}  ${wrapped(withoutControls(said), indent, columns)}`,
    );
    if (fix !== undefined) print(`${' '.repeat(indent)}${wrapped(`fix: ${fix}`, indent, columns)}`);
  }
}

/** Each number beside what it is made of. */
export function showEarnings({ worthLines, alone, beside, beginLines }: Earnings): void {
  const columns = terminalWidth();
  const tell = (text: string) => print(`  ${wrapped(text, 4, columns)}`);
  print('what it would earn');
  for (const { text } of worthLines) tell(text);
  const first = beside.basis;
  for (const { basis, said, lines } of first === 'nobody' ? [alone] : [beside, alone]) {
    print(` ${wrapped(said, 1, columns)}:`);
    // what the subnet makes is the same whoever is paid
    for (const { step, text } of lines) if (step !== 'emission' || basis === first) tell(text);
  }
  for (const { text } of beginLines) tell(text);
}

/** What needs nothing but this host to be served; a plot, a port and a class of the line are said there. */
const SERVED: ReadonlySet<string> = new Set(['compute', 'memory', 'host-memory', 'storage']);

/** What a card is, by what it proved: whatever it is called, and whichever class it was proven under. */
export function classAdvice(claimed: string, credit: Credit): string | undefined {
  const isCard = DERIVED.some((each) => each.class === claimed) || claimed.startsWith(BY_SIZE);
  if (!isCard || credit.opsPerS === undefined) return undefined;
  if (credit.deviceBytes === undefined) return 'products alone give no class: the memory of the card does';
  const its = classOf(credit)?.class;
  if (its === undefined) return `less than any class is expected to: ${claimed} pays what was proven of it`;
  return its === claimed ? `what ${claimed} is expected to` : `what ${its} is expected to: claim that`;
}

const UNITS: Readonly<Record<Resource, string>> = {
  opsPerS: 'op/s',
  hashBytesPerS: 'B/s hashed',
  deviceBytes: 'B of device memory',
  deviceBytesPerS: 'B/s read from it',
  hostBytes: 'B of host memory',
  hostBytesPerS: 'B/s read from it',
  storageBytes: 'B of storage',
  storageBytesPerS: 'B/s read from it',
  downBytesPerS: 'B/s from peers',
  upBytesPerS: 'B/s to peers',
};

/** `223 Gop/s` and what counts one, a line for each resource of either; `-` where one of them has none of it. */
function creditLines(credit: Credit, nominal: Credit): (readonly [credited: string, one: string])[] {
  const beside = credit.opsPerS === undefined ? undefined : 'hashBytesPerS';
  const text = (amount: number | undefined, resource: Resource): string =>
    amount === undefined
      ? '-'
      : `${scaled(amount)}${UNITS[resource]}${resource === beside ? ' in the same work' : ''}`;
  const resources = [...new Set([...Object.keys(credit), ...Object.keys(nominal)])] as Resource[];
  return resources.map((resource) => [
    text(credit[resource], resource),
    text(nominal[resource], resource).split(' ').slice(0, 2).join(' '),
  ]);
}
