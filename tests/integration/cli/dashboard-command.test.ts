import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { exportPages, showDashboard } from '../../../src/cli/commands/dashboard.js';
import { silentLog } from '../../../src/model/log.js';
import { createSeededRandom } from '../../../src/model/prng.js';
import { openLedger } from '../../../src/validator/ledger/ledger.js';
import { formProblems } from '../../support/json-forms.js';
import { type SeededSubnet, seedLedger } from '../../support/seeded-ledger.js';
import { soon } from '../../support/soon.js';
import { outcomeEntry, whose } from '../../unit/validator/ledger/folders.js';

let folder: string;
let seeded: SeededSubnet;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-dashboard-'));
  seeded = await seedLedger(join(folder, 'validator'), { miners: 12, epochs: 3 });
  await mkdir(join(folder, 'new'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const at = (name: string): string => join(folder, name);

/** Lines of standard output, as they come. */
function printed(): string[] {
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(`${text}`.trim());
    return true;
  });
  return lines;
}

/** The command as a person leaves it running: `body` is told where it listens. */
async function whileShown(
  flags: Record<string, unknown>,
  body: (url: string, pages: readonly string[]) => Promise<void>,
): Promise<void> {
  const lines = printed();
  const stop = new AbortController();
  const shown = showDashboard({ port: 0, json: true, ...flags }, stop.signal);
  try {
    await soon(() => expect(lines[0]).toContain('url'));
    expect(formProblems('dashboard', lines.join('\n'))).toEqual([]);
    const { url, pages } = JSON.parse(lines[0]!) as { url: string; pages: string[] };
    await body(url, pages);
  } finally {
    stop.abort();
  }
  expect(await shown).toBe(0);
}

const text = async (url: string): Promise<string> => (await fetch(url)).text();

describe('assay dashboard', () => {
  test('shows a validator’s folder: its leaderboard, and each miner’s own page', async () => {
    await whileShown({ data: at('validator') }, async (url, pages) => {
      expect(pages).toEqual(expect.arrayContaining(['leaderboard', 'miner', 'rounds']));
      const board = await text(`${url}leaderboard/`);
      expect(board).toContain('12 hotkeys');
      const miner = await text(`${url}miner/${seeded.hotkeys[0]}/`);
      expect(miner).toContain('assay validator replay');
      expect(miner).toContain(`--data ${at('validator')}`);
    });
  });

  test('of a validator that has never run says so, and shows what it writes when it begins', async () => {
    await whileShown({ data: at('new') }, async (url) => {
      expect(await text(`${url}leaderboard/`)).toContain(
        'This validator has judged nothing yet: its ledger is empty.',
      );
      const ledger = await openLedger({
        dir: join(at('new'), 'ledger'),
        ...whose,
        random: createSeededRandom('dashboard'),
        log: silentLog,
      });
      await ledger.append(outcomeEntry('first'));
      await ledger.close();
      await soon(async () => expect(await text(`${url}leaderboard/`)).toContain('1 hotkey,'));
    });
  });

  test('asks for something to show, and for a folder that is there', async () => {
    const { signal } = new AbortController();
    await expect(showDashboard({ port: 0 }, signal)).rejects.toThrow('something to show: --data');
    await expect(showDashboard({ port: 0, data: at('nowhere') }, signal)).rejects.toThrow(
      'expected the data folder of a role, got none there',
    );
  });

  test('a ledger of another subnet than the one that is asked for is refused', async () => {
    await expect(
      showDashboard(
        { port: 0, data: at('validator'), network: ['ws://127.0.0.1:1'], netuid: 9 },
        new AbortController().signal,
      ),
    ).rejects.toThrow('expected the ledger of subnet 9, got one of subnet 2');
  });
});

describe('assay dashboard export', () => {
  test('writes what anybody may see: a page for each miner, and no private one', async () => {
    const lines = printed();
    const dir = at('site');
    expect(await exportPages(dir, { data: at('validator'), json: true }, new AbortController().signal)).toBe(
      0,
    );
    expect(JSON.parse(lines[0]!)).toMatchObject({ folder: dir, pages: expect.any(Number) });
    expect(await readdir(join(dir, 'miner'))).toHaveLength(13);
    expect(await readdir(dir)).not.toContain('suspicions');
    const board = await readFile(join(dir, 'leaderboard', 'index.html'), 'utf8');
    expect(board).toContain(`../miner/${seeded.hotkeys[0]}/index.html`);
    expect(board).not.toContain('<form');
  });
});
