// Owns: classes and windows of parameter sets from what lies on this host: sets of this build, beside a ledger, on a role's shelf.
// Does not own: what a set may say (verification).
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ParameterFacts, SetFacts } from '../../dashboard/parameter-facts.js';
import { toHex } from '../../model/bytes.js';
import { AssayError } from '../../model/errors.js';
import { errnoOf } from '../../model/invalid-input.js';
import { paramsId } from '../../verification/checked-params.js';
import { classOf } from '../../verification/classes.js';
import type { AnyProofKind } from '../../verification/kinds/index.js';
import {
  type KindsByName,
  PARAMETER_FILE_BYTES,
  readParameterFile,
} from '../../verification/parameter-file.js';

export interface ParameterFolders {
  /** sets beside a ledger, each a file of its id */
  readonly sets?: string | undefined;
  /** files of sets, by digest */
  readonly shelf?: string | undefined;
}

/** What was not there is looked for again after so long: a ledger gets its sets when they are first used. */
const AGAIN_MS = 5000;

export function createParameterFacts(
  { sets, shelf }: ParameterFolders,
  kinds: KindsByName,
  now: () => number = Date.now,
): ParameterFacts {
  const known = new Map<string, SetFacts>();
  const missed = new Map<string, number>();
  let shelfReadMs = Number.NEGATIVE_INFINITY;
  for (const kind of Object.values(kinds))
    if (kind) for (const [id, params] of kind.table) known.set(id, factsIn(kind, params));

  function look(id: string): SetFacts | undefined {
    if (sets !== undefined) {
      const found = readSet(join(sets, `${id}.json`), id, kinds);
      if (found) known.set(id, found);
    }
    if (shelf !== undefined && now() - shelfReadMs >= AGAIN_MS) {
      shelfReadMs = now();
      readShelf(shelf, known, kinds);
    }
    return known.get(id);
  }

  return {
    set(id) {
      const found = known.get(id);
      if (found || !/^[0-9a-f]{64}$/.test(id)) return found;
      if (now() - (missed.get(id) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return undefined;
      const looked = look(id);
      if (looked) missed.delete(id);
      else missed.set(id, now());
      if (missed.size > 1024) missed.clear();
      return looked;
    },
    classOf: (proven) => classOf(proven)?.class,
  };
}

function factsIn(kind: AnyProofKind, params: unknown): SetFacts {
  const { className, phases, nominal } = kind.facts(params);
  return { className, windowMs: phases[0].withinMs, nominal };
}

/** undefined for what is not there, or is no set of this build's */
function readSet(path: string, id: string, kinds: KindsByName): SetFacts | undefined {
  const bytes = readSmall(path);
  if (!bytes) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
  for (const kind of Object.values(kinds)) {
    if (!kind) continue;
    try {
      const params = kind.parseParams(given) as object;
      if (toHex(paramsId(params)) === id) return factsIn(kind, params);
    } catch (error) {
      if (!(error instanceof AssayError)) throw error; // of another kind
    }
  }
  return undefined;
}

function readShelf(folder: string, known: Map<string, SetFacts>, kinds: KindsByName): void {
  for (const name of namesIn(folder)) {
    if (!/^[0-9a-f]{64}\.json$/.test(name)) continue;
    const bytes = readSmall(join(folder, name));
    if (!bytes) continue;
    try {
      for (const { kind, id, params } of readParameterFile(bytes, kinds).sets)
        known.set(id, factsIn(kinds[kind]!, params));
    } catch (error) {
      if (!(error instanceof AssayError)) throw error; // a policy, or a file of another build
    }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function readSmall(path: string): Buffer | undefined {
  try {
    return statSync(path).size <= PARAMETER_FILE_BYTES ? readFileSync(path) : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
