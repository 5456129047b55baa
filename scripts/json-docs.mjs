#!/usr/bin/env node
// Writes what each command prints with --json: docs/json/<command>.schema.json, and the table of docs/json.md. Both from the types of
// what the command hands to `printJson`, with the words that stand above them in the source.
// Usage: node scripts/json-docs.mjs [--check]     --check writes nothing and exits 1 naming each file that is not what comes out
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { register } from 'tsx/esm/api';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const PAGE = 'docs/json.md';
const FOLDER = 'docs/json';
const MARK = '<!-- what follows is written by scripts/json-docs.mjs -->';
const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Prints amounts as integers of as many digits as they have, which no `JSON.stringify` does (emissions/cases/text.ts). */
const EXACT = {
  'emissions epoch': {
    type: 'object',
    properties: {
      cases: {
        type: 'array',
        items: {
          type: 'object',
          properties: {
            id: { type: 'string' },
            steps: {
              type: 'array',
              description: 'by neuron, in the order of uids; rao as integers of any size',
              items: { type: 'object', additionalProperties: { type: 'array' } },
            },
          },
          required: ['id', 'steps'],
        },
      },
    },
    required: ['cases'],
  },
};

/** Functions that print what they are handed beside their own: where it stands in a call of them. */
const HANDED = {
  sendOperation: ([sending]) => propertyOf(checker.getTypeAtLocation(sending), 'data', sending),
  printDone: ([, , , data]) => checker.getTypeAtLocation(data),
};

const program = compiled();
const checker = program.getTypeChecker();
const problems = [];
const files = new Map();
const rows = [];
for (const { path, form, entries } of await commands()) {
  const types = entries.flatMap(printedBy);
  if (types.length === 0 && !(path in EXACT)) {
    problems.push(`assay ${path}: has --json, and nothing that it calls calls printJson`);
    continue;
  }
  const name = path.replaceAll(' ', '-');
  files.set(
    `${FOLDER}/${name}.schema.json`,
    `${JSON.stringify(schemaOf(path, form, types), undefined, 1)}\n`,
  );
  rows.push(`| \`assay ${path}\` | ${form} | [${name}](json/${name}.schema.json) |`);
}
const [prose] = existsSync(join(root, PAGE)) ? readFileSync(join(root, PAGE), 'utf8').split(MARK) : [''];
files.set(PAGE, `${prose}${MARK}\n\n| command | prints | each is |\n|---|---|---|\n${rows.join('\n')}\n`);

const isOld = ([path, text]) =>
  !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text;
const old = [...files].filter(isOld);
const gone = (existsSync(join(root, FOLDER)) ? readdirSync(join(root, FOLDER)) : [])
  .map((file) => `${FOLDER}/${file}`)
  .filter((path) => !files.has(path));
if (process.argv.includes('--check')) {
  for (const [path] of old) problems.push(`${path}: not what the types say; run: node scripts/json-docs.mjs`);
  for (const path of gone) problems.push(`${path}: of no command; run: node scripts/json-docs.mjs`);
} else {
  mkdirSync(join(root, FOLDER), { recursive: true });
  for (const [path, text] of old) writeFileSync(join(root, path), text);
  for (const path of gone) rmSync(join(root, path));
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

/** Commands that are shown and have --json, with the functions that they call. */
async function commands() {
  const actions = new Map();
  const { action } = Command.prototype;
  Command.prototype.action = function (listener) {
    actions.set(this, String(listener));
    return action.call(this, listener);
  };
  register();
  const { createProgram } = await import('../src/cli/program.ts');
  const { addAllRoleFlags } = await import('../src/cli/role-options.ts');
  const tree = createProgram();
  await addAllRoleFlags(tree);
  const found = [];
  const walk = (command, path) => {
    const json = command.options.find(({ long, hidden }) => long === '--json' && !hidden);
    const source = actions.get(command);
    if (source !== undefined && json) {
      const form = /a line/.test(json.description) ? 'lines' : 'one document';
      found.push({ path, form, entries: entriesOf(path, source) });
    }
    const help = command.createHelp();
    for (const each of help.visibleCommands(command))
      if (each.name() !== 'help') walk(each, `${path} ${each.name()}`.trim());
  };
  walk(tree, '');
  return found;
}

/** `const { show } = await import("./commands/show.js")`: the declarations behind such names. */
function entriesOf(path, source) {
  const imported = [...source.matchAll(/import\(["'](\.[^"']+)["']\)/g)].map(([, file]) =>
    resolve(root, 'src/cli', file.replace(/\.js$/, '.ts')),
  );
  const names = [...source.matchAll(/\{([\w\s,:]*)\}\s*(?=[\],]|\s*=\s*await)/g)].flatMap(([, list]) =>
    list.split(',').map((each) => each.split(':')[0].trim()),
  );
  const entries = imported.flatMap((file) => {
    const symbol = checker.getSymbolAtLocation(program.getSourceFile(file));
    return checker.getExportsOfModule(symbol).filter((each) => names.includes(each.name));
  });
  if (entries.length === 0)
    problems.push(`assay ${path}: imports no function in the one way that this script reads`);
  return entries;
}

