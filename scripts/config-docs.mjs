#!/usr/bin/env node
// Writes the tables of keys in docs/configuration.md, and docs/config/<role>.schema.json for editors: both from the schemas in
// src/cli/config.ts.
// Usage: node scripts/config-docs.mjs [--check]     --check writes nothing and exits 1 naming each file that is not what comes out
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';

register();
const { ROLES } = await import('../src/cli/config.ts');
const { fileSchema, keysOf, withoutIt } = await import('../src/cli/config-keys.ts');
const { isLive } = await import('../src/cli/reload.ts');

const PAGE = 'docs/configuration.md';
const MARK = '<!-- what follows is written by scripts/config-docs.mjs -->';
const at = (path) => new URL(`../${path}`, import.meta.url);
const cell = (text) => String(text).replaceAll('|', '\\|');

const table = (role, schema) => `## ${role}

Editors know its keys by [its schema](config/${role}.schema.json).

| key | type | without it | does |
|---|---|---|---|
${keysOf(schema)
  .map((key) => {
    const live = isLive(role, key.name) ? ' *Changes while running.*' : '';
    return `| \`${key.name}\` | ${cell(key.type)} | ${cell(withoutIt(key) || 'none')} | ${cell(key.description)}.${live} |`;
  })
  .join('\n')}
`;

const [prose] = readFileSync(at(PAGE), 'utf8').split(MARK);
const files = new Map([
  [
    PAGE,
    `${prose}${MARK}\n\n${Object.entries(ROLES)
      .map(([role, schema]) => table(role, schema))
      .join('\n')}`,
  ],
  ...Object.entries(ROLES).map(([role, schema]) => [
    `docs/config/${role}.schema.json`,
    `${JSON.stringify(fileSchema(role, schema), undefined, 2)}\n`,
  ]),
]);

const old = [...files].filter(
  ([path, text]) => !existsSync(at(path)) || readFileSync(at(path), 'utf8') !== text,
);
if (process.argv.includes('--check')) {
  for (const [path] of old)
    console.error(`${path}: not what the schemas say; run: node scripts/config-docs.mjs`);
  process.exitCode = old.length > 0 ? 1 : 0;
} else {
  mkdirSync(at('docs/config'), { recursive: true });
  for (const [path, text] of old) writeFileSync(at(path), text);
}
