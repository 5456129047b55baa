import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { createHub } from '../../../src/dashboard/hub.js';
import type { Page } from '../../../src/dashboard/page.js';
import { html } from '../../../src/dashboard/parts.js';
import { type DashboardOptions, serveDashboard } from '../../../src/dashboard/server.js';
import { invalid } from '../../../src/model/invalid-input.js';
import { silentLog } from '../../../src/model/log.js';

const TOKEN = 'a-token-of-some-length';
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

let renders = 0;
const pages: readonly Page[] = [
  {
    name: 'first',
    label: 'First',
    version: ({ query }) => query.get('v') ?? '1',
    render({ query }) {
      renders++;
      return { title: 'First', body: html`<p>${query.get('q') ?? ''}</p>`, topics: ['news'] };
    },
  },
  {
    name: 'broken',
    label: undefined,
    render({ query }) {
      if (query.has('bad')) throw invalid('bad', 'nothing', '<b>');
      throw new TypeError('secret of the inside');
    },
  },
  {
    name: 'framed',
    label: undefined,
    render: () => ({ document: '<script>1</script>', scripts: ['1'] }),
  },
];

async function serve(options: DashboardOptions = {}) {
  const hub = createHub({ maxListeners: 2 });
  const dashboard = await serveDashboard(
    { pages, hub, clock: { now: () => 0 }, log: silentLog, masthead: () => ({ title: 'Subnet 2' }) },
    options,
  );
  closing.push(dashboard.close);
  const get = async (
    path: string,
    { headers = {}, method = 'GET' }: { headers?: Record<string, string>; method?: string } = {},
  ) => {
    const request = httpRequest({ host: '127.0.0.1', port: dashboard.port, path, method, headers });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    return { status: response.statusCode, headers: response.headers, bytes, text: bytes.toString() };
  };
  return { dashboard, hub, get };
}

describe('every answer', () => {
  test('has a policy under which nothing inline runs and nothing elsewhere is asked', async () => {
    const { get } = await serve();
    const { headers } = await get('/first/');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect((await get('/nothing/')).headers['content-security-policy']).toContain("default-src 'none'");
  });

  test('is to GET or HEAD alone', async () => {
    const { get } = await serve();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect(await get('/first/', { method })).toMatchObject({
        status: 405,
        headers: { allow: 'GET, HEAD' },
      });
    const head = await get('/first/', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.text).toBe('');
    expect(Number(head.headers['content-length'])).toBeGreaterThan(500);
    expect(await get('/first/', { headers: { 'content-length': '5' } })).toMatchObject({ status: 413 });
  });

  test('is refused under a name that we do not go by', async () => {
    const { get } = await serve();
    expect(await get('/first/', { headers: { host: 'evil.example' } })).toMatchObject({ status: 421 });
  });
});

