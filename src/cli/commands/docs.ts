// Owns: `assay docs`: where the documentation lies, and serving it until asked to end. Does not own: answers to requests
// (docs-server.ts), making the site (scripts/docs.mjs).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AssayError } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import { serveDocs } from '../docs-server.js';
import { EXIT, print, printJson } from '../output.js';

/** From src/cli/commands and from dist/cli/commands alike. */
const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));

export interface DocsFlags {
  readonly port?: number;
  readonly printPath?: boolean;
  readonly json?: boolean;
}

/** @param options.folder of the package. @default that of this program */
export async function docs(
  flags: DocsFlags,
  signal: AbortSignal,
  { folder = PACKAGE }: { readonly folder?: string } = {},
): Promise<number> {
  const site = join(folder, 'site');
  const start = join(site, 'index.html');
  if (!existsSync(start))
    throw new AssayError(
      'invalid-input',
      `no documentation site at ${site}: in a checkout npm run docs makes it; as Markdown the pages are in ${join(folder, 'docs')}`,
      { what: 'documentation site', expected: 'a folder made by npm run docs', got: 'none' },
    );
  if (flags.printPath === true) {
    if (flags.json === true) printJson({ path: start, url: pathToFileURL(start).href });
    else print(start);
    return EXIT.ok;
  }
  const { port = 0 } = flags;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalid('--port', 'an integer from 0 to 65535', String(port));
  const server = await serveDocs({ site, port }, signal);
  if (flags.json === true) printJson({ url: server.url, path: start });
  else print(`documentation at ${server.url} until Ctrl-C`);
  await server.closed;
  return EXIT.ok;
}