/** Types of all that a function, and what it calls within the cli, hands to printJson; `beside` is what else goes into the same value. */
function printedBy(entry) {
  const seen = new Set();
  const printed = [];
  const handed = {};
  const visitSymbol = (given) => {
    const symbol = given.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(given) : given;
    if (seen.has(symbol)) return;
    seen.add(symbol);
    for (const declaration of symbol.declarations ?? []) {
      const { fileName } = declaration.getSourceFile();
      if (!fileName.includes('/src/cli/') || fileName.endsWith('/cli/output.ts')) continue;
      if (ts.isFunctionLike(declaration) || ts.isVariableDeclaration(declaration)) visit(declaration);
    }
  };
  const visit = (node) => {
    const called =
      ts.isCallExpression(node) && ts.isIdentifier(node.expression) ? node.expression.text : undefined;
    if (called === 'printJson')
      printed.push({ type: checker.getTypeAtLocation(node.arguments[0]), of: functionAround(node) });
    else if (called in HANDED) {
      const type = HANDED[called](node.arguments);
      if (type) handed[called] = [...(handed[called] ?? []), type];
    }
    if (ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node.parent)) {
      const symbol = checker.getSymbolAtLocation(node);
      const isShorthand = ts.isShorthandPropertyAssignment(node.parent);
      if (symbol)
        visitSymbol((isShorthand && checker.getShorthandAssignmentValueSymbol(node.parent)) || symbol);
    }
    ts.forEachChild(node, visit);
  };
  visitSymbol(entry);
  return printed.flatMap(({ type, of }) => (handed[of] ?? [undefined]).map((beside) => ({ type, beside })));
}

function functionAround(node) {
  for (let at = node; at; at = at.parent) if (ts.isFunctionDeclaration(at)) return at.name?.text;
  return undefined;
}

function propertyOf(type, name, place) {
  const property = type.getProperty(name);
  return property && checker.getTypeOfSymbolAtLocation(property, place);
}

function schemaOf(path, form, types) {
  const known = new Map();
  const defs = {};
  const forms = EXACT[path]
    ? [EXACT[path]]
    : unique(types.map(({ type, beside }) => withBeside(type, beside, { known, defs, depth: 0 })));
  return {
    $schema: DIALECT,
    title: `assay ${path} --json: ${form === 'lines' ? 'each line' : 'the document'}`,
    ...(forms.length === 1 ? forms[0] : { anyOf: sorted(forms) }),
    ...(Object.keys(defs).length > 0 ? { $defs: Object.fromEntries(Object.entries(defs).sort()) } : {}),
  };
}

function withBeside(type, beside, context) {
  const own = toSchema(type, context);
  if (beside === undefined) return own;
  const other = toSchema(beside, context);
  const whole = '$ref' in other ? context.defs[other.$ref.split('/').pop()] : other;
  // of what is handed through another hand the names are not known here
  if (whole.type !== 'object' || whole.properties === undefined)
    return { ...own, additionalProperties: true };
  return {
    ...own,
    properties: { ...own.properties, ...whole.properties },
    required: [...new Set([...(own.required ?? []), ...(whole.required ?? [])])],
  };
}

