// Owns: a proof kind that costs nothing: the commit is a word, the opening repeats the request.
import { equals, toHex, utf8 } from '../../src/model/bytes.js';
import { sha256 } from '../../src/model/hash.js';
import { accepted, rejected } from '../../src/model/verdict.js';
import { OPENING_PIECE_BYTES } from '../../src/protocol/limits.js';
import type { ParamsFacts, ProofKind } from '../../src/verification/proof.js';

export interface ToyParams {
  readonly windowMs: number;
  readonly goLeadMs: number;
  readonly openingMs: number;
  readonly localnetOnly: boolean;
  /** @default one, the window */
  readonly phases?: ParamsFacts['phases'];
}

export const TOY_PARAMS: ToyParams = { windowMs: 1000, goLeadMs: 250, openingMs: 500, localnetOnly: true };
export const TOY_PARAMS_ID: Uint8Array = new Uint8Array(32).fill(0x11);
/** Window, fill, and two steps from the Pass. */
export const TOY_STEPS: ToyParams = {
  ...TOY_PARAMS,
  phases: [
    { from: 'go', withinMs: 1000 },
    { from: 'go', withinMs: 3000 },
    { from: 'pass', withinMs: 800 },
    { from: 'pass', withinMs: 1200 },
  ],
};
export const TOY_STEPS_ID: Uint8Array = new Uint8Array(32).fill(0x12);
/** Of a step from the Pass: hangs on its randomness, and on which of them it is. */
export const toyPassCommit = (pass: Uint8Array, step: number): Uint8Array =>
  new Uint8Array(sha256(utf8('toy'), pass, Uint8Array.of(step)).subarray(0, 16));
/** claims a million operations */
export const TOY_COMMIT: Uint8Array = utf8('work');
export const TOY_OPS = 1_000_000;

/** Room for two full pieces and a bit. */
export const TOY_OPENING_BYTES = 2 * OPENING_PIECE_BYTES + 32;

/** What an honest miner answers; 12 bytes. */
export const toyOpening = (request: Uint8Array): Uint8Array => Uint8Array.of(...utf8('opened: '), ...request);

/** A kind for the doors of validator and miner, whose parameters nobody names. */
export function toyKind(
  overrides: Partial<ProofKind<ToyParams, string>> = {},
): ProofKind<unknown, unknown> & { readonly drawn: number } {
  let drawn = 0;
  const kind: ProofKind<ToyParams, string> = {
    kind: 'toy',
    table: new Map([
      [toHex(TOY_PARAMS_ID), TOY_PARAMS],
      [toHex(TOY_STEPS_ID), TOY_STEPS],
    ]),
    facts: ({ windowMs, goLeadMs, openingMs, localnetOnly, phases }) => ({
      className: 'toy',
      phases: phases ?? [{ from: 'go', withinMs: windowMs }],
      nominal: { opsPerS: TOY_OPS },
      goLeadMs,
      openingMs,
      localnetOnly,
    }),
    parseParams: (value) => value as ToyParams,
    limits: () => ({ commitBytes: 16, openingBytes: TOY_OPENING_BYTES }),
    credit: ({ windowMs, phases }, commits) => {
      const good = commits.every((commit, i) =>
        phases?.[i]?.from === 'pass' ? commit.length === 16 : equals(commit, TOY_COMMIT),
      );
      return good && commits.length > 0 ? { opsPerS: (TOY_OPS * 1000) / windowMs } : undefined;
    },
    issue: (_params, _commits, random) => random.bytes(4),
    drawSecret: () => `secret ${++drawn}`,
    prove: async () => ({
      commit: TOY_COMMIT,
      next: nextOf(),
      open: async (request) => toyOpening(request),
      release: () => {},
    }),
    verify({ params: { phases = [] } }, { commits, pass, request, opening }) {
      const first = phases.findIndex(({ from }) => from === 'pass');
      const bound = commits.every(
        (commit, i) => phases[i]?.from !== 'pass' || (pass && equals(commit, toyPassCommit(pass, i - first))),
      );
      if (!bound) return rejected('seed');
      return equals(opening, toyOpening(request)) ? accepted : rejected('path');
    },
    ...overrides,
  };
  // what play and judge hand back to the kind is what they got from it
  return Object.defineProperty(kind as unknown as ReturnType<typeof toyKind>, 'drawn', { get: () => drawn });
}

const nextOf = () => {
  let step = 0;
  return async ({ pass }: { pass: Uint8Array | undefined }) =>
    pass ? toyPassCommit(pass, step++) : TOY_COMMIT;
};
