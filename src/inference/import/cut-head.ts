// Owns: a decoder cut before its output matrix, and its parts as our engine runs them: body, head and rows, with the inputs and outputs of
// onnx/graphs.ts. Does not own: which decoders may be (decoder-graph.ts), the body (body.ts), where weights lie (graph-files.ts).
import { unsupported } from '../../model/errors.js';
import { invalid } from '../../model/invalid-input.js';
import {
  DataType,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from '../../protocol/gen/onnx/onnx_pb.js';
import { nameShown as shown } from '../foreign.js';
import { HEAD, ROWS } from '../onnx/graphs.js';
import { bodyOf, withoutReserved } from './body.js';
import { graphOf, int64s, op, shallow, tensorValue } from './build.js';
import { type DecoderGraph, isStandard, shapeOf } from './decoder-graph.js';
import { withStandardAttention } from './fused-attention.js';
import { sidesOf, type Values, valuesOf } from './values.js';

export interface Cut {
  readonly body: ModelProto;
  readonly head: ModelProto;
  readonly rows: ModelProto;
  readonly vocabulary: number;
  readonly width: number;
  readonly dtype: 'fp32' | 'fp16' | 'int8' | 'int4';
}

const refuse = (what: string, why: string) =>
  unsupported(`${what} of the graph`, `${why}; what does import: docs/guide/bring-your-model.md`);

/** One step between the output matrix and `logits`, in the order of computing. */
interface Step {
  readonly node: NodeProto;
  /** which of its inputs comes from the step before */
  readonly at: number;
}

/** @throws AssayError `unsupported` naming the operator that is in the way */
export function cutHead(model: ModelProto, given: DecoderGraph): Cut {
  const graph = withStandardAttention(withoutReserved(given.graph), given);
  const decoder = { ...given, graph };
  const values = valuesOf(graph);
  const { steps, matmul } = tailOf(values);
  const hidden = matmul.input[0]!;
  assertAllPositions(hidden, values);
  const { chain, matrix, transposed } = matrixOf(matmul.input[1]!, values);
  const sides = sidesOf(matrix);
  if (sides.length !== 2) throw refuse(`'${matrix.name}'`, `an output matrix of ${sides.length} dimensions`);
  const [width, vocabulary] = transposed ? [sides[1]!, sides[0]!] : [sides[0]!, sides[1]!];
  const logits = shapeOf(graph.output.find(({ name }) => name === 'logits')!).at(-1);
  if (logits !== undefined && logits !== vocabulary)
    throw invalid('logits of the graph', `${vocabulary} a position, as its output matrix has`, `${logits}`);

  const castTo = castedType(chain);
  const matrixType = castTo ?? matrix.dataType;
  const isHalf = matrixType === DataType.FLOAT16;
  if (!isHalf && matrixType !== DataType.FLOAT)
    throw refuse(`'${matrix.name}'`, `an output matrix of type ${matrix.dataType}, must be float or float16`);

  const constants = steps.flatMap(({ node, at }) =>
    node.input.filter((_, i) => i !== at && node.input[i] !== ''),
  );
  const tensors = new Map(constants.map((name) => [name, constantOf(name, values, vocabulary)]));

  const into = isHalf ? [op('Cast', [HEAD.hidden], 'assay.half', { to: DataType.FLOAT16 })] : [];
  const inside = isHalf ? 'assay.half' : HEAD.hidden;
  const head = graphOf('head', model, decoder.opset, {
    nodes: [
      ...into,
      ...chain,
      op('MatMul', [inside, matmul.input[1]!], 'assay.scores'),
      ...rewired(steps, 'assay.scores', 'assay.tail'),
      op('Cast', [steps.length === 0 ? 'assay.scores' : 'assay.tail'], 'assay.wide', { to: DataType.FLOAT }),
      // constants of more dimensions would have added some
      op('Reshape', ['assay.wide', 'assay.flat'], 'assay.all'),
      op('TopK', ['assay.all', HEAD.k], [HEAD.logits, HEAD.ids], { axis: -1, largest: 1, sorted: 1 }),
    ],
    initializers: [matrix, ...tensors.values(), int64s('assay.flat', [-1, vocabulary])],
    inputs: [
      tensorValue(HEAD.hidden, DataType.FLOAT, ['n', width]),
      tensorValue(HEAD.k, DataType.INT64, [1]),
    ],
    outputs: [
      tensorValue(HEAD.logits, DataType.FLOAT, ['n', 'count']),
      tensorValue(HEAD.ids, DataType.INT64, ['n', 'count']),
    ],
  });

  // [n, m, width] of a matrix [vocabulary, width], or [width, n, m] of its transpose; both become [n, width, m]
  const gathered = transposed ? { axis: 0, perm: [0, 2, 1] } : { axis: 1, perm: [1, 0, 2] };
  const cast = castTo === undefined ? [] : [op('Cast', ['assay.columns'], 'assay.cast', { to: castTo })];
  const perId = [...tensors].filter(([, tensor]) => sizeOf(tensor) > 1);
  const rows = graphOf('rows', model, decoder.opset, {
    nodes: [
      ...into,
      op('Reshape', [inside, 'assay.vectors'], 'assay.each'),
      op('Gather', [matrix.name, ROWS.ids], 'assay.gathered', { axis: gathered.axis }),
      op('Transpose', ['assay.gathered'], 'assay.columns', { perm: gathered.perm }),
      ...cast,
      op('MatMul', ['assay.each', cast.length > 0 ? 'assay.cast' : 'assay.columns'], 'assay.products'),
      op('Shape', [ROWS.ids], 'assay.shape'),
      op('Reshape', ['assay.products', 'assay.shape'], 'assay.scores'),
      ...perId.flatMap(([name], i) => [
        op('Reshape', [name, 'assay.line'], `assay.line.${i}`),
        op('Gather', [`assay.line.${i}`, ROWS.ids], `assay.per-id.${i}`, { axis: 0 }),
      ]),
      ...rewired(
        steps,
        'assay.scores',
        'assay.tail',
        new Map(perId.map(([name], i) => [name, `assay.per-id.${i}`])),
      ),
      op('Cast', [steps.length === 0 ? 'assay.scores' : 'assay.tail'], 'assay.wide', { to: DataType.FLOAT }),
      op('Reshape', ['assay.wide', 'assay.shape'], ROWS.logits),
    ],
    initializers: [
      matrix,
      ...tensors.values(),
      int64s('assay.vectors', [-1, 1, width]),
      ...(perId.length > 0 ? [int64s('assay.line', [-1])] : []),
    ],
    inputs: [
      tensorValue(ROWS.hidden, DataType.FLOAT, ['n', width]),
      tensorValue(ROWS.ids, DataType.INT64, ['n', 'm']),
    ],
    outputs: [tensorValue(ROWS.logits, DataType.FLOAT, ['n', 'm'])],
  });

  return {
    body: bodyOf(model, decoder, hidden, width),
    head,
    rows,
    vocabulary,
    width,
    // a head in float may stand behind layers that are not
    dtype: dtypeOf(graph, values, isHalf || given.kvType === DataType.FLOAT16),
  };
}

/** What the weights of the layers are packed in, the narrowest of them, else what is computed in. */
function dtypeOf({ node }: GraphProto, values: Values, isHalf: boolean): Cut['dtype'] {
  const bits = node.flatMap((each) => packedBits(each, values));
  if (bits.length > 0) return bits.some((width) => width <= 4) ? 'int4' : 'int8';
  return isHalf ? 'fp16' : 'fp32';
}

/** Numbers in onnx.proto of the types that DequantizeLinear takes: UINT8, INT8, UINT4, INT4. */
const PACKED: ReadonlyMap<number, number> = new Map([
  [2, 8],
  [3, 8],
  [21, 4],
  [22, 4],
]);

function packedBits({ opType, attribute, input }: NodeProto, values: Values): number[] {
  const bits = Number(attribute.find(({ name }) => name === 'bits')?.i ?? 4n);
  if (opType === 'MatMulNBits' || opType === 'GatherBlockQuantized') return [bits];
  if (opType !== 'DequantizeLinear') return [];
  // of what is computed on the way its zero point says the type, which is bytes where there is none
  const tensor = values.constant(input[0]!) ?? values.constant(input[2] ?? '');
  const type = tensor?.dataType ?? DataType.UINT8;
  const width = PACKED.get(type);
  if (width === undefined)
    throw refuse(`operator ${opType}`, `elements of type ${type}, must be integers of 8 or 4 bits`);
  return [width];
}

/** From `logits` back to the output matrix. */
function tailOf(values: Values): { steps: Step[]; matmul: NodeProto } {
  const steps: Step[] = [];
  for (let value = 'logits'; ; ) {
    const node = values.producer(value);
    if (!node) throw refuse(`'${value.slice(0, 120)}'`, 'no operator makes it: there is no head to cut');
    if (node.opType === 'MatMulNBits')
      throw refuse(
        'operator MatMulNBits',
        'a quantised export: its output matrix is packed, and single rows of it cannot be gathered; bring the full-precision one, or one with a head in float',
      );
    if (!isStandard(node.domain))
      throw refuse(`operator ${shown(node.opType)}`, 'between output matrix and logits is none that we know');
    if (node.opType === 'MatMul') return { steps: steps.reverse(), matmul: node };
    const at = throughInput(node, values);
    steps.push({ node, at });
    value = node.input[at]!;
  }
}

/** Which input of a step of the tail comes from the output matrix. */
function throughInput(node: NodeProto, values: Values): number {
  const { opType, input } = node;
  switch (opType) {
    case 'Cast':
    case 'Identity':
    case 'Tanh':
      return 0;
    case 'Div':
    case 'Sub':
      if (values.constant(input[1]!)) return 0;
      break;
    case 'Add':
    case 'Mul': {
      const at = input.findIndex((name) => !values.constant(name));
      if (at !== -1 && values.constant(input[1 - at]!)) return at;
      break;
    }
    case 'Gather':
    case 'GatherND':
    case 'Slice':
      throw refuse(
        `operator ${opType}`,
        'a pruned head, which gives logits of the last positions only; audits need all',
      );
  }
  throw refuse(
    `operator ${shown(opType)}`,
    'between output matrix and logits are only Cast, Identity, Tanh, and Add, Sub, Mul, Div of constants',
  );
}

/** A head that sees only the last position would make audits of all others impossible. */
function assertAllPositions(hidden: string, values: Values): void {
  for (let node = values.producer(hidden); node; node = values.producer(node.input[0] ?? '')) {
    if (['Gather', 'GatherND', 'Slice', 'Compress'].includes(node.opType))
      throw refuse(
        `operator ${node.opType}`,
        'a pruned head, which gives logits of the last positions only; audits need all',
      );
    if (!['Cast', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'].includes(node.opType)) return;
    if (!['Cast', 'Identity'].includes(node.opType))
      throw refuse(
        `operator ${node.opType}`,
        'before the output matrix, where [batch, positions, width] must come in',
      );
  }
}

/** The initializer behind the second input of the product, and the nodes between: `[vocabulary, width]` where transposed. */
function matrixOf(
  value: string,
  values: Values,
): { chain: NodeProto[]; matrix: TensorProto; transposed: boolean } {
  const chain: NodeProto[] = [];
  let transposed = false;
  for (let name = value; ; ) {
    const matrix = values.initializer(name);
    if (matrix) return { chain: chain.reverse(), matrix, transposed };
    const node = values.producer(name);
    if (!node) throw refuse(`'${shown(name)}'`, 'the output matrix is no initializer');
    const { opType } = node;
    if (opType === 'Transpose' && !transposed) {
      const perm = node.attribute.find((each) => each.name === 'perm');
      if (perm && `${perm.ints}` !== '1,0')
        throw refuse('operator Transpose', `of the output matrix, by [${perm.ints}]`);
      transposed = true;
    } else if (opType !== 'Cast' && opType !== 'Identity')
      throw refuse(
        `operator ${shown(opType)}`,
        'before the output matrix: single rows of it can be gathered only of an initializer, its transpose or its cast',
      );
    chain.push(node);
    name = node.input[0]!;
  }
}

/** The type that the output matrix is cast to before it is used; undefined where it is used as it lies. */
function castedType(chain: readonly NodeProto[]): DataType | undefined {
  const casts = chain.filter(({ opType }) => opType === 'Cast');
  if (casts.length > 1) throw refuse('operator Cast', 'the output matrix is cast more than once');
  const to = casts[0]?.attribute.find(({ name }) => name === 'to')?.i;
  return to === undefined ? undefined : (Number(to) as DataType);
}

/** A constant of the tail: one number, or one for each id. */
function constantOf(name: string, values: Values, vocabulary: number): TensorProto {
  const tensor = values.constant(name);
  if (!tensor) throw refuse(`'${shown(name)}'`, 'a constant of the tail that is no tensor');
  const sides = sidesOf(tensor);
  const size = sizeOf(tensor);
  if (size !== 1 && (size !== vocabulary || sides.at(-1) !== vocabulary))
    throw refuse(
      `'${shown(name)}'`,
      `a constant of the tail of [${sides}], must be one number, or one for each of ${vocabulary} ids`,
    );
  // of a Constant node it has no name, or another
  const own = shallow(tensor);
  own.name = name;
  return own;
}

const sizeOf = (tensor: TensorProto): number => sidesOf(tensor).reduce((product, side) => product * side, 1);

function rewired(
  steps: readonly Step[],
  from: string,
  to: string,
  instead: ReadonlyMap<string, string> = new Map(),
): NodeProto[] {
  let value = from;
  return steps.map(({ node, at }, i) => {
    const own = shallow(node);
    own.input = own.input.map((name, j) => (j === at ? value : (instead.get(name) ?? name)));
    value = i === steps.length - 1 ? to : `assay.step.${i}`;
    own.output = [value];
    return own;
  });
}
