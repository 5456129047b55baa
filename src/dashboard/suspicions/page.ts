// Owns: the page of suspicions, for the subnet's owner alone: findings, their evidence, what they do not prove. Does not own: the
// analysis (suspicions.ts), when it is made (the source).
import { invalid } from '../../model/invalid-input.js';
import type { Links, Page, PageRequest } from '../page.js';
import {
  badge,
  card,
  empty,
  type Html,
  html,
  key,
  notice,
  number,
  sentence,
  stranger,
  type Tone,
  table,
  tiles,
  time,
} from '../parts.js';
import { LEAST_EVENTS as LATE_EVENTS } from './late-pairs.js';
import { type Analysis, type Finding, STRENGTHS, type Strength } from './suspicions.js';
import { LEAST_EVENTS as TIMING_EVENTS } from './timing.js';

export interface SuspicionsSource {
  /** The newest analysis; made when it is asked for and old. */
  current(signal: AbortSignal): Promise<{ readonly analysis: Analysis; readonly madeMs: number }>;
}

const TONES: Readonly<Record<Strength, Tone>> = { strong: 'bad', hint: 'warn', fact: 'quiet' };
const WORDS: Readonly<Record<Strength, string>> = { strong: 'strong', hint: 'hint', fact: 'fact' };
const WHATS: Readonly<Record<Finding['what'], string>> = {
  certificate: 'TLS key',
  port: 'port that answered',
  'late-in-turns': 'late in turns',
  endpoint: 'endpoint',
  'call-back': 'call back',
  timing: 'timing',
  'late-together': 'late together',
  coldkey: 'coldkey',
  address: 'address',
  network: 'IPv6 network',
};

const PER_PAGE = 40;
const HOTKEYS_SHOWN = 24;

export const createSuspicionsPage = (source: SuspicionsSource): Page => ({
  name: 'suspicions',
  label: 'Suspicions',
  isPrivate: true,
  async render({ links, query, signal }: PageRequest) {
    const asked = askedOf(query);
    const { analysis, madeMs } = await source.current(signal);
    const found = analysis.findings.filter(
      ({ strength, what, hotkeys }) =>
        (asked.strength === undefined || strength === asked.strength) &&
        (asked.what === undefined || what === asked.what) &&
        (asked.hotkey === undefined || hotkeys.some((hotkey) => hotkey.includes(asked.hotkey!))),
    );
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE));
    const page = Math.min(asked.page, pages);
    const shown = found.slice((page - 1) * PER_PAGE, page * PER_PAGE);
    return {
      title: 'Suspicions',
      lead: html`Hotkeys that seem to be one. A finding costs nobody anything: proofs and the policy decide what is paid.`,
      body: html`${tilesOf(analysis)}
${analysis.leftOut.length === 0 ? undefined : notice('info', `Not looked at: ${analysis.leftOut.join('; ')}.`)}
${formOf(asked)}
${
  shown.length === 0
    ? card(
        'findings',
        'Findings',
        empty(
          analysis.findings.length > 0
            ? 'No finding is of this kind.'
            : analysis.outcomes === 0
              ? 'No verdict was seen yet: what hotkeys announce is looked at, their timing needs some dozen events.'
              : `Nothing was found. Late pairs need ${LATE_EVENTS} events that asked both, timing ${TIMING_EVENTS} that both answered: with fewer nothing can be told from chance. That nothing is found proves nothing either.`,
        ),
      )
    : findingsHtml(shown, (page - 1) * PER_PAGE, links)
}
${pages > 1 ? pager({ page, pages, count: found.length }, asked, links) : undefined}
${namedCard(analysis, links)}
<p class="about">Made at ${time(madeMs)} UTC. Evidence is judged again by <code>assay validator replay --data FOLDER OUTCOME</code>.</p>`,
    };
  },
});

interface Asked {
  readonly strength: Strength | undefined;
  readonly what: Finding['what'] | undefined;
  readonly hotkey: string | undefined;
  readonly page: number;
}

/** @throws AssayError `invalid-input` for what no form of ours sends */
function askedOf(query: URLSearchParams): Asked {
  const one = <T extends string>(name: string, of: readonly T[]): T | undefined => {
    const value = query.get(name);
    if (value === null || value === '') return undefined;
    if (!(of as readonly string[]).includes(value))
      throw invalid(name, `one of ${of.join(', ')}`, value.slice(0, 40));
    return value as T;
  };
  const page = query.get('page') ?? '1';
  if (!/^[1-9]\d{0,3}$/.test(page)) throw invalid('page', 'a number from 1 on', page.slice(0, 40));
  const hotkey = query.get('hotkey')?.trim();
  return {
    strength: one('strength', STRENGTHS),
    what: one('what', Object.keys(WHATS) as Finding['what'][]),
    hotkey: hotkey === undefined || hotkey === '' ? undefined : hotkey.slice(0, 64),
    page: Number(page),
  };
}

function tilesOf({ findings, hotkeys, outcomes, comparedPairs }: Analysis): Html {
  const count = (strength: Strength) => `${findings.filter((each) => each.strength === strength).length}`;
  return tiles([
    { what: 'Strong', value: count('strong'), how: 'one host or one device explains it best' },
    { what: 'Hints', value: count('hint'), how: 'chance does not explain it' },
    { what: 'Facts', value: count('fact'), how: 'honest owners have them too' },
    { what: 'Looked at', value: number(hotkeys), unit: 'hotkeys', how: html`${number(outcomes)} verdicts` },
    {
      what: 'Compared by timing',
      value: number(comparedPairs),
      unit: 'pairs',
      how: 'chance is counted over all pairs and all looks together',
    },
  ]);
}

