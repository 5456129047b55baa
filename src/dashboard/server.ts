// Owns: the dashboard's HTTP: addresses to pages, headers, compression, what is sent again, open event streams, limits. Does not
// own: what pages say, who may ask (access.ts), which events there are (hub.ts).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { html } from '../emissions/report/html.js';
import { toHex } from '../model/bytes.js';
import type { Clock } from '../model/clock.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';
import type { Log } from '../model/log.js';
import { VERSION } from '../model/version.js';
import { createDoor } from './access.js';
import { readAssets } from './assets.js';
import type { Hub, Listener } from './hub.js';
import { documentOf, type Frame, linksFrom } from './layout.js';
import { DASHBOARD_LIMITS as LIMITS } from './limits.js';
import type { FramedDocument, Masthead, Page, PageAnswer } from './page.js';

export interface DashboardParts {
  readonly pages: readonly Page[];
  readonly hub: Hub;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  masthead(): Masthead;
}

export interface DashboardOptions {
  /** @default 127.0.0.1 */
  readonly host?: string | undefined;
  /** 0 picks a free one. @default 0 */
  readonly port?: number | undefined;
  /** who asks must hold it; required where `host` is not a loopback address */
  readonly token?: string | undefined;
  /** names under which it is reached, beside localhost and addresses */
  readonly hosts?: readonly string[] | undefined;
}

export interface Dashboard {
  readonly host: string;
  readonly port: number;
  /** with the token, where there is one */
  readonly url: string;
  close(): Promise<void>;
}

