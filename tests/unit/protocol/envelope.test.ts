import { create } from '@bufbuild/protobuf';
import { beforeAll, describe, expect, test } from 'vitest';
import { readyKeys } from '../../../src/keys/keypair.js';
import { toHex } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { decodeCertificate, verifyCertificate } from '../../../src/protocol/certificate.js';
import { decode, decodeSigned } from '../../../src/protocol/codec.js';
import {
  checkFreshness,
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  type Header,
  readEnvelope,
} from '../../../src/protocol/envelope.js';
import {
  DescribeResponseSchema,
  FrameSchema,
  SignedSchema,
} from '../../../src/protocol/gen/assay/v1/miner_pb.js';
import { DEFAULT_LIMITS } from '../../../src/protocol/limits.js';
import fc from '../../support/properties.js';
import { cast, envelope, NOW } from './builders.js';

beforeAll(readyKeys);

const bytes = (n: number) => fc.uint8Array({ minLength: n, maxLength: n });
const header: fc.Arbitrary<Header> = fc.record({
  direction: fc.constantFrom('request' as const, 'response' as const),
  method: fc.constantFrom('describe' as const, 'prove' as const),
  netuid: fc.integer({ min: 0, max: 0xffff }),
  sender: bytes(32),
  receiver: bytes(32),
  callId: bytes(16),
  sequence: fc.integer({ min: 0, max: 0xffff_ffff }),
  sentAt: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  expiresAt: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  bodyHash: bytes(32),
});

function errorOf(run: () => unknown): AssayError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(AssayError);
    return error as AssayError;
  }
  return expect.fail('nothing was thrown');
}

describe('header', () => {
  test('has one layout, byte by byte', () => {
    const hex = toHex(
      encodeHeader({
        direction: 'response',
        method: 'prove',
        netuid: 0x1234,
        sender: new Uint8Array(32).fill(0xaa),
        receiver: new Uint8Array(32).fill(0xbb),
        callId: new Uint8Array(16).fill(0xcc),
        sequence: 5,
        sentAt: 0x0001_0203_0405,
        expiresAt: 0x0001_0203_0406,
        bodyHash: new Uint8Array(32).fill(0xdd),
      }),
    );
    expect(hex).toBe(
      `61737361792f31010102${'3412'}${'aa'.repeat(32)}${'bb'.repeat(32)}${'cc'.repeat(16)}05000000` +
        `0504030201000000${'0604030201000000'}${'dd'.repeat(32)}`,
    );
    expect(hex.length).toBe(2 * HEADER_BYTES);
  });

  test('comes back as it was, and is the only spelling of itself', () => {
    fc.assert(
      fc.property(header, (value) => {
        const encoded = encodeHeader(value);
        expect(decodeHeader(encoded)).toEqual(value);
        expect(encodeHeader(decodeHeader(encoded))).toEqual(encoded);
      }),
    );
  });

  test.each([
    ['a byte short', (b: Uint8Array) => b.subarray(0, HEADER_BYTES - 1)],
    ['a byte long', (b: Uint8Array) => new Uint8Array([...b, 0])],
    ['another tag', (b: Uint8Array) => b.with(0, 0x62)],
    ['another layout', (b: Uint8Array) => b.with(7, 2)],
    ['an unknown direction', (b: Uint8Array) => b.with(8, 2)],
    ['method 0', (b: Uint8Array) => b.with(9, 0)],
    ['an unknown method', (b: Uint8Array) => b.with(9, 3)],
    ['a time beyond 2^53', (b: Uint8Array) => b.with(102, 0x20)],
  ])('is refused with %s', (_name, change) => {
    const { validator, miner } = cast();
    const good = Uint8Array.from(envelope({ from: validator, to: miner }).header);
    expect(errorOf(() => decodeHeader(change(good))).code).toBe('invalid-input');
  });
});

