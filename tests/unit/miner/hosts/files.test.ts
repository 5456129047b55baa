// What stands on disk about hosts: who they are, which indices their slots have.
import { describe, expect, test } from 'vitest';
import { parseHostsFile } from '../../../../src/miner/hosts/hosts-file.js';
import { withIndices } from '../../../../src/miner/hosts/indices.js';
import { HOST_LIMITS } from '../../../../src/miner/hosts/limits.js';
import { toHex } from '../../../../src/model/bytes.js';
import { createServerIdentity } from '../../../../src/protocol/server-key.js';
import { bytes32 } from '../../../support/sessions.js';

const key = (name: string) => toHex(createServerIdentity(bytes32(name)).serverKey.publicKey);
const parse = (hosts: unknown) => parseHostsFile({ hosts }, { what: 'hosts.json', own: 'host-1' });

describe('a hosts file', () => {
  test('names each key once, and each worker once that is not revoked', () => {
    expect(parse([{ worker: 'a', key: key('a') }])).toEqual([{ worker: 'a', key: key('a'), revoked: false }]);
    const renewed = [
      { worker: 'a', key: key('old'), revoked: true },
      { worker: 'a', key: key('new') },
    ];
    expect(parse(renewed)).toHaveLength(2);
    const twice = [
      { worker: 'a', key: key('a') },
      { worker: 'a', key: key('b') },
    ];
    expect(() => parse(twice)).toThrow(
      'hosts.json: expected each worker once, revoked keys aside, got a twice',
    );
    const same = [
      { worker: 'a', key: key('a') },
      { worker: 'b', key: key('a') },
    ];
    expect(() => parse(same)).toThrow('expected each key once, got the key of b twice');
    expect(() => parse([{ worker: 'host-1', key: key('a') }])).toThrow("which is the miner's own host");
  });

  test.each([
    ['a key that everybody can sign for', [{ worker: 'a', key: `01${'0'.repeat(62)}` }], 'hosts.0.key'],
    ['a key that is none', [{ worker: 'a', key: 'abc' }], 'hosts.0.key'],
    ['a tag with a line end', [{ worker: 'a\n', key: key('a') }], 'hosts.0.worker'],
    ['an unknown word', [{ worker: 'a', key: key('a'), revokd: true }], 'hosts.0'],
    ['too many', Array.from({ length: 65 }, (_, i) => ({ worker: `w${i}`, key: key(`w${i}`) })), 'hosts'],
  ])('with %s is refused, naming the place', (_what, hosts, place) => {
    expect(() => parse(hosts)).toThrow(`at ${place}:`);
  });
});

describe('indices of slots of hosts', () => {
  test('begin after those of the miner, stay, and are never given twice', () => {
    const first = withIndices([], 'b', [0, 1, 1]);
    expect(first).toEqual([
      { worker: 'b', number: 0, index: 64 },
      { worker: 'b', number: 1, index: 65 },
    ]);
    const second = withIndices(first, 'a', [0]);
    expect(second.at(-1)).toEqual({ worker: 'a', number: 0, index: 66 });
    expect(withIndices(second, 'b', [1, 0])).toBe(second);
    expect(withIndices(second, 'b', [0, 1, 2]).at(-1)).toEqual({ worker: 'b', number: 2, index: 67 });
  });

  test('have an end, which is said', () => {
    const full = Array.from({ length: HOST_LIMITS.indices }, (_, i) => ({
      worker: 'a',
      number: i,
      index: 64 + i,
    }));
    expect(() => withIndices(full, 'b', [0])).toThrow('4097 had an index so far, at most 4096 may');
  });
});
