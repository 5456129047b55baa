// Owns: one soak's findings as a section of docs/reliability.md, and its place there. Does not own: what was found.
import type { Circumstances, Findings, Soak } from './soak.js';

const begin = (name: string): string =>
  `<!-- ${name}: written by \`npm run reliability -- ${name} --write\` -->`;
const end = (name: string): string => `<!-- end of ${name} -->`;

export const emptyPage = (): string =>
  [
    '# Reliability',
    '',
    'What was done to Assay, and what it did. Each section is written by a command: run it again, with the same seed, and compare.',
    'A claim that did not hold says so here; what hangs on how busy a machine is, does on a busy one.',
    '',
    '| command | shows | takes |',
    '|---|---|---|',
    '| `npm run reliability -- kills` | real processes killed at random times: no outcome lost or doubled, weights once an epoch, nobody paid less for our own death | half an hour |',
    '| `npm run reliability -- crowd` | a thousand miners, one in twenty hostile, one validator on two cores: throughput and memory hold, no liar is paid | a quarter of an hour |',
    '| `npm run reliability -- fuzz` | a million messages, files and answers that are nearly right, to all that reads them and to live ports: no crash, no growth, every refusal by name | ten minutes |',
    '| `npm run reliability -- floods` | what strangers can do to a port, what it costs them and us, while an honest event goes on | ten minutes |',
    '| `npm run reliability -- faults` | Redis, disks, clocks, names, certificates and permissions that fail, each with a test of what must come of it | two minutes |',
    '',
    '`--seed TEXT` draws the same again, `--minutes N` bounds it, `--set KEY=VALUE` changes what the section names as its settings (a wrong one lists them), `--json` prints',
    'what was found, `--write` puts it here. The exit code is 1 where a claim does not hold. `npm test` runs small ones of all five.',
    '',
  ].join('\n');

export function renderSection(
  { title, about }: Pick<Soak, 'title' | 'about'>,
  { name, seed, commit, date, seconds, machine, settings }: Circumstances,
  { claims, figures, notes = [] }: Findings,
): string {
  const set = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  const broken = claims.filter(({ holds }) => !holds).length;
  return [
    begin(name),
    `## ${title}`,
    '',
    about,
    '',
    `Seed \`${seed}\`, commit ${commit}, ${date}, ${duration(seconds)}${set.length === 0 ? '' : `; ${set.join(', ')}`}.`,
    `${machine}.`,
    '',
    broken === 0 ? 'Every claim holds.' : `**${broken} of ${claims.length} claims do not hold.**`,
    '',
    '| claim | holds | found |',
    '|---|---|---|',
    ...claims.map(
      ({ what, holds, found }) => `| ${cell(what)} | ${holds ? 'yes' : '**no**'} | ${cell(found)} |`,
    ),
    ...(figures.length === 0 ? [] : ['', '| figure | value |', '|---|---|']),
    ...figures.map(({ what, value, unit }) => `| ${cell(what)} | ${number(value)} ${unit} |`),
    ...(notes.length === 0 ? [] : ['', ...notes.map((note) => `- ${note}`)]),
    end(name),
  ].join('\n');
}

/** The page with this section in place of the one of the same name, or behind the last. */
export function replaceSection(page: string, name: string, section: string): string {
  const [from, to] = [page.indexOf(begin(name)), page.indexOf(end(name))];
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${section}\n`;
  return page.slice(0, from) + section + page.slice(to + end(name).length);
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
const number = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
const duration = (seconds: number): string => `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
