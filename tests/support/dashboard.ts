// Owns: asking a page of the dashboard without a server. Does not own: pages.
import { linksFrom } from '../../src/dashboard/layout.js';
import type { Page, PageAnswer, PageRequest } from '../../src/dashboard/page.js';
import { none } from '../../src/dashboard/parts.js';

/** A request as the server makes it; all pages that a test names can be linked. */
export function pageRequest({
  rest = [],
  query = '',
  nowMs = Date.UTC(2026, 0, 2),
  isStatic = false,
  pages = ['leaderboard', 'miner', 'rounds', 'subnet', 'fleet', 'suspicions', 'lab'],
}: {
  rest?: readonly string[];
  query?: string;
  nowMs?: number;
  isStatic?: boolean;
  pages?: readonly string[];
} = {}): PageRequest {
  const known = pages.map(
    (name): Page => ({ name, label: name, render: () => ({ title: name, body: none }) }),
  );
  return {
    rest,
    query: new URLSearchParams(query),
    nowMs,
    signal: new AbortController().signal,
    links: linksFrom(1 + rest.length, { pages: known, isStatic }),
    isStatic,
  };
}

/** The answer of a page that is no framed document. */
export async function ask(page: Page, request: PageRequest = pageRequest()): Promise<PageAnswer> {
  const answer = await page.render(request);
  if ('document' in answer) throw new TypeError(`page ${page.name}: expected an answer, got a document`);
  return answer;
}
