// docs/guide/scenario-file.md lists what the schema says, word for word. Where it does not, what it should say is in the
// failure; ASSAY_WRITE_DOCS=1 writes it.
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseScenario, scenarioJsonSchema } from '../../../src/emissions/simulator/scenario.js';

const PAGE = 'docs/guide/scenario-file.md';

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

interface Row {
  readonly path: string;
  readonly values: string;
  readonly fallback: string;
  readonly meaning: string;
}

const choicesOf = (schema: Schema): readonly Schema[] => schema.anyOf ?? schema.oneOf ?? [];

function valuesOf(schema: Schema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((each) => `\`${each}\``).join(', ');
  const choices = choicesOf(schema);
  if (choices.length > 0)
    return choices
      .map((choice) =>
        choice.properties?.['kind'] ? `\`${choice.properties['kind'].const}\`` : valuesOf(choice),
      )
      .join(' or ');
  if (schema.items !== undefined)
    return schema.items.properties === undefined ? `list of ${valuesOf(schema.items)}` : 'list';
  const [least, most] = [schema.minimum, schema.maximum].map((bound) =>
    bound?.toLocaleString('en-US', { maximumFractionDigits: 9 }),
  );
  const type = schema.type ?? 'any';
  if (least === undefined) return type;
  const isOpen = most === undefined || schema.maximum === Number.MAX_SAFE_INTEGER;
  return isOpen ? `${type} from ${least}` : `${type} ${least} to ${most}`;
}

function* rowsOf(schema: Schema, path: string): Generator<Row> {
  for (const [key, field] of Object.entries(schema.properties ?? {})) {
    if (key === 'kind') continue;
    const at = path === '' ? key : `${path}.${key}`;
    const isGroup = field.properties !== undefined;
    const isRequired = schema.required?.includes(key) ?? false;
    if (!isGroup)
      yield {
        path: at,
        values: valuesOf(field),
        fallback:
          field.default === undefined
            ? isRequired
              ? 'required'
              : ''
            : `\`${JSON.stringify(field.default)}\``,
        meaning: field.description ?? '',
      };
    yield* rowsOf(field, at);
    if (field.items !== undefined) yield* rowsOf(field.items, `${at}[]`);
    for (const choice of choicesOf(field)) {
      const kind = choice.properties?.['kind']?.const;
      if (kind !== undefined && choice.description !== undefined)
        yield { path: `${at} \`${kind}\``, values: '', fallback: '', meaning: choice.description };
      yield* rowsOf(choice, kind === undefined ? at : `${at} \`${kind}\``);
    }
  }
}

const rows = [...rowsOf(scenarioJsonSchema() as Schema, '')];
const line = ({ path, values, fallback, meaning }: Row): string =>
  `| ${path.includes('`') ? path : `\`${path}\``} | ${values} | ${fallback} | ${meaning} |`;
const table = ['| value | may be | without it | means |', '|---|---|---|---|', ...rows.map(line)].join('\n');

it('lists every value with its bounds, default and meaning', () => {
  const page = readFileSync(PAGE, 'utf8');
  const written = page.replace(/\| value \|[\s\S]*?(?=\n\n|\n$|$)/, table);
  if (process.env['ASSAY_WRITE_DOCS'] === '1') writeFileSync(PAGE, written);
  else expect(page).toBe(written);
});

it('leaves no value without a meaning', () => {
  expect(rows.filter(({ meaning }) => meaning === '').map(({ path }) => path)).toEqual([]);
});

it('begins with a file that can be run', () => {
  const [, example] = /```json\n([\s\S]*?)```/.exec(readFileSync(PAGE, 'utf8'))!;
  expect(parseScenario(JSON.parse(example!)).epochs).toBe(400);
});
