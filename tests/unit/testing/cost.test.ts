import { createCipheriv, createHash, hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { accepted, rejected } from '../../../src/model/verdict.js';
import { costOf, exponentOf } from '../../../src/testing/conformance/cost.js';
import { assertBounded, hostileForms } from '../../../src/testing/conformance/hostile.js';
import { encodeRequest } from '../../../src/verification/kinds/compute/codec.js';
import type { ProofKind } from '../../../src/verification/proof.js';
import { toyKind } from '../../support/toy-kind.js';

describe('counting what work costs', () => {
  test('sees hashes, keystream and arrays, however they are asked for', () => {
    const cost = costOf(() => {
      hash('sha256', new Uint8Array(100), 'hex');
      createHash('sha256').update(new Uint8Array(30)).update('four').digest();
      createCipheriv('aes-256-ctr', new Uint8Array(32), new Uint8Array(16)).update(new Uint8Array(64));
      new Float64Array(1000).slice(0, 10);
    });
    expect(cost.hashes).toBe(2);
    expect(cost.hashedBytes).toBe(134);
    expect(cost.cipherBytes).toBe(64);
    expect(cost.allocatedBytes).toBe(100 + 30 + 32 + 16 + 64 + 8000 + 80);
  });

  test('leaves everything as it was', () => {
    const before = [Uint8Array, hash, createHash, createCipheriv, Uint8Array.prototype.constructor];
    expect(() => costOf(() => expect.fail('on purpose'))).toThrow('on purpose');
    expect([Uint8Array, hash, createHash, createCipheriv, Uint8Array.prototype.constructor]).toEqual(before);
    expect(new Uint8Array(3).slice()).toBeInstanceOf(Uint8Array);
  });

  test('reads an exponent off two points', () => {
    expect(exponentOf({ size: 2, cost: 12 }, { size: 8, cost: 12 * 16 })).toBeCloseTo(2, 9);
  });
});

describe('hostile forms', () => {
  const samples = [1, 2, 3].map((label) => ({ label, row: 5, agreementRow: 6 }));

  test('are of the message, and reach into the messages in it', () => {
    const names = [...hostileForms(encodeRequest(samples), 96)].map(({ name }) => name);
    for (const name of [
      'field 1 claims 2 GiB',
      'field 1 within itself',
      'body.1 twice',
      'body.1.2 = 2147483648',
    ])
      expect(names).toContain(name);
    expect(names).toContain('body.1 (last) left out');
  });

  const bytes = new Uint8Array(16);
  const challenge = { params: {}, basis: bytes, seed: bytes };
  const evidence = {
    commits: [Uint8Array.of(8, 3)],
    request: Uint8Array.of(8, 3),
    opening: Uint8Array.of(8, 3),
  };
  const kind = (verify: ProofKind<unknown, unknown>['verify']): ProofKind<unknown, unknown> => ({
    ...toyKind(),
    limits: () => ({ commitBytes: 16, openingBytes: 64 }),
    verify: (given, { commits, request, opening }, secret) =>
      [...commits, request, opening].every((part) => part.length === 2 && part[1] === 3)
        ? accepted
        : verify(given, { commits, request, opening }, secret),
  });

  test('pass over a verifier that rejects them at once', () => {
    expect(
      assertBounded(
        kind(() => rejected('malformed')),
        { challenge, evidence },
        '',
      ),
    ).toBeGreaterThan(40);
  });

  test('find a verifier that accepts one, that believes a count, and that hashes what is claimed', () => {
    const judge = (verify: ProofKind<unknown, unknown>['verify']) => () =>
      assertBounded(kind(verify), { challenge, evidence }, '');
    expect(judge(() => accepted)).toThrow(/accepted/);
    const believes = (length: number) => {
      new Uint32Array(length);
      return rejected('malformed');
    };
    expect(judge((_challenge, { opening }) => believes(opening.length * 4096))).toThrow(/allocated/);
    const hashes = () => {
      for (let i = 0; i < 2000; i++) createHash('sha256').update(bytes).update(bytes).update(bytes).digest();
      return rejected('malformed');
    };
    expect(judge(hashes)).toThrow(/hashed/);
  });
});
