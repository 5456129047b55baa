// Owns: a proof kind that costs nothing: the commit is a word, the opening repeats the request.
import { equals, toHex, utf8 } from '../../src/model/bytes.js';
import { accepted, rejected } from '../../src/model/verdict.js';
import { OPENING_PIECE_BYTES } from '../../src/protocol/limits.js';
import type { ProofKind } from '../../src/verification/proof.js';

export interface ToyParams {
  readonly windowMs: number;
  readonly goLeadMs: number;
  readonly openingMs: number;
  readonly localnetOnly: boolean;
}

export const TOY_PARAMS: ToyParams = { windowMs: 1000, goLeadMs: 250, openingMs: 500, localnetOnly: true };
export const TOY_PARAMS_ID: Uint8Array = new Uint8Array(32).fill(0x11);
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
    table: new Map([[toHex(TOY_PARAMS_ID), TOY_PARAMS]]),
    facts: ({ windowMs, goLeadMs, openingMs, localnetOnly }) => ({
      className: 'toy',
      phases: [{ from: 'go', withinMs: windowMs }],
      nominal: { opsPerS: TOY_OPS },
      goLeadMs,
      openingMs,
      localnetOnly,
    }),
    parseParams: () => TOY_PARAMS,
    limits: () => ({ commitBytes: 16, openingBytes: TOY_OPENING_BYTES }),
    credit: ({ windowMs }, [commit]) =>
      commit && equals(commit, TOY_COMMIT) ? { opsPerS: (TOY_OPS * 1000) / windowMs } : undefined,
    issue: (_params, _commits, random) => random.bytes(4),
    drawSecret: () => `secret ${++drawn}`,
    prove: async () => ({
      commit: TOY_COMMIT,
      open: async (request) => toyOpening(request),
      release: () => {},
    }),
    verify: (_challenge, { request, opening }) =>
      equals(opening, toyOpening(request)) ? accepted : rejected('path'),
    ...overrides,
  };
  // what play and judge hand back to the kind is what they got from it
  return Object.defineProperty(kind as unknown as ReturnType<typeof toyKind>, 'drawn', { get: () => drawn });
}