/** @throws AssayError `unreachable` when the port cannot be bound; `invalid-input` for an address that others reach without a token */
export async function serveDashboard(
  parts: DashboardParts,
  { host = '127.0.0.1', port = 0, token, hosts }: DashboardOptions = {},
): Promise<Dashboard> {
  if (token === undefined && !isLoopback(host))
    throw new AssayError(
      'invalid-input',
      `dashboard on ${host}: others reach this address, so a token is required`,
      {
        what: 'dashboard address',
        expected: 'a loopback address, or a token',
        got: host,
      },
    );
  const door = createDoor({ token, hosts });
  const answer = createAnswers(parts);
  const open = new Set<ServerResponse>();
  const server = createServer({
    maxHeaderSize: LIMITS.headerBytes,
    headersTimeout: LIMITS.requestMs,
    requestTimeout: LIMITS.requestMs,
    keepAliveTimeout: LIMITS.idleMs,
    connectionsCheckingInterval: 1000,
  });
  server.maxConnections = LIMITS.connections;
  // of a connection on which nothing moves: event streams have their heartbeats
  server.timeout = LIMITS.stillMs;
  server.maxRequestsPerSocket = LIMITS.requestsPerConnection;
  server.on('request', (request, response) => {
    open.add(response);
    response.on('close', () => open.delete(response));
    void handle(request, response).catch((error: unknown) => {
      parts.log.error('dashboard: not answered', { error });
      if (!response.headersSent) plain(response, 500, 'This page could not be made. The log says why.');
      else response.destroy();
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      response.setHeader('Connection', 'close');
      return plain(response, 405, 'Nothing can be changed here: GET and HEAD only.');
    }
    if (
      request.headers['transfer-encoding'] !== undefined ||
      Number(request.headers['content-length'] ?? 0) > 0
    ) {
      response.setHeader('Connection', 'close');
      return plain(response, 413, 'A request here has no body.');
    }
    const target = parseTarget(request.url ?? '');
    if (!target) return plain(response, 400, 'This address cannot be read.');
    const access = door.ask({ headers: request.headers, query: target.query, nowMs: parts.clock.now() });
    if (access.is === 'refused') return plain(response, access.status, access.why);
    if (access.is === 'exchange') {
      target.query.delete('token');
      response.setHeader('Set-Cookie', access.cookie);
      const rest = target.query.size === 0 ? '' : `?${target.query}`;
      return redirect(
        response,
        `./${target.parts.length > 0 && !target.isFolder ? encodeURIComponent(target.parts.at(-1)!) : ''}${rest}`,
      );
    }
    const [first, ...rest] = target.parts;
    if (first === 'events' && rest.length === 0) return stream(request, response, target.query);
    await answer(target, request, response);
  }

  function stream(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    const topics = new Set(
      (query.get('topics') ?? '').split(',').filter((topic) => /^[a-z-]{1,32}$/.test(topic)),
    );
    if (topics.size === 0 || topics.size > LIMITS.topics)
      plain(response, 400, 'topics: expected names, a comma between them.');
    else if (request.method === 'HEAD') plain(response, 200, '');
    else listen(request, response, topics);
  }

  function listen(request: IncomingMessage, response: ServerResponse, topics: ReadonlySet<string>): void {
    const after = /^\d{1,15}$/.exec(`${request.headers['last-event-id'] ?? ''}`)?.[0];
    const listener: Listener = {
      write: (bytes) => response.write(bytes),
      drop: () => response.destroy(),
    };
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: ${LIMITS.retryMs}\n\n`);
    const end = parts.hub.listen(topics, listener, after === undefined ? undefined : Number(after));
    if (!end) {
      response.end(`retry: ${10 * LIMITS.retryMs}\n\n`);
      return;
    }
    response.on('drain', () => parts.hub.drained(listener));
    response.on('close', end);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const address = `${host}:${port}`;
      reject(
        new AssayError(
          'unreachable',
          `cannot listen on ${address}: ${cause.message}`,
          { address },
          { cause },
        ),
      );
    });
    server.listen(port, host, () => resolve());
  });
  server.on('error', () => {}); // of one connection that the system would not give: nobody else's ends by it
  const bound = (server.address() as AddressInfo).port;
  const heartbeat = setInterval(() => parts.hub.heartbeat(), LIMITS.heartbeatMs);
  heartbeat.unref();
  const shown =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : isIP(host) === 6 ? `[${host}]` : host;
  return {
    host,
    port: bound,
    url: `http://${shown}:${bound}/${token === undefined ? '' : `?token=${encodeURIComponent(token)}`}`,
    async close() {
      clearInterval(heartbeat);
      parts.hub.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const response of open) response.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Target {
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  /** it ends with `/` */
  readonly isFolder: boolean;
}

/** undefined for what no link of ours looks like */
function parseTarget(url: string): Target | undefined {
  if (url.length > LIMITS.urlChars || !url.startsWith('/')) return undefined;
  const [path = '', search = ''] = url.split('?', 2);
  try {
    const parts = path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    if (parts.length > LIMITS.pathParts || parts.some((part) => part === '.' || part === '..'))
      return undefined;
    return { parts, query: new URLSearchParams(search), isFolder: path.endsWith('/') };
  } catch {
    return undefined;
  }
}

type Coding = 'br' | 'gzip' | 'identity';

interface Kept {
  readonly version: string;
  readonly rendered: Promise<Rendered>;
}

interface Rendered {
  readonly status: number;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (coding: Coding) => Promise<Buffer>;
}

/** Pages and assets; what was rendered is kept while its version is the same. */
function createAnswers(parts: DashboardParts) {
  const assets = readAssets();
  const files = new Map(
    [...assets.files.values()].map((file) => [
      file.name,
      toRendered(
        200,
        file.bytes,
        { 'Content-Type': file.type, 'Cache-Control': 'public, max-age=31536000, immutable' },
        11,
      ),
    ]),
  );
  const byName = new Map(parts.pages.map((page) => [page.name, page]));
  const frame = (): Frame => ({
    masthead: parts.masthead(),
    pages: parts.pages,
    assets: assets.names,
    version: VERSION,
    isStatic: false,
  });
  const kept = new Map<string, Kept>();
  let rendering = 0;

  return async (target: Target, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [name, ...rest] = target.parts;
    if (name === undefined) return redirect(response, `${parts.pages[0]!.name}/`);
    if (name === 'assets') {
      const file = rest.length === 1 ? files.get(rest[0]!) : undefined;
      return file ? send(request, response, file) : plain(response, 404, 'There is no such file.');
    }
    const page = byName.get(name);
    if (page && !target.isFolder) {
      const query = target.query.size === 0 ? '' : `?${target.query}`;
      return redirect(response, `${encodeURIComponent(target.parts.at(-1)!)}/${query}`);
    }
    if (rendering >= LIMITS.rendering) {
      response.setHeader('Retry-After', '2');
      return plain(response, 503, 'Too many pages are being made: try again in a moment.');
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    rendering++;
    try {
      await send(request, response, await rendered(page, target, rest, gone.signal));
    } finally {
      rendering--;
    }
  };

  async function rendered(
    page: Page | undefined,
    target: Target,
    rest: readonly string[],
    signal: AbortSignal,
  ): Promise<Rendered> {
    const depth = target.parts.length - (target.isFolder ? 0 : 1);
    const links = linksFrom(depth, { pages: parts.pages, isStatic: false });
    const asked = { rest, query: target.query, nowMs: parts.clock.now(), links, isStatic: false };
    const at = { page: page?.name ?? '', depth };
    const shown = frame();
    if (!page) return toPage(shown, at, NOT_FOUND);
    const own = page.version?.({ ...asked, signal });
    // what is shared outlives the request that began it: it must not end with that one
    const request = { ...asked, signal: own === undefined ? signal : NEVER };
    const make = async (): Promise<Rendered> => {
      try {
        const answer = await page.render(request);
        return 'document' in answer ? toFramed(answer) : toPage(shown, at, answer);
      } catch (error) {
        if (error instanceof AssayError && error.code === 'invalid-input')
          return toPage(shown, at, {
            status: 400,
            title: 'This cannot be asked',
            body: html`<p class="notice bad" role="note">${error.message}</p><p><a href="${links.page(page.name)}">Back to ${page.label ?? page.name}</a></p>`,
          });
        throw error;
      }
    };
    if (own === undefined) return make();
    const version = `${own}|${JSON.stringify(shown.masthead)}`;
    const at_ = `${target.parts.map(encodeURIComponent).join('/')}?${target.query}`;
    const before = kept.get(at_);
    kept.delete(at_);
    const now = before?.version === version ? before : { version, rendered: make() };
    now.rendered.catch(() => kept.delete(at_));
    kept.set(at_, now);
    for (const oldest of kept.keys()) {
      if (kept.size <= LIMITS.keptPages) break;
      kept.delete(oldest);
    }
    return now.rendered;
  }
}

const NEVER = new AbortController().signal;

const NOT_FOUND: PageAnswer = {
  status: 404,
  title: 'No such page',
  body: html`<p class="empty">Nothing is at this address. The pages of this dashboard are named above.</p>`,
};

const toPage = (frame: Frame, at: { page: string; depth: number }, answer: PageAnswer): Rendered =>
  toRendered(
    answer.status ?? 200,
    Buffer.from(documentOf(frame, at, answer)),
    {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': POLICY,
    },
    5,
  );

/** A document with styles and scripts of its own: without an origin, and only scripts of these hashes run. */
function toFramed({ document, scripts }: FramedDocument): Rendered {
  const hashes = scripts.map(
    (text) => `'sha256-${Buffer.from(sha256(Buffer.from(text))).toString('base64')}'`,
  );
  const policy = `default-src 'none'; script-src ${hashes.join(' ') || "'none'"}; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox allow-scripts`;
  return toRendered(
    200,
    Buffer.from(document),
    {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': policy,
      'X-Frame-Options': 'SAMEORIGIN',
    },
    5,
  );
}

function toRendered(
  status: number,
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
  quality: number,
): Rendered {
  const made = new Map<Coding, Promise<Buffer>>();
  const body = (coding: Coding): Promise<Buffer> => {
    const known = made.get(coding);
    if (known) return known;
    const now =
      coding === 'br'
        ? promisify(brotliCompress)(bytes, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: quality,
              [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
            },
          })
        : coding === 'gzip'
          ? promisify(gzip)(bytes)
          : Promise.resolve(bytes);
    made.set(coding, now);
    return now;
  };
  return { status, etag: `"${toHex(sha256(bytes)).slice(0, 24)}"`, headers, body };
}

async function send(request: IncomingMessage, response: ServerResponse, rendered: Rendered): Promise<void> {
  const coding = codingOf(`${request.headers['accept-encoding'] ?? ''}`);
  const body = await rendered.body(coding);
  if (response.destroyed) return;
  for (const [name, value] of Object.entries(rendered.headers)) response.setHeader(name, value);
  response.setHeader('Vary', 'Accept-Encoding, Cookie');
  // weak: the same page in another coding is other bytes
  response.setHeader('ETag', `W/${rendered.etag}`);
  const known = `${request.headers['if-none-match'] ?? ''}`
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''));
  if (rendered.status === 200 && known.includes(rendered.etag)) {
    response.writeHead(304).end();
    return;
  }
  if (coding !== 'identity') response.setHeader('Content-Encoding', coding);
  response.setHeader('Content-Length', body.length);
  response.writeHead(rendered.status);
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** The best of what is accepted; a coding with q=0 is not. */
function codingOf(header: string): Coding {
  const accepted = new Set(
    header
      .toLowerCase()
      .split(',')
      .map((part) => part.trim())
      .filter((part) => !/;\s*q=0(\.0*)?$/.test(part))
      .map((part) => part.split(';')[0]!.trim()),
  );
  return accepted.has('br') ? 'br' : accepted.has('gzip') ? 'gzip' : 'identity';
}

function plain(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(text === '' ? '' : `${text}\n`);
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'Content-Security-Policy': POLICY,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** `to` is relative, as all addresses here are. */
function redirect(response: ServerResponse, to: string): void {
  response.writeHead(303, { Location: to, 'Content-Length': 0, 'Cache-Control': 'no-store' });
  response.end();
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=()',
} as const;

/** Nobody but this machine reaches it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
