// Owns: what a page of the dashboard is: what it is asked, what it answers, how it names other pages. Does not own: the frame
// around it (layout.ts), who may see it (access.ts), sockets (server.ts).
import type { Html } from '../emissions/report/html.js';

/** What a page is asked. Its strings are somebody else's: nothing of them is trusted, and none is longer than the server lets in. */
export interface PageRequest {
  /** what follows the page's own name in the address: `['5F…']` of /miner/5F…; empty for the page itself */
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
  /** unix ms */
  readonly nowMs: number;
  /** whoever asked has gone */
  readonly signal: AbortSignal;
  readonly links: Links;
  /** in an export there is nobody to ask: no forms, no events, nothing that changes */
  readonly isStatic: boolean;
}

/** Addresses relative to the page that is shown: the same page reads behind a proxy's path and from an export's files. */
export interface Links {
  /** of another page: `links.page('miner', [hotkey])`, `links.page('leaderboard', [], { sort: 'score' })` */
  page(name: string, rest?: readonly string[], query?: Readonly<Record<string, string | undefined>>): string;
  /** whether the dashboard has such a page: what is not there is not linked */
  has(name: string): boolean;
}

export interface PageAnswer {
  /** @default 200 */
  readonly status?: 200 | 400 | 404 | 503;
  /** of the window; also the page's only h1, unless `heading` is given */
  readonly title: string;
  /** text beside the h1: what this page is about, in a line */
  readonly lead?: Html | undefined;
  readonly heading?: Html | undefined;
  readonly body: Html;
  /** topics of the hub whose events the page takes in; see `live` of parts.ts */
  readonly topics?: readonly string[] | undefined;
}

/** A document of its own, for a frame within a page: a report with its styles and scripts. It has no origin and reaches nothing. */
export interface FramedDocument {
  readonly document: string;
  /** exactly the texts of its script elements: no other runs */
  readonly scripts: readonly string[];
}

export interface Page {
  /** first part of its address, of small letters, digits and `-` */
  readonly name: string;
  /** in the navigation; undefined for what is reached from other pages only */
  readonly label: string | undefined;
  /** its owner's alone: never in an export */
  readonly isPrivate?: boolean | undefined;
  /**
   * What its answer depends on beside the request: while it is the same, so is the answer, and what was rendered and compressed is
   * sent again. Undefined: never the same.
   */
  version?(request: PageRequest): string | undefined;
  /** @throws AssayError `invalid-input` for a query that cannot be: its message is shown, with 400 */
  render(request: PageRequest): PageAnswer | FramedDocument | Promise<PageAnswer | FramedDocument>;
  /** Addresses that an export writes beside the page itself, each as `rest`. @default none */
  exports?(): Iterable<readonly string[]>;
}

/** What stands in the head of every page. */
export interface Masthead {
  /** e.g. `Subnet 2` */
  readonly title: string;
  /** e.g. `localnet` */
  readonly network?: string | undefined;
  /** who shows this: e.g. `validator 5F…`, `miner 5G…` */
  readonly shownBy?: string | undefined;
  readonly epoch?: number | undefined;
  readonly block?: number | undefined;
  /** unix ms at which what is shown was read last */
  readonly asOfMs?: number | undefined;
  /** what everybody must see: chain not reachable, ledger damaged */
  readonly warnings?: readonly string[] | undefined;
}
