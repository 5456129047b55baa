// Texts are in the forms that nvidia-smi prints by its manual, and in which it fails; no card was at hand to record one.
import { describe, expect, test } from 'vitest';
import { cardChecks, hostChecks } from '../../../src/cli/doctor/host-checks.js';
import { askNvidiaSmi, parseCards, parseSlices } from '../../../src/cli/doctor/nvidia-smi.js';
import { type Said, systemQuestions } from '../../../src/cli/host-facts.js';
import { CARDS } from '../../../src/verification/cards.js';

const H200 =
  '0, GPU-5b1f5ea0-6a2a-4a36-9d1f-2c8f2f6f9f10, NVIDIA H200, 550.127.08, 143771, 4, 1980, 3201, 345, Disabled, Enabled, 0, 31, 76.35, 700.00, 0, Default, Enabled, 5, 16';
const GEFORCE =
  '1, GPU-0c9f2c3e-1111-2222-3333-444455556666, NVIDIA GeForce RTX 4090, 535.183.01, 24564, 9120, 3105, 10501, 2520, [N/A], [N/A], [N/A], 67, 310.20, 450.00, 98, Default, Disabled, 4, 16';
const CUT =
  '0, GPU-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee, NVIDIA A100-SXM4-40GB, 525.105.17, 40960, 45, 1410, 1215, 1410, Enabled, Enabled, 0, 35, 62.00, 400.00, [N/A], Default, Enabled, 4, 16';
const SLICES = `GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1g.5gb      Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-ffffffff-bbbb-cccc-dddd-eeeeeeeeeeee)
`;

const saying = (table: Said, list: Said = { is: 'not-there' }) => ({
  says: async (_: string, args: readonly string[]) => (args[0] === '-L' ? list : table),
});
const done = (out: string): Said => ({ is: 'done', out });
const read = async (out: string, list?: string) => {
  const smi = await askNvidiaSmi(saying(done(out), list === undefined ? undefined : done(list)));
  return smi.state === 'read' ? smi.cards : smi;
};
const checksOf = (line: string) => {
  const [card] = parseCards(`${line}\n`)!.cards;
  return cardChecks({ ...card!, slices: [] }, CARDS);
};

