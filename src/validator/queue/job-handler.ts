// Owns: judging jobs in whatever process has them: kinds by name, and one event's projections for all of its jobs. Does not own:
// threads (verifiers.ts), where jobs come from (job-queue.ts).
import { unsupported } from '../../model/errors.js';
import type { Random } from '../../model/prng.js';
import type { Verdict } from '../../model/verdict.js';
import type { AnyProofKind } from '../../verification/kinds/index.js';
import type { EventVerifier, Verifiers } from '../verifiers.js';
import type { JobHandler, Work } from './job-queue.js';

/** Events whose projections are held at once: no scheduler has more under way. */
const MOST_EVENTS = 8;

interface Scene {
  readonly verifier: EventVerifier;
  hands: number;
}

/**
 * The projections of an event are drawn at its first job here, so after its last Commit, and forgotten with the process or when
 * other events took its place.
 */
export function createJobHandler({
  verifiers,
  kinds,
  random,
}: {
  readonly verifiers: Verifiers;
  readonly kinds: Readonly<Record<string, AnyProofKind | undefined>>;
  readonly random: Random;
}): { readonly handle: JobHandler; readonly close: () => void } {
  /** by event and basis, the one that was asked last at the end */
  const scenes = new Map<string, Scene>();

  function sceneOf({ job: { event, basis } }: Work): Scene {
    const key = `${event} ${Buffer.from(basis).toString('hex')}`;
    const scene = scenes.get(key) ?? { verifier: verifiers.forEvent({ basis, random }), hands: 0 };
    scenes.delete(key);
    scenes.set(key, scene);
    return scene;
  }

  function trim(): void {
    for (const [key, { verifier, hands }] of scenes) {
      if (scenes.size <= MOST_EVENTS) return;
      if (hands > 0) continue;
      verifier.close();
      scenes.delete(key);
    }
  }

  return {
    async handle(work): Promise<Verdict> {
      const {
        kind: name,
        paramsId,
        params,
        basis,
        seed,
        place,
        brief,
        commits,
        pass,
        request,
        from,
      } = work.job;
      const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
      if (!kind) throw unsupported(`job ${work.job.id}`, `proof kind ${name} is not known here`);
      const challenge = { params: kind.parseParams(params), basis, seed, place, brief };
      const evidence = { commits, pass, request, opening: await work.opening() };
      const scene = sceneOf(work);
      scene.hands++;
      try {
        const given = () => work.begin();
        return (await scene.verifier.verify({ kind, paramsId, challenge, evidence, from, given })).verdict;
      } finally {
        scene.hands--;
        trim();
      }
    },
    close() {
      for (const { verifier } of scenes.values()) verifier.close();
      scenes.clear();
    },
  };
}
