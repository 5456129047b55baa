// Owns: how a model folder is told: facts, and a table of its files. Does not own: what is in it (inference/model-folder.ts).
import { type DecoderConfig, tensorsOf } from '../../../inference/decoder.js';
import { filesOf, type ModelDescription } from '../../../inference/model-folder.js';
import { type Fact, factLines, scaled } from '../../facts.js';
import { Table } from '../../table.js';

export function modelText(model: ModelDescription, more: readonly Fact[] = []): string {
  const { config, tokenizer } = model;
  const table = new Table({ head: ['file', 'bytes', 'SHA-256'] });
  for (const { name, bytes, sha256 } of filesOf(model)) table.push([name, bytes, sha256]);
  const heads = `${config.heads} heads, ${config.kvHeads} of keys and values`;
  return [
    factLines([
      [
        'kind',
        model.kind === 'decoder'
          ? 'decoder: our graphs over its master weights'
          : 'graphs: body, head and rows of an export',
      ],
      ['family', model.family],
      [
        'weights',
        model.kind === 'decoder' ? `${scaled(weightsOf(model.config)).trimEnd()} parameters` : undefined,
      ],
      ['precision', model.kind === 'graphs' ? `${model.dtype}, keys and values ${model.kvDtype}` : undefined],
      ['vocabulary', config.vocabulary],
      ['shape', `${config.layers} layers of width ${config.width}, ${heads} of ${config.headWidth}`],
      ['adds', model.kind === 'decoder' ? addedBy(model.config) : undefined],
      ['positions', config.maxPositions],
      ['prompts begin with', model.beginId ?? 'nothing'],
      ['texts end with', model.stopIds.length === 0 ? 'nothing that it says' : model.stopIds.join(', ')],
      ['tokenizer', { bytes: 'bytes', file: 'tokenizer.json', none: 'none' }[tokenizer.kind]],
      ...more,
    ]),
    table.toString(),
  ].join('\n');
}

/** What a decoder has beside those of the plain kind. */
const addedBy = ({ qkvBias, qkNorm, ropeScaling }: DecoderConfig): string | undefined =>
  [
    ...(qkvBias ? ['biases of queries, keys and values'] : []),
    ...(qkNorm ? ['norms of queries and keys'] : []),
    ...(ropeScaling ? [`slow angles divided by ${ropeScaling.factor}`] : []),
  ].join(', ') || undefined;

const weightsOf = (config: Parameters<typeof tensorsOf>[0]): number =>
  tensorsOf(config).reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
