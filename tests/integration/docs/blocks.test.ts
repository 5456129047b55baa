// Every block of commands in the pages is run: here, or by the test that is named for its page; or it says what it needs that no
// test has. Examples in TypeScript are held to the types of the package.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = new URL('../../../', import.meta.url).pathname;

interface Block {
  readonly commands: string;
  readonly line: number;
  readonly whyNot: string | undefined;
}
interface Parts {
  readonly blocks: readonly { readonly language: string; readonly text: string; readonly line: number }[];
}
const script = (name: string) => import(new URL(`../../../scripts/${name}`, import.meta.url).href);
const { commandBlocksOf } = (await script('docs-check.mjs')) as { commandBlocksOf(text: string): Block[] };
const { partsOf, readPages } = (await script('docs-pages.mjs')) as {
  partsOf(text: string): Parts;
  readPages(): Map<string, string>;
};
const pages = readPages();

/** Who runs the blocks of a page that are not marked. */
const RUN_BY: Readonly<Record<string, string>> = {
  'README.md': 'tests/integration/docs/blocks.test.ts',
  'docs/guide/getting-started.md': 'tests/integration/docs/blocks.test.ts',
  'docs/guide/own-proof.md': 'tests/integration/docs/blocks.test.ts',
  'docs/guide/bring-your-model.md': 'tests/unit/cli/model.test.ts',
  'docs/guide/new-subnet.md': 'tests/integration/docs/new-subnet.test.ts',
  'docs/guide/operate-miner.md': 'tests/integration/docs/operate.test.ts',
  'docs/guide/operate-validator.md': 'tests/integration/docs/operate.test.ts',
  'docs/guide/scenarios.md': 'tests/integration/docs/scenarios.test.ts',
  'docs/guide/schedules.md': 'tests/unit/cli/emissions-schedule.test.ts',
};
const unmarked = (page: string): string[] =>
  commandBlocksOf(pages.get(page)!)
    .filter(({ whyNot }) => whyNot === undefined)
    .map(({ commands }) => commands.trimEnd());

test('every page with commands has a test that runs them, and that test reads the page', () => {
  // what lies in examples/ is a project's own page: `assay init` writes it, and its tests make the project and run it
  const ours = [...pages.keys()].filter((page) => !page.startsWith('examples/'));
  const needing = ours.filter((page) => unmarked(page).length > 0);
  expect(needing.filter((page) => RUN_BY[page] === undefined)).toEqual([]);
  for (const page of needing) {
    const runner = readFileSync(join(ROOT, RUN_BY[page]!), 'utf8');
    expect(runner).toContain(page.split('/').at(-1));
  }
});

const [install, ...steps] = unmarked('docs/guide/getting-started.md');
const [localnet, subnet, miner, validator, whatHappened] = steps as [string, string, string, string, string];

let machine: string;
let port: number;
let chain: Running;
/** what opening a subnet on it printed */
let opened: string;
const running = new Set<ChildProcess>();

