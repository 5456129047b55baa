import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { setCommitment } from '../../../src/chain/subtensor/operations/commitments.js';
import { setOwnerHotkey } from '../../../src/chain/subtensor/operations/subnets.js';
import { exitCodeOf } from '../../../src/cli/output.js';
import { openShelf } from '../../../src/cli/parameter-files.js';
import { registerSubnet } from '../../../src/cli/subnet-group.js';
import { registerVerification } from '../../../src/cli/verification-group.js';
import { type Keypair, keypairFromUri } from '../../../src/keys/index.js';
import { fromHex, toHex } from '../../../src/model/bytes.js';
import type { AssayError } from '../../../src/model/errors.js';
import { toHotkey, toNetuid } from '../../../src/model/ids.js';
import { silentLog } from '../../../src/model/log.js';
import { createParameters, publicationsOf } from '../../../src/parameters/parameters.js';
import { POLICIES, policyDigest } from '../../../src/scoring/index.js';
import { kinds } from '../../../src/verification/kinds/index.js';
import { NO_POLICY } from '../../../src/verification/parameter-file.js';
import { type LocalnetNode, startLocalnet } from '../chain/localnet-node.js';

let node: LocalnetNode;
let folder: string;

beforeAll(async () => {
  node = await startLocalnet();
  await withBlocks(() => assay('subnet', 'create', '--wallet', '//Alice', '--start', '--json'));
});
afterAll(() => node.goDown());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-params-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** A block whenever an extrinsic waits for one. */
async function withBlocks<T>(work: () => Promise<T>): Promise<T> {
  const stop = node.pump();
  try {
    return await work();
  } finally {
    await stop();
  }
}

interface Ended {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
  readonly error: AssayError | undefined;
}

async function assay(...args: readonly string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  let code: number | undefined;
  let error: unknown;
  const program = new Command('assay').exitOverride();
  const work = async (command: (signal: AbortSignal) => Promise<number>) => {
    code = await command(new AbortController().signal);
  };
  registerSubnet(program, work);
  registerVerification(program, work);
  const isOffline = ['list', 'show', 'check', 'export'].includes(args[2]!);
  const all = isOffline ? args : [...args, '--network', node.url];
  await program.parseAsync(all, { from: 'user' }).catch((thrown: unknown) => {
    error = thrown;
    code = exitCodeOf(thrown);
  });
  vi.restoreAllMocks();
  return { code, out: written.stdout, err: written.stderr, error: error as AssayError | undefined };
}

const params = (...args: readonly string[]) => assay('verification', 'params', ...args);
const inFolder = (name: string) => join(folder, name);
const publish = (file: string, ...more: readonly string[]) =>
  withBlocks(() =>
    params(
      'publish',
      file,
      '--netuid',
      '1',
      '--wallet',
      '//Alice',
      '--hotkey',
      '//Alice//hotkey',
      '--json',
      ...more,
    ),
  );
/** After the owner's hotkey was changed. */
const publishAsNext = (file: string, ...more: readonly string[]) =>
  publish(file, '--hotkey', '//Alice//next', ...more);
const published = async () => JSON.parse((await params('published', '--netuid', '1', '--json')).out);

/** Two sets of the built-in table, one of them with another number. */
async function changedFile(nominalLabels: number): Promise<{ path: string; digest: string }> {
  const path = inFolder(`params-${nominalLabels}.json`);
  await params('export', '--out', path, '--class', 'compute/cpu-2048', 'compute/paced');
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace('"nominalLabels":21', `"nominalLabels":${nominalLabels}`),
  );
  const { digest } = JSON.parse((await params('check', path, '--json')).out) as { digest: string };
  return { path, digest };
}

