import { describe, expect, test } from 'vitest';
import { amountText, firstAmount, vectorText } from '../../../src/dashboard/amounts.js';
import { documentOf, linksFrom } from '../../../src/dashboard/layout.js';
import { html, key, sparkline, stranger, table, tokens, visible } from '../../../src/dashboard/parts.js';

describe('what strangers wrote', () => {
  test('is text and never markup', () => {
    expect(stranger('<script>alert("x")</script>').text).toBe(
      '<bdi class="stranger">&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;</bdi>',
    );
    expect(key('" onmouseover="x').text).not.toContain('" onmouseover');
  });

  test('cannot turn around what stands beside it', () => {
    expect(visible('abc\u202egnp.exe')).toBe('abc⟨U+202E⟩gnp.exe');
    expect(stranger('שלום').text).toBe('<bdi class="stranger">שלום</bdi>');
  });

  test('keeps emoji whole where it is cut', () => {
    expect(stranger('🌶️'.repeat(3), 2).text).toBe('<bdi class="stranger">🌶️…</bdi>');
  });
});

describe('numbers', () => {
  test('rao are cut at their decimals, never rounded up', () => {
    expect(tokens(1_999_999_999n, 2)).toBe('1.99');
    expect(tokens(-1_500_000_000n, 1)).toBe('−1.5');
    expect(tokens(12_345_000_000_000n, 0)).toBe('12\u202f345');
  });

  test('amounts have a prefix and three digits', () => {
    expect(amountText('opsPerS', 1.084e15)).toBe('1.08 Pop/s');
    expect(amountText('deviceBytes', 24e9)).toBe('24.0 GB device');
    expect(amountText('downBytesPerS', 999_600)).toBe('1.00 MB/s down');
    expect(vectorText({ opsPerS: 5e12, hashBytesPerS: 1e9, deviceBytes: 1e9 })).toBe(
      '5.00 Top/s · 1.00 GB device',
    );
  });

  test('hashes are shown where they are no part of products: a kind of the subnet may prove nothing else', () => {
    expect(vectorText({ hashBytesPerS: 40.6e6 })).toBe('40.6 MB/s hashed');
    expect(firstAmount({ hashBytesPerS: 40.6e6 })).toEqual({
      what: 'bytes hashed a second',
      amount: '40.6 MB/s hashed',
      more: 0,
    });
    expect(firstAmount({ opsPerS: 5e12, hashBytesPerS: 1e9 })).toMatchObject({
      amount: '5.00 Top/s',
      more: 0,
    });
    expect(firstAmount({})).toBeUndefined();
  });

  test('a line of points says itself in words, and leaves gaps', () => {
    const { text } = sparkline([0.5, undefined, 1], { label: 'credit', top: 1 });
    expect(text).toContain('aria-label="credit: from 0.5 to 1, highest 1"');
    expect(text).toContain('d="M2 9h0M62 1h0"');
    expect(sparkline([undefined], { label: 'credit' }).text).toContain('not known');
  });
});

test('a table names its rows by their first cell and says what it is sorted by', () => {
  const { text } = table(
    'People',
    [
      { heading: 'Name', kind: 'text', sorted: 'ascending', cell: (name: string) => name },
      { heading: 'Length', cell: (name) => `${name.length}` },
    ],
    ['<b>'],
  );
  expect(text).toContain('<th scope="col" class="text" aria-sort="ascending">Name</th>');
  expect(text).toContain('<tr><th scope="row" class="text">&lt;b&gt;</th><td>3</td></tr>');
});

describe('the frame around a page', () => {
  const frame = {
    masthead: { title: 'Subnet 2 · <i>x</i>', warnings: ['<b>damaged</b>'] },
    pages: [
      { name: 'leaderboard', label: 'Leaderboard', render: () => ({ title: '', body: html`` }) },
      { name: 'miner', label: 'Miner', render: () => ({ title: '', body: html`` }) },
    ],
    assets: { 'dashboard.css': 'a.css', 'dashboard.js': 'a.js', 'theme.js': 't.js', 'icon.svg': 'i.svg' },
    version: '1.2.3',
    isStatic: false,
  };

  test('escapes the subnet’s name and every warning, and has no inline script or style', () => {
    const text = documentOf(frame, { page: 'miner', depth: 2 }, { title: 'A <miner>', body: html`<p>x</p>` });
    expect(text).toContain('<title>A &lt;miner&gt; · Subnet 2 · &lt;i&gt;x&lt;/i&gt; · Assay</title>');
    expect(text).toContain('&lt;b&gt;damaged&lt;/b&gt;');
    expect(text).toContain('<a href="../../miner/" aria-current="page">Miner</a>');
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|style="|\son[a-z]+="/);
    expect(text).not.toContain('data-events');
  });

  test('asks for events only where a page takes any in, and never in an export', () => {
    const answer = { title: 'x', body: html``, topics: ['rounds'] };
    expect(documentOf(frame, { page: 'miner', depth: 1 }, answer)).toContain(
      'data-events="../events?topics=rounds,masthead"',
    );
    expect(documentOf({ ...frame, isStatic: true }, { page: 'miner', depth: 1 }, answer)).not.toContain(
      'data-events',
    );
  });

  test('links lead from any depth, with names escaped, and to files in an export', () => {
    expect(linksFrom(2, frame).page('miner', ['a/b'], { page: '2', q: undefined })).toBe(
      '../../miner/a%2Fb/?page=2',
    );
    expect(linksFrom(1, { ...frame, isStatic: true }).page('miner', ['x'], { page: '2' })).toBe(
      '../miner/x/index.html',
    );
    expect(linksFrom(1, frame).has('fleet')).toBe(false);
  });
});