/** A package as an install has it, made of the sources without a look at types. */
beforeAll(async () => {
  machine = mkdtempSync(join(tmpdir(), 'assay-blocks-'));
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  await build({
    entryPoints: sources.filter((file) => file.endsWith('.ts')).map((file) => join(ROOT, 'src', file)),
    outdir: join(machine, 'dist'),
    outbase: join(ROOT, 'src'),
    bundle: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  });
  for (const file of sources.filter((name) => /\.[a-z]+$/.test(name) && !name.endsWith('.ts')))
    cpSync(join(ROOT, 'src', file), join(machine, 'dist', file));
  mkdirSync(join(machine, 'docs'));
  cpSync(join(ROOT, 'docs/guide'), join(machine, 'docs/guide'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(machine, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(machine, 'node_modules'));
  port = await freePort();
  // permits exist after the first epoch: it passes while the other blocks are run
  chain = start(localnet);
  await chain.said(/a block every 250 ms; Ctrl-C ends it/);
  opened = (await follow(subnet)).stdout;
}, 240_000);
afterAll(async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(machine, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** The page's chain has the usual port; other tests have chains too. */
const onOwnPort = (commands: string): string =>
  commands
    .replaceAll(/(main\.js localnet start)/g, `$1 --port ${port}`)
    .replaceAll(/(docs\/guide\/[a-z-]+\.mjs)/g, `$1 ws://127.0.0.1:${port}`)
    .replaceAll(/(main\.js (?:chain \w+|subnet create)[^\n#]*)/g, `$1 --network ws://127.0.0.1:${port}`);
const environment = () => ({
  HOME: machine,
  PATH: `${join(process.execPath, '..')}:/usr/bin:/bin`,
  ASSAY_CHAIN: `ws://127.0.0.1:${port}`,
});

const follow = (commands: string) =>
  promisify(execFile)('/bin/sh', ['-ec', onOwnPort(commands)], {
    cwd: machine,
    timeout: 200_000,
    maxBuffer: 2 ** 24,
    env: environment(),
  });

interface Running {
  /** @throws when the process ends before it says so */
  said(what: RegExp): Promise<void>;
  /** Ctrl-C, and the exit code. */
  stop(): Promise<number | null>;
}
/** One command that runs until it is interrupted. */
function start(command: string): Running {
  const child = spawn('/bin/sh', ['-ec', `exec ${onOwnPort(command)}`], {
    cwd: machine,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let said = '';
  let look = (): void => {};
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      look();
    });
  return {
    said: (what) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (what.test(said)) resolve();
        };
        child.once('exit', (code) =>
          reject(new Error(`${command} ended with ${code} before it said ${what}:\n${said}`)),
        );
        look();
      }),
    stop: async () => {
      child.kill('SIGINT');
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    },
  };
}

describe('the README', () => {
  const blocks = unmarked('README.md');

  test('has no block of commands that is not run here', () => {
    expect(blocks.map((block) => block.split('\n')[0])).toEqual([
      'node dist/cli/main.js localnet start',
      'node dist/cli/main.js verification params list',
      'node dist/cli/main.js emissions simulate cabal-40',
      'node dist/cli/main.js localnet start          # in a terminal of its own: it runs until Ctrl-C',
    ]);
  });

  test('shows what can be seen of a host alone, here in fewer runs', { timeout: 240_000 }, async () => {
    expect(blocks[1]).toMatch(/ --runs 2000$/);
    const { stdout } = await follow(blocks[1]!.replace('--runs 2000', '--runs 20'));
    expect(stdout).toContain('cpu-2048');
    expect(stdout).toContain('1 of 1 attacks within their bounds');
  });

  test('shows what a policy would do, here in few epochs', { timeout: 240_000 }, async () => {
    for (const command of blocks[2]!.split('\n')) await follow(`${command} --epochs 4 || test $? -eq 1`);
    expect(readFileSync(join(machine, 'weight-copier.html'), 'utf8')).toContain('<!doctype html>');
  });
});

describe('examples in TypeScript', () => {
  /** What a page has said before a block that begins in the middle; what the block says itself is left out. */
  const BEFORE: Readonly<Record<string, string>> = {
    'docs/guide/own-proof.md': `
      import { createValidator, defineProof, proofs, type AnyProofKind, type ValidatorOptions, type ValidatorSetup } from 'assay';
      import { accepted, equals, rejected, toHex } from 'assay/model';
      import { paramsId } from 'assay/verification';
      declare const params: { kind: 'hash-chain'; class: 'toy'; steps: number; windowMs: number };
      declare const run: (seed: Uint8Array, steps: number) => Uint8Array;
      declare const { chain, keypair, ledger, book }: ValidatorSetup;
      declare const plan: ValidatorOptions['plan'];
      declare const test: (name: string, run: () => unknown) => void;
      declare const hashChain: AnyProofKind;
      declare const { kind, compute, tiny, others, liars }: any;`,
    'docs/guide/own-rule.md': `
      import { ruleConformance } from 'assay/testing';
      declare const atLeast: import('assay/scoring').ScoringRule;
      declare const test: (name: string, run: () => unknown) => void;`,
  };
  const before = (page: string, text: string): string =>
    (BEFORE[page] ?? '')
      .split('\n')
      .filter((line) => {
        const name = /declare const (\w+):/.exec(line)?.[1];
        return name === undefined || !text.includes(`const ${name} =`);
      })
      .join('\n');
  /** A body that is left to the reader gives nothing back. */
  const whole = (text: string): string => text.replaceAll(/\{ \/\*[^*]*\*\/ \}/g, '{ throw undefined; }');
  const examples = [...pages].flatMap(([page, text]) =>
    partsOf(text)
      .blocks.filter(({ language }) => language === 'ts')
      .map(
        (block, i) =>
          [`${page}, ${i + 1}`, `${before(page, block.text)}\n${whole(block.text)}\nexport {};`] as const,
      ),
  );

  test('are what the package exports', { timeout: 240_000 }, () => {
    expect(examples.length).toBeGreaterThanOrEqual(5);
    const files = new Map(
      examples.map(([, text], i) => [join(ROOT, `tests/integration/docs/example-${i}.ts`), text]),
    );
    const options: ts.CompilerOptions = {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ['node'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      paths: {
        assay: [join(ROOT, 'src/index.ts')],
        'assay/*': [join(ROOT, 'src/*/index.ts')],
      },
    };
    const host = ts.createCompilerHost(options);
    const { getSourceFile, fileExists, readFile } = host;
    host.fileExists = (path) => files.has(path) || fileExists(path);
    host.readFile = (path) => files.get(path) ?? readFile(path);
    host.getSourceFile = (path, languageVersion, ...rest) =>
      files.has(path)
        ? ts.createSourceFile(path, files.get(path)!, languageVersion)
        : getSourceFile.call(host, path, languageVersion, ...rest);
    const program = ts.createProgram([...files.keys()], options, host);
    const wrong = [...files.keys()].flatMap((file, i) => {
      const source = program.getSourceFile(file)!;
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
        ({ messageText }) => `${examples[i]![0]}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      );
    });
    expect(wrong).toEqual([]);
  });
});

describe('a subnet by hand', () => {
  const [ownProof] = unmarked('docs/guide/own-proof.md');

  test('is the same in the README', () => {
    expect(install).toBe('npm ci && npm run build');
    expect(steps).toHaveLength(5);
    expect(unmarked('README.md')[0]).toBe([localnet, subnet, miner, validator].join('\n'));
  });

  test('is followed, with a proof of its own before the miner and the validator of the guide', {
    timeout: 300_000,
  }, async () => {
    expect(opened).toMatch(/^subnet 1: validator uid 1, miner uid 2\nblock \d+; epochs every 120 blocks/);

    const own = start(ownProof!);
    await own.said(/event at block \d+: 1 accepted, 0 rejected/);
    await own.stop();

    const [mines, validates] = [start(miner), start(validator)];
    await mines.said(/"msg":"miner ready"/);
    await validates.said(/"msg":"event judged"/);
    const happened = await follow(whatHappened);
    expect(happened.stdout).toMatch(/outcome .* verdict/);

    const [inReadme] = unmarked('README.md').filter((block) => block.includes('main.js chain status'));
    const [first, ...others] = inReadme!.split('\n');
    expect(first).toMatch(/^node dist\/cli\/main\.js localnet start +# in a terminal of its own/);
    const printed = await follow(others.join('\n'));
    expect(printed.stdout).toContain('Assay Localnet');
    expect(printed.stdout).toMatch(/hotkey/);

    for (const each of [validates, mines, chain]) expect(await each.stop()).toBe(0);
  });
});
