// Owns: Debian's headless Chromium as whoever opens a page: what it draws, asks for and complains of. Does not own: what is served.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import { type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';

export const CHROMIUM = '/usr/bin/chromium';
/** Why no page can be opened here, or undefined. */
export const noBrowser = existsSync(CHROMIUM)
  ? undefined
  : `no Chromium at ${CHROMIUM}: apt-get install chromium opens the dashboard's pages`;

export interface VisitOptions {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'light' | 'dark';
  /** @default true */
  readonly script?: boolean;
}

/** An open page, and all that was wrong with it since it was opened. */
export interface Visited {
  readonly page: Page;
  /** what the console complained of, exceptions, what the content policy refused, what was asked of other hosts, answers of 400 and more */
  problems(): Promise<readonly string[]>;
  /** paths asked of the server, in that order */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

export interface Browser {
  /** In a profile of its own. */
  visit(url: string, options?: VisitOptions): Promise<Visited>;
  close(): Promise<void>;
}

const WIDTHS = [390, 768, 1280, 1920] as const;
const [DESKTOP, PHONE] = [1280, 390] as const;

export async function openBrowser(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-extensions', '--force-color-profile=srgb'],
  });
  return {
    async visit(url, { width = 1280, height = 900, theme = 'light', script = true } = {}) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: theme,
        javaScriptEnabled: script,
        locale: 'en-GB',
        timezoneId: 'UTC',
        reducedMotion: 'reduce',
      });
      return watched(context, url, script);
    },
    close: () => browser.close(),
  };
}

async function watched(context: BrowserContext, url: string, script: boolean): Promise<Visited> {
  const page = await context.newPage();
  const { origin } = new URL(url);
  const seen: string[] = [];
  const asked: string[] = [];
  // the navigation's own status is its caller's to judge: pages of 400 and 404 are pages too
  page.on('console', (message) => {
    const isOwnStatus = message.location().url === page.url() && message.text().startsWith('Failed to load');
    if (['error', 'warning'].includes(message.type()) && !isOwnStatus)
      seen.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => seen.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    const at = new URL(request.url());
    if (at.origin !== origin) seen.push(`asked elsewhere: ${request.url().slice(0, 200)}`);
    else asked.push(at.pathname);
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && !response.request().isNavigationRequest())
      seen.push(`${response.status()}: ${response.url()}`);
  });
  if (script)
    await page.addInitScript(() => {
      const { document } = globalThis as unknown as PageGlobals;
      const refused: string[] = [];
      Object.assign(globalThis, { refusedByPolicy: refused });
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        refused.push(`${violatedDirective}: ${blockedURI}`),
      );
    });
  await page.goto(url, { waitUntil: 'load' });
  return {
    page,
    asked,
    async problems() {
      const refused = script
        ? await page.evaluate(() => (globalThis as unknown as { refusedByPolicy: string[] }).refusedByPolicy)
        : [];
      return [...seen, ...refused.map((each) => `content policy: ${each}`)];
    },
    close: () => context.close(),
  };
}

/** What of a page is named by functions that run in it: types of the project have no browser in them. */
export interface PageElement {
  readonly tagName: string;
  readonly id: string;
  readonly textContent: string | null;
  readonly parentElement: PageElement | null;
  readonly children: ArrayLike<PageElement>;
  readonly labels?: Iterable<PageElement> | null;
  getAttribute(name: string): string | null;
  closest(selector: string): PageElement | null;
  getBoundingClientRect(): Readonly<Record<'width' | 'height' | 'right' | 'bottom', number>>;
}
type PageStyle = Readonly<
  Record<'overflowX' | 'outlineStyle' | 'outlineWidth' | 'backgroundColor' | 'unicodeBidi', string>
>;
interface PageGlobals {
  readonly document: {
    readonly documentElement: { readonly scrollWidth: number; readonly clientWidth: number };
    readonly body: PageElement & { querySelectorAll(selector: string): Iterable<PageElement> };
    readonly activeElement: PageElement | null;
    addEventListener(
      type: 'securitypolicyviolation',
      heard: (event: { readonly violatedDirective: string; readonly blockedURI: string }) => void,
    ): void;
  };
  getComputedStyle(element: PageElement): PageStyle;
  requestAnimationFrame(then: () => void): void;
}

