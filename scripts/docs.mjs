#!/usr/bin/env node
// Builds the documentation into site/: the pages of docs/ by subject, and the reference of what the package exports from its
// docstrings. Plain files: they read from a disk (file://), from `assay docs` and from any web host, and ask nothing elsewhere.
// Usage: node scripts/docs.mjs [--out FOLDER]     site/ without it. Nothing is done where the site is of these very sources
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTENTS, ROOT, subjectsIn, urlOf } from './docs-pages.mjs';

const { values: flags } = parseArgs({ options: { out: { type: 'string' } } });
const out = resolve(ROOT, flags.out ?? 'site');
const stampFile = join(out, 'site.json');
const started = performance.now();

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const subjects = subjectsIn(readFileSync(join(ROOT, CONTENTS), 'utf8'));
const doors = Object.entries(manifest.exports)
  .filter(([, door]) => door.types !== undefined)
  .map(([name, door]) => ({
    name: name === '.' ? manifest.name : `${manifest.name}${name.slice(1)}`,
    file: join(ROOT, door.types.replace('./dist', 'src').replace(/\.d\.ts$/, '.ts')),
  }));

const sources = digestOfSources();
if (existsSync(stampFile) && JSON.parse(readFileSync(stampFile, 'utf8')).sources === sources) process.exit(0);
if (existsSync(out) && readdirSync(out).length > 0 && !existsSync(stampFile)) {
  console.error(
    `${out} holds something that is no site of ours: name another folder with --out, or empty it`,
  );
  process.exit(1);
}

// only now: loading it takes longer than finding that nothing is to do
const { Application, Converter, KindRouter, LogLevel, MarkdownEvent, PageEvent, ReflectionKind } =
  await import('typedoc');

const REFERENCE = 'Reference';
/** Inline in the generator's pages; a file of its own here, so that a server can forbid scripts in pages. */
const FIRST_SCRIPT = /(<body>.*?)<script>([^<]*)<\/script>/s;
let firstScript;

/** Pages lie where their sources do: proofs/storage.html. Functions, types and constants stand in the page of their door. */
class PathRouter extends KindRouter {
  getIdealBaseName(reflection) {
    if (reflection.kindOf(ReflectionKind.Document)) return urlOf(pathOf(reflection)).replace(/\.html$/, '');
    const names = [];
    for (let at = reflection; !at.isProject(); at = at.parent) names.unshift(at.name);
    return `api/${[names[0].replace(/^assay\//, ''), ...names.slice(1)].join('/')}`;
  }

  getPageKind(target) {
    const inline = ReflectionKind.Function | ReflectionKind.Variable | ReflectionKind.TypeAlias;
    return target.kindOf?.(inline) ? undefined : super.getPageKind(target);
  }
}
const pathOf = (document) => relative(ROOT, document.project.files.getReflectionPath(document));

const app = await Application.bootstrap({
  name: 'Assay',
  entryPoints: doors.map(({ file }) => file),
  tsconfig: join(ROOT, 'tsconfig.build.json'),
  basePath: ROOT,
  skipErrorChecking: true, // `npm run check` has looked
  readme: join(ROOT, CONTENTS),
  projectDocuments: subjects.flatMap(({ pages }) => pages.map(({ path }) => join(ROOT, path))),
  customCss: join(ROOT, 'scripts/docs/site.css'),
  favicon: join(ROOT, 'scripts/docs/favicon.svg'),
  router: 'path',
  disableSources: true,
  disableGit: true,
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  searchInDocuments: true,
  searchInComments: true,
  hideGenerator: true,
  githubPages: false,
  navigation: { includeGroups: true },
  groupOrder: [...subjects.map(({ title }) => title), REFERENCE, '*'],
  sort: ['documents-first', 'source-order'],
  sortEntryPoints: false,
  visibilityFilters: {},
  highlightLanguages: ['sh', 'js', 'ts', 'json', 'yaml', 'text'],
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true },
  logLevel: LogLevel.Warn,
});
app.options.setValue('blockTags', [...app.options.getValue('blockTags'), '@generated']);
app.options.setValue('excludeTags', [...app.options.getValue('excludeTags'), '@generated']);
app.renderer.defineRouter('path', PathRouter);

