// Owns: which charts a run has, and which columns of its series each shows. Does not own: drawing (charts.ts, client.ts).

import { type ShareRule, shareRuleAt } from '../shares.js';
import type { Series } from '../simulator/series.js';
import type { SimulationResult } from '../simulator/simulate.js';
import type { Measured } from './numbers.js';
import { COLOURS, DASH_EVERY, DASHES } from './palette.js';
import type { TimeAxis } from './time-axis.js';

export interface Line {
  readonly label: string;
  /** custom property of the style sheet */
  readonly colour: string;
  /** as SVG's stroke-dasharray */
  readonly dash: string;
  readonly values: readonly Measured[];
}

/** One chart over time. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  /** what to look for, in a sentence */
  readonly note: string;
  readonly shape: 'stack' | 'lines';
  readonly unit: string;
  /** a share or an amount whose size is compared, rather than its course */
  readonly isFromZero: boolean;
  readonly isWide: boolean;
  readonly lines: readonly Line[];
  /** in the table alone */
  readonly beside: readonly {
    readonly label: string;
    readonly unit: string;
    readonly values: readonly Measured[];
  }[];
}

export interface Chapter {
  readonly id: string;
  readonly title: string;
  readonly figures: readonly Figure[];
}

/** All charts over time, of a series as it is or with fewer points. */
export function chaptersOf(result: SimulationResult, series: Series, time: TimeAxis): Chapter[] {
  const read = reader(series, time);
  const names = (role: 'validator' | 'miner'): string[] =>
    result.groups.filter((group) => group.role === role).map(({ name }) => name);
  return [
    { id: 'emission', title: 'Emission', figures: [emissionByRole(read)] },
    {
      id: 'price',
      title: 'Price and pool',
      figures: priceAndPool(read, shareRuleAt(result.scenario.network.specVersion)),
    },
    { id: 'tao', title: 'TAO and the subnet', figures: taoAndSubnet(read) },
    { id: 'validators', title: 'Validators', figures: ofValidators(read, names('validator')) },
    { id: 'miners', title: 'Miners', figures: ofMiners(read, names('miner')) },
  ].filter(({ figures }) => figures.length > 0);
}

interface Reader {
  level(column: string): Measured[];
  percent(column: string): Measured[];
  perDay(column: string): Measured[];
}

function reader(series: Series, { spanDays }: TimeAxis): Reader {
  const level = (column: string): Measured[] => {
    const index = series.columns.findIndex(({ name }) => name === column);
    if (index < 0) throw new RangeError(`column: expected one of the series, got ${column}`);
    return series.points.map((point) => point[index]);
  };
  return {
    level,
    percent: (column) => level(column).map((value) => value! * 100),
    perDay: (column) => level(column).map((value, i) => value! / spanDays[i]!),
  };
}

function emissionByRole({ perDay }: Reader): Figure {
  const roles = ['miners', 'validators', 'owner', 'root'];
  return {
    id: 'emission-by-role',
    title: 'Emission by role',
    note: "Alpha minted for those who take part. Validators' part is with their stakers'; root is what is set aside for TAO stakers, and goes to nobody where no validator has root stake.",
    shape: 'stack',
    unit: 'alpha per day',
    isFromZero: true,
    isWide: true,
    lines: [
      ...roles.map((role, i) => ({ ...look(i), dash: '', label: role, values: perDay(`alpha.${role}`) })),
      { label: 'burned', colour: '--neutral', dash: '', values: perDay('alpha.burned') },
      { label: 'recycled', colour: '--neutral-soft', dash: '', values: perDay('alpha.recycled') },
      { label: 'to nobody', colour: '--neutral-faint', dash: '', values: perDay('alpha.unpaid') },
    ],
    beside: [],
  };
}

const PRICE_NOTES: Readonly<Record<ShareRule, string>> = {
  price: 'The chain shares TAO out by the moving price, which follows the spot price slowly.',
  flow: 'At this spec version the chain shares TAO out by net flows, not by price.',
  'price-ema':
    'The chain shares TAO out by the moving price, which follows the spot price slowly, less what is burned.',
};

function priceAndPool({ level }: Reader, rule: ShareRule): Figure[] {
  return [
    {
      ...lines('price-of-alpha', 'Price of alpha', 'TAO per alpha'),
      note: PRICE_NOTES[rule],
      isWide: true,
      lines: [
        { ...look(0), label: 'spot', values: level('price') },
        { ...look(1), dash: DASHES[1]!, label: 'moving', values: level('price.moving') },
      ],
    },
    {
      ...lines('pool-tao', 'TAO in the pool', 'TAO'),
      note: 'Rises with injection and buys, falls with sales of alpha.',
      lines: [{ ...look(0), label: 'TAO', values: level('pool.tao') }],
    },
    {
      ...lines('pool-alpha', 'Alpha in the pool', 'alpha'),
      note: 'Rises with injection and sales, falls with buys.',
      lines: [{ ...look(2), label: 'alpha', values: level('pool.alpha') }],
    },
  ];
}