/** As it is drawn. */
export const styleOf = (element: Locator, name: keyof PageStyle): Promise<string> =>
  element.evaluate(
    (each, asked) =>
      (globalThis as unknown as PageGlobals).getComputedStyle(each as unknown as PageElement)[asked],
    name,
  );

/** What was changed is on the screen. */
export const drawn = (page: Page): Promise<void> =>
  page.evaluate(
    () =>
      new Promise<void>((resolve) =>
        (globalThis as unknown as PageGlobals).requestAnimationFrame(() => resolve()),
      ),
  );

/** Elements that stand out of the window to the right where nothing around them scrolls; of most, one line each. */
export const overflowing = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => {
    const { document, getComputedStyle } = globalThis as unknown as PageGlobals;
    const width = document.documentElement.clientWidth;
    const out =
      document.documentElement.scrollWidth > width
        ? [`page: ${document.documentElement.scrollWidth} px wide, window ${width}`]
        : [];
    if (out.length === 0) return out;
    const scrolls = (element: PageElement | null): boolean =>
      element !== null &&
      (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(element).overflowX) ||
        scrolls(element.parentElement));
    for (const element of document.body.querySelectorAll('*')) {
      const { right } = element.getBoundingClientRect();
      if (right > width + 0.5 && !scrolls(element.parentElement) && out.length < 8)
        out.push(
          `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''}: ends at ${right} px`,
        );
    }
    return out;
  });

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong: all of its rules, that of sizes to touch among them. Evaluated as by the console: the page's policy stays. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  const { violations } = await page.evaluate(
    (): Promise<axe.AxeResults> =>
      (globalThis as unknown as { axe: { run(options: object): Promise<axe.AxeResults> } }).axe.run({
        resultTypes: ['violations'],
        rules: { 'target-size': { enabled: true } },
      }),
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 4).map(({ target, failureSummary }) => {
      const why = failureSummary?.split('\n').slice(1).join(' ').replace(/\s+/g, ' ').trim() ?? '';
      return `${id}: ${help}; ${target.join(' ')}: ${why}`.slice(0, 400);
    }),
  );
}

/** What does not fit: light and dark, at every width. */
export const misfits = (page: Page): Promise<readonly string[]> => inEach(page, WIDTHS, overflowing);

/** What axe finds wrong: light and dark, on a desktop and a phone. */
export const barriers = (page: Page): Promise<readonly string[]> =>
  inEach(page, [DESKTOP, PHONE], axeFindings);

async function inEach(
  page: Page,
  widths: readonly number[],
  look: (page: Page) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      found.push(...(await look(page)).map((each) => `${colorScheme}, ${width} px: ${each}`));
    }
  }
  return found;
}

/** Of what has the focus: what a screen reader calls it, and whether somebody can see that it has it. */
export const focused = (
  page: Page,
): Promise<{
  readonly tag: string;
  readonly id: string;
  readonly inMain: boolean;
  readonly name: string;
  readonly visible: boolean;
  readonly href: string | null;
}> =>
  page.evaluate(() => {
    const { document, getComputedStyle } = globalThis as unknown as PageGlobals;
    const element = document.activeElement ?? document.body;
    const labels = [...(element.labels ?? [])].map((label) => label.textContent);
    const style = getComputedStyle(element);
    const drawn = style.outlineStyle === 'auto' || Number.parseFloat(style.outlineWidth) >= 2;
    const { width, height, right, bottom } = element.getBoundingClientRect();
    return {
      tag: element.tagName.toLowerCase(),
      id: element.id,
      inMain: element.closest('main') !== null,
      name: (element.getAttribute('aria-label') ?? `${labels}${element.textContent}`)
        .replace(/\s+/g, ' ')
        .trim(),
      visible: style.outlineStyle !== 'none' && drawn && width > 0 && height > 0 && right > 0 && bottom > 0,
      href: element.getAttribute('href'),
    };
  });