describe('freshness', () => {
  const at = (sentAt: number, lifeMs = 30_000): Header =>
    decodeHeader(
      encodeHeader({
        direction: 'request',
        method: 'describe',
        netuid: 7,
        sender: new Uint8Array(32),
        receiver: new Uint8Array(32),
        callId: new Uint8Array(16),
        sequence: 0,
        sentAt,
        expiresAt: sentAt + lifeMs,
        bodyHash: new Uint8Array(32),
      }),
    );

  test.each([0, 30_000, -30_000])('clocks may differ by %i ms', (offset) => {
    expect(() => checkFreshness(at(NOW + offset), NOW, DEFAULT_LIMITS)).not.toThrow();
  });

  test.each([
    [30_001, 'skew'],
    [-30_001, 'skew'],
    [3_600_000, 'skew'],
    [-60_001, 'expired'],
    [-3_600_000, 'expired'],
  ])('an offset of %i ms is refused as %s, and told', (offset, reason) => {
    const error = errorOf(() => checkFreshness(at(NOW + offset), NOW, DEFAULT_LIMITS));
    expect([error.code, error.data]).toEqual(['unauthenticated', { reason, skewMs: offset }]);
  });

  test.each([0, 30_001])('a life of %i ms is no life', (life) => {
    expect(errorOf(() => checkFreshness(at(NOW, life), NOW, DEFAULT_LIMITS)).data).toEqual({
      reason: 'envelope-lifetime',
    });
  });
});

describe('arbitrary bytes', () => {
  const total = (run: (input: Uint8Array) => unknown) => (input: Uint8Array) => {
    try {
      run(input);
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
    }
  };
  const { receiver } = { receiver: new Uint8Array(32) };
  const decoders: [string, (input: Uint8Array) => unknown, number][] = [
    ['decodeHeader', decodeHeader, HEADER_BYTES],
    ['decodeCertificate', decodeCertificate, 218],
    ['verifyCertificate', verifyCertificate, 218],
    ['decodeSigned', decodeSigned, 64],
    ['decode Frame', (input) => decode(FrameSchema, input, 'frame'), 64],
    ['decode DescribeResponse', (input) => decode(DescribeResponseSchema, input, 'describe-response'), 64],
    [
      'readEnvelope',
      (input) =>
        readEnvelope(create(SignedSchema, { header: input, signature: input.subarray(0, 64), body: input }), {
          direction: 'request',
          method: 'describe',
          netuid: 7,
          receiver,
          sequence: 0,
        }),
      HEADER_BYTES,
    ],
  ];
  test.each(decoders)('%s throws nothing but AssayError', (_name, run, length) => {
    const tagged = bytes(length).map((b) =>
      Uint8Array.from([...new TextEncoder().encode('assay/1'), 1, ...b.subarray(8)]),
    );
    const tagged2 = tagged.map((b) => b.with(7, 2));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), total(run)), { numRuns: 300 });
    fc.assert(fc.property(bytes(length), total(run)), { numRuns: 300 });
    fc.assert(fc.property(tagged, total(run)), { numRuns: 300 });
    fc.assert(fc.property(tagged2, total(run)), { numRuns: 100 });
  });
});

test('every bit of a signed message is covered: header, signature, body, certificate', async () => {
  const { checkParties, checkSignature } = await import('../../../src/protocol/certificate.js');
  const { validator, miner } = cast();
  const good = envelope({ from: validator, to: miner, body: Uint8Array.of(1, 2, 3) });
  const open = (message: typeof good) => {
    const read = readEnvelope(message, {
      direction: 'request',
      method: 'describe',
      netuid: 7,
      receiver: miner.publicKey,
      sequence: 0,
    });
    const certificate = verifyCertificate(message.certificate);
    checkParties(certificate, read);
    checkSignature(certificate.key, message.header, message.signature);
    checkFreshness(read, NOW, DEFAULT_LIMITS);
  };
  expect(() => open(good)).not.toThrow();
  for (const field of ['header', 'signature', 'body', 'certificate'] as const)
    for (let i = 0; i < good[field].length; i++) {
      const changed = Uint8Array.from(good[field]);
      changed[i]! ^= 1 << (i % 8);
      errorOf(() => open({ ...good, [field]: changed }));
    }
});
