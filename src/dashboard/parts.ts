// Owns: what pages are made of: names of strangers, keys, numbers, badges, tiles, tables, sparklines, live regions. Does not own:
// which of them a page shows, their colours (assets/dashboard.css).
import { Html, html } from '../emissions/report/html.js';
import { formatNumber } from '../emissions/report/numbers.js';

export { Html, html };

export const none: Html = html``;
/** for what is not known: read aloud as such */
export const unknown: Html = html`<span class="unknown" title="not known"><span aria-hidden="true">–</span><span class="sr">not known</span></span>`;

/**
 * A string of somebody else's: text, of its own direction, so that right-to-left letters turn nothing around that stands beside it;
 * control and direction characters are made visible; cut where it would fill the page.
 */
export function stranger(text: string, most = 80): Html {
  const shown = [...text].length > most ? `${[...text].slice(0, most).join('')}…` : text;
  return html`<bdi class="stranger">${visible(shown)}</bdi>`;
}

/** Control, direction and other characters that nobody sees, as U+… */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu,
    (character) => `⟨U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

/** The first letter is a capital. */
export const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** A hotkey, event or evidence id: its two ends, the whole for those who hover, listen or copy. */
export function key(
  text: string,
  { ends = 6, href }: { ends?: number; href?: string | undefined } = {},
): Html {
  const short = text.length <= 2 * ends + 1 ? text : `${text.slice(0, ends)}…${text.slice(-ends)}`;
  const shown = html`<code class="key" title="${visible(text)}">${visible(short)}</code>`;
  return href === undefined ? shown : html`<a href="${href}">${shown}</a>`;
}

export type Tone = 'good' | 'bad' | 'warn' | 'quiet' | 'info';

/** A word with a tone; the word alone says it. */
export const badge = (tone: Tone, text: string, title?: string): Html =>
  html`<span class="badge ${tone}"${title === undefined ? undefined : html` title="${title}"`}>${text}</span>`;

export interface Tile {
  readonly what: string;
  readonly value: Html | string;
  readonly unit?: string | undefined;
  readonly how?: Html | string | undefined;
}

export const tiles = (list: readonly Tile[]): Html =>
  html`<dl class="tiles">${list.map(
    ({ what, value, unit, how }) =>
      html`<div><dt>${what}</dt><dd><b>${value}</b>${unit === undefined ? undefined : html` <span class="unit">${unit}</span>`}${how === undefined ? undefined : html`<span class="how">${how}</span>`}</dd></div>
`,
  )}</dl>`;

/** A section with its heading; `id` is unique on the page. */
export const card = (id: string, title: string, body: Html, about?: Html | string): Html =>
  html`<section class="card" id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${about === undefined ? undefined : html`<p class="about">${about}</p>`}
${body}</section>
`;

/** What stands where there is nothing: why, and what to do. */
export const empty = (text: Html | string): Html => html`<p class="empty">${text}</p>`;
export const notice = (tone: Tone, text: Html | string): Html =>
  html`<p class="notice ${tone}" role="note">${text}</p>`;

export interface TableColumn<Row> {
  readonly heading: Html | string;
  /** numbers stand right and in line, texts left. @default 'number' */
  readonly kind?: 'text' | 'number' | undefined;
  /** this column is sorted by */
  readonly sorted?: 'ascending' | 'descending' | undefined;
  /** goes first on narrow screens */
  readonly optional?: boolean | undefined;
  cell(row: Row, index: number): Html | string;
}

/** A table that scrolls by itself when it is wider than the page. The first column names its rows. */
export function table<Row>(
  caption: string,
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
  { id, whenEmpty = 'Nothing here yet.' }: { id?: string; whenEmpty?: Html | string } = {},
): Html {
  const classes = ({ kind, optional }: TableColumn<Row>): Html | undefined => {
    const names = [kind === 'text' ? 'text' : '', optional ? 'optional' : ''].filter((name) => name !== '');
    return names.length === 0 ? undefined : html` class="${names.join(' ')}"`;
  };
  const head = columns.map(
    (column) =>
      html`<th scope="col"${classes(column)}${column.sorted === undefined ? undefined : html` aria-sort="${column.sorted}"`}>${column.heading}</th>`,
  );
  const attributes = columns.map(classes);
  const body = rows.map((row, i) => {
    const cells = columns.map((column, at) =>
      at === 0
        ? html`<th scope="row"${attributes[at]}>${column.cell(row, i)}</th>`
        : html`<td${attributes[at]}>${column.cell(row, i)}</td>`,
    );
    return html`<tr>${cells}</tr>
