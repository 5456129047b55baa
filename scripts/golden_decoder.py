"""A decoder of the Llama family in the words of Hugging Face's modeling_llama.py (rotate_half, repeat_kv, LlamaRMSNorm), in float64 and
of none of our code: what tests/unit/inference/reference.test.ts compares with. Needs numpy.

    assay model build-tiny tiny && python3 scripts/golden_decoder.py tiny/master.safetensors
"""

import json
import struct
import sys

import numpy as np

LAYERS, HEADS, KV_HEADS, HEAD_WIDTH, THETA, EPSILON = 4, 6, 2, 32, 10_000.0, 1e-5
IDS = [257] + [(37 * i + 11) % 256 for i in range(40)]

data = open(sys.argv[1], "rb").read()
(length,) = struct.unpack("<Q", data[:8])
weights = {}
for name, entry in json.loads(data[8 : 8 + length]).items():
    begin, end = entry["data_offsets"]
    words = np.frombuffer(data[8 + length + begin : 8 + length + end], "<u2").astype(np.uint32) << 16
    weights[name] = words.view(np.float32).astype(np.float64).reshape(entry["shape"])


def norm(x, weight):
    return weight * (x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON))


def rotate_half(x):
    return np.concatenate([-x[..., HEAD_WIDTH // 2 :], x[..., : HEAD_WIDTH // 2]], -1)


count = len(IDS)
angles = np.outer(np.arange(count), 1 / THETA ** (np.arange(0, HEAD_WIDTH, 2) / HEAD_WIDTH))
angles = np.concatenate([angles, angles], -1)
cos, sin = np.cos(angles), np.sin(angles)
mask = np.triu(np.full((count, count), -np.inf), 1)

x = weights["model.embed_tokens.weight"][IDS]
for layer in range(LAYERS):
    of = lambda name: weights[f"model.layers.{layer}.{name}.weight"]
    y = norm(x, of("input_layernorm"))
    heads = lambda name, n: (y @ of(f"self_attn.{name}").T).reshape(count, n, HEAD_WIDTH).transpose(1, 0, 2)
    q, k, v = heads("q_proj", HEADS), heads("k_proj", KV_HEADS), heads("v_proj", KV_HEADS)
    q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
    k, v = (np.repeat(each, HEADS // KV_HEADS, 0) for each in (k, v))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(HEAD_WIDTH) + mask
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    x = x + (shares @ v).transpose(1, 0, 2).reshape(count, -1) @ of("self_attn.o_proj").T
    y = norm(x, of("post_attention_layernorm"))
    gate = y @ of("mlp.gate_proj").T
    x = x + (gate / (1 + np.exp(-gate)) * (y @ of("mlp.up_proj").T)) @ of("mlp.down_proj").T

for position, row in enumerate(norm(x, weights["model.norm.weight"]) @ weights["lm_head.weight"].T):
    if position % 8 == 0:
        print(f"[{position}, {row.argmax()}, {row.max():.6f}],")
