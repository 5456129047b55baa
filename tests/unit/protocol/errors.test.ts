import { expect, test } from 'vitest';
import { AssayError } from '../../../src/model/errors.js';
import {
  fromStatus,
  invalidInput,
  isRefusal,
  limitExceeded,
  timedOut,
  toStatus,
  unauthenticated,
  unreachable,
} from '../../../src/protocol/errors.js';
import fc from '../../support/properties.js';

const travel = (error: unknown) => fromStatus(toStatus(error), '127.0.0.1:1', 'describe');

test.each([
  [unauthenticated('skew', -31_000), 'unauthenticated', { reason: 'skew', skewMs: -31_000 }],
  [unauthenticated('replayed'), 'unauthenticated', { reason: 'replayed' }],
  [
    new AssayError('permission-denied', '', { reason: 'not-admitted' }),
    'permission-denied',
    { reason: 'not-admitted' },
  ],
  [limitExceeded('streams', 4, 5), 'limit-exceeded', { what: 'streams', limit: 4, got: 5 }],
  [timedOut('frame', 250), 'timeout', { what: 'frame', afterMs: 250 }],
  [new AssayError('refused', '', { reason: 'busy' }), 'refused', { reason: 'busy' }],
  [unreachable('10.0.0.1:5'), 'unreachable', { address: '127.0.0.1:1' }],
])('%o keeps its code and data on the way', (error, code, data) => {
  const got = travel(error);
  expect([got.code, got.data, isRefusal(got)]).toEqual([code, data, true]);
});

test('what did not parse is named, and nothing more', () => {
  const got = travel(invalidInput('header', '144 bytes', '3 bytes'));
  expect([got.code, (got as AssayError<'invalid-input'>).data.what]).toEqual(['invalid-input', 'header']);
});

test.each([
  new Error('/home/me/secret'),
  new AssayError('corrupt', 'x', { path: '/home/me/secret', why: 'y' }),
  new AssayError('internal', 'x', { what: '/home/me/secret' }),
  'a string',
])('what is our own fault stays here: %s', (error) => {
  const status = toStatus(error);
  expect(JSON.stringify(status)).not.toContain('secret');
  expect([status.code, status.metadata]).toEqual([13, { 'assay-reason': 'internal' }]);
  expect(travel(error).data).toEqual({ reason: 'internal' });
});

test('text that a peer puts into a status is never repeated', () => {
  const token = /^[a-z0-9][a-z0-9-]*$/;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.string({ minLength: 1 }),
      fc.string(),
      (code, reason, details) => {
        fc.pre(!token.test(reason) && details.length > 5);
        const error = fromStatus(
          {
            code,
            details,
            metadata: { 'assay-reason': reason, 'assay-skew-ms': details, 'assay-got': reason },
          },
          '127.0.0.1:1',
          'prove',
        );
        expect(`${error.message}${JSON.stringify(error.data)}`).not.toContain(details);
        if ('reason' in error.data) expect(error.data.reason).toMatch(token);
      },
    ),
  );
});

test('a refusal is told apart from a fault found here', () => {
  expect(isRefusal(unauthenticated('skew'))).toBe(false);
  expect(isRefusal(travel(unauthenticated('skew')))).toBe(true);
  // what grpc-js says by itself carries no reason of ours
  expect(isRefusal(fromStatus({ code: 14, details: 'No connection', metadata: {} }, 'a', 'prove'))).toBe(
    false,
  );
});
