#!/usr/bin/env node
// Writes the table of codes in docs/errors.md, from src/cli/error-codes.ts.
// Usage: node scripts/error-docs.mjs [--check]     --check writes nothing and exits 1 where the page is not what comes out
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const { ERROR_PAGES } = await import('../src/cli/error-codes.ts');

const MARK = '<!-- what follows is written by scripts/error-docs.mjs -->';
const page = new URL('../docs/errors.md', import.meta.url);

const section = ([code, { means, remedy, exit }]) => `### ${code}

${means}

*What to do:* ${remedy} *Exit code:* ${exit}.
`;
const before = existsSync(page) ? readFileSync(page, 'utf8') : '';
const [prose] = before.split(MARK);
const text = `${prose}${MARK}

## Codes

${Object.entries(ERROR_PAGES)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(section)
  .join('\n')}`;

if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (text !== before) {
  console.error('docs/errors.md: not what src/cli/error-codes.ts says; run: node scripts/error-docs.mjs');
  process.exitCode = 1;
}
