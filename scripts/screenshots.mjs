#!/usr/bin/env node
// Pictures of the dashboard's pages, light and dark, desktop and phone: runs the demo, opens its pages in Debian's Chromium, writes
// docs/screenshots/*.png and the list of them in docs/dashboard.md, with the head of the ledger that is behind them.
// The demo's epochs go on until there is a suspicion to be shown: timing is compared over 24 events, which are twelve epochs.
// Usage: npm run screenshots [-- --seed TEXT] [--anyway]     six minutes, nine at most
//   --anyway  also where this machine is too busy to time proofs, and honest miners look late: the page says so then; and where
//             nothing was found within the time
// Exits 0 with a line that says so where there is no Chromium.
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const MAIN = join(root, 'dist/cli/main.js');
const FOLDER = join(root, 'docs/screenshots');
const PAGE = join(root, 'docs/dashboard.md');
const CHROMIUM = '/usr/bin/chromium';
const [BEGIN, END] = ['<!-- npm run screenshots writes from here -->', '<!-- to here -->'];
const SIZES = [
  { name: 'desktop', width: 1280, height: 800 },
  { name: 'phone', width: 390, height: 844 },
];
const THEMES = ['light', 'dark'];
const MAX_BYTES = 3_000_000;
const READY_MS = 300_000;
const STOP_MS = 20_000;
/** From when the demo has paid its epochs: 24 events are over after three minutes, and how near a relay is to its host is chance. */
const FOUND_MS = 600_000;
/** An analysis is made anew after 30 s. */
const LOOK_MS = 5000;
/** Of the lab: a run of a second. */
const ORDER = new URLSearchParams({
  scenario: 'burn-share',
  epochs: '60',
  vary: 'owner.burnShare=0:1:0.25',
  run: '1',
});
const say = (line) => console.error(`screenshots: ${line}`);

const { seed, anyway } = parseArgs({
  options: { seed: { type: 'string', default: 'assay' }, anyway: { type: 'boolean', default: false } },
}).values;
if (!existsSync(CHROMIUM)) {
  say(`skipped: no Chromium at ${CHROMIUM}`);
  process.exit(0);
}
if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build`);

const dir = mkdtempSync(join(tmpdir(), 'assay-screenshots-'));
const running = [];
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    void stopAll().then(() => process.exit(130));
  });
try {
  const demo = await startDemo();
  const sites = await startDashboards(demo);
  await suspicionIn(sites[0].url);
  const order = new URL(`lab/?${ORDER}`, sites[0].url);
  if (!(await lookedAt(order, (text) => text.includes('<iframe'), READY_MS)))
    throw new Error(`${order.href} has no result within ${READY_MS / 1000} s`);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--force-color-profile=srgb'],
  });
  try {
    const pictures = [];
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    for (const site of sites) pictures.push(...(await picture(browser, site)));
    await writePage(pictures, demo);
  } finally {
    await browser.close();
  }
  const bytes = readdirSync(FOLDER).reduce((sum, file) => sum + statSync(join(FOLDER, file)).size, 0);
  say(`${readdirSync(FOLDER).length} pictures, ${(bytes / 1e6).toFixed(2)} MB`);
  if (bytes > MAX_BYTES)
    throw new Error(`pictures of ${bytes} bytes: at most ${MAX_BYTES} are to be kept in docs`);
} finally {
  await stopAll();
  rmSync(dir, { recursive: true, force: true });
}

/** The demo as anybody starts it, left running when it has paid its epochs. */
async function startDemo() {
  say(`assay demo --seed ${seed} --keep: its epochs take a minute and a half`);
  const demo = start('demo', '--seed', seed, '--keep', '--json', '--dir', dir);
  const report = whole(demo.stdout);
  const [, url] = await line(demo, demo.stderr, /still running: chain at (\S+),/);
  const { miners, epochs } = JSON.parse(report.text);
  const missed = miners.filter(
    ({ behaviour, accepted, checks }) => behaviour.startsWith('honest') && accepted < 0.75 * checks,
  );
  const busy = missed
    .map(({ behaviour, accepted, checks }) => `${behaviour} ${accepted} of ${checks}`)
    .join(', ');
  if (busy !== '' && !anyway)
    throw new Error(`this machine is too busy to time proofs (accepted of ${busy}): try again, or --anyway`);
  const minerIn = (behaviour) => {
    const { hotkey } = miners.find((each) => each.behaviour === behaviour);
    return { hotkey, folder: folderOf(hotkey) };
  };
  return { url, epochs, minerIn, busy };
}

/** Names of folders say nothing of behaviours. */
function folderOf(hotkey) {
  for (const name of readdirSync(dir).filter((each) => each.startsWith('miner-')))
    if (JSON.parse(readFileSync(join(dir, name, 'status.json'), 'utf8')).status.hotkey === hotkey)
      return join(dir, name);
  throw new Error(`no folder of ${hotkey} in ${dir}`);
}

/** The validator's and owner's pages, and those of one of its miners. */
async function startDashboards({ url, minerIn }) {
  const miner = minerIn('honest-large');
  const serve = async (...flags) => {
    const process = start('dashboard', ...flags, '--network', url, '--port', '0', '--json');
    const [said] = await line(process, process.stdout, /^\{.*"url".*$/);
    return JSON.parse(said);
  };
  const ofValidator = await serve('--data', join(dir, 'validator-a'), '--owner');
  const ofMiner = await serve('--miner', miner.folder);
  return [
    {
      url: ofValidator.url,
      by: 'a validator',
      pages: [
        ...ofValidator.pages
          .filter((name) => name !== 'miner')
          .map((name) => ({ name, path: name === 'lab' ? `lab/?${ORDER}` : `${name}/` })),
        { name: 'miner', path: `miner/${miner.hotkey}/` },
      ],
    },
    { url: ofMiner.url, by: 'a miner', pages: [{ name: 'fleet', path: 'fleet/' }] },
  ];
}

/** What the demo's liars leave behind takes events to tell from chance: of the one that relays, its timing. */
async function suspicionIn(url) {
  say(`waiting for a finding on ${url}suspicions/: 24 events that two hotkeys answered take three minutes`);
  // of two or more hotkeys with evidence; what is no more than a fact stands in tables
  const isFound = (text) => text.includes('id="finding-0"');
  if (await lookedAt(new URL('suspicions/', url), isFound, FOUND_MS)) return;
  const seconds = FOUND_MS / 1000;
  if (!anyway)
    throw new Error(`nothing was found within ${seconds} s: try again on a quieter machine, or --anyway`);
  say(`nothing was found within ${seconds} s: the picture says so`);
}

/** Whether the page came to be like that in time. */
async function lookedAt(page, isSo, withinMs) {
  for (const until = performance.now() + withinMs; performance.now() < until; await delay(LOOK_MS)) {
    const answer = await fetch(page);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${page.href}: ${answer.status}`);
    if (isSo(text)) return true;
  }
  return false;
}

