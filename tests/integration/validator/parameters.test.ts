// What a validator does when its subnet's owner publishes parameters: by a fake chain and peers, and on an embedded chain.

import { describe, expect, test } from 'vitest';
import type { Subnet } from '../../../src/chain/chain.js';
import { alreadySetThisEpoch } from '../../../src/chain/weights.js';
import { toHex, utf8 } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { type Hotkey, toHotkey, toNetuid } from '../../../src/model/ids.js';
import { createParameters, type ParametersParts } from '../../../src/parameters/parameters.js';
import type { MinerPeer } from '../../../src/protocol/session.js';
import type { ValidatorAlert } from '../../../src/validator/status.js';
import { paramsId } from '../../../src/verification/checked-params.js';
import {
  encodeParameterFile,
  NO_POLICY,
  parseParameterFile,
} from '../../../src/verification/parameter-file.js';
import { NO_DIGEST, type Publication } from '../../../src/verification/publication.js';
import { recordingLog } from '../../support/logs.js';
import { onSmallSubnet } from '../../support/small-subnet.js';
import { TOY_PARAMS, TOY_PARAMS_ID, type ToyParams, toyKind } from '../../support/toy-kind.js';

type NamedToy = ToyParams & { readonly kind: 'toy'; readonly class: string };
const named = (change: Partial<NamedToy> = {}): NamedToy => ({
  ...TOY_PARAMS,
  kind: 'toy',
  class: 'toy',
  ...change,
});
const kinds = {
  toy: toyKind({
    table: new Map([[toHex(TOY_PARAMS_ID), TOY_PARAMS]]),
    parseParams: (value) => value as NamedToy,
  }),
};
const fileOf = (change: Partial<NamedToy>): Uint8Array =>
  encodeParameterFile(parseParameterFile({ version: 1, policy: NO_POLICY, sets: [named(change)] }, kinds));

