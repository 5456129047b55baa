// Owns: the decoders that we can build and run ourselves: the Llama family's architecture and what its nearest relations add. Does not
// own: its graphs (onnx/), its plain forward (plain/).

/** Names as in a Llama family `config.json`, in the words of this room. */
export interface DecoderConfig {
  readonly vocabulary: number;
  /** of the residual stream */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** a divisor of `heads` */
  readonly kvHeads: number;
  readonly headWidth: number;
  /** of the feed-forward part: down(silu(gate x) * up x) */
  readonly hidden: number;
  readonly maxPositions: number;
  /** rotary embedding in two halves, as Llama's */
  readonly ropeTheta: number;
  readonly normEpsilon: number;
  /** whether the output matrix is the embedding */
  readonly tied: boolean;
  /** What some families add. An option that is off is absent: one decoder has one spelling, and those without any keep theirs. */
  readonly qkvBias?: true | undefined;
  /** each head's query and key goes through an RMS norm of its own width, before it is rotated */
  readonly qkNorm?: true | undefined;
  readonly ropeScaling?: RopeScaling | undefined;
}

/** Slow angles of a model that was trained on short texts, stretched for long ones; named as in Llama 3.1's `rope_scaling`. */
export interface RopeScaling {
  readonly kind: 'llama3';
  /** what a frequency is divided by where fewer than `lowFactor` of its periods fit into `originalPositions` */
  readonly factor: number;
  readonly lowFactor: number;
  /** frequencies with more periods in there stay as they are; between the two factors it is mixed */
  readonly highFactor: number;
  readonly originalPositions: number;
}

/** @throws RangeError for sizes that fit no decoder */
export function assertConfig(config: DecoderConfig): void {
  for (const [name, most] of Object.entries(MOST)) {
    const value = config[name as keyof typeof MOST];
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new RangeError(`${name} of the decoder: expected an integer in 1..${most}, got ${value}`);
  }
  const { heads, kvHeads, headWidth, ropeTheta, normEpsilon } = config;
  if (heads % kvHeads !== 0)
    throw new RangeError(`kvHeads of the decoder: expected a divisor of ${heads}, got ${kvHeads}`);
  if (headWidth % 2 !== 0)
    throw new RangeError(`headWidth of the decoder: expected an even number, got ${headWidth}`);
  if (config.maxPositions * headWidth > MOST_ANGLES)
    throw new RangeError(
      `maxPositions of the decoder: expected at most ${Math.floor(MOST_ANGLES / headWidth)} with heads of ${headWidth}, ` +
        `got ${config.maxPositions}: cosines and sines of all are kept`,
    );
  if (!(ropeTheta >= 1 && ropeTheta <= 1e12))
    throw new RangeError(`ropeTheta of the decoder: expected 1..1e12, got ${ropeTheta}`);
  if (!(normEpsilon > 0 && normEpsilon < 1))
    throw new RangeError(`normEpsilon of the decoder: expected a number between 0 and 1, got ${normEpsilon}`);
  if (config.ropeScaling) assertScaling(config.ropeScaling);
}

function assertScaling({ factor, lowFactor, highFactor, originalPositions }: RopeScaling): void {
  if (!(factor >= 1 && factor <= 1e6))
    throw new RangeError(`factor of the decoder's ropeScaling: expected 1..1e6, got ${factor}`);
  if (!(lowFactor > 0 && lowFactor < highFactor && highFactor <= 1e6))
    throw new RangeError(
      `lowFactor and highFactor of the decoder's ropeScaling: expected 0 < low < high <= 1e6, got ${lowFactor} and ${highFactor}`,
    );
  if (!Number.isInteger(originalPositions) || originalPositions < 1 || originalPositions > MOST.maxPositions)
    throw new RangeError(
      `originalPositions of the decoder's ropeScaling: expected an integer in 1..${MOST.maxPositions}, got ${originalPositions}`,
    );
}

/** Tables of 1 GiB: a million positions of heads of 128. */
const MOST_ANGLES = 2 ** 27;

/** Far beyond what a host of one process holds: that no product of two of them leaves the safe integers. */
const MOST = {
  vocabulary: 2 ** 20,
  width: 2 ** 16,
  layers: 512,
  heads: 1024,
  kvHeads: 1024,
  headWidth: 1024,
  hidden: 2 ** 20,
  maxPositions: 2 ** 20,
} as const;

/**
 * Every tensor by its name in a checkpoint of these families, with its shape ([out, in] for matrices), in the order in which
 * the master file holds them.
 */
export function tensorsOf(
  config: DecoderConfig,
): { readonly name: string; readonly shape: readonly number[] }[] {
  const { vocabulary, width, layers, heads, kvHeads, headWidth, hidden, tied } = config;
  const tensors: { name: string; shape: number[] }[] = [
    { name: 'model.embed_tokens.weight', shape: [vocabulary, width] },
  ];
  for (let layer = 0; layer < layers; layer++) {
    const of = (name: string, ...shape: number[]) =>
      tensors.push({ name: `model.layers.${layer}.${name}.weight`, shape });
    of('input_layernorm', width);
    of('self_attn.q_proj', heads * headWidth, width);
    of('self_attn.k_proj', kvHeads * headWidth, width);
    of('self_attn.v_proj', kvHeads * headWidth, width);
    if (config.qkvBias)
      for (const [which, count] of [
        ['q', heads],
        ['k', kvHeads],
        ['v', kvHeads],
      ] as const)
        tensors.push({
          name: `model.layers.${layer}.self_attn.${which}_proj.bias`,
          shape: [count * headWidth],
        });
    if (config.qkNorm) {
      of('self_attn.q_norm', headWidth);
      of('self_attn.k_norm', headWidth);
    }
    of('self_attn.o_proj', width, heads * headWidth);
    of('post_attention_layernorm', width);
    of('mlp.gate_proj', hidden, width);
    of('mlp.up_proj', hidden, width);
    of('mlp.down_proj', width, hidden);
  }
  tensors.push({ name: 'model.norm.weight', shape: [width] });
  if (!tied) tensors.push({ name: 'lm_head.weight', shape: [vocabulary, width] });
  return tensors;
}
