// What miners claim of their hosts, over the loopback wire and real ports on 127.0.0.1.
import { createServer } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { utf8 } from '../../../src/model/bytes.js';
import { AssayError } from '../../../src/model/errors.js';
import { sha256 } from '../../../src/model/hash.js';
import { type Hotkey, toHotkey } from '../../../src/model/ids.js';
import { type HostFacts, readHostFacts, signHostFacts } from '../../../src/protocol/host-facts.js';
import type { MinerPeer } from '../../../src/protocol/session.js';
import { connectsTo, type MinerView, viewHosts } from '../../../src/validator/host-view.js';
import { bytes32, TOY_DESCRIPTION } from '../../support/sessions.js';
import { NETUID, neuron, subnet } from '../../support/subnets.js';

beforeAll(readyKeys);

const genesis = bytes32('genesis');
const miner = devKeypair('miner');
const FACTS: HostFacts = {
  at: 1_700_000_000_000,
  kernel: 'Linux 6.1',
  cpus: 8,
  memoryBytes: 2 ** 34,
  openPorts: [],
};
const fileOf = (facts: HostFacts, by = miner) =>
  signHostFacts(by, { genesis, netuid: NETUID, block: 77, hosts: [{ worker: 'host-1', facts }] });

/** A port of this machine that listens while `work` is under way. */
async function withPort<T>(work: (port: number) => Promise<T>): Promise<T> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await work((server.address() as { port: number }).port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

interface Setting {
  readonly file?: Uint8Array | undefined;
  readonly named?: Uint8Array;
  /** of its axon. @default 127.0.0.1 */
  readonly ip?: string;
  readonly isAway?: boolean;
  readonly tried?: number[];
}

async function viewOf({ file, named, ip = '127.0.0.1', isAway = false, tried }: Setting): Promise<MinerView> {
  const hotkey: Hotkey = toHotkey(miner.address);
  const peer = {
    async describe() {
      const hostFacts = named ?? (file ? sha256(file) : new Uint8Array());
      return { ...TOY_DESCRIPTION, maintenance: [], hostFacts };
    },
    content: async () => file,
    close: () => {},
  } as unknown as MinerPeer; // the three that are asked
  const connects = connectsTo((ip) => ip === '127.0.0.1');
  const [view] = await viewHosts(
    {
      peerOf() {
        if (isAway) throw new AssayError('unreachable', 'nobody is there', { address: 'there' });
        return peer;
      },
      connects(ip, tryPort, signal) {
        tried?.push(tryPort);
        return connects(ip, tryPort, signal);
      },
    },
    {
      subnet: subnet([neuron(0), neuron(1, { hotkey, axon: { ip, port: 8091 } })]),
      netuid: NETUID,
      genesis,
      self: toHotkey(devKeypair('validator').address),
    },
    new AbortController().signal,
  );
  return view!;
}

const marks = ({ facts }: MinerView) => facts.map(({ fact, value, mark }) => `${fact} ${value} ${mark}`);

describe('what a miner claims of its host', () => {
  test('is shown as claimed, beside what was seen from here', async () => {
    const view = await withPort(async (port) =>
      viewOf({ file: fileOf({ ...FACTS, openPorts: [port, 8091] }) }).then((seen) => ({
        port,
        lines: marks(seen),
      })),
    );
    expect(view.lines).toEqual([
      'address 127.0.0.1:8091 seen',
      'version test claimed',
      'atBlock 77 claimed',
      'at 2023-11-14T22:13:20.000Z claimed',
      'kernel Linux 6.1 claimed',
      'cpus 8 claimed',
      'memoryBytes 17179869184 claimed',
      `openPort ${view.port} seen`,
      'openPort 8091 claimed',
    ]);
  });

  test('is contradicted where it lists no port at which it has just answered', async () => {
    const file = fileOf(FACTS);
    expect(marks(await viewOf({ file, ip: '192.0.2.9' }))).toContain('openPort 8091 contradicted');
    expect(marks(await viewOf({ file })).filter((line) => line.includes('contradicted'))).toEqual([]);
  });

  test('gets this validator to call no other port than those it claims, and few of them', async () => {
    const tried: number[] = [];
    const openPorts = Array.from({ length: 200 }, (_, i) => i + 1);
    const { facts } = await viewOf({ file: fileOf({ ...FACTS, openPorts }), tried });
    expect(tried).toEqual(openPorts.slice(0, 16));
    expect(facts.filter(({ fact }) => fact === 'openPort')).toHaveLength(200);
  });

  test.each<[string, Setting]>([
    ["in another's signature", { file: fileOf(FACTS, devKeypair('another')) }],
    ['of no form', { file: utf8('{"statement":"{}","signature":"00"}') }],
    ['too large', { file: new Uint8Array(65 * 1024) }],
    ['that is not to be had', { named: new Uint8Array(32).fill(1) }],
    ['under the name of another', { file: fileOf(FACTS), named: new Uint8Array(32).fill(1) }],
  ])('%s is not shown', async (_, setting) => {
    const lines = marks(await viewOf(setting));
    expect(lines).toEqual([
      'address 127.0.0.1:8091 seen',
      'version test claimed',
      'hostFacts named contradicted',
    ]);
  });

  test('is nothing where there is no answer', async () => {
    expect(marks(await viewOf({ isAway: true }))).toEqual(['address 127.0.0.1:8091 claimed']);
  });

  test('of another chain, or of another form, is refused by its name', () => {
    const whose = { genesis, netuid: NETUID, hotkey: miner.publicKey };
    expect(readHostFacts(fileOf(FACTS), whose).hosts[0]!.facts).toEqual(FACTS);
    expect(() => readHostFacts(fileOf(FACTS), { ...whose, genesis: new Uint8Array(32) })).toThrow(
      'host facts',
    );
    expect(() => fileOf({ ...FACTS, kernel: '\u001b[2J' })).toThrow('host facts');
  });
});