describe('parameter sets and files', () => {
  test('list and show say every set of this build by its address', async () => {
    const lines = (await params('list', '--json')).out.trim().split('\n');
    const sets = lines.map((line) => JSON.parse(line));
    const known = Object.values(kinds).reduce((sum, kind) => sum + kind!.table.size, 0);
    expect(sets).toHaveLength(known);
    const cpu = sets.find((set) => set.class === 'cpu-2048');
    expect(cpu).toMatchObject({ kind: 'compute', params: { n: 2048, windowMs: 2000 } });
    expect((await params('show', cpu.id.slice(0, 8))).out).toMatch(
      /^set +compute\/cpu-2048\n[\s\S]*opsPerS +180388626432/,
    );
    expect(JSON.parse((await params('show', 'compute/cpu-2048', '--json')).out)).toEqual(cpu);
    expect((await params('list', '--kind', 'compute')).out).toContain('h100-sxm');
    expect(await params('show', 'h100')).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/got h100; near it: h100-pcie, h100-sxm$/) },
    });
    expect((await params('list', '--kind', 'x')).code).toBe(2);
  });

  test('what export writes is what check reads, and a policy is named by its digest', async () => {
    writeFileSync(inFolder('policy.json'), JSON.stringify(POLICIES.mixed, null, 2));
    const out = inFolder('all.json');
    const made = JSON.parse(
      (await params('export', '--out', out, '--policy', inFolder('policy.json'), '--json')).out,
    );
    const checked = JSON.parse((await params('check', out, '--json')).out);
    expect(checked).toMatchObject({ digest: made.digest, added: [], changed: [], left: [], warnings: [] });
    // of its one spelling: that is what validators ask one another for
    expect(checked.policy).toBe(policyDigest(POLICIES.mixed));
    expect(readFileSync(out, 'utf8').split('\n').length).toBe(made.sets + 3);
  });

  test('check names the key that is wrong, what was meant, and what differs', async () => {
    const { path } = await changedFile(20);
    expect(JSON.parse((await params('check', path, '--json')).out)).toMatchObject({
      sets: 2,
      added: [],
      changed: ['compute/cpu-2048'],
      left: expect.arrayContaining(['compute/h100-sxm']),
    });
    writeFileSync(path, readFileSync(path, 'utf8').replace('"nominalLabels":20', '"nominalLables":20'));
    expect(await params('check', path)).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/params\.nominalLables: .*did you mean nominalLabels\?$/) },
    });
    expect((await params('check', inFolder('none.json'))).code).toBe(2);
  });

  test('check warns of windows that differ for one amount, and not of a link’s beside those of cores', async () => {
    const path = inFolder('windows.json');
    await params(
      'export',
      '--out',
      path,
      '--class',
      'compute/cpu-2048',
      'link-100m',
      'link-1g',
      'liveness/live',
    );
    const [first] = JSON.parse((await params('check', path, '--json')).out).warnings;
    expect(first).toBe('no policy: its digest is zeros');
    const text = readFileSync(path, 'utf8').replace(/("class":"link-1g".*?"windowMs":)3000/, '$12000');
    writeFileSync(path, text);
    expect(JSON.parse((await params('check', path, '--json')).out).warnings).toEqual([
      ...['downBytesPerS', 'upBytesPerS'].map(
        (resource) =>
          `${resource} is measured for 2000, 3000 ms: slots of different windows on one device are credited more than it can do`,
      ),
      'no policy: its digest is zeros',
    ]);
  });
});