app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
  const path = pathOf(document);
  const subject = subjects.find(({ pages }) => pages.some((page) => page.path === path));
  document.name = subject.pages.find((page) => page.path === path).name;
  document.frontmatter.group = subject.title;
});
// the docstrings of this package call what is destructured `options`
app.converter.on(Converter.EVENT_CREATE_PARAMETER, (_context, parameter) => {
  if (parameter.name.startsWith('__namedParameters')) parameter.name = 'options';
});
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const file = project.files.getReflectionPath(module);
    const door = doors.find((each) => each.file === file) ?? {};
    module.name = door.name ?? module.name;
  }
});
// what has no language is a diagram or what a command printed, not TypeScript
app.renderer.on(
  MarkdownEvent.PARSE,
  (event) => {
    let inside = '';
    event.parsedText = event.parsedText.replaceAll(/^( *)(```+)(.*)$/gm, (line, indent, ticks, info) => {
      if (inside !== '') {
        if (ticks === inside && info.trim() === '') inside = '';
        return line;
      }
      inside = ticks;
      return info.trim() === '' ? `${indent}${ticks}text` : line;
    });
  },
  10,
);
app.renderer.on(PageEvent.END, (page) => {
  const depth = page.url.split('/').length - 1;
  page.contents = page.contents.replace(FIRST_SCRIPT, (_all, before, script) => {
    firstScript = script;
    return `${before}<script src="${'../'.repeat(depth)}assets/first.js"></script>`;
  });
});

app.internationalization.addTranslations('en', { kind_module: 'Import', kind_plural_module: REFERENCE });

const project = await app.convert();
if (!project) process.exit(1);
app.validate(project);
await app.generateDocs(project, out);
writeFileSync(stampFile, `${JSON.stringify({ version: manifest.version })}\n`); // ours, and not finished
if (firstScript === undefined)
  throw new Error('the generator writes another first script than is known here');
writeFileSync(join(out, 'assets/first.js'), `${firstScript}\n`);
if (app.logger.hasErrors() || app.logger.hasWarnings()) {
  console.error('docs failed: the warnings above say what is wrong');
  process.exit(1);
}

const pages = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.html'),
);
const dead = pages.flatMap((page) =>
  localLinks(readFileSync(join(out, page), 'utf8'))
    .filter((link) => !existsSync(join(out, dirname(page), link)))
    .map((link) => `${page}: nothing at ${link}`),
);
for (const line of dead) console.error(line);
if (dead.length > 0) process.exit(1);
writeFileSync(stampFile, `${JSON.stringify({ version: manifest.version, pages: pages.length, sources })}\n`);
console.error(
  `${pages.length} pages, ${((performance.now() - started) / 1000).toFixed(1)} s: ${join(out, 'index.html')}`,
);

/** Of all that the site is made of: the same digest, the same site. */
function digestOfSources() {
  const inside = (folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const texts = readdirSync(ROOT).filter((file) => file.endsWith('.md') || file.startsWith('package'));
  const named = [...texts, 'scripts/docs.mjs', 'scripts/docs-pages.mjs'].map((file) => join(ROOT, file));
  const hash = createHash('sha256');
  for (const file of [...['docs', 'src', 'scripts/docs'].flatMap(inside), ...named].sort()) {
    hash.update(`${relative(ROOT, file)}\0`);
    hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Files that a page asks for or leads to. Nothing may come from elsewhere unless somebody clicks. */
function localLinks(html) {
  return [...html.matchAll(/<(\w+)[^>]*? (href|src)="([^"#?]+)[^"]*"/g)].flatMap(([, tag, , target]) => {
    if (!/^[a-z]+:/.test(target)) return [decodeURI(target.replaceAll('&amp;', '&'))];
    if (tag === 'a') return [];
    throw new Error(`<${tag}> asks ${target}: a page loads nothing from elsewhere`);
  });
}
