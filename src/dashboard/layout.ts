// Owns: the frame around a page: head, navigation, heading, foot, and what its links are. Does not own: what stands in it.
import { type Html, html } from '../emissions/report/html.js';
import type { AssetNames } from './assets.js';
import type { Links, Masthead, Page, PageAnswer } from './page.js';
import { key, stranger, time, visible } from './parts.js';

export interface Frame {
  readonly masthead: Masthead;
  /** that may be linked */
  readonly pages: readonly Page[];
  readonly assets: AssetNames;
  readonly version: string;
  readonly isStatic: boolean;
}

/** `depth` is how many folders the page lies below the dashboard's root. */
export function linksFrom(
  depth: number,
  { pages, isStatic }: Pick<Frame, 'pages' | 'isStatic'>,
): Links & { readonly root: string } {
  const root = depth === 0 ? './' : '../'.repeat(depth);
  const names = new Set(pages.map(({ name }) => name));
  return {
    root,
    has: (name) => names.has(name),
    page(name, rest = [], query = {}) {
      const path = `${root}${[name, ...rest].map(encodeURIComponent).join('/')}/`;
      if (isStatic) return `${path}index.html`;
      const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
      return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
    },
  };
}

/** The whole document. */
export function documentOf(frame: Frame, at: { page: string; depth: number }, answer: PageAnswer): string {
  const { masthead, assets, isStatic } = frame;
  const links = linksFrom(at.depth, frame);
  const asset = (name: keyof AssetNames): string => `${links.root}assets/${assets[name]}`;
  const nav = frame.pages
    .filter((page) => page.label !== undefined)
    .map(
      ({ name, label }) =>
        html`<li><a href="${links.page(name)}"${name === at.page ? html` aria-current="page"` : undefined}>${label}</a></li>`,
    );
  const events =
    isStatic || answer.topics === undefined || answer.topics.length === 0
      ? undefined
      : html` data-events="${links.root}events?topics=${[...answer.topics, 'masthead'].join(',')}"`;
  return html`<!doctype html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${answer.title} · ${visible(masthead.title)} · Assay</title>
<link rel="icon" href="${asset('icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${asset('dashboard.css')}">
<script src="${asset('theme.js')}"></script>
<script src="${asset('dashboard.js')}" defer></script>
</head>
<body${events}>
<a class="skip" href="#main">Skip to content</a>
<header class="top"><div class="width">
<p class="brand"><a href="${links.page(frame.pages[0]?.name ?? at.page)}"><svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 16 10 3l7 13M6.2 11.5h7.6"/></svg>Assay</a> <span class="subnet">${stranger(masthead.title, 40)}</span>${masthead.network === undefined ? undefined : html` <span class="network">${stranger(masthead.network, 40)}</span>`}</p>
<nav aria-label="Pages"><ul>${nav}</ul></nav>
<div class="tools"><div class="pulse" data-live="masthead">${pulse(masthead)}</div><button type="button" class="theme" data-theme-toggle hidden>Theme</button></div>
</div></header>
<main id="main" tabindex="-1" class="width">
${(masthead.warnings ?? []).map((text) => html`<p class="notice bad" role="note">${text}</p>`)}
<div class="title"><h1>${answer.heading ?? answer.title}</h1>${answer.lead === undefined ? undefined : html`<p class="lead">${answer.lead}</p>`}</div>
${answer.body}
</main>
<footer class="width"><p>${masthead.shownBy === undefined ? undefined : html`Shown by ${shownBy(masthead.shownBy)}. `}${masthead.asOfMs === undefined ? undefined : html`Read at ${time(masthead.asOfMs)} UTC. `}Assay ${frame.version}.</p></footer>
</body>
</html>
`.text;
}

/** Where the chain is; renewed by the topic `masthead`. */
export function pulse({ epoch, block }: Masthead): Html {
  return html`${epoch === undefined ? undefined : html`<span>epoch <b>${epoch}</b></span>`}${block === undefined ? undefined : html` <span>block <b>${block}</b></span>`}`;
}

/** `validator 5F…`: a role, and a key that is too long for a line */
function shownBy(text: string): Html {
  const [role = '', ...rest] = text.split(' ');
  const last = rest.join(' ');
  return last.length > 40 ? html`${role} ${key(last, { ends: 8 })}` : html`${text}`;
}
