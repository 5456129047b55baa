// Owns: pages as files for any web host. Does not own: pages (dashboard), which there are (join.ts).
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { readAssets } from '../../dashboard/assets.js';
import { documentOf, type Frame, linksFrom } from '../../dashboard/layout.js';
import type { Page } from '../../dashboard/page.js';
import { html } from '../../dashboard/parts.js';
import type { DashboardParts } from '../../dashboard/server.js';
import { VERSION } from '../../model/version.js';
import { errnoOf, foundInstead, invalid } from '../invalid-input.js';

export interface Exported {
  readonly pages: number;
  readonly bytes: number;
  readonly folder: string;
}

/** Written into each export: only a folder that has it is ever replaced. */
const MARK = 'assay-dashboard.json';

/**
 * Writes the pages that anybody may see. The folder appears whole: what was exported before is there until then.
 * @throws AssayError `invalid-input` for a folder that holds something else
 */
export async function exportDashboard(
  parts: Pick<DashboardParts, 'pages' | 'clock' | 'masthead'>,
  dir: string,
  signal: AbortSignal,
  onPage: (done: number) => void = () => {},
): Promise<Exported> {
  const target = resolve(dir);
  await assertOurs(target, dir);
  const pages = parts.pages.filter(({ isPrivate }) => isPrivate !== true);
  const assets = readAssets();
  const frame: Frame = {
    masthead: parts.masthead(),
    pages,
    assets: assets.names,
    version: VERSION,
    isStatic: true,
  };
  const part = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
  let bytes = 0;
  let done = 0;
  const put = async (path: string, content: string | Buffer): Promise<void> => {
    const whole = join(part, path);
    await mkdir(dirname(whole), { recursive: true });
    await writeFile(whole, content);
    bytes += content.length;
  };

  async function write(page: Page, rest: readonly string[]): Promise<void> {
    signal.throwIfAborted();
    const at = { page: page.name, depth: 1 + rest.length };
    const answer = await page.render({
      rest,
      query: new URLSearchParams(),
      nowMs: parts.clock.now(),
      signal,
      links: linksFrom(at.depth, frame),
      isStatic: true,
    });
    if ('document' in answer || (answer.status ?? 200) !== 200) return;
    await put(join(page.name, ...rest.map(encodeURIComponent), 'index.html'), documentOf(frame, at, answer));
    onPage(++done);
  }

  try {
    for (const page of pages) {
      await write(page, []);
      for (const rest of page.exports?.() ?? []) await write(page, rest);
    }
    for (const { name, bytes: content } of assets.files.values()) await put(join('assets', name), content);
    const first = pages[0];
    if (first)
      await put(
        'index.html',
        html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${frame.masthead.title}</title><meta http-equiv="refresh" content="0; url=${first.name}/index.html"></head><body><a href="${first.name}/index.html">${first.label ?? first.name}</a></body></html>
`.text,
      );
    await put(MARK, `${JSON.stringify({ madeBy: `assay ${VERSION}`, pages: done })}\n`);
    await rm(target, { recursive: true, force: true });
    await mkdir(dirname(target), { recursive: true });
    await rename(part, target);
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
  return { pages: done, bytes, folder: target };
}

/** @throws AssayError `invalid-input` */
async function assertOurs(target: string, dir: string): Promise<void> {
  const names = await readdir(target).catch((error: unknown): string[] => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw invalid(dir, 'a folder for the pages, or none yet', foundInstead(error), error);
  });
  if (names.length > 0 && !names.includes(MARK))
    throw invalid(dir, 'an empty folder, or one that an export wrote', 'a folder with other files in it');
}
