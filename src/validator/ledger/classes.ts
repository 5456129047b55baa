// Owns: the class of each parameter set that a ledger's outcomes name, from the sets that are kept beside them: nothing else is
// asked, so that a second process comes to the same. Does not own: what a class is (verification).
import { AssayError } from '../../model/errors.js';
import type { Outcome } from '../../model/outcome.js';
import type { KindsByName } from '../../verification/parameter-file.js';
import type { LedgerReader } from './ledger.js';

export interface Classes {
  /** What `StateParts.classOf` takes; undefined for what was not learned. */
  of(paramsId: string): string | undefined;
  /** Looks up an outcome's set, once. */
  learn(outcome: Pick<Outcome, 'kind' | 'paramsId'>): Promise<void>;
}

export function createClasses(ledger: Pick<LedgerReader, 'readParams'>, kinds: KindsByName): Classes {
  const classes = new Map<string, string | undefined>();
  return {
    of: (paramsId) => classes.get(paramsId),
    async learn({ kind: name, paramsId }) {
      if (classes.has(paramsId)) return;
      classes.set(paramsId, await classOf(name, paramsId));
    },
  };

  /** Of another build's kind or form, or of an outcome that came to nothing: it is of no class here. */
  async function classOf(name: string, paramsId: string): Promise<string | undefined> {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (!kind) return undefined;
    try {
      return kind.facts(kind.parseParams(await ledger.readParams(paramsId))).className;
    } catch (error) {
      if (error instanceof AssayError) return undefined;
      throw error;
    }
  }
}

/** Those of all outcomes that are there. */
export async function learnClasses(
  ledger: Pick<LedgerReader, 'fold' | 'readParams'>,
  kinds: KindsByName,
  signal?: AbortSignal,
): Promise<Classes> {
  const kindOf = new Map<string, string>();
  await ledger.fold({ outcome: ({ kind, paramsId }) => void kindOf.set(paramsId, kind) }, {}, signal);
  const classes = createClasses(ledger, kinds);
  for (const [paramsId, kind] of kindOf) await classes.learn({ kind, paramsId });
  return classes;
}