function taoAndSubnet({ level, percent, perDay }: Reader): Figure[] {
  return [
    {
      ...lines('tao-share', "The subnet's part of the chain's TAO", '%'),
      note: 'Of the TAO of each block, before the cap of the pool.',
      lines: [{ ...look(0), label: 'share', values: percent('tao.share') }],
    },
    {
      ...lines('chain-tao', 'TAO from the chain', 'TAO per day'),
      note: 'Injected as liquidity, or spent on alpha where injection meets its cap.',
      shape: 'stack',
      isFromZero: true,
      lines: [
        { ...look(0), label: 'injected', values: perDay('tao.injected') },
        { ...look(1), dash: '', label: 'chain buys', values: perDay('tao.chain-buys') },
      ],
    },
    {
      ...lines('burned-share', 'Miner emission that is withheld', '%'),
      note: "What goes to the owner's uid; the chain lowers the subnet's part by it.",
      isFromZero: true,
      lines: [{ ...look(1), dash: '', label: 'withheld', values: percent('burned.share') }],
    },
    {
      ...lines('registration', 'Price of registering', 'TAO'),
      note: 'Rises with each registration and falls by itself.',
      isFromZero: true,
      lines: [{ ...look(3), label: 'price', values: level('burn.price') }],
      beside: [{ label: 'neurons', unit: 'uids', values: level('neurons') }],
    },
  ];
}

function ofValidators({ level, percent, perDay }: Reader, names: readonly string[]): Figure[] {
  if (names.length === 0) return [];
  const of = (read: (column: string) => Measured[], what: string): Line[] =>
    names.map((name, i) => ({ ...look(i), label: name, values: read(`${name}.${what}`) }));
  const ratio = (name: string): Measured[] => {
    const stake = level(`${name}.stake`);
    return level(`${name}.dividends`).map((share, i) => (stake[i] === 0 ? undefined : share! / stake[i]!));
  };
  return [
    {
      ...lines('validator-trust', 'Validator trust', '%'),
      note: "Share of a validator's weight that survives clipping to the consensus. Mean of each group.",
      isFromZero: true,
      isWide: true,
      lines: of(percent, 'trust'),
    },
    {
      ...lines('dividends-per-stake', 'Dividends against stake', 'times its share of stake'),
      note: 'Above 1 a group earns more than its stake alone would bring.',
      lines: names.map((name, i) => ({ ...look(i), label: name, values: ratio(name) })),
      beside: names.flatMap((name) => [
        { label: `${name}, dividends`, unit: '%', values: percent(`${name}.dividends`) },
        { label: `${name}, stake`, unit: '%', values: percent(`${name}.stake`) },
      ]),
    },
    {
      ...lines('validator-alpha', 'Earned by validators', 'alpha per day'),
      note: 'Each group together, with what its stakers got.',
      isFromZero: true,
      lines: of(perDay, 'alpha'),
      beside: names.map((name) => ({
        label: `${name}, profit`,
        unit: 'TAO per day',
        values: perDay(`${name}.profit`),
      })),
    },
  ];
}

function ofMiners({ level, percent, perDay }: Reader, names: readonly string[]): Figure[] {
  if (names.length === 0) return [];
  const of = (read: (column: string) => Measured[], what: string): Line[] =>
    names.map((name, i) => ({ ...look(i), label: name, values: read(`${name}.${what}`) }));
  return [
    {
      ...lines('incentive', 'Incentive', '%'),
      note: "Each group's share of what goes to miners; what is missing to 100 goes to the owner's uid.",
      isFromZero: true,
      isWide: true,
      lines: of(percent, 'incentive'),
      beside: names.map((name) => ({
        label: `${name}, earned`,
        unit: 'alpha per day',
        values: perDay(`${name}.alpha`),
      })),
    },
    {
      ...lines('miner-profit', 'Profit of miners', 'TAO per day'),
      note: 'Sales, rent and outside income, less cost and registrations.',
      lines: of(perDay, 'profit'),
    },
    {
      ...lines('serving', 'Machines that serve', 'machines'),
      note: 'Falls when a group leaves because the price does not cover its cost.',
      isFromZero: true,
      lines: of(level, 'serving'),
    },
  ];
}

const lines = (id: string, title: string, unit: string) =>
  ({ id, title, unit, shape: 'lines', isFromZero: false, isWide: false, beside: [] }) as const;

/** Of the i-th line: eight colours, then the same with other dashes. */
export const look = (i: number): { readonly colour: string; readonly dash: string } => ({
  colour: `--c${(i % COLOURS) + 1}`,
  dash: DASHES[Math.floor(i / DASH_EVERY) % DASHES.length]!,
});
