// Owns: keys of a role's configuration as rows: name, type, default, variable, flag, what it does. One source for --help,
// `assay config` and docs/configuration.md. Does not own: which keys there are (config.ts), reading values.
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CONFIG_FORMAT } from './config-file.js';
import { decimal, integer } from './numbers.js';

/** What `.meta({ ... })` of a key says beside its `description`. */
interface About {
  /** What holds where it is not said, in words; the default without it. */
  readonly without?: string;
  /** how its value is called: `file`, `address` */
  readonly value?: string;
  /** never shown, not even in part */
  readonly secret?: true;
  /** shown as an example where there is no default */
  readonly example?: unknown;
}

export interface Key extends About {
  readonly name: string;
  readonly description: string;
  /** as JSON schema has it */
  readonly type: string;
  readonly isList: boolean;
  readonly isRequired: boolean;
  /** undefined where there is none */
  readonly default: unknown;
  readonly variable: string;
  readonly flag: string;
}

/** `burnRate` as it is typed: `--burn-rate`. */
export const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

/** `burnRate` in the environment: `ASSAY_BURN_RATE`. */
export const variableOf = (key: string): string =>
  `ASSAY_${key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`;

/** In the order of the schema. */
export function keysOf(schema: z.ZodObject): readonly Key[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Object.entries(schema.shape).map(([name, shape]) => {
    const form = properties[name] as z.core.JSONSchema.JSONSchema; // of an object's key there is one
    const isList = form.type === 'array';
    const { description = '', ...about } = (shape as z.ZodType).meta() ?? {};
    return {
      ...(about as About),
      name,
      description,
      type: typeOf(form),
      isList,
      isRequired: required.includes(name),
      default: form.default,
      variable: variableOf(name),
      // what is done anyway has a flag that leaves it out
      flag:
        form.type === 'boolean' && form.default === true ? flagOf(name).replace('--', '--no-') : flagOf(name),
    };
  });
}

/** For editors: the keys of a file of configuration; none is required there, as flags and environment may say it. */
export function fileSchema(role: string, schema: z.ZodObject): Record<string, unknown> {
  const { properties } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ jsonSchema }) {
      const { example } = jsonSchema;
      for (const own of ['without', 'value', 'secret', 'example']) delete jsonSchema[own];
      if (example !== undefined) jsonSchema.examples = [example];
    },
  });
  return {
    title: `assay: ${role}`,
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      formatVersion: { const: CONFIG_FORMAT },
      role: { const: role },
      ...properties,
    },
    additionalProperties: false,
  };
}

function typeOf(form: z.core.JSONSchema.JSONSchema): string {
  const { items, minimum, maximum } = form;
  if (form.enum !== undefined) return form.enum.join(' | ');
  if (form.type === 'array') return `list of ${typeOf(items as z.core.JSONSchema.JSONSchema)}`; // our lists have one form
  if (form.type !== 'integer' && form.type !== 'number') return String(form.type ?? 'string');
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum === undefined && most === undefined) return form.type;
  return `${form.type}, ${most === undefined ? `at least ${minimum}` : `${minimum}..${most}`}`;
}

/** One flag for each key, those aside that the command has already: they are more than their key. */
export function addKeyFlags(command: Command, schema: z.ZodObject): void {
  const taken = new Set(command.options.map(({ long }) => long));
  for (const key of keysOf(schema)) {
    if (taken.has(key.flag)) continue;
    // or commander would say yes to what nobody said, and a file could not say no
    if (key.flag.startsWith('--no-')) command.addOption(new Option(flagOf(key.name)).hideHelp());
    command.addOption(toOption(key));
  }
}

function toOption(key: Key): Option {
  const { flag, description, type, isList } = key;
  if (type === 'boolean') return new Option(flag, description);
  const isNumber = /^(integer|number)/.test(type);
  const value = key.value ?? (isNumber ? 'n' : 'text');
  const without = withoutIt(key);
  const text = `${type.includes(' | ') ? `${type.replaceAll(' | ', ', ')}: ` : ''}${description}${without === '' ? '' : ` (${without})`}`;
  const option = new Option(`${flag} <${value}${isList ? '...' : ''}>`, text);
  if (!isNumber) return option;
  return option.argParser(type.startsWith('integer') ? integer : decimal);
}

/** What holds where a key is not said, in words. */
export function withoutIt({ isRequired, without, default: value, isList }: Key): string {
  if (isRequired) return 'required';
  if (without !== undefined) return without;
  if (value === undefined || (isList && (value as unknown[]).length === 0)) return '';
  return isList ? (value as unknown[]).join(' ') : String(value);
}
