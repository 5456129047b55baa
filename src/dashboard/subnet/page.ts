// Owns: the page of the subnet as a whole: who gets what, price, epoch clock, validators' agreement, weights, hyperparameters. Does
// not own: the numbers (view.ts), reading a chain (the source).
import type { Links, Page, PageRequest } from '../page.js';
import {
  badge,
  card,
  duration,
  empty,
  type Html,
  html,
  key,
  notice,
  number,
  percent,
  stranger,
  table,
  tiles,
  time,
  tokens,
  unknown,
} from '../parts.js';
import type { ValidatorRow } from './agreement.js';
import { meaningOf, valueText } from './changes.js';
import type { EmissionRole } from './emission.js';
import { heatMapSvg } from './heat-map.js';
import type { EpochClock, SubnetView } from './view.js';

export interface SubnetSource {
  /** As it was read last; undefined while nothing was, and `why` says what is the matter. */
  current(): Promise<{ readonly view?: SubnetView | undefined; readonly why?: string | undefined }>;
  /** changes when `current` would answer otherwise */
  version(): string;
}

export const createSubnetPage = (source: SubnetSource): Page => ({
  name: 'subnet',
  label: 'Subnet',
  version: () => source.version(),
  async render({ links }: PageRequest) {
    const { view, why } = await source.current();
    if (!view)
      return {
        status: 503,
        title: 'Subnet',
        body: empty(
          html`The chain was not read yet${why === undefined ? undefined : html`: ${stranger(why, 300)}`}. This page shows what the chain says; the others go on without it.`,
        ),
      };
    const { subnet, summary } = view.reading;
    return {
      title: 'Subnet',
      lead: html`${subnet.netuid}${summary?.name ? html` ${stranger(summary.name, 40)}` : undefined} at block ${subnet.block}, ${subnet.neurons.length} neurons`,
      body: bodyOf(view, links, why),
    };
  },
});

function bodyOf(view: SubnetView, links: Links, why: string | undefined): Html {
  return html`${why === undefined ? undefined : notice('warn', html`The chain cannot be read just now: ${stranger(why, 300)}. This is what it said last.`)}
${tilesOf(view)}
<div class="grid">
${clockCard(view.clock)}
${emissionCard(view)}
</div>
${validatorsCard(view, links)}
${weightsCard(view, links)}
${hyperparametersCard(view)}`;
}

function tilesOf({ reading, emission }: SubnetView): Html {
  const { prices, summary, subnet } = reading;
  const priceRao = prices?.alphaRao ?? summary?.priceRao;
  const perDayTao = priceRao === undefined ? undefined : (emission.perDayRao * priceRao) / 1_000_000_000n;
  const moving = summary?.movingPrice;
  return tiles([
    {
      what: 'Price of alpha',
      value: tokens(priceRao, 6),
      unit: 'TAO',
      how: moving
        ? html`moving average ${number(Number(moving.bits) / 2 ** moving.fractionBits)}`
        : undefined,
    },
    {
      what: 'Emission',
      value: tokens(emission.perDayRao, 0),
      unit: 'alpha per day',
      how: html`${tokens(perDayTao, 2)} TAO at this price`,
    },
    {
      what: 'Burned of incentive',
      value: percent(emission.burnShare),
      how: "given to the owner's own hotkeys",
    },
    {
      what: 'Pool',
      value: tokens(summary?.taoInRao, 0),
      unit: 'TAO',
      how: html`${tokens(summary?.alphaInRao, 0)} alpha in it, ${tokens(summary?.alphaOutRao, 0)} outside`,
    },
    {
      what: 'Registration',
      value: tokens(prices?.registrationRao, 4),
      unit: 'TAO',
      how: 'burned for a new hotkey',
    },
    {
      what: 'Validators',
      value: `${subnet.neurons.filter(({ validatorPermit }) => validatorPermit).length}`,
      unit: `of ${subnet.neurons.length}`,
      how: 'with a permit',
    },
  ]);
}

function clockCard(clock: EpochClock): Html {
  const { epoch, block, tempo, lastEpochBlock, nextEpochBlock, done, blocksLeft, msLeft } = clock;
  if (done === undefined)
    return card('epoch-clock', 'Epoch clock', empty('This subnet has no epochs: its tempo is 0.'));
  const name = `Epoch ${epoch} is ${(done * 100).toFixed(0)} percent over; ${blocksLeft} blocks are left`;
  const width = Math.round(done * 400);
  return card(
    'epoch-clock',
    'Epoch clock',
    html`<svg class="chart bar" viewBox="0 0 400 14" preserveAspectRatio="none" role="img" aria-label="${name}">
<rect class="h0" width="400" height="14"/><rect class="dot" width="${width}" height="14"/></svg>
<dl class="facts"><dt>Epoch</dt><dd>${epoch}</dd><dt>Next one</dt><dd>in ${blocksLeft ?? '?'} blocks${msLeft === undefined ? undefined : html`, about ${duration(msLeft)}`}</dd>
<dt>Block</dt><dd>${block}, from ${lastEpochBlock} to ${nextEpochBlock ?? '?'}</dd><dt>Tempo</dt><dd>${tempo} blocks between epochs</dd></dl>`,
  );
}

