// Owns: the decoders that we can build, train and run ourselves: the Llama family's architecture. Does not own: its graphs
// (onnx/), its plain forward (plain/).

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
}

/**
 * Every tensor by its name in a checkpoint of the Llama family, with its shape ([out, in] for matrices), in the order in which
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
