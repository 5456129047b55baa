"""Decoders of the Llama family and its relations in the words of Hugging Face's modeling code (rotate_half, repeat_kv, RMSNorm), in float64
and of none of our code: what tests/unit/inference compares with. Needs numpy.

    assay model build-tiny tiny && python3 scripts/golden_decoder.py tiny/master.safetensors
    python3 scripts/golden_decoder.py tests/vectors/rollouts-decoders.json

The first prints what reference.test.ts has of TINY. The second writes a small model of each family: its config.json, its tensors by the
names of a published checkpoint, and logits. Weights are a function of a tensor's place and an element's: tests draw the same.
"""

import json
import math
import struct
import sys

import numpy as np

TINY = {
    "model_type": "llama",
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "hidden_size": 192,
    "head_dim": 32,
    "rope_theta": 10_000.0,
    "rms_norm_eps": 1e-5,
}
SMALL = {
    "hidden_act": "silu",
    "vocab_size": 48,
    "hidden_size": 64,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-6,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
# as their config.json files are: fields that say nothing among them
FAMILIES = {
    "llama 2": {**SMALL, "model_type": "llama", "rope_theta": 10000.0, "rope_scaling": None, "tie_word_embeddings": False},
    # its frequencies are of all three kinds: kept, mixed, divided
    "llama 3.1": {**SMALL, "model_type": "llama", "head_dim": 16, "rope_theta": 10000.0, "rope_scaling": LLAMA3, "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True},
    "mistral": {**SMALL, "model_type": "mistral", "rope_theta": 1000000.0, "sliding_window": None, "tie_word_embeddings": False},
    "qwen2": {**SMALL, "model_type": "qwen2", "rope_theta": 1000000.0, "sliding_window": 128, "use_sliding_window": False, "max_window_layers": 2, "tie_word_embeddings": True},
    "qwen3": {**SMALL, "model_type": "qwen3", "head_dim": 32, "rope_theta": 1000000.0, "rope_scaling": None, "attention_bias": False, "sliding_window": None, "use_sliding_window": False, "tie_word_embeddings": True},
}


def frequencies(config, width):
    own = 1 / config["rope_theta"] ** (np.arange(0, width, 2) / width)
    scaling = config.get("rope_scaling")
    if not scaling:
        return own
    old = scaling["original_max_position_embeddings"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    lengths = 2 * math.pi / own
    smooth = (old / lengths - low) / (high - low)
    mixed = (1 - smooth) * own / scaling["factor"] + smooth * own
    return np.where(lengths > old / low, own / scaling["factor"], np.where(lengths < old / high, own, mixed))


def forward(config, weights, ids):
    """Logits of every position."""
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    count = len(ids)

    def norm(x, weight):
        return weight * (x / np.sqrt((x * x).mean(-1, keepdims=True) + config["rms_norm_eps"]))

    def rotate_half(x):
        return np.concatenate([-x[..., width // 2 :], x[..., : width // 2]], -1)

    angles = np.outer(np.arange(count), frequencies(config, width))
    angles = np.concatenate([angles, angles], -1)
    cos, sin = np.cos(angles), np.sin(angles)
    mask = np.triu(np.full((count, count), -np.inf), 1)

    x = weights["model.embed_tokens.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        of = lambda name: weights[f"model.layers.{layer}.{name}"]
        y = norm(x, of("input_layernorm.weight"))

        def projected(which, n):
            out = y @ of(f"self_attn.{which}_proj.weight").T
            if config["model_type"] == "qwen2":
                out = out + of(f"self_attn.{which}_proj.bias")
            out = out.reshape(count, n, width)
            if config["model_type"] == "qwen3" and which != "v":
                out = norm(out, of(f"self_attn.{which}_norm.weight"))
            return out.transpose(1, 0, 2)

        q, k, v = projected("q", heads), projected("k", kv_heads), projected("v", kv_heads)
        q, k = q * cos + rotate_half(q) * sin, k * cos + rotate_half(k) * sin
        k, v = (np.repeat(each, heads // kv_heads, 0) for each in (k, v))
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(width) + mask
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        x = x + (shares @ v).transpose(1, 0, 2).reshape(count, -1) @ of("self_attn.o_proj.weight").T
        y = norm(x, of("post_attention_layernorm.weight"))
        gate = y @ of("mlp.gate_proj.weight").T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ of("mlp.up_proj.weight").T)) @ of("mlp.down_proj.weight").T
    output = "model.embed_tokens.weight" if config.get("tie_word_embeddings") else "lm_head.weight"
    return norm(x, weights["model.norm.weight"]) @ weights[output].T


def tensors_of(config):
    """Names and shapes of a published checkpoint, in the order of its names."""
    width, hidden, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    head = config.get("head_dim") or width // config["num_attention_heads"]
    q, kv = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    found = {"model.embed_tokens.weight": [vocabulary, width], "model.norm.weight": [width]}
    if not config["tie_word_embeddings"]:
        found["lm_head.weight"] = [vocabulary, width]
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, rows in (("q", q), ("k", kv), ("v", kv)):
            found[f"{at}self_attn.{name}_proj.weight"] = [rows, width]
            if config["model_type"] == "qwen2":
                found[f"{at}self_attn.{name}_proj.bias"] = [rows]
        if config["model_type"] == "qwen3":
            found[f"{at}self_attn.q_norm.weight"] = found[f"{at}self_attn.k_norm.weight"] = [head]
        found[f"{at}self_attn.o_proj.weight"] = [width, q]
        for name in ("gate", "up"):
            found[f"{at}mlp.{name}_proj.weight"] = [hidden, width]
        found[f"{at}mlp.down_proj.weight"] = [width, hidden]
        for name in ("input", "post_attention"):
            found[f"{at}{name}_layernorm.weight"] = [width]
    return sorted(found.items())


def drawn(place, name, shape):
    """bfloat16 holds all of them: 7 bits and a power of two."""
    x = np.arange(math.prod(shape), dtype=np.uint64) * 2654435761 + (place + 1) * 40503
    x = x % 2**32
    x = (x ^ (x >> 15)) * 2246822519 % 2**32
    x = x ^ (x >> 13)
    values = ((x >> 25).astype(np.float64) * 2 - 127) / 128
    return (1 + values if "norm" in name else values / 4).reshape(shape)


def tiny(path):
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    weights = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        begin, end = entry["data_offsets"]
        words = np.frombuffer(data[8 + length + begin : 8 + length + end], "<u2").astype(np.uint32) << 16
        weights[name] = words.view(np.float32).astype(np.float64).reshape(entry["shape"])
    for position, row in enumerate(forward(TINY, weights, [257] + [(37 * i + 11) % 256 for i in range(40)])):
        if position % 8 == 0:
            print(f"[{position}, {row.argmax()}, {row.max():.6f}],")


def families(path):
    ids = [1] + [(29 * i + 7) % 48 for i in range(79)]
    at = [0, 1, 40, 79]
    found = []
    for family, config in FAMILIES.items():
        tensors = tensors_of(config)
        weights = {name: drawn(place, name, shape) for place, (name, shape) in enumerate(tensors)}
        logits = forward(config, weights, ids)
        found.append({"family": family, "config": config, "tensors": tensors, "logits": [[round(x, 7) for x in logits[p]] for p in at]})
    with open(path, "w") as file:
        origin = "python3 scripts/golden_decoder.py tests/vectors/rollouts-decoders.json"
        head = {"origin": origin, "ids": ids, "positions": at}
        lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in found)
        file.write(json.dumps(head)[:-1] + ', "families": [\n' + lines + "\n]}\n")


(families if sys.argv[1].endswith(".json") else tiny)(sys.argv[1])
