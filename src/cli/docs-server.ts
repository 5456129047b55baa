// Owns: the documentation site over HTTP, on loopback alone: which file an address is, headers, limits.
// Does not own: the files (scripts/docs.mjs makes them), the command (commands/docs.ts).
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { extname, join, relative, sep } from 'node:path';
import { toHex } from '../model/bytes.js';
import { AssayError } from '../model/errors.js';
import { sha256 } from '../model/hash.js';

const HOST = '127.0.0.1';
const LIMITS = { headerBytes: 16_384, requestMs: 10_000, connections: 64 } as const;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/plain; charset=utf-8', // shown, not run
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** No script and no style may be inline but one: the generator's script adds an empty sheet, whose hash this is. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};
/** An image is a document of its own, and may style itself. */
const PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'";

export interface DocsServer {
  /** of the start page */
  readonly url: string;
  /** resolves once the signal aborted and nothing is open */
  readonly closed: Promise<void>;
}

/**
 * Serves the files that `site` has now to browsers of this machine.
 * @param options.port 0 picks a free one
 * @throws AssayError `unreachable` when the port cannot be bound
 */
export async function serveDocs(
  { site, port }: { readonly site: string; readonly port: number },
  signal: AbortSignal,
): Promise<DocsServer> {
  // an address is a key of this map or nothing, so that no spelling of one leads out of the folder
  const files = new Map(
    readdirSync(site, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [`/${relative(site, file).split(sep).join('/')}`, file]),
  );
  const server = createServer(
    {
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.requestMs,
      requestTimeout: LIMITS.requestMs,
    },
    (request, response) => answer(files, request, response),
  );
  server.maxConnections = LIMITS.connections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const address = `${HOST}:${port}`;
      reject(
        new AssayError(
          'unreachable',
          `cannot listen on ${address}: leave --port out for one that is free`,
          { address },
          { cause },
        ),
      );
    });
    server.listen(port, HOST, resolve);
  });
  const closed = new Promise<void>((resolve) => {
    const close = (): void => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    if (signal.aborted) close();
    else signal.addEventListener('abort', close, { once: true });
  });
  return { url: `http://${HOST}:${(server.address() as AddressInfo).port}/`, closed };
}

function answer(
  files: ReadonlyMap<string, string>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  if (!isOurName(request.headers.host)) plain(response, 421, 'Not a name of this server.');
  else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    response.setHeader('Connection', 'close');
    plain(response, 405, 'GET and HEAD only.');
  } else {
    const path = pathOf(request.url ?? '');
    const file = path === undefined ? undefined : files.get(path === '/' ? '/index.html' : path);
    const bytes = file === undefined ? undefined : bytesOf(file);
    if (file === undefined || bytes === undefined)
      plain(response, 404, 'There is no such page. The start page, /, lists them all.');
    else send(file, bytes, request, response);
  }
}

function send(file: string, bytes: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const tag = `"${toHex(sha256(bytes)).slice(0, 32)}"`;
  const type = extname(file);
  if (type === '.svg') response.setHeader('Content-Security-Policy', PICTURE_POLICY);
  response.setHeader('ETag', tag);
  response.setHeader('Content-Type', TYPES[type] ?? 'text/plain; charset=utf-8');
  if (request.headers['if-none-match'] === tag) response.writeHead(304).end();
  else {
    response.writeHead(200, { 'Content-Length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }
}

/** A name that somebody points at this machine is not ours: their page would read with the visitor's browser. */
function isOurName(host: string | undefined): boolean {
  const name = host?.replace(/:\d+$/, '') ?? '';
  return name === 'localhost' || isIP(name) !== 0;
}

function pathOf(url: string): string | undefined {
  try {
    return decodeURIComponent(url.split('?')[0]!);
  } catch {
    return undefined;
  }
}

/** Undefined where the site was made anew meanwhile, and this page is not part of it any more. */
function bytesOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

const plain = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
};