async function picture(browser, { url, by, pages }) {
  const found = [];
  for (const size of SIZES)
    for (const theme of THEMES) {
      const context = await browser.newContext({
        viewport: size,
        colorScheme: theme,
        locale: 'en-GB',
        timezoneId: 'UTC',
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      for (const { name, path } of pages) {
        await page.goto(new URL(path, url).href, { waitUntil: 'load' });
        const file = `${name}-${size.name}-${theme}.png`;
        await page.screenshot({ path: join(FOLDER, file), animations: 'disabled' });
        found.push({ name, title: (await page.title()).split(' · ')[0], size: size.name, theme, file, by });
      }
      await context.close();
    }
  return found;
}

/** Between the two marks; all else on the page is somebody's. */
async function writePage(pictures, { epochs, busy }) {
  const { openLedgerReader } = await import(new URL('../dist/validator/ledger/ledger.js', import.meta.url));
  const quiet = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet };
  const ledger = await openLedgerReader({ dir: join(dir, 'validator-a', 'ledger'), log: quiet });
  const head = ledger.heads().at(-1);
  await ledger.close();
  const digest = Buffer.from(head.link).toString('hex');
  const row = (name, size) => {
    const cells = pictures
      .filter((each) => each.name === name && each.size === size)
      .map(({ file, title, theme }) => `![${title}, ${theme}, ${size}](screenshots/${file})`);
    return `| ${size} | ${cells.join(' | ')} |`;
  };
  const sections = [...new Set(pictures.map(({ name }) => name))].map((name) => {
    const { by } = pictures.find((each) => each.name === name);
    return `### ${name[0].toUpperCase()}${name.slice(1)}, shown by ${by}

| | ${THEMES.join(' | ')} |
|---|---|---|
${SIZES.map((size) => row(name, size.name)).join('\n')}
`;
  });
  const text = `${BEGIN}
The demo's own chain, processes and ledger (\`assay demo --seed ${seed} --keep\`, ${epochs} paid epochs, and as many more as a suspicion takes). The ledger of validator-a behind these pictures: its signed head of epoch ${head.epoch} is
\`${digest}\`, over ${head.records} records.${busy === '' ? '' : ` The machine was too busy to time proofs: of checks of honest miners, accepted were ${busy}; the others came late.`}

${sections.join('\n')}${END}`;
  const before = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : `# The dashboard\n\n${BEGIN}\n${END}\n`;
  if (!before.includes(BEGIN) || !before.includes(END))
    throw new Error(`${PAGE}: no place for pictures: ${BEGIN} and ${END}`);
  const [head_, rest] = before.split(BEGIN);
  writeFileSync(PAGE, `${head_}${text}${rest.split(END)[1]}`);
}

function start(...args) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    child.said = `${child.said}${text}`.slice(-4000);
  });
  child.stdout.setEncoding('utf8');
  running.push(child);
  return child;
}

function whole(stream) {
  const heard = { text: '' };
  stream.on('data', (text) => {
    heard.text += text;
  });
  return heard;
}

/** The first line that is like that. @throws Error with what it said when it ends first, or takes too long */
function line(child, stream, pattern) {
  return new Promise((resolve, reject) => {
    const fail = (how) => reject(new Error(`assay ${child.spawnargs[2]} ${how}; it said:\n${child.said}`));
    const late = setTimeout(() => fail(`was not ready within ${READY_MS / 1000} s`), READY_MS);
    child.once('exit', (code) => {
      clearTimeout(late);
      fail(`ended with ${code}`);
    });
    createInterface({ input: stream }).on('line', (text) => {
      const found = pattern.exec(text);
      if (!found) return;
      clearTimeout(late);
      resolve(found);
    });
  });
}

async function stopAll() {
  await Promise.all(
    running.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(late);
    }),
  );
}