describe('publishing', () => {
  test('is for the owner, and a dry run sends nothing', async () => {
    const { path, digest } = await changedFile(22);
    expect(await publish(path, '--hotkey', '//Bob')).toMatchObject({
      code: 2,
      error: {
        message: expect.stringMatching(/^--hotkey: expected the owner's, 5.*; or --as-successor, .*, got 5/),
      },
    });
    const dry = await publish(path, '--dry-run');
    expect(dry.code).toBe(0);
    const [commitment, key] = dry.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(commitment).toMatchObject({
      dryRun: true,
      call: 'Commitments.set_commitment',
      parameters: digest,
      ok: true,
    });
    expect(key).toMatchObject({
      dryRun: true,
      call: 'AdminUtils.sudo_set_weights_version_key',
      versionKey: '1',
    });
    expect(await published()).toMatchObject({
      counts: ['built-in'],
      published: null,
      weightsVersionKey: '0',
    });
  });

  test('whose second call would be refused does not send the first', async () => {
    const { path } = await changedFile(22);
    const ended = await publish(path, '--wallet', '//Bob');
    expect(ended).toMatchObject({ code: 1, error: { code: 'chain-rejected', data: { unsent: true } } });
    expect(ended.err).toBe('');
    expect((await published()).published).toBeNull();
  });

  test('commits to digest, policy and first epoch, keeps what else was committed, raises the key; validators follow', async () => {
    const owner = keypairFromUri('//Alice//hotkey');
    const { connectSubtensor } = await import('../../../src/chain/subtensor/connect.js');
    const { systemClock } = await import('../../../src/model/clock.js');
    const chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
    try {
      const other = { kind: 'raw', bytes: Uint8Array.of(1, 2, 3) } as const;
      await withBlocks(() => chain.submit(owner, setCommitment(1, [other])));
      const { epochIndex: now } = await chain.subnet(toNetuid(1));
      const { path, digest } = await changedFile(23);
      const done = await publish(path);
      expect(done.error).toBeUndefined();
      expect(JSON.parse(done.out)).toMatchObject({
        netuid: 1,
        parameters: digest,
        previous: 'built-in',
        policy: NO_POLICY,
        firstEpoch: now + 2,
        versionKey: '1',
        wasThere: false,
        weightsVersionKey: '1',
      });
      const { fields } = (await chain.commitmentOf(toNetuid(1), toHotkey(owner.address)))!;
      expect(fields).toHaveLength(2);
      expect(fields[1]).toEqual(other);

      // again: nothing is left to do
      expect(JSON.parse((await publish(path)).out)).toMatchObject({ wasThere: true, weightsVersionKey: '1' });
      // another, while this one waits
      const second = await changedFile(24);
      expect(await publish(second.path)).toMatchObject({
        code: 2,
        error: { message: expect.stringMatching(/^publication: expected none waiting, or --replace, got /) },
      });
      const replaced = await publish(second.path, '--replace', '--first-epoch', String(now + 3));
      expect(JSON.parse(replaced.out)).toMatchObject({
        parameters: second.digest,
        previous: 'built-in',
        firstEpoch: now + 3,
        versionKey: '1',
      });
      expect(await published()).toMatchObject({
        counts: ['built-in'],
        published: { parameters: second.digest },
      });

      // a validator of this chain, whose shelf has the file
      const shelf = openShelf(inFolder('shelf'));
      await shelf.write(second.digest, await bytesOf(second.path));
      const parts = { parameters: { source: publicationsOf(chain), shelf }, kinds, log: silentLog };
      const parameters = createParameters(parts, { netuid: toNetuid(1) });
      const head = await chain.head();
      const subnet = await chain.subnet(toNetuid(1), head.hash);
      await parameters.look({ subnet, hash: head.hash }, () => [], new AbortController().signal);
      expect([2, 3, 4].map((ahead) => parameters.status(now + ahead).held)).toEqual([
        ['built-in'],
        [second.digest, 'built-in'],
        [second.digest],
      ]);
      expect([...parameters.kindsOf(now + 4)!.compute!.table.values()]).toContainEqual(
        expect.objectContaining({ class: 'cpu-2048', nominalLabels: 24 }),
      );
    } finally {
      await chain.close();
    }
  });
});

describe('another hotkey of the owner’s', () => {
  test('says first what the present one says: then nothing changes when it takes its place', async () => {
    const [root, next] = ['//Alice', '//Alice//next'].map((uri): Keypair => keypairFromUri(uri)) as [
      Keypair,
      Keypair,
    ];
    const { connectSubtensor } = await import('../../../src/chain/subtensor/connect.js');
    const { systemClock } = await import('../../../src/model/clock.js');
    const chain = await connectSubtensor({ url: node.url, log: silentLog, clock: systemClock });
    const asSuccessor = (file: string, ...more: readonly string[]) =>
      publish(file, '--as-successor', '--hotkey', '//Alice//next', ...more);
    try {
      const { published: present } = await published();
      const { path, digest } = await changedFile(24);
      expect(present.parameters).toBe(digest);
      expect(await asSuccessor(path)).toMatchObject({ code: 1, error: { code: 'chain-rejected' } }); // not registered yet
      await withBlocks(() => chain.burnedRegister(root, toNetuid(1), toHotkey(next.address)));
      expect(await asSuccessor((await changedFile(25)).path)).toMatchObject({
        code: 2,
        error: { message: expect.stringMatching(/^file: expected the one that is published, /) },
      });
      expect(await publish(path, '--as-successor')).toMatchObject({
        code: 2,
        error: {
          message: expect.stringMatching(/^--as-successor: expected a hotkey that is not the owner's yet/),
        },
      });
      expect(JSON.parse((await asSuccessor(path)).out)).toMatchObject({
        parameters: digest,
        previous: 'built-in',
        firstEpoch: present.firstEpoch,
        asSuccessor: next.address,
      });
      await withBlocks(() => chain.submit(root, setOwnerHotkey(1, next.address)));
      const { block: _, ...same } = present;
      expect(await published()).toMatchObject({ published: same, weightsVersionKey: '1' });
    } finally {
      await chain.close();
    }
  });
});

describe('a policy', () => {
  test('is published with the parameter file that names it, in one command; one that pays for what nobody can claim is not', async () => {
    const [policy, out] = [inFolder('policy.json'), inFolder('named.json')];
    writeFileSync(policy, JSON.stringify(POLICIES.compute, null, 2));
    expect(await publishAsNext('built-in', '--policy', policy)).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/^--out: expected where to write the parameter file/) },
    });
    const other = inFolder('other.json');
    const pools = [{ ...POLICIES.compute.pools[0], match: { classes: ['h100-smx'] } }];
    writeFileSync(other, JSON.stringify({ ...POLICIES.compute, pools }));
    expect(await publishAsNext('built-in', '--policy', other, '--out', out)).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/match\.classes: .*did you mean h100-sxm/) },
    });
    const often = { eventsPerEpoch: 9, leadBlocks: 2, eventBlocks: 12, publishLeadBlocks: 12 };
    writeFileSync(other, JSON.stringify({ ...POLICIES.compute, schedule: often }));
    expect(await publishAsNext('built-in', '--policy', other, '--out', out)).toMatchObject({
      code: 2,
      error: { message: expect.stringMatching(/^--policy: .*eventsPerEpoch: expected at most 8/) },
    });
    expect(existsSync(out)).toBe(false);

    const before = await published();
    const first = String(before.epoch + 4);
    const done = await publishAsNext(
      'built-in',
      '--policy',
      policy,
      '--out',
      out,
      '--replace',
      '--first-epoch',
      first,
      '--no-version-key',
    );
    expect(done.error).toBeUndefined();
    const digest = policyDigest(POLICIES.compute);
    const checked = JSON.parse((await params('check', out, '--json')).out);
    expect(checked).toMatchObject({ policy: digest, added: [], changed: [], left: [] });
    expect((await published()).published).toMatchObject({ policy: digest, parameters: checked.digest });
    // one that names it already needs no other
    const again = await publishAsNext(out, '--policy', policy, '--no-version-key');
    expect(JSON.parse(again.out)).toMatchObject({ wasThere: true, policy: digest });
  });
});

async function bytesOf(path: string): Promise<Uint8Array> {
  const { readNamedFile } = await import('../../../src/cli/parameter-files.js');
  const { bytes, digest } = await readNamedFile(path, kinds);
  expect(toHex(fromHex(digest))).toBe(digest);
  return bytes;
}