const ROLE_NAMES: Readonly<Record<EmissionRole, string>> = {
  miners: 'Miners',
  validators: 'Validators and their stakers',
  owner: "Owner's cut",
  burned: 'Burned or recycled',
};

function emissionCard({ emission, reading }: SubnetView): Html {
  if (emission.epochRao === 0n)
    return card(
      'emission',
      'Emission by role',
      empty('The last epoch assigned nothing: no weights counted, or emission has not begun.'),
    );
  const priceRao = reading.prices?.alphaRao ?? reading.summary?.priceRao;
  let x = 0;
  const tones = ['h4', 'h3', 'h2', 'h1'];
  const bars = emission.roles.map(({ share }, i) => {
    const width = share * 400;
    const bar = html`<rect class="${tones[i]!}" x="${x.toFixed(1)}" width="${width.toFixed(1)}" height="16"/>`;
    x += width;
    return bar;
  });
  return card(
    'emission',
    'Emission by role',
    html`<svg class="chart bar" viewBox="0 0 400 16" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>
${table(
  'Emission by role',
  [
    {
      heading: 'role',
      kind: 'text',
      cell: ({ role }, i) =>
        html`<svg class="inline" width="10" height="10" viewBox="0 0 10 10" aria-hidden="true"><rect class="${tones[i]!}" width="10" height="10" rx="2"/></svg> ${ROLE_NAMES[role]}`,
    },
    { heading: 'share', cell: ({ share }) => percent(share) },
    { heading: 'alpha per day', cell: ({ perDayRao }) => tokens(perDayRao, 2) },
    {
      heading: 'TAO per day',
      cell: ({ perDayRao }) =>
        priceRao === undefined ? unknown : tokens((perDayRao * priceRao) / 1_000_000_000n, 3),
    },
  ],
  emission.roles,
)}`,
    'What the last epoch assigned, told apart by the incentive and dividends it left; a day is as many epochs as blocks of this length allow.',
  );
}

function validatorsCard({ agreement, reading }: SubnetView, links: Links): Html {
  const title = 'Validators';
  if (!agreement)
    return card('validators', title, empty('The rows of weights could not be read from this node.'));
  const { subnet } = reading;
  return card(
    'validators',
    title,
    table(
      title,
      [
        { heading: 'uid', cell: ({ uid }) => `${uid}` },
        { heading: 'hotkey', kind: 'text', cell: ({ hotkey }) => key(hotkey) },
        { heading: 'counts', kind: 'text', cell: countsText },
        { heading: 'stake', cell: ({ stakeShare }) => percent(stakeShare) },
        { heading: 'trust', cell: ({ trust }) => percent(trust) },
        { heading: 'agreement', cell: ({ agreement: own }) => percent(own) },
        { heading: 'weights', optional: true, cell: ({ weights }) => `${weights}` },
        { heading: 'dividends', optional: true, cell: ({ dividends }) => percent(dividends) },
        {
          heading: 'row set',
          optional: true,
          cell: ({ ageBlocks }) => html`${ageBlocks} blocks ago`,
        },
      ],
      agreement.validators,
      { whenEmpty: 'Nobody has a validator permit.' },
    ),
    html`Trust is the part of a row that a majority of stake supports; agreement the part that the others' mean has too. Made here from the rows of block ${reading.weightsBlock}. ${
      subnet.commitRevealEnabled
        ? html`Rows are sealed for ${subnet.revealPeriodEpochs} ${subnet.revealPeriodEpochs === 1 ? 'epoch' : 'epochs'}: what was committed since is not in them yet.`
        : undefined
    }${links.has('leaderboard') ? html` <a href="${links.page('leaderboard')}">The miners they weigh</a>` : undefined}`,
  );
}

const countsText = ({ why }: ValidatorRow): Html =>
  why === undefined ? badge('good', 'yes') : badge('quiet', why);

const NAMED_MINERS = 50;