function toSchema(type, context) {
  const { flags } = type;
  const is = (flag) => (flags & flag) !== 0;
  if (is(ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.NonPrimitive)) return {};
  if (type.isStringLiteral() || type.isNumberLiteral()) return { const: type.value };
  if (is(ts.TypeFlags.BooleanLiteral)) return { const: type.intrinsicName === 'true' };
  if (is(ts.TypeFlags.StringLike)) return { type: 'string' };
  if (is(ts.TypeFlags.NumberLike)) return { type: 'number' };
  if (is(ts.TypeFlags.BooleanLike)) return { type: 'boolean' };
  if (is(ts.TypeFlags.BigIntLike)) return { type: 'string', pattern: '^-?[0-9]+$' };
  if (is(ts.TypeFlags.Null)) return { type: 'null' };
  if (
    is(
      ts.TypeFlags.TypeParameter | ts.TypeFlags.IndexedAccess | ts.TypeFlags.Conditional | ts.TypeFlags.Index,
    )
  ) {
    const constraint = checker.getBaseConstraintOfType(type);
    return constraint && constraint !== type ? toSchema(constraint, context) : {};
  }
  if (type.isUnion()) return unionOf(type.types, context);
  // a brand: what it is a brand of
  if (type.isIntersection()) {
    const primitive = type.types.find(
      (each) => each.flags & (ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BigIntLike),
    );
    if (primitive) return toSchema(primitive, context);
  }
  if (is(ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return objectOf(type, context);
  return {};
}

function unionOf(types, context) {
  const there = types.filter(
    ({ flags }) => !(flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Never)),
  );
  const schemas = unique(there.map((each) => toSchema(each, context)));
  const bools = schemas.filter((each) => typeof each.const === 'boolean');
  const rest =
    bools.length === 2 ? [...schemas.filter((each) => !bools.includes(each)), { type: 'boolean' }] : schemas;
  const consts = rest.filter((each) => 'const' in each && Object.keys(each).length === 1);
  const joined =
    consts.length > 1
      ? [...rest.filter((each) => !consts.includes(each)), { enum: consts.map((each) => each.const).sort() }]
      : rest;
  if (joined.some((each) => Object.keys(each).length === 0)) return {};
  return joined.length === 1 ? joined[0] : { anyOf: sorted(joined) };
}

function objectOf(type, context) {
  const name = type.symbol?.name;
  if (name === 'Uint8Array') return { type: 'string', pattern: '^0x([0-9a-f]{2})*$' };
  if (name === 'Date') return { type: 'string', format: 'date-time' };
  if (['Map', 'Set', 'ReadonlyMap', 'ReadonlySet'].includes(name))
    return { type: 'object', maxProperties: 0 };
  if (checker.isTupleType(type)) return tupleOf(type, context);
  if (checker.isArrayType(type) || /^(Float|Int|Uint)\d+(Clamped)?Array$/.test(name ?? '')) {
    const [item] = checker.getTypeArguments(type);
    return { type: 'array', items: item ? toSchema(item, context) : { type: 'number' } };
  }
  const isNamed = name !== undefined && !name.startsWith('__') && !(type.flags & ts.TypeFlags.Intersection);
  const alias = type.aliasSymbol?.name;
  // of a `Readonly<...>` its own name says nothing
  const named =
    alias && !/^(Readonly|Record|Partial|Required|Pick|Omit|Extract|Exclude)$/.test(alias)
      ? alias
      : isNamed
        ? name
        : undefined;
  const key = context.known.get(type);
  if (key !== undefined) return { $ref: `#/$defs/${key}` };
  if (named === undefined) {
    if (context.depth > 24) return {}; // types that name themselves without a name
    return propertiesOf(type, { ...context, depth: context.depth + 1 });
  }
  let free = named;
  for (let i = 2; free in context.defs; i++) free = `${named}${i}`;
  context.known.set(type, free);
  context.defs[free] = {};
  context.defs[free] = propertiesOf(type, context);
  return { $ref: `#/$defs/${free}` };
}

function tupleOf(type, context) {
  const { elementFlags, minLength } = type.target;
  const items = checker.getTypeArguments(type).map((each) => toSchema(each, context));
  const rest = elementFlags.findIndex((flag) => flag & ts.ElementFlags.Variable);
  if (rest !== -1) return { type: 'array', items: unique(items).length === 1 ? items[0] : {} };
  return { type: 'array', prefixItems: items, items: false, minItems: minLength };
}

function propertiesOf(type, context) {
  const properties = {};
  const required = [];
  for (const property of checker.getPropertiesOfType(type)) {
    const place = property.valueDeclaration ?? property.declarations?.[0] ?? program.getSourceFiles()[0];
    const of = checker.getTypeOfSymbolAtLocation(property, place);
    const parts = of.isUnion() ? of.types : [of];
    if (property.name.startsWith('__@') || parts.every((part) => part.getCallSignatures().length > 0))
      continue;
    if (of.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Never)) continue;
    const maybe =
      property.flags & ts.SymbolFlags.Optional ||
      parts.some(
        ({ flags }) =>
          flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Unknown | ts.TypeFlags.Any),
      );
    const said = ts
      .displayPartsToString(property.getDocumentationComment(checker))
      .replace(/\s+/g, ' ')
      .trim();
    const schema = toSchema(of, context);
    properties[property.name] = said === '' ? schema : { ...schema, description: said };
    if (!maybe) required.push(property.name);
  }
  const index =
    checker.getIndexTypeOfType(type, ts.IndexKind.String) ??
    checker.getIndexTypeOfType(type, ts.IndexKind.Number);
  if (Object.keys(properties).length === 0 && !index) return {}; // `{}` is any value
  return {
    type: 'object',
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
    ...(index ? { additionalProperties: toSchema(index, context) } : {}),
  };
}

/** The compiler's order hangs on what it met before. */
function sorted(schemas) {
  const texts = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]));
  return [...texts.keys()].sort().map((text) => texts.get(text));
}

function unique(schemas) {
  const seen = new Set();
  return schemas.filter((each) => {
    const text = JSON.stringify(each);
    return seen.has(text) ? false : seen.add(text);
  });
}

function compiled() {
  const config = join(root, 'tsconfig.json');
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(config, ts.sys.readFile).config,
    ts.sys,
    dirname(config),
  );
  const sources = ts.sys.readDirectory(join(root, 'src/cli'), ['.ts']);
  return ts.createProgram(sources, { ...options, noEmit: true, incremental: false });
}