const option = (value: string, label: string, chosen: string | undefined): Html =>
  html`<option value="${value}"${value === (chosen ?? '') ? html` selected` : undefined}>${label}</option>`;

const formOf = ({ strength, what, hotkey }: Asked): Html =>
  html`<form class="filters" method="get" data-auto>
<label>Strength <select name="strength">${option('', 'all', strength)}${STRENGTHS.map((each) => option(each, WORDS[each], strength))}</select></label>
<label>What <select name="what">${option('', 'all', what)}${Object.entries(WHATS).map(([value, label]) => option(value, label, what))}</select></label>
<label class="grow">Hotkey <input name="hotkey" value="${hotkey ?? ''}" maxlength="64" autocomplete="off" spellcheck="false"></label>
<button type="submit">Show</button></form>`;

/** What is no more than a fact is many of a kind: a table of each, with what none of them proves said once. */
function findingsHtml(shown: readonly Finding[], first: number, links: Links): Html {
  const facts = new Map<Finding['what'], Finding[]>();
  const cards: Html[] = [];
  for (const [i, finding] of shown.entries())
    if (finding.strength !== 'fact') cards.push(findingCard(finding, first + i, links));
    else facts.set(finding.what, [...(facts.get(finding.what) ?? []), finding]);
  for (const [what, findings] of facts) cards.push(factsCard(what, findings, links));
  return html`${cards}`;
}

const namesOf = (hotkeys: readonly string[], links: Links): Html => {
  const named = hotkeys
    .slice(0, HOTKEYS_SHOWN)
    .map(
      (hotkey) => html`${key(hotkey, links.has('miner') ? { href: links.page('miner', [hotkey]) } : {})} `,
    );
  const more = hotkeys.length - HOTKEYS_SHOWN;
  return html`${named}${more > 0 ? `and ${more} more` : undefined}`;
};

function factsCard(what: Finding['what'], findings: readonly Finding[], links: Links): Html {
  const title = `Shared: ${WHATS[what]}`;
  return card(
    `facts-${what}`,
    title,
    html`<p>${badge(TONES.fact, WORDS.fact)}</p>
${table<Finding>(
  title,
  [
    { heading: WHATS[what], kind: 'text', cell: ({ evidence }) => stranger(evidence[0]![1], 64) },
    { heading: 'hotkeys', cell: ({ hotkeys }) => `${hotkeys.length}` },
    { heading: 'which', kind: 'text', cell: ({ hotkeys }) => namesOf(hotkeys, links) },
    { heading: 'owners', kind: 'text', optional: true, cell: ({ evidence }) => evidence[1]?.[1] ?? '' },
  ],
  findings,
)}
<p class="about"><strong>What it does not prove.</strong> ${findings[0]!.doesNotProve}</p>`,
  );
}

function findingCard(
  { strength, what, title, hotkeys, evidence, outcomes, doesNotProve }: Finding,
  i: number,
  links: Links,
): Html {
  const facts = evidence.map(
    ([name, seen]) => html`<dt>${sentence(name)}</dt><dd>${stranger(seen, 200)}</dd>`,
  );
  const commands = outcomes.map((id) => html`<li>${key(id, { ends: 16 })}</li>`);
  // an article and no region: dozens of landmarks lead nowhere, and two findings may have one title
  return html`<article class="card" id="finding-${i}"><h2>${sentence(title)}</h2>
<p>${badge(TONES[strength], WORDS[strength])} ${badge('quiet', WHATS[what])}</p>
<p>${namesOf(hotkeys, links)}</p>
<dl class="facts">${facts}</dl>
<p class="about"><strong>What it does not prove.</strong> ${doesNotProve}</p>
${outcomes.length === 0 ? undefined : html`<details><summary>Evidence to replay: ${outcomes.length}</summary><ul>${commands}</ul></details>`}
</article>
`;
}

function pager(
  { page, pages, count }: { readonly page: number; readonly pages: number; readonly count: number },
  { strength, what, hotkey }: Asked,
  links: Links,
): Html {
  const to = (n: number, label: string): Html =>
    html`<a class="button" href="${links.page('suspicions', [], { strength, what, hotkey, page: `${n}` })}">${label}</a>`;
  return html`<nav class="pager" aria-label="Findings"><span>${count} findings, page ${page} of ${pages}</span><span>${page > 1 ? to(page - 1, 'Before') : undefined} ${page < pages ? to(page + 1, 'Next') : undefined}</span></nav>`;
}

const NAMED = 100;

function namedCard({ named }: Analysis, links: Links): Html | undefined {
  if (named.length === 0) return undefined;
  return card(
    'named',
    'Named by several kinds',
    table(
      'Hotkeys that several kinds of findings name',
      [
        {
          heading: 'hotkey',
          kind: 'text',
          cell: ({ hotkey }) => key(hotkey, { href: links.page('suspicions', [], { hotkey }) }),
        },
        { heading: 'by', kind: 'text', cell: ({ whats }) => whats.map((what) => WHATS[what]).join(', ') },
      ],
      named.slice(0, NAMED),
    ),
    'What two kinds of evidence name independently deserves the first look.',
  );
}