const FILE = fileOf({ windowMs: 900 });
const SET = paramsId(named({ windowMs: 900 }));
const DIGEST = sha256(FILE);
const HEX = toHex(DIGEST);
const OWNER = toHotkey('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
const publication = (change: Partial<Publication> = {}): Publication => ({
  parameters: DIGEST,
  previous: NO_DIGEST,
  policy: new Uint8Array(32),
  firstEpoch: 5,
  versionKey: 1n,
  ...change,
});

/** Says what it published, and keeps what it is given. */
function desk(published: () => Publication | undefined) {
  const shelf = new Map<string, Uint8Array>();
  const asked: Hotkey[] = [];
  const parts: ParametersParts = {
    source: {
      async publication(_netuid, owner) {
        asked.push(owner);
        return published();
      },
    },
    shelf: {
      read: async (digest) => shelf.get(digest),
      async write(digest, bytes) {
        shelf.set(digest, bytes);
      },
    },
  };
  return { parts, shelf, asked };
}

const peer = (content: MinerPeer['content']): MinerPeer => ({ content }) as MinerPeer;
const empty = peer(async () => undefined);
const broken = peer(async () => {
  throw new AssayError('unreachable', 'gone', { address: 'x' });
});
const at = (epochIndex: number) => ({
  subnet: { epochIndex, ownerHotkey: OWNER } as Subnet,
  hash: new Uint8Array(32),
});

describe('published parameters', () => {
  const never = new AbortController().signal;
  const begin = (published: () => Publication | undefined) => {
    const { log, lines } = recordingLog();
    const { parts, shelf, asked } = desk(published);
    const parameters = createParameters({ parameters: parts, kinds, log }, { netuid: toNetuid(1) });
    return { parameters, shelf, asked, lines };
  };

  test('come from whichever miner has them, are kept, and are asked for before they count', async () => {
    const { parameters, shelf, asked } = begin(() => publication());
    const miners = [broken, empty, peer(async (digest) => (toHex(digest) === HEX ? FILE : undefined))];
    await parameters.look(at(3), () => miners, never);
    expect(parameters.status(3)).toEqual({ held: ['built-in'], missing: [] });
    await parameters.settled();
    expect(asked).toEqual([OWNER]);
    expect(shelf.get(HEX)).toEqual(FILE);
    expect([4, 5, 6].map((epoch) => parameters.status(epoch).held)).toEqual([
      ['built-in'],
      [HEX, 'built-in'],
      [HEX],
    ]);
  });

  test('count side by side with the old ones for one epoch, then alone', async () => {
    const { parameters } = begin(() => publication());
    await parameters.look(at(3), () => [peer(async () => FILE)], never);
    await parameters.settled();
    const windows = (epoch: number) =>
      [...parameters.kindsOf(epoch)!.toy!.table.values()].map((params) => (params as ToyParams).windowMs);
    expect(parameters.kindsOf(4)).toBe(kinds);
    expect([4, 5, 6].map(windows)).toEqual([[1000], [900, 1000], [900]]);
  });

  test('that nobody has cost nothing for that one epoch, and afterwards everything, with a reason', async () => {
    const { parameters, lines } = begin(() => publication());
    await parameters.look(at(5), () => [empty, broken], never);
    await parameters.settled();
    expect(parameters.status(5)).toEqual({ held: ['built-in'], missing: [HEX] });
    expect(parameters.kindsOf(6)).toBeUndefined();
    expect(parameters.status(6).whyNot).toBe(
      `parameters ${HEX.slice(0, 16)}, published from epoch 5 on, are at none of 2 peers that were asked`,
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'no peer has the published parameters', digest: HEX, asked: 2 }),
    );
    parameters.retry(() => [peer(async () => FILE)], never);
    await parameters.settled();
    expect(parameters.status(6)).toEqual({ held: [HEX], missing: [] });
  });

  test('are read from the shelf without asking anybody; a damaged file is fetched anew', async () => {
    const { parameters, shelf } = begin(() => publication());
    shelf.set(HEX, FILE);
    await parameters.look(at(3), () => expect.fail('asked'), never);
    expect(parameters.status(6).held).toEqual([HEX]);
    const damaged = begin(() => publication());
    damaged.shelf.set(HEX, FILE.slice(1));
    await damaged.parameters.look(at(3), () => [peer(async () => FILE)], never);
    await damaged.parameters.settled();
    expect(damaged.parameters.status(6).held).toEqual([HEX]);
    expect(damaged.lines.map(({ msg }) => msg)).toContain('kept parameters are damaged');
  });

  test.each([
    ['no JSON', utf8('{'), 'expected JSON in UTF-8'],
    [
      'a kind that this build does not know',
      utf8('{"policy":"","sets":[],"version":9}'),
      'parameters.version',
    ],
    ['a window that no miner waits for', fileOf({ windowMs: 3_600_000 }), 'toy/toy: expected a window'],
  ])('with %s are no use, which is said and not asked for again', async (_, bytes, why) => {
    const { parameters } = begin(() => publication({ parameters: sha256(bytes) }));
    let asked = 0;
    const miners = () => [
      peer(async () => {
        asked++;
        return bytes;
      }),
    ];
    await parameters.look(at(3), miners, never);
    await parameters.settled();
    await parameters.look(at(3), miners, never);
    await parameters.settled();
    expect(asked).toBe(1);
    expect(parameters.status(6).whyNot).toMatch(
      /^parameters [0-9a-f]{16}, published from epoch 5 on, are no use: /,
    );
    expect(parameters.status(6).whyNot).toContain(why);
  });

  test('of a peer that sends another file are not taken, and the next peer is asked', async () => {
    const { parameters } = begin(() => publication());
    await parameters.look(
      at(3),
      () => [peer(async () => fileOf({ windowMs: 1 })), ...Array(9).fill(peer(async () => FILE))],
      never,
    );
    await parameters.settled();
    expect(parameters.status(6).held).toEqual([HEX]);
  });

  test('count at once where their first epoch has gone by: nothing is judged until they are here', async () => {
    const { parameters } = begin(() => publication({ firstEpoch: 3 }));
    const look = parameters.look(at(9), () => [peer(async () => FILE)], never);
    expect(parameters.kindsOf(9)).toBe(kinds); // nothing read yet
    await look;
    expect(parameters.status(9)).toEqual({
      held: [],
      missing: [HEX],
      whyNot: `parameters ${HEX.slice(0, 16)}, published from epoch 3 on, are not here yet`,
    });
    await parameters.settled();
    expect(parameters.status(9)).toEqual({ held: [HEX], missing: [] });
  });

  test('that replace others before their first epoch leave what counts as it is, and the others are forgotten', async () => {
    const other = fileOf({ windowMs: 700 });
    let published = publication();
    const { parameters } = begin(() => published);
    const miners = [
      peer(async (digest) => [FILE, other].find((file) => toHex(sha256(file)) === toHex(digest))),
    ];
    await parameters.look(at(3), () => miners, never);
    await parameters.settled();
    expect(parameters.bytesOf(DIGEST)).toEqual(FILE);
    published = publication({ parameters: sha256(other), firstEpoch: 6 });
    await parameters.look(at(3), () => miners, never);
    await parameters.settled();
    expect([3, 5, 6, 7].map((epoch) => parameters.status(epoch).held)).toEqual([
      ['built-in'],
      ['built-in'],
      [toHex(sha256(other)), 'built-in'],
      [toHex(sha256(other))],
    ]);
    expect(parameters.bytesOf(DIGEST)).toBeUndefined();
  });

  test('are looked up under the owner’s hotkey of the block: another one that said nothing returns to the built-in table', async () => {
    const owners = new Map([[OWNER, publication({ firstEpoch: 2 })]]);
    const { log } = recordingLog();
    const shelf = new Map([[HEX, FILE]]);
    const parts: ParametersParts = {
      source: { publication: async (_netuid, owner) => owners.get(owner) },
      shelf: { read: async (digest) => shelf.get(digest), write: async () => {} },
    };
    const parameters = createParameters({ parameters: parts, kinds, log }, { netuid: toNetuid(1) });
    const heldUnder = async (ownerHotkey: Hotkey) => {
      const { subnet, hash } = at(5);
      await parameters.look({ subnet: { ...subnet, ownerHotkey }, hash }, () => [], never);
      return parameters.status(5).held;
    };
    const next = toHotkey('5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty');
    expect(await heldUnder(OWNER)).toEqual([HEX]);
    expect(await heldUnder(next)).toEqual(['built-in']);
    owners.set(next, publication({ firstEpoch: 2 }));
    expect(await heldUnder(next)).toEqual([HEX]);
  });

  test('are handed out when the operator named them, before anybody published them', () => {
    const { log } = recordingLog();
    const { parts } = desk(() => undefined);
    const given = new Map([[HEX, FILE]]);
    const parameters = createParameters(
      { parameters: { ...parts, given }, kinds, log },
      { netuid: toNetuid(1) },
    );
    expect(parameters.bytesOf(DIGEST)).toEqual(FILE);
    expect(parameters.bytesOf(new Uint8Array(32))).toBeUndefined();
    expect(parameters.status(5).held).toEqual(['built-in']);
  });

  test('stay what they were while the chain does not answer; at first nothing goes without it', async () => {
    let fault: Error | undefined = new AssayError('unreachable', 'away', { address: 'x' });
    const { parameters } = begin(() => {
      if (fault) throw fault;
      return publication();
    });
    await expect(parameters.look(at(3), () => [empty], never)).rejects.toThrow('away');
    fault = undefined;
    await parameters.look(at(3), () => [empty], never);
    fault = new Error('again');
    await parameters.look(at(4), () => [empty], never);
    expect(parameters.status(6).missing).toEqual([HEX]);
  });

  test('on a chain that keeps no commitments are the build’s own', async () => {
    const { parameters } = begin(() => {
      throw new AssayError('unsupported', 'no pallet', { what: 'commitments', why: 'none' });
    });
    await parameters.look(at(3), () => [], never);
    expect(parameters.kindsOf(3)).toBe(kinds);
  });
});

