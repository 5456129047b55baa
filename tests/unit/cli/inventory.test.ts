import { expect, test } from 'vitest';
import { type InventoryQuestions, takeInventory } from '../../../src/cli/doctor/inventory.js';

const FILES: Readonly<Record<string, string>> = {
  '/proc/meminfo': 'MemTotal:       32768000 kB\nMemAvailable:   16384000 kB\nSwapTotal:             0 kB\n',
  '/sys/fs/cgroup/cpu.max': '150000 100000\n',
  '/sys/fs/cgroup/memory.max': '1073741824\n',
  '/proc/mounts':
    'proc /proc proc rw 0 0\n/dev/nvme0n1p2 / ext4 rw 0 0\n/dev/nvme0n1p2 /home ext4 rw 0 0\n/dev/sda1 /my\\040plots xfs rw 0 0\n',
  '/sys/block/nvme0n1/size': '2000409264\n',
  '/sys/block/nvme0n1/queue/rotational': '0\n',
  '/sys/block/nvme0n1/device/model': 'A fast\u001b[31m disk   \n',
  '/sys/block/sda/size': '0\n',
  '/sys/class/net/eth0/mtu': '1500\n',
  '/sys/class/net/eth0/speed': '10000\n',
  '/sys/class/net/lo/speed': '-1\n',
  '/sys/bus/pci/devices/0000:3b:00.0/class': '0x030200\n',
  '/sys/bus/pci/devices/0000:3b:00.0/vendor': '0x10de\n',
  '/sys/bus/pci/devices/0000:3b:00.0/device': '0x2335\n',
  '/sys/bus/pci/devices/0000:00:1f.2/class': '0x010601\n',
};
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  '/sys/block': ['loop0', 'nvme0n1', 'sda', 'zram0'],
  '/sys/bus/pci/devices': ['0000:00:1f.2', '0000:3b:00.0'],
};
const v4 = (address: string) => ({
  address,
  netmask: '255.255.255.0',
  family: 'IPv4' as const,
  mac: '00:00:00:00:00:00',
  internal: false,
  cidr: null,
});
const questions = (change: Partial<InventoryQuestions> = {}): InventoryQuestions => ({
  run: async (program) => (program === 'timedatectl' ? 'yes\n' : undefined),
  says: async () => ({ is: 'not-there' }),
  read: async (path) => FILES[path],
  writtenAt: async () => undefined,
  disk: async (folder) => ({ bytes: folder === '/my plots' ? 4000 : 1000, freeBytes: 100 }),
  list: async (folder) => FOLDERS[folder] ?? [],
  interfaces: () => ({ eth0: [v4('203.0.113.5')], lo: [v4('127.0.0.1')] }),
  ...change,
});

test('an inventory is drives, volumes, interfaces, limits and cards, each once and in plain letters', async () => {
  const found = await takeInventory(questions(), { folder: '/data', at: 0 });
  expect(found).toMatchObject({
    cpu: { limit: 1.5 },
    memory: { availableBytes: 16_384_000 * 1024, swapBytes: 0, limitBytes: 2 ** 30 },
    disks: [{ name: 'nvme0n1', model: 'A fast[31m disk', bytes: 512 * 2_000_409_264, rotates: false }],
    volumes: [
      { path: '/', kind: 'ext4', bytes: 1000, freeBytes: 100 },
      { path: '/my plots', kind: 'xfs', bytes: 4000, freeBytes: 100 },
      { path: '/data', kind: 'data folder', bytes: 1000, freeBytes: 100 },
    ],
    network: [
      { name: 'eth0', addresses: ['203.0.113.5'], mtu: 1500, megabitsPerS: 10_000 },
      { name: 'lo', addresses: ['127.0.0.1'], mtu: undefined, megabitsPerS: undefined },
    ],
    cards: { state: 'absent' },
    graphics: [{ vendor: 'NVIDIA', id: '10de:2335', at: '0000:3b:00.0' }],
    clockFollowed: true,
  });
});

test('what cannot be found out is absent, and nothing fails for it', async () => {
  const nothing = questions({
    run: async () => undefined,
    read: async () => undefined,
    disk: async () => undefined,
    list: async () => [],
    interfaces: () => ({}),
  });
  expect(await takeInventory(nothing, { folder: '/data', at: 0 })).toMatchObject({
    cpu: { limit: undefined },
    memory: { availableBytes: undefined, limitBytes: undefined },
    disks: [],
    volumes: [],
    network: [],
    graphics: [],
    clockFollowed: undefined,
  });
});

test.each([
  ['150000', '100000', '1073741824', 1.5, 2 ** 30],
  ['-1', '100000', '9223372036854771712', undefined, undefined],
])(
  'limits of a container are found in the first form of cgroups, too: %s of %s',
  async (quota, period, bytes, limit, limitBytes) => {
    const files: Readonly<Record<string, string>> = {
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': `${quota}\n`,
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': `${period}\n`,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${bytes}\n`,
    };
    const found = await takeInventory(questions({ read: async (path) => files[path] }), {
      folder: '/data',
      at: 0,
    });
    expect(found.cpu.limit).toBe(limit);
    expect(found.memory.limitBytes).toBe(limitBytes);
  },
);