describe('nvidia-smi', () => {
  test('tells of one card what a driver knows of it', async () => {
    expect(await read(`${H200}\n`)).toEqual([
      {
        index: 0,
        uuid: 'GPU-5b1f5ea0-6a2a-4a36-9d1f-2c8f2f6f9f10',
        name: 'NVIDIA H200',
        driver: '550.127.08',
        memoryBytes: 150_754_820_096,
        usedBytes: 4_194_304,
        maxClockHz: 1_980_000_000,
        maxMemoryClockHz: 3_201_000_000,
        clockHz: 345_000_000,
        mig: false,
        slices: [],
        ecc: true,
        uncorrectedErrors: 0,
        temperatureC: 31,
        powerW: 76.35,
        powerLimitW: 700,
        busyPercent: 0,
        computeMode: 'Default',
        persistence: true,
        link: { generation: 5, width: 16 },
      },
    ]);
  });

  test('tells of several cards, and of each what it does not have', async () => {
    expect(await read(`${H200}\n${GEFORCE}\n`)).toMatchObject([
      { index: 0, ecc: true, mig: false },
      {
        index: 1,
        name: 'NVIDIA GeForce RTX 4090',
        ecc: undefined,
        mig: undefined,
        uncorrectedErrors: undefined,
      },
    ]);
  });

  test('tells the slices of a card that is cut, and asks for them only then', async () => {
    expect(await read(`${CUT}\n`, SLICES)).toMatchObject([
      {
        mig: true,
        slices: [
          { profile: '3g.20gb', uuid: 'MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f' },
          { profile: '1g.5gb', uuid: 'MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb' },
        ],
      },
    ]);
    // parts of a slice, and slices with more than the others have
    const parts = `GPU 0: A (UUID: GPU-aa)
  MIG 1c.3g.20gb  Device  0: (UUID: MIG-11)
  MIG 1g.10gb+me  Device  1: (UUID: MIG-12)
  MIG 1g.5gb+me.all Device 2: (UUID: MIG-13)
`;
    expect(
      parseSlices(parts)
        .get('GPU-aa')
        ?.map(({ profile }) => profile),
    ).toEqual(['1c.3g.20gb', '1g.10gb+me', '1g.5gb+me.all']);
    // drivers before 470 named slices by their card
    const old = `GPU 0: A (UUID: GPU-aa)\n  MIG 1g.5gb Device 0: (UUID: MIG-GPU-aa/1/0)\n`;
    expect([...parseSlices(old)]).toEqual([['GPU-aa', [{ profile: '1g.5gb', uuid: 'MIG-GPU-aa/1/0' }]]]);
  });

  test('is asked again without fields that its version does not know', async () => {
    const asked: string[] = [];
    const smi = await askNvidiaSmi({
      says: async (_, [query = '']) => {
        asked.push(query);
        for (const field of ['mig.mode.current', 'persistence_mode'])
          if (query.includes(field))
            return { is: 'failed', out: `Field "${field}" is not a valid field to query.\n\n`, err: '' };
        const values = H200.split(', ');
        return done(values.filter((_, i) => i !== 9 && i !== 17).join(', '));
      },
    });
    expect(asked).toHaveLength(3);
    expect(smi).toMatchObject({
      state: 'read',
      cards: [
        { name: 'NVIDIA H200', mig: undefined, persistence: undefined, ecc: true, link: { generation: 5 } },
      ],
      unread: [],
    });
  });

  test('that lost one card of several tells of the others, and what it says of that one', async () => {
    const lost = 'Unable to determine the device handle for GPU0000:3B:00.0: Unknown Error';
    const dead = `2${', [GPU is lost]'.repeat(19)}`;
    const cards = await askNvidiaSmi(
      saying({ is: 'failed', out: `${H200}\r\n${GEFORCE}\r\n${dead}\r\n${lost}\r\n`, err: '' }),
    );
    expect(cards).toMatchObject({ state: 'read', cards: [{ index: 0 }, { index: 1 }] });
    const beside = hostChecks({ ...HOST, cards }, { catalogue: CARDS }).filter(
      ({ about }) => about === 'cards',
    );
    expect(beside).toMatchObject([
      {
        state: 'failed',
        said: expect.stringMatching(/beside them: 2, \[GPU is lost\]/),
        fix: expect.stringContaining('Xid'),
      },
      { state: 'failed', said: `nvidia-smi says beside them: ${lost}` },
    ]);
    const warned = await askNvidiaSmi(
      saying(done(`${H200}\nWARNING: infoROM is corrupted at gpu 0000:3B:00.0\n`)),
    );
    expect(
      hostChecks({ ...HOST, cards: warned }, { catalogue: CARDS }).filter(({ about }) => about === 'cards'),
    ).toMatchObject([
      { state: 'warning', said: expect.stringContaining('beside them: WARNING: infoROM is corrupted') },
    ]);
  });

  test('that is not there, or finds nothing, is a host without cards', async () => {
    expect(await askNvidiaSmi(saying({ is: 'not-there' }))).toEqual({
      state: 'absent',
      why: 'there is no nvidia-smi on this host',
    });
    expect(await askNvidiaSmi(saying({ is: 'failed', out: 'No devices were found\n', err: '' }))).toEqual({
      state: 'absent',
      why: 'No devices were found',
    });
  });

  test.each([
    [
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n",
      /modprobe nvidia/,
    ],
    [
      'Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.127\n',
      /restart the host/,
    ],
    ['Failed to initialize NVML: Insufficient Permissions\n', /\/dev\/nvidia/],
    [
      "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure that the NVIDIA Display Driver is properly installed\n",
      /LD_LIBRARY_PATH/,
    ],
    [
      'Unable to determine the device handle for GPU0000:3B:00.0: GPU is lost.  Reboot the system to recover this GPU\n',
      /Xid/,
    ],
  ])('that fails says why, and the doctor what to do: %s', async (out, fix) => {
    const smi = await askNvidiaSmi(saying({ is: 'failed', out, err: '' }));
    expect(smi).toEqual({
      state: 'failed',
      why: `nvidia-smi says: ${out.split('\n')[0]}`.slice(0, 137).trimEnd(),
    });
    const [check] = hostChecks({ ...HOST, cards: smi }, { catalogue: CARDS }).filter(
      ({ about }) => about === 'cards',
    );
    expect(check).toMatchObject({ state: 'failed', fix: expect.stringMatching(fix) });
  });

  test('that hangs is left behind after its time, and says so', async () => {
    const smi = await askNvidiaSmi({
      says: (_, __, withinMs) => {
        expect(withinMs).toBe(15_000);
        return systemQuestions.says('sleep', ['30'], 20); // as a card that fell off its bus
      },
    });
    expect(smi).toEqual({ state: 'failed', why: 'nvidia-smi did not answer within 15 s' });
  });

  test.each([
    ['nothing', ''],
    ['another table', 'name, driver\nA, B\n'],
    ['a line too many words', `${H200}, 7\n`],
    ['a line too few', H200.slice(0, -4)],
    ['no UUID of a card', H200.replace('GPU-', 'CPU-')],
    ['markup', '<html>\u001b[31mnothing\u001b[0m</html>\n'],
    ['cards without end', `${H200}\n`.repeat(65)],
  ])('that prints nonsense is believed nothing: %s', async (_, out) => {
    expect(parseCards(out)).toBeUndefined();
    const smi = await askNvidiaSmi(saying(done(out)));
    expect(smi.state).toBe('failed');
    // and none of it steers a terminal
    expect(JSON.stringify(smi)).toMatch(/^[\x20-\x7e]*$/);
  });
});

