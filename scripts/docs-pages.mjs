// Owns: what the pages of the documentation are made of: their list by subject (docs/README.md), blocks, links and anchors.
// Does not own: what is wrong with them (docs-check.mjs), how they look (docs.mjs).
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import createMarkdown from 'markdown-it';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The page that lists the others: their order, subjects and names in the sidebar are what it says. */
export const CONTENTS = 'docs/README.md';

const markdown = createMarkdown({ html: true });

/** Of this repository, by path from its root: texts of all pages, those of example projects included. */
export function readPages(root = ROOT) {
  const inside = (folder, recursive) =>
    readdirSync(join(root, folder), { recursive, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
      .map((file) => join(folder, file));
  const paths = [...inside('.', false), ...inside('docs', true), ...inside('examples', true)].sort();
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

/** Paths of all files that a page may name as a source. */
export function readSources(root = ROOT) {
  const folders = ['benchmarks', 'docs', 'examples', 'reliability', 'scripts', 'src', 'tests'];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => SOURCE.test(file) && !file.includes('node_modules'))
      .map((file) => join(folder, file)),
  );
}

/** A path, or its end, of a file that somebody wrote for a program to read. */
export const SOURCE = /^(?:\.\.\/)*((?:[\w.-]+\/)*[\w.-]+\.(?:ts|mjs|py|wat|cu))$/;

/** One walk over a page: its links, the anchors that others may name, its blocks of code and its code in sentences. */
export function partsOf(text) {
  const links = [];
  const anchors = new Set();
  const blocks = [];
  const spans = [];
  const slugs = new Map();
  let mark;
  let heading;
  const inline = (tokens, line) => {
    for (const { type, content, attrs } of tokens) {
      if (type === 'link_open') links.push({ target: of(attrs, 'href'), line });
      if (type === 'image') links.push({ target: of(attrs, 'src'), line });
      if (type === 'code_inline') spans.push({ text: content, line });
      if (type === 'html_inline') addIds(content);
    }
  };
  const addIds = (html) => {
    for (const [, id] of html.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id);
  };
  let line = 1;
  for (const token of markdown.parse(text, {})) {
    if (token.map) line = token.map[0] + 1; // a cell has the line of its row
    if (token.type === 'html_block') addIds(token.content);
    if (token.type === 'heading_open') heading = token;
    if (token.type === 'inline') {
      inline(token.children ?? [], line);
      if (heading) anchors.add(slugOf(token.children ?? [], slugs));
    }
    if (token.type === 'heading_close') heading = undefined;
    if (token.type === 'fence')
      blocks.push({ language: token.info.trim(), text: token.content, line, mark: mark?.text });
    mark = /^\s*<!--\s*(.*?)\s*-->\s*$/s.exec(token.type === 'html_block' ? token.content : '')
      ? { text: /<!--\s*(.*?)\s*-->/s.exec(token.content)[1] }
      : undefined;
  }
  return { links, anchors, blocks, spans };
}

const of = (attrs, name) => attrs?.find(([key]) => key === name)?.[1] ?? '';

/** As the forges that show these pages make anchors of headings. */
function slugOf(children, taken) {
  const plain = children
    .filter(({ type }) => type === 'text' || type === 'code_inline')
    .map(({ content }) => content)
    .join('')
    .toLowerCase();
  const slug = plain.replace(/[^\p{L}\p{N}\p{M} _-]/gu, '').replaceAll(' ', '-');
  const times = taken.get(slug) ?? 0;
  taken.set(slug, times + 1);
  return times === 0 ? slug : `${slug}-${times}`;
}

/** The path from the root that a link on a page leads to, and its anchor; undefined where it leaves the repository. */
export function targetOf(page, link) {
  if (/^[a-z][a-z+.-]*:/i.test(link)) return undefined;
  const [path = '', anchor] = decodeURI(link).split('#');
  return { path: path === '' ? page : normalize(join(dirname(page), path)), anchor };
}

/** What the list of pages says: subjects in their order, each with pages and their names. */
export function subjectsIn(text) {
  const subjects = [];
  let isHeading = false;
  let isItem = false;
  for (const token of markdown.parse(text, {})) {
    if (token.type === 'heading_open') isHeading = token.tag === 'h2';
    if (token.type === 'list_item_open') isItem = true;
    if (token.type !== 'inline') continue;
    if (isHeading) subjects.push({ title: token.content, pages: [] });
    const link = token.children?.findIndex(({ type }) => type === 'link_open') ?? -1;
    if (isItem && link >= 0 && subjects.length > 0) {
      const target = targetOf(CONTENTS, of(token.children[link].attrs, 'href'));
      const name = token.children[link + 1]?.content ?? '';
      if (target?.path.endsWith('.md')) subjects.at(-1).pages.push({ path: target.path, name });
    }
    isHeading = false;
    isItem = false;
  }
  return subjects;
}

/** The path of a page in the site. */
export const urlOf = (page) =>
  page === CONTENTS
    ? 'index.html'
    : `${relative('docs', page)
        .replace(/^\.\.\//, 'project/')
        .replace(/\.md$/, '')}.html`;