`;
  });
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${caption}"${id === undefined ? undefined : html` id="${id}"`}>
<table><caption>${caption}</caption><thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody></table>${rows.length === 0 ? empty(whenEmpty) : undefined}</div>`;
}

/** 0…1 as percent */
export const percent = (share: number | undefined, decimals = 1): Html | string =>
  share === undefined || !Number.isFinite(share) ? unknown : `${(share * 100).toFixed(decimals)} %`;

export const number = (value: number | undefined): Html | string =>
  value === undefined || !Number.isFinite(value) ? unknown : formatNumber(value);

const RAO = 1_000_000_000n;
/** rao as tokens, whole digits and as many decimals as are asked for, cut and not rounded up */
export function tokens(rao: bigint | undefined, decimals = 4): Html | string {
  if (rao === undefined) return unknown;
  const [sign, abs] = rao < 0n ? ['−', -rao] : ['', rao];
  const whole = (abs / RAO).toString().replace(/\B(?=(\d{3})+$)/g, '\u202f');
  const fraction = (abs % RAO).toString().padStart(9, '0').slice(0, decimals);
  return decimals === 0 ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/** An instant in UTC, for people and for machines. */
export function time(ms: number | undefined): Html {
  if (ms === undefined || !Number.isFinite(ms)) return unknown;
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)}</time>`;
}

/** 90 s, 12 min, 3.2 h */
export function duration(ms: number): string {
  const seconds = Math.abs(ms) / 1000;
  if (seconds < 1) return `${Math.round(Math.abs(ms))} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} days`;
}

/**
 * A line of at most 48 points, said in words to those who do not see it. `top` is the value of the upper edge; gaps stay gaps.
 * @param label what it is of, e.g. `credit in 24 hours`
 */
export function sparkline(
  values: readonly (number | undefined)[],
  { label, top, isHidden = false }: { label: string; top?: number | undefined; isHidden?: boolean },
): Html {
  const known = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  if (known.length === 0) return unknown;
  const high = Math.max(top ?? 0, ...known) || 1;
  const low = Math.min(0, ...known);
  const step = values.length > 1 ? 60 / (values.length - 1) : 0;
  let path = '';
  let isDown = false;
  values.forEach((value, i) => {
    if (value === undefined || !Number.isFinite(value)) {
      isDown = false;
      return;
    }
    const [x, y] = [Math.round(2 + i * step), Math.round(17 - (16 * (value - low)) / (high - low || 1))];
    path += `${isDown ? 'L' : 'M'}${x} ${y}${isDown ? '' : 'h0'}`;
    isDown = true;
  });
  const name = `${label}: from ${formatNumber(known[0])} to ${formatNumber(known[known.length - 1])}, highest ${formatNumber(Math.max(...known))}`;
  const said = isHidden ? html` aria-hidden="true"` : html` role="img" aria-label="${name}"`;
  return html`<svg class="spark" viewBox="0 0 64 18"${said}><path d="${path}"/></svg>`;
}

/**
 * A region that events of `topic` renew: `hub.publish(topic, { html: render().text })` puts the new inside in place of the old. Without
 * JavaScript it is what it was when the page was asked for. `isLoud` for what a screen reader shall say at once.
 */
export const live = (topic: string, body: Html, { isLoud = false } = {}): Html =>
  html`<div data-live="${topic}"${isLoud ? html` aria-live="polite"` : undefined}>${body}</div>`;