describe('addresses', () => {
  test('lead to the first page, and to a slash at the end', async () => {
    const { get } = await serve();
    expect(await get('/')).toMatchObject({ status: 303, headers: { location: 'first/' } });
    expect(await get('/first?q=1')).toMatchObject({ status: 303, headers: { location: 'first/?q=1' } });
  });

  test('that are none are a page that says so', async () => {
    const { get } = await serve();
    const missing = await get('/nothing/at/all/');
    expect(missing.status).toBe(404);
    expect(missing.text).toContain('Nothing is at this address');
    expect(missing.text).toContain('href="../../../first/"');
    for (const path of ['/first/%zz/', '/a/b/c/d/e/', `/first/?q=${'x'.repeat(3000)}`, '/../first/'])
      expect((await get(path)).status).toBe(400);
  });

  test('a query that cannot be is 400 with what could be, escaped; a bug says nothing of itself', async () => {
    const { get } = await serve();
    const bad = await get('/broken/?bad');
    expect(bad.status).toBe(400);
    expect(bad.text).toContain('bad: expected nothing, got &lt;b&gt;');
    const bug = await get('/broken/');
    expect(bug.status).toBe(500);
    expect(bug.text).not.toContain('secret');
  });

  test('of assets change with what is in them, and stay for ever', async () => {
    const { get } = await serve();
    const [, path] = /href="\.\.(\/assets\/dashboard\.[0-9a-f]{12}\.css)"/.exec((await get('/first/')).text)!;
    const css = await get(path!);
    expect(css.headers).toMatchObject({
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect(css.text).toContain('--accent');
    expect((await get('/assets/dashboard.css')).status).toBe(404);
    expect((await get('/assets/..%2f..%2fserver.ts')).status).toBe(404);
  });
});

describe('what was rendered', () => {
  test('is kept while its version is the same, and made anew after', async () => {
    const { get } = await serve();
    const before = renders;
    await get('/first/?q=a&v=1');
    await get('/first/?q=a&v=1');
    expect(renders - before).toBe(1);
    await get('/first/?q=a&v=2');
    expect(renders - before).toBe(2);
  });

  test('is not sent to who has it', async () => {
    const { get } = await serve();
    const { etag } = (await get('/first/')).headers;
    const again = await get('/first/', { headers: { 'if-none-match': `"x", ${etag}` } });
    expect(again).toMatchObject({ status: 304, text: '' });
    expect((await get('/first/?q=other', { headers: { 'if-none-match': etag! } })).status).toBe(200);
  });

  test('is compressed as whoever asks can take it', async () => {
    const { get } = await serve();
    const plain = await get('/first/');
    const br = await get('/first/', { headers: { 'accept-encoding': 'gzip, br' } });
    const gzip = await get('/first/', { headers: { 'accept-encoding': 'gzip, br;q=0' } });
    expect(br.headers['content-encoding']).toBe('br');
    expect(gzip.headers['content-encoding']).toBe('gzip');
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(brotliDecompressSync(br.bytes).toString()).toBe(plain.text);
    expect(gunzipSync(gzip.bytes).toString()).toBe(plain.text);
  });

  test('of a document of its own has no origin, and only its own scripts run', async () => {
    const { get } = await serve();
    const { headers } = await get('/framed/');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s='; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox allow-scripts",
    );
  });
});

describe('a token', () => {
  test('is required where others reach the address', async () => {
    await expect(serve({ host: '0.0.0.0' })).rejects.toThrow('so a token is required');
  });

  test('goes from the address into a cookie, once', async () => {
    const { get, dashboard } = await serve({ token: TOKEN });
    expect(dashboard.url).toBe(`http://127.0.0.1:${dashboard.port}/?token=${TOKEN}`);
    expect((await get('/first/')).status).toBe(401);
    expect((await get('/events?topics=news')).status).toBe(401);
    const exchanged = await get(`/first/?q=1&token=${TOKEN}`);
    expect(exchanged).toMatchObject({ status: 303, headers: { location: './?q=1' } });
    const [cookie] = exchanged.headers['set-cookie']![0]!.split(';');
    expect((await get('/first/?q=1', { headers: { cookie: cookie! } })).status).toBe(200);
  });
});

describe('an event stream', () => {
  async function open(port: number, path: string, headers = '') {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
    const until = async (what: string): Promise<string> => {
      while (!text.includes(what)) await once(socket, 'data');
      return text;
    };
    return { socket, until };
  }

  test('brings events of its topics, and those that were missed', async () => {
    const { hub, dashboard } = await serve();
    hub.publish('news', { html: 'one' });
    const stream = await open(dashboard.port, '/events?topics=news', 'Last-Event-ID: 0\r\n');
    expect(await stream.until('one')).toContain('Content-Type: text/event-stream');
    hub.publish('other', { html: 'not this' });
    hub.publish('news', { html: 'two' });
    expect(await stream.until('two')).not.toContain('not this');
    stream.socket.destroy();
  });

  test('beyond the limit is told to come back, and ends with its page', async () => {
    const { hub, dashboard } = await serve();
    const streams = [
      await open(dashboard.port, '/events?topics=news'),
      await open(dashboard.port, '/events?topics=news'),
    ];
    for (const { until } of streams) await until('retry');
    const third = await open(dashboard.port, '/events?topics=news');
    expect(await third.until('retry: 30000')).toContain('200 OK');
    const closed = once(streams[0]!.socket, 'close');
    streams[0]!.socket.destroy();
    await closed;
    while (hub.listeners() !== 1) await new Promise((resolve) => setImmediate(resolve));
    expect(hub.listeners()).toBe(1);
  });

  test('without topics is none', async () => {
    const { get } = await serve();
    expect((await get('/events')).status).toBe(400);
    expect((await get('/events?topics=<b>')).status).toBe(400);
  });
});