function weightsCard({ agreement, heatMap, reading }: SubnetView, links: Links): Html {
  const title = 'Weights';
  if (!agreement || !heatMap || heatMap.rows.length === 0 || heatMap.columns.length === 0)
    return card('weights', title, empty('No row that counts has a weight above zero.'));
  const { neurons } = reading.subnet;
  const byUid = new Map(neurons.map((neuron) => [Number(neuron.uid), neuron]));
  const miners = heatMap.columns.flat();
  const together = heatMap.columns[0]!.length;
  const rows = miners.slice(0, NAMED_MINERS).map((uid) => {
    const given = [...agreement.rows.values()].map((row) => row[uid]!);
    return {
      uid,
      neuron: byUid.get(uid),
      consensus: agreement.consensus[uid]!,
      least: Math.min(...given),
      most: Math.max(...given),
      by: given.filter((value) => value > 0).length,
    };
  });
  const about = html`Validators down, by stake; ${miners.length} miners across, by consensus${together > 1 ? `, ${together} to a column` : ''}. The darkest is ${percent(heatMap.most, 3)} of a row, tones go by the root.${heatMap.rowsLeftOut > 0 ? ` ${heatMap.rowsLeftOut} validators with less stake are left out.` : ''}`;
  return card(
    'weights',
    title,
    html`<div class="scroll" tabindex="0" role="region" aria-label="Weights as a picture">${heatMapSvg(heatMap)}</div>
<details><summary>The ${rows.length} miners with the most consensus</summary>
${table(
  'Weights of miners',
  [
    { heading: 'uid', cell: ({ uid }) => `${uid}` },
    {
      heading: 'hotkey',
      kind: 'text',
      cell: ({ neuron }) =>
        neuron
          ? key(neuron.hotkey, links.has('miner') ? { href: links.page('miner', [neuron.hotkey]) } : {})
          : unknown,
    },
    { heading: 'consensus', cell: ({ consensus }) => percent(consensus, 3) },
    { heading: 'least', cell: ({ least }) => percent(least, 3) },
    { heading: 'most', cell: ({ most }) => percent(most, 3) },
    { heading: 'weighed by', cell: ({ by }) => `${by} of ${agreement.rows.size}` },
    {
      heading: 'incentive',
      optional: true,
      cell: ({ neuron }) => percent((neuron?.incentive ?? 0) / 65_535, 3),
    },
  ],
  rows,
)}</details>`,
    about,
  );
}

function hyperparametersCard({ reading, changes, watchedSince }: SubnetView): Html {
  const { hyperparameters, freeze, subnet, blockTimeMs, readMs } = reading;
  const title = 'Hyperparameters';
  if (hyperparameters.length === 0)
    return card('hyperparameters', title, empty('This node does not say them.'));
  const seen = new Map(changes.map((change) => [change.name, change] as const).reverse());
  const whenOf = (block: number): Html =>
    html`block ${block}, about ${duration(Math.max(0, subnet.block - block) * blockTimeMs)} ago`;
  const frozen = freeze?.next;
  const isFrozen = frozen && subnet.block + 1 >= frozen.from && subnet.block + 1 < frozen.until;
  return card(
    'hyperparameters',
    title,
    html`${table(
      title,
      [
        { heading: 'name', kind: 'text', cell: ({ entry }) => html`<code>${entry.name}</code>` },
        { heading: 'value', cell: ({ entry }) => valueText(entry) },
        { heading: 'is', cell: ({ entry }) => meaningOf(entry) ?? '' },
        { heading: 'set by', kind: 'text', optional: true, cell: ({ setBy }) => setBy ?? '' },
        {
          heading: 'last change',
          kind: 'text',
          cell({ entry, setAtBlock }) {
            const change = seen.get(entry.name);
            if (change && change.block > (setAtBlock ?? 0))
              return html`from ${change.from}, in or before ${whenOf(change.block)}`;
            if (setAtBlock === undefined) return html`<span class="quiet">not kept</span>`;
            return setAtBlock === 0
              ? html`<span class="quiet">never by its owner</span>`
              : whenOf(setAtBlock);
          },
        },
      ],
      hyperparameters,
    )}
${
  changes.length === 0
    ? undefined
    : html`<details><summary>${changes.length} ${changes.length === 1 ? 'change' : 'changes'} seen since block ${watchedSince ?? subnet.block}</summary>
${table(
  'Changes seen',
  [
    { heading: 'name', kind: 'text', cell: ({ name }) => html`<code>${name}</code>` },
    { heading: 'from', cell: ({ from }) => from },
    { heading: 'to', cell: ({ to }) => to },
    { heading: 'between blocks', cell: ({ afterBlock, block }) => html`${afterBlock} and ${block}` },
  ],
  changes,
)}</details>`
}`,
    html`The chain keeps when an owner's call set a value last, and no history; what changes while this dashboard watches is listed too. ${
      frozen === undefined
        ? undefined
        : isFrozen
          ? html`They are frozen until block ${frozen.until}: an epoch is near.`
          : html`They freeze from block ${frozen.from} to ${frozen.until}, before the epoch.`
    } Read at ${time(readMs)} UTC.`,
  );
}