describe('what the doctor says of a card', () => {
  test('is its class and how it is, where nothing is wrong', () => {
    expect(checksOf(H200)).toEqual([
      {
        about: 'card 0',
        state: 'ok',
        said: 'NVIDIA H200, driver 550.127.08, 140.4 GiB, 345 of 1980 MHz, MIG off, ECC on, 31 C, 76 of 700 W, class h200',
      },
    ]);
  });

  test.each([
    [H200.replace('550.127.08', '470.82.01'), 'failed', /driver is 470/, /update it to 520/],
    [
      H200.replace('Disabled, Enabled, 0', 'Disabled, Enabled, 3'),
      'failed',
      /3 errors/,
      /nvidia-smi -i 0 -r/,
    ],
    [H200.replace('Disabled, Enabled', 'Enabled, Enabled'), 'failed', /no slice/, /-mig 0/],
    [H200.replace('Default', 'Prohibited'), 'failed', /prohibits/, /-c DEFAULT/],
    [H200.replace(', 31, ', ', 97, '), 'failed', /97 C/, /fans/],
    [H200.replace(', 31, ', ', 88, '), 'warning', /88 C/, /fans/],
    [H200.replace('Disabled, Enabled', 'Disabled, Disabled'), 'warning', /ECC is off/, /-e 1/],
    [H200.replace('5, 16', '5, 4'), 'warning', /PCIe x4/, /16 lanes/],
    [GEFORCE, 'warning', /8\.9 GiB of its memory/, /end what else/],
    [H200.replace('NVIDIA H200', 'Unheard Of 9000'), 'warning', /not in the catalogue/, /--catalogue FILE/],
  ])('is what is wrong, with the fix: %s', (line, state, said, fix) => {
    const [, problem, ...rest] = checksOf(line);
    expect(problem).toMatchObject({
      state,
      said: expect.stringMatching(said),
      fix: expect.stringMatching(fix),
    });
    expect(rest).toEqual([]);
  });
});

const HOST = {
  assay: '0.1.0',
  node: '20.20.2',
  facts: { at: 0 },
  cpu: { model: 'A processor', threads: 8, mhz: 3000, limit: undefined },
  memory: { bytes: 2 ** 35, availableBytes: 2 ** 34, swapBytes: 0, limitBytes: undefined },
  disks: [{ name: 'nvme0n1', model: 'A disk', bytes: 2 ** 40, rotates: false }],
  volumes: [{ path: '/data', kind: 'data folder', bytes: 2 ** 40, freeBytes: 2 ** 39 }],
  network: [{ name: 'eth0', addresses: ['203.0.113.5'], mtu: 1500, megabitsPerS: 10_000 }],
  cards: { state: 'absent', why: 'there is no nvidia-smi on this host' },
  graphics: [],
  clockFollowed: true,
  upSeconds: 5,
} as const;

