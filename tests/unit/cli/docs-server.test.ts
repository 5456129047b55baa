import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { docs } from '../../../src/cli/commands/docs.js';
import { type DocsServer, serveDocs } from '../../../src/cli/docs-server.js';
import { soon } from '../../support/soon.js';

let folder: string;
let server: DocsServer;
const stop = new AbortController();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-docs-'));
  mkdirSync(join(folder, 'site/guide'), { recursive: true });
  writeFileSync(join(folder, 'site/index.html'), '<h1>Start</h1>');
  writeFileSync(join(folder, 'site/guide/a b.html'), '<h1>With a space</h1>');
  writeFileSync(join(folder, 'site/walk.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(join(folder, 'site/example.mjs'), 'export {};');
  writeFileSync(join(folder, 'secret'), 'not of the site');
  server = await serveDocs({ site: join(folder, 'site'), port: 0 }, stop.signal);
});
afterAll(async () => {
  stop.abort();
  await server.closed;
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}
/** As it stands: no client that tidies up paths or names. */
const ask = (path: string, options: { method?: string; headers?: Record<string, string> } = {}) =>
  new Promise<Answer>((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    request({ hostname, port, path, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });

describe('the documentation on loopback', () => {
  test('begins with the start page, and has every file by its path', async () => {
    expect(await ask('/')).toMatchObject({ status: 200, body: '<h1>Start</h1>' });
    expect(await ask('/index.html?q=1')).toMatchObject({ status: 200, body: '<h1>Start</h1>' });
    expect(await ask('/guide/a%20b.html')).toMatchObject({ status: 200, body: '<h1>With a space</h1>' });
  });

  test('lets pages run their own scripts and no others, and shows examples as text', async () => {
    const { headers } = await ask('/');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect((await ask('/walk.svg')).headers).toMatchObject({
      'content-type': 'image/svg+xml',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    });
    expect((await ask('/example.mjs')).headers['content-type']).toBe('text/plain; charset=utf-8');
  });

  test.each([
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/guide/../../secret',
    '//secret',
    '/%',
    '/guide',
  ])('has nothing at %s', async (path) => {
    expect(await ask(path)).toMatchObject({
      status: 404,
      body: 'There is no such page. The start page, /, lists them all.\n',
    });
  });

  test('is not sent twice to who has it', async () => {
    const { etag } = (await ask('/')).headers;
    expect(await ask('/', { headers: { 'If-None-Match': `${etag}` } })).toMatchObject({
      status: 304,
      body: '',
    });
  });

  test('is read, never written', async () => {
    expect(await ask('/', { method: 'POST' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    });
    expect(await ask('/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  test('does not answer to a name that somebody pointed at this machine', async () => {
    expect((await ask('/', { headers: { Host: 'docs.example' } })).status).toBe(421);
    expect((await ask('/', { headers: { Host: 'localhost:1' } })).status).toBe(200);
  });

  test('says so when its port is taken', async () => {
    const port = Number(new URL(server.url).port);
    await expect(serveDocs({ site: join(folder, 'site'), port }, stop.signal)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: leave --port out for one that is free`,
    );
  });

  test('the command says where the pages lie, or serves them until it is asked to end', async () => {
    let printed = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      printed += String(chunk);
      return true;
    });
    const start = join(folder, 'site/index.html');
    expect(await docs({ printPath: true }, stop.signal, { folder })).toBe(0);
    expect(printed).toBe(`${start}\n`);
    printed = '';
    expect(await docs({ printPath: true, json: true }, stop.signal, { folder })).toBe(0);
    expect(JSON.parse(printed)).toEqual({ path: start, url: pathToFileURL(start).href });
    printed = '';
    const end = new AbortController();
    const served = docs({ json: true }, end.signal, { folder });
    await soon(() => expect(printed).not.toBe(''));
    const { url } = JSON.parse(printed) as { url: string };
    expect(await (await fetch(url)).text()).toBe('<h1>Start</h1>');
    end.abort();
    expect(await served).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
    vi.restoreAllMocks();
  });

  test('the command says what to do where no site was made', async () => {
    await expect(docs({}, stop.signal, { folder: join(folder, 'none') })).rejects.toThrow(
      /no documentation site at .*: in a checkout npm run docs makes it; as Markdown the pages are in/,
    );
    await expect(docs({ port: 70_000 }, stop.signal, { folder })).rejects.toThrow(
      '--port: expected an integer from 0 to 65535, got 70000',
    );
  });
});
