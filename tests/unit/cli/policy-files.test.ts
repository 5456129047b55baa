import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readNamedPolicy, shelveGiven, warnUnpublished } from '../../../src/cli/policy-files.js';
import { BUILT_IN_ALONE } from '../../../src/cli/subnet-module.js';
import { toHex } from '../../../src/model/bytes.js';
import { sha256 } from '../../../src/model/hash.js';
import { defineScoringRule, policyDigest } from '../../../src/scoring/index.js';
import { DEMO_POLICY, ownersFiles } from '../../../src/testing/demo-policy.js';
import { recordingLog } from '../../support/logs.js';

const folder = mkdtempSync(join(tmpdir(), 'assay-policy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
function shelf() {
  const written = new Map<string, Uint8Array>();
  return {
    written,
    read: async (digest: string) => written.get(digest),
    write: async (digest: string, bytes: Uint8Array) => void written.set(digest, bytes),
  };
}

test('a policy that is given is kept in its one spelling, under the digest that owners publish', async () => {
  const own = shelf();
  const policy = file('demo.json', JSON.stringify(DEMO_POLICY, null, 2));
  const given = await shelveGiven(own, { params: [], policy: [policy] }, BUILT_IN_ALONE);
  const digest = policyDigest(DEMO_POLICY);
  expect([...given.keys()]).toEqual([digest]);
  expect(toHex(sha256(own.written.get(digest)!))).toBe(digest);
});

test.each([
  [
    'of a newer version',
    '{"format":"assay-scoring-policy/2"}',
    'expected a policy of assay-scoring-policy/1, got assay-scoring-policy/2, of a newer version',
  ],
  [
    'that pays more than there is',
    JSON.stringify({ ...DEMO_POLICY, burn: 0.5 }),
    'policy.pools: expected burn and shares of at most 1 in all, got 1.48: more than there is',
  ],
  ['that is no JSON', '{', 'policy: expected JSON in UTF-8'],
])('one %s is refused before anything runs', async (_, text, why) => {
  const own = shelf();
  const path = file('bad.json', text);
  await expect(shelveGiven(own, { params: [], policy: [path] }, BUILT_IN_ALONE)).rejects.toThrow(why);
  expect(own.written.size).toBe(0);
});

test('one of a subnet’s own rule and kind is read with its module, and without it the way to it is said', async () => {
  const [pool, ...others] = DEMO_POLICY.pools;
  const named = (change: object) =>
    file('own.json', JSON.stringify({ ...DEMO_POLICY, pools: [{ ...pool, ...change }, ...others] }));
  const even = defineScoringRule({ name: 'even', version: 2, divide: (claims) => claims.map(() => 1n) });
  const ruled = named({ rule: { name: 'even', version: 2 } });
  expect((await readNamedPolicy(ruled, { rules: [even] })).policy.pools[0]!.rule).toEqual({
    name: 'even',
    version: 2,
  });
  await expect(readNamedPolicy(ruled, BUILT_IN_ALONE)).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringMatching(/does not have the scoring rule even, version 2; .*--module FILE/),
  });
  const kind = named({ match: { kinds: ['toy'] } });
  await expect(readNamedPolicy(kind, BUILT_IN_ALONE, { compute: ['paced'] })).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(/expected .*compute.* \(or, with --module, of the subnet's own\), got/),
  });
});

test('whoever names a file that the owner did not publish is told that nothing goes by it', () => {
  const { files, publication } = ownersFiles();
  const { log, lines } = recordingLog();
  warnUnpublished(log, files, publication(3));
  expect(lines).toEqual([]);
  const other = '11'.repeat(32);
  warnUnpublished(log, new Map([...files, [other, new Uint8Array()]]), publication(3));
  warnUnpublished(log, new Map([[other, new Uint8Array()]]), undefined);
  const told = { level: 'warn', digest: other };
  expect(lines).toMatchObject([told, told]);
});
