#!/usr/bin/env node
// Every page of the documentation: it is listed, its links and anchors lead somewhere, the sources that it names are there, and each
// of its blocks says what it is and is either run by a test or says what it needs. Which commands and flags there are, tests/integration/docs/pages.test.ts knows.
// Usage: node scripts/docs-check.mjs     exit 1 with one line a fault
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CONTENTS,
  partsOf,
  ROOT,
  readPages,
  readSources,
  SOURCE,
  subjectsIn,
  targetOf,
} from './docs-pages.mjs';

/** What blocks may be: run or checked, or what a program printed, or a picture in letters (no language at all). */
const LANGUAGES = new Set(['', 'sh', 'ts', 'js', 'json', 'yaml', 'text']);
/** In a comment in the line before a block: why no test runs it. */
const MARK = /^(?:not run|needs): (.+)$/;

/** Names files that were there once. */
const HISTORY = 'CHANGELOG.md';

/**
 * @param exists paths from the root of the repository
 * @param sources all of them; a page may name one by the end of its path
 */
export function faultsOf(pages, exists, sources) {
  const paths = sources.map((path) => `/${path}`);
  const parts = new Map([...pages].map(([page, text]) => [page, partsOf(text)]));
  const faults = [];
  for (const [page, { links, blocks, spans }] of parts) {
    for (const { target, line } of links) {
      const to = targetOf(page, target);
      if (to === undefined) continue;
      if (to.path.startsWith('..')) faults.push(`${page}:${line}: ${target} leads out of the repository`);
      else if (!exists(to.path)) faults.push(`${page}:${line}: nothing at ${target}`);
      else if (to.anchor !== undefined && parts.has(to.path) && !parts.get(to.path).anchors.has(to.anchor))
        faults.push(`${page}:${line}: ${to.path} has no heading #${to.anchor}`);
    }
    for (const { text, line } of page === HISTORY ? [] : spans) {
      const [, name] = SOURCE.exec(text) ?? [];
      if (name !== undefined && !paths.some((path) => path.endsWith(`/${name}`)))
        faults.push(`${page}:${line}: there is no source ${text}`);
    }
    for (const { language, line, mark, text } of blocks) {
      if (language === 'json' && !isJson(text)) faults.push(`${page}:${line}: this is no JSON`);
      if (!LANGUAGES.has(language))
        faults.push(
          `${page}:${line}: a block of "${language}": one of ${[...LANGUAGES].filter(Boolean).join(', ')}, or none`,
        );
      if (mark !== undefined && /^(not run|needs)\b/.test(mark) && !MARK.test(mark))
        faults.push(`${page}:${line}: "${mark}": expected "not run: WHY" or "needs: WHAT"`);
    }
  }
  const subjects = subjectsIn(pages.get(CONTENTS) ?? '');
  const listed = subjects.flatMap((subject) => subject.pages.map(({ path }) => path));
  for (const page of pages.keys()) {
    const times = listed.filter((path) => path === page).length;
    if (page !== CONTENTS && !page.startsWith('examples/') && times !== 1)
      faults.push(`${page}: listed ${times} times in ${CONTENTS}, which is the sidebar: expected once`);
  }
  return faults;
}

/** A document, some keys of one, or one a line. */
function isJson(text) {
  const parses = (whole) => {
    try {
      JSON.parse(whole);
      return true;
    } catch {
      return false;
    }
  };
  return (
    parses(text) || parses(`{${text.trim().replace(/,$/, '')}}`) || text.trim().split('\n').every(parses)
  );
}

/** Blocks that somebody would type or paste, and whether a test must run them. */
export const commandBlocksOf = (text) =>
  partsOf(text)
    .blocks.filter(({ language }) => language === 'sh')
    .map(({ text: commands, line, mark }) => ({ commands, line, whyNot: MARK.exec(mark ?? '')?.[1] }));

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const faults = faultsOf(readPages(), (path) => existsSync(join(ROOT, path)), readSources());
  for (const fault of faults) console.log(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