describe('a validator', () => {
  test('goes on for one epoch by the old digest, then sets no weights and says why, until a miner has the file', async () => {
    await onSmallSubnet(
      async (subnet) => {
        // the one set is in both, so that the miner need not change what it claims
        const table = new Map<string, ToyParams>([[toHex(SET), named({ windowMs: 900 })]]);
        const known = { toy: toyKind({ table, parseParams: (value) => value as NamedToy }) };
        const alerts: ValidatorAlert[] = [];
        let published: Publication | undefined;
        const { parts } = desk(() => published);
        const a = subnet.start('validator-a', {
          kinds: known,
          parameters: parts,
          alert: (alert) => alerts.push(alert),
        });
        const uid = subnet.uids.get('validator-a')!;
        const set = (now: Subnet) => alreadySetThisEpoch(now, uid);
        await subnet.until((now) => now.neurons[uid]!.validatorPermit);
        const { epochIndex } = await subnet.until(set);
        const first = epochIndex + 1;
        published = publication({ firstEpoch: first });

        // the epoch in which both count
        const both = await subnet.until((now) => now.epochIndex === first && set(now));
        expect(a.status()?.parameters).toEqual({ held: ['built-in'], missing: [HEX] });
        expect(alerts).toEqual([]);

        // the next: the new one alone, which nobody has
        const end = await subnet.until(
          (now) => now.epochIndex === first + 1 && now.nextEpochBlock! - now.block <= 2,
        );
        expect(set(end)).toBe(false);
        expect(end.epochIndex).toBe(both.epochIndex + 1);
        const reason = `parameters ${HEX.slice(0, 16)}, published from epoch ${first} on, are at none of 1 peers that were asked`;
        expect(a.status()).toMatchObject({
          parameters: { held: [], missing: [HEX], whyNot: reason },
          weightsStage: { epoch: first + 1, stage: 'withheld', reason },
        });
        expect(alerts).toMatchObject([{ kind: 'weights-withheld', epoch: first + 1, reason }]);
        expect(
          a.lines.filter(({ msg }) => msg === 'event left out: parameters that count are not here'),
        ).toHaveLength(2);

        // a miner brings it when the next has begun
        await subnet.until((now) => now.epochIndex === first + 2);
        subnet.content.set(HEX, FILE);
        await subnet.until((now) => now.epochIndex === first + 2 && set(now));
        expect(a.status()?.parameters).toEqual({ held: [HEX], missing: [] });
        expect(new Set(alerts.map(({ kind }) => kind))).toEqual(new Set(['weights-withheld']));
      },
      { paramsId: SET },
    );
  });
});
