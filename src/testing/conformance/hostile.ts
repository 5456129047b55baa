// Owns: evidence that claims more than it has: counts, lengths, depths, repetition. Does not own: liars (testing/liars), random bytes
// and flipped bits (proof.ts).
import assert from 'node:assert/strict';
import { concat } from '../../model/bytes.js';
import { verdictToString } from '../../model/verdict.js';
import type { Challenge, Evidence, ProofKind } from '../../verification/proof.js';
import { type Cost, costOf, workOf } from './cost.js';
import { encodeFields, type Field, fieldsOf, tag, varint } from './protobuf-fields.js';

export interface HostileForm {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const COUNTS = [2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n];
/** Protobuf readers recurse: more levels than any message has. */
const LEVELS = 20_000;

/**
 * Spellings of `message` that a peer could try. Each keeps the frame of the messages around what it changes, so that it reaches the
 * checks behind the parser where it parses.
 * @param maxBytes some forms fill that much
 */
export function* hostileForms(message: Uint8Array, maxBytes: number): Generator<HostileForm> {
  yield { name: 'nothing', bytes: new Uint8Array(0) };
  yield {
    name: 'one byte more than the limit',
    bytes: concat(message, new Uint8Array(maxBytes + 1 - message.length)),
  };
  yield { name: 'a limit of zeros', bytes: new Uint8Array(maxBytes) };
  yield { name: 'a limit of ones', bytes: new Uint8Array(maxBytes).fill(0xff) };
  for (const { number } of fieldsOf(message) ?? []) {
    yield {
      name: `field ${number} claims 2 GiB`,
      bytes: concat(message, varint(tag(number, 2)), varint(2n ** 31n - 1n)),
    };
    yield { name: `field ${number} within itself`, bytes: nested(number) };
    const empty = concat(varint(tag(number, 2)), varint(0n));
    const times = Math.floor(maxBytes / empty.length);
    const filled = new Uint8Array(times * empty.length).map((_, i) => empty[i % empty.length]!);
    yield { name: `field ${number} empty, ${times} times`, bytes: filled };
  }
  yield* changed(message, 'body');
}

/** Every field of a message and of the messages in it; of repeated ones the first and the last. */
function* changed(message: Uint8Array, path: string): Generator<HostileForm> {
  const fields = fieldsOf(message);
  if (!fields || fields.length === 0) return;
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  fields.forEach(({ number }, i) => {
    if (!first.has(number)) first.set(number, i);
    last.set(number, i);
  });
  for (const [i, field] of fields.entries()) {
    const { number, value } = field;
    if (first.get(number) !== i && last.get(number) !== i) continue;
    const name = `${path}.${number}${first.get(number) === i ? '' : ' (last)'}`;
    const put = (...instead: readonly Field[]): Uint8Array =>
      encodeFields(fields.toSpliced(i, 1, ...instead));
    const as = (other: bigint | Uint8Array): Uint8Array => put({ number, value: other });
    yield { name: `${name} left out`, bytes: put() };
    yield { name: `${name} twice`, bytes: put(field, field) };
    yield { name: `${name} of an unknown number`, bytes: put({ number: 1000, value }) };
    if (i > 0) yield { name: `${name} first`, bytes: encodeFields([field, ...fields.toSpliced(i, 1)]) };
    if (typeof value === 'bigint') {
      for (const count of COUNTS) yield { name: `${name} = ${count}`, bytes: as(count) };
      yield { name: `${name} as bytes`, bytes: as(new Uint8Array(8)) };
      continue;
    }
    yield { name: `${name} empty`, bytes: as(new Uint8Array(0)) };
    yield { name: `${name} one sibling longer`, bytes: as(concat(value, new Uint8Array(32))) };
    yield { name: `${name} one sibling shorter`, bytes: as(value.subarray(32)) };
    yield { name: `${name} twice as long`, bytes: as(concat(value, value)) };
    yield { name: `${name} of ones`, bytes: as(new Uint8Array(value.length).fill(0xff)) };
    yield { name: `${name} as a number`, bytes: as(2n ** 31n) };
    for (const inner of changed(value, name)) yield { name: inner.name, bytes: as(inner.bytes) };
  }
}

/**
 * No hostile form of any part is accepted, and none costs more than a few times what honest evidence of the limit's size does.
 * @returns how many forms were judged
 */
export function assertBounded<Params, Secret>(
  kind: ProofKind<Params, Secret>,
  { challenge, evidence }: { readonly challenge: Challenge<Params>; readonly evidence: Evidence },
  secret: Secret,
): number {
  const { commitBytes, openingBytes } = kind.limits(challenge.params);
  const honest = costOf(() => {
    assert.equal(verdictToString(kind.verify(challenge, evidence, secret)), 'accepted');
  });
  // decoding, and writing what was decoded once more, are a few times the bytes that came
  const room = 8 * (openingBytes + evidence.commits.length * commitBytes) + 65_536;
  let judged = 0;
  const judge = (name: string, given: Evidence): void => {
    let verdict = '';
    const cost = costOf(() => {
      verdict = verdictToString(kind.verify(challenge, given, secret));
    });
    assert.match(verdict, /^rejected:/, `${name}: ${verdict}`);
    assertWithin(name, cost, honest, room);
    judged++;
  };
  evidence.commits.forEach((commit, i) => {
    for (const { name, bytes } of hostileForms(commit, commitBytes)) {
      if (Buffer.compare(bytes, commit) !== 0)
        judge(`commit ${i}: ${name}`, { ...evidence, commits: evidence.commits.with(i, bytes) });
    }
  });
  for (const part of ['request', 'opening'] as const)
    for (const { name, bytes } of hostileForms(evidence[part], openingBytes))
      if (Buffer.compare(bytes, evidence[part]) !== 0)
        judge(`${part}: ${name}`, { ...evidence, [part]: bytes });
  return judged;
}

function assertWithin(name: string, cost: Cost, honest: Cost, room: number): void {
  const mostAllocated = 2 * honest.allocatedBytes + room;
  assert.ok(
    cost.allocatedBytes <= mostAllocated,
    `${name}: ${cost.allocatedBytes} bytes allocated, ${mostAllocated} allowed`,
  );
  const mostWork = 2 * workOf(honest) + room;
  assert.ok(
    workOf(cost) <= mostWork,
    `${name}: ${workOf(cost)} bytes hashed or enciphered, ${mostWork} allowed`,
  );
}

/** A message of one field, in itself, `LEVELS` deep: lengths grow with depth, so that it is made from within. */
function nested(number: number): Uint8Array {
  const heads: Uint8Array[] = [];
  let length = 0;
  for (let level = 0; level < LEVELS; level++) {
    const head = concat(varint(tag(number, 2)), varint(BigInt(length)));
    heads.push(head);
    length += head.length;
  }
  return concat(...heads.reverse());
}
