import { beforeAll, describe, expect, test } from 'vitest';
import { collectHostFacts, type HostQuestions, systemQuestions } from '../../../src/cli/host-facts.js';
import { devKeypair, readyKeys } from '../../../src/keys/keypair.js';
import { signHostFacts } from '../../../src/protocol/host-facts.js';

beforeAll(readyKeys);

const AT = 1_700_000_000_000;
const TCP = `  sl  local_address rem_address   st
   0: 0100007F:1F90 00000000:0000 0A
   1: 00000000:1F9B 00000000:0000 0A
   2: 0A00000A:0016 00000000:0000 01
   3: 0A00000A:0050 00000000:0000 0A`;
const TCP6 = `  sl  local_address rem_address st
   0: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A
   1: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A
   2: 0000000000000000FFFF00000100007F:2222 00000000000000000000000000000000:0000 0A`;

const questions = (change: Partial<HostQuestions> = {}): HostQuestions => ({
  async run(program) {
    if (program === 'docker') return 'Docker version 26.1.5, build abc\n';
    if (program === 'systemd-detect-virt') return 'kvm\n';
    if (program === 'nvidia-smi') return 'A card, 550.54\nA card, 550.54\n';
    if (program === 'apt-get')
      return 'Inst openssl [3.0] (3.1 Debian-Security:12/stable-security [amd64])\nInst vim [9.0] (9.1 Debian:12.6/stable [amd64])\n';
    return undefined;
  },
  async read(path) {
    if (path === '/etc/os-release') return 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12"\n';
    return { '/proc/net/tcp': TCP, '/proc/net/tcp6': TCP6 }[path];
  },
  writtenAt: async () => AT - 5,
  disk: async () => ({ bytes: 1000, freeBytes: 10 }),
  ...change,
});

describe('facts about a host', () => {
  test('are what the system says of itself, without loopback', async () => {
    expect(await collectHostFacts(questions(), { folder: '.', at: AT })).toMatchObject({
      at: AT,
      system: 'Debian GNU/Linux 12',
      virtualisation: 'kvm',
      containerRuntimes: ['Docker version 26.1.5, build abc'],
      drivers: ['A card, 550.54', 'A card, 550.54'],
      openPorts: [80, 443, 8091],
      pendingSecurityUpdates: 1,
      updatesCheckedAt: AT - 5,
      diskBytes: 1000,
      diskFreeBytes: 10,
    });
  });

  test('that cannot be found out are left out, and what remains can be signed', async () => {
    const nothing = questions({
      run: async () => undefined,
      read: async () => undefined,
      writtenAt: async () => undefined,
      disk: async () => undefined,
    });
    const facts = await collectHostFacts(nothing, { folder: '.', at: AT });
    expect(Object.keys(facts)).not.toContain('openPorts');
    expect(Object.keys(facts)).not.toContain('pendingSecurityUpdates');
    const of = { genesis: new Uint8Array(32), netuid: 1, block: 1, hosts: [{ worker: 'host-1', facts }] };
    expect(() => signHostFacts(devKeypair('miner'), of)).not.toThrow();
  });

  test('never carry what a terminal would obey', async () => {
    const run = async (program: string) => (program === 'docker' ? '\u001b[2Jdocker\u0007 26' : undefined);
    const facts = await collectHostFacts(questions({ run }), { folder: '.', at: AT });
    expect(facts.containerRuntimes).toEqual(['[2Jdocker 26']);
  });

  test('of a program that hangs or is not there there are none', async () => {
    expect(await systemQuestions.run('sleep', ['30'], 20)).toBeUndefined();
    expect(await systemQuestions.run('no-such-program-of-ours', [])).toBeUndefined();
    expect(await systemQuestions.run('env', [])).toMatch(/^(PATH=.*\n|LC_ALL=C\n)+$/);
  });
});