describe('what the doctor says of a host', () => {
  test('is nothing but good of a good one', () => {
    const checks = hostChecks(HOST, { catalogue: CARDS });
    expect(checks.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(checks.map(({ about, said }) => `${about}: ${said}`)).toEqual([
      'node: Node 20.20.2',
      'processor: A processor, 8 threads',
      'memory: 32.0 GiB, 16.0 GiB of it free',
      'disk: 512.0 GiB free of 1024.0 GiB where data goes (/data)',
      'drives: nvme0n1 A disk 1024.0 GiB',
      'network: eth0 203.0.113.5, 10000 Mbit/s',
      'system clock: follows a time server',
      'virtualisation: not known',
      'container runtimes: none, and none is needed',
      'cards: no NVIDIA card: there is no nvidia-smi on this host',
    ]);
  });

  test.each([
    ['node', { node: '18.19.0' }, 'failed', /install Node 20\.12/],
    ['processor', { cpu: { ...HOST.cpu, limit: 1.5 } }, 'warning', /--cpus/],
    ['memory', { memory: { ...HOST.memory, limitBytes: 2 ** 29 } }, 'failed', /free 1\.0 GiB/],
    ['disk', { volumes: [{ ...HOST.volumes[0], freeBytes: 2 ** 29 }] }, 'failed', /another volume/],
    ['disk', { volumes: [{ ...HOST.volumes[0], freeBytes: 2 ** 32 }] }, 'warning', /make room/],
    ['disk', { volumes: [] }, 'unknown', /--data/],
    [
      'network',
      { network: [{ name: 'lo', addresses: ['127.0.0.1', '::1'], mtu: 65536, megabitsPerS: undefined }] },
      'failed',
      /connect this host/,
    ],
    ['system clock', { clockFollowed: false }, 'failed', /set-ntp true/],
    ['system clock', { clockFollowed: undefined }, 'unknown', /timedatectl .* --netuid compares it/],
    ['security updates', { facts: { at: 0, pendingSecurityUpdates: 3 } }, 'warning', /apt-get upgrade/],
  ] as const)('is what is wrong with its %s', (about, change, state, fix) => {
    const [check] = hostChecks({ ...HOST, ...change }, { catalogue: CARDS }).filter(
      (each) => each.about === about,
    );
    expect(check).toMatchObject({ state, fix: expect.stringMatching(fix) });
  });

  test.each([
    ['NVIDIA', '10de:2335', 'failed', 'install the driver; in a container, pass the card into it'],
    ['AMD', '1002:744c', 'ok', undefined],
    ['other', '1234:1111', 'ok', undefined],
  ] as const)('is what it makes of a card of %s that has no nvidia-smi', (vendor, id, state, fix) => {
    const graphics = [{ vendor, id, at: '0000:3b:00.0' }];
    const found = hostChecks({ ...HOST, graphics }, { catalogue: CARDS }).find(
      ({ about }) => about === 'cards',
    );
    expect(found).toMatchObject({ state, ...(fix ? { fix } : {}) });
    expect(found?.said.includes(id)).toBe(vendor !== 'other');
  });

  test('is that cards cannot be used where the driver’s library cannot be called', () => {
    const [card] = parseCards(H200)!.cards;
    const cards = { state: 'read', cards: [{ ...card!, slices: [] }], unread: [] } as const;
    const found = hostChecks(
      { ...HOST, cards },
      { catalogue: CARDS, cudaAbsent: 'the optional package koffi is not installed' },
    );
    expect(found.find(({ about }) => about === 'cards')).toEqual({
      about: 'cards',
      state: 'failed',
      said: 'nvidia-smi sees 1, and we cannot use them: the optional package koffi is not installed',
      fix: 'npm install --ignore-scripts koffi@3.3.4; see docs/guide/bring-your-gpu.md',
    });
  });
});
