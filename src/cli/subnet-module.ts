// Owns: a subnet's own module, from a file that an operator named to kinds beside those of this build, and rules: the only place
// that loads one. Does not own: what it may have (src/subnet.ts), what is done with it.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { toHex, utf8 } from '../model/bytes.js';
import { canonicalJson } from '../model/canonical-json.js';
import { sha256 } from '../model/hash.js';
import { shellWord } from '../model/shell-word.js';
import { moduleBeside } from '../model/thread.js';
import { VERSION } from '../model/version.js';
import type { ScoringRule } from '../scoring/index.js';
import { kindsWith, madeElsewhere, madeHere, type SubnetModule } from '../subnet.js';
import type { ThreadModule } from '../validator/verifiers.js';
import type { AnyProofKind } from '../verification/kinds/index.js';
import { foundInstead, invalid } from './invalid-input.js';

/** What this process knows: of this build, and of the subnet's own module where one was named. */
export interface Known {
  readonly kinds: Readonly<Record<string, AnyProofKind | undefined>>;
  /** of the subnet's own: this build has none */
  readonly rules: readonly ScoringRule[];
  /** absolute path, for threads and processes that have to know the same. @default there is none */
  readonly module: string | undefined;
  /** who has another one judges by other code: of a validator's workers all must have the same */
  readonly build: string;
}

/** What a verifier thread that loads the module itself is started with. */
export interface OwnThreadWork {
  readonly module: string;
}

/** Of a command that reads no configuration. */
export const moduleFlag = { module: z.string().min(1).max(4096).optional() };

/** Of a command that somebody is told to type: what it needs to know the same. */
export const moduleWords = (module: string | undefined): string =>
  module === undefined ? '' : ` --module ${shellWord(module)}`;

/** Where no module is named. */
export const BUILT_IN_ALONE: Known = {
  kinds: kindsWith(undefined),
  rules: [],
  module: undefined,
  build: VERSION,
};

/**
 * The module is code of whoever runs this command, and is run by loading it.
 * @param load @default import
 * @throws AssayError `invalid-input` naming the file, and what is wrong with it
 */
export async function openKnown(
  path: string | undefined,
  load: (url: string) => Promise<unknown> = (url) => import(url),
): Promise<Known> {
  if (path === undefined) return BUILT_IN_ALONE;
  const module = resolve(path);
  const own = await loadSubnet(path, module, load);
  return { kinds: kindsWith(own), rules: own.rules, module, build: buildWith(own) };
}

/** What a pool's threads have to know beyond what this build does. */
export function threadsFor({ kinds, module }: Known): { readonly module?: ThreadModule } {
  if (module === undefined || kinds === BUILT_IN_ALONE.kinds) return {};
  const data: OwnThreadWork = { module };
  return { module: { url: moduleBeside(import.meta.url, 'own-verifier-thread'), kinds, data } };
}

/**
 * Kinds and their parameter sets by content: it says that two modules are not the same, and not that they are. Of rules alone it is
 * this build: nobody judges by them.
 */
function buildWith({ proofs }: SubnetModule): string {
  if (proofs.length === 0) return VERSION;
  const about = { proofs: proofs.map(({ kind, table }) => [kind, ...[...table.keys()].sort()]) };
  return `${VERSION}+${toHex(sha256(utf8(canonicalJson(about)))).slice(0, 16)}`;
}

async function loadSubnet(
  path: string,
  place: string,
  load: (url: string) => Promise<unknown>,
): Promise<SubnetModule> {
  const what = `--module ${path}`;
  const expected = 'a module whose default export is made with defineSubnet of assay';
  const found = await stat(place).catch((error: unknown) => {
    throw invalid(what, expected, foundInstead(error), error);
  });
  if (!found.isFile()) throw invalid(what, expected, found.isDirectory() ? 'a folder' : 'no file');
  const loaded = await load(pathToFileURL(place).href).catch((error: unknown) => {
    throw invalid(what, 'a module that can be loaded', saidBy(error), error);
  });
  const { default: own } = loaded as { readonly default?: unknown };
  if (own === undefined) throw invalid(what, expected, 'one without a default export');
  if (madeHere(own)) return own;
  throw invalid(
    what,
    madeElsewhere(own)
      ? "one of this installation of assay: run the assay of the module's own project (npx assay in its folder)"
      : expected,
    madeElsewhere(own) ? 'one made by another installation' : 'another default export',
  );
}

/** The first line of what it said: what it threw may be anything. */
const saidBy = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).split('\n')[0]!.slice(0, 300);
