# Owns: the verdict on a transcript of `memory`, from docs/proofs/memory.md (and compute.md, whose labels it reads) alone.
from basics import H, Malformed, Stream, climb, exponent, message, u32
from compute import NODE, OPENED, ROW, SAMPLE, Labels, committed_root, decode_commit, is_sample, leaf, sample_bytes, signed

BLOCK, PER_LEAF = 4096, 256
PASS_COMMIT = {1: ("roots", "bytes")}
PASS_SAMPLE = {1: ("round", "uint"), 2: ("block", "uint")}
REQUEST = {1: ("samples", SAMPLE), 2: ("fill_samples", SAMPLE), 3: ("pass_samples", PASS_SAMPLE)}
PREFIX = {1: ("last", "bytes"), 2: ("path", "bytes")}
PASS_OPENED = {1: ("rows", "bytes"), 2: ("rows_path", "bytes"), 3: ("digests", "bytes"), 4: ("digests_path", "bytes")}
ROOTS = ("row_root", "column_root", "fill_row_root", "fill_column_root", "answers")
OPENING = {
    **{i + 1: (name, "bytes") for i, name in enumerate(ROOTS)},
    6: ("row_prefix", [PREFIX]),
    7: ("column_prefix", [PREFIX]),
    8: ("samples", OPENED),
    9: ("pass_samples", PASS_OPENED),
}


def decode(params, transcript):
    n, capacity = params["n"], params["labels"]
    counts = params["samples"], params["fillSamples"], params["passSamples"]
    leaves = lambda labels: -(-labels * n * n // BLOCK // PER_LEAF)
    path = 32 * (exponent(n) + exponent(capacity))
    per_pass = max(n, BLOCK) + path + 4096 + 32 * exponent(leaves(capacity)) + 25
    longest = (counts[0] + counts[1]) * sample_bytes(n, capacity) + counts[2] * per_pass
    longest += 2 * (32 + 32 * exponent(capacity) + 15) + 170
    if len(transcript["commits"]) != 3 or len(transcript["pass"] or b"") != 32:
        raise Malformed
    if len(transcript["commits"][2]) > max(48, 32 * params["maxRounds"] + 5):
        raise Malformed
    if len(transcript["request"]) > 32 * sum(counts) or len(transcript["opening"]) > longest:
        raise Malformed
    window, fill = (decode_commit(params, commit) for commit in transcript["commits"][:2])
    roots = message(transcript["commits"][2], PASS_COMMIT)["roots"]
    rounds = [roots[i : i + 32] for i in range(0, len(roots), 32)]
    if fill["labels"] < window["labels"] or len(roots) % 32 or not 1 <= len(rounds) <= params["maxRounds"]:
        raise Malformed
    request = message(transcript["request"], REQUEST)
    n_1, n_all = window["labels"], fill["labels"]
    due = counts[0], counts[1] if n_all > n_1 else 0, counts[2]
    if tuple(len(request[name]) for name in ("samples", "fill_samples", "pass_samples")) != due:
        raise Malformed
    if not all(is_sample(n, s, 1, n_1) for s in request["samples"]):
        raise Malformed
    if not all(is_sample(n, s, n_1 + 1, n_all) for s in request["fill_samples"]):
        raise Malformed
    blocks = n_all * n * n // BLOCK
    if not all(1 <= s["round"] <= len(rounds) and s["block"] < blocks for s in request["pass_samples"]):
        raise Malformed
    opening = message(transcript["opening"], OPENING)
    if any(len(opening[name]) != 32 for name in ROOTS):
        raise Malformed
    return window, fill, rounds, request, opening


def empty(level):
    node = bytes(32)
    for _ in range(level):
        node = H(b"\5", node, node)
    return node


def is_beginning(prefix, index, whole, first):
    """Both tops from one leaf: the second with the siblings as they came, the first with zeros to the right."""
    path = prefix["path"]
    siblings = [path[i : i + 32] for i in range(0, len(path), 32)]
    zeroed = [s if index >> level & 1 else empty(level) for level, s in enumerate(siblings)]
    return climb(prefix["last"], index, path, 5) == whole and climb(prefix["last"], index, b"".join(zeroed), 5) == first


def digest(block, key):
    out = b""
    for column in range(0, 4 * BLOCK, BLOCK):
        values = key[column : column + BLOCK]
        out += sum(signed(b) * (k % 128 - 64) for b, k in zip(block, values)).to_bytes(4, "little", signed=True)
    return out


def verify(params, transcript):
    n, seed = params["n"], transcript["seed"]
    try:
        window, fill, rounds, request, opening = decode(params, transcript)
    except Malformed:
        return "rejected:malformed"
    first, whole = (opening["row_root"], opening["column_root"]), (opening["fill_row_root"], opening["fill_column_root"])
    if committed_root(seed, window["labels"], *first) != window["root"]:
        return "rejected:seed"
    if committed_root(seed, fill["labels"], *whole) != fill["root"]:
        return "rejected:seed"

    labels = Labels(params, transcript["basis"], seed)
    samples = request["samples"] + request["fill_samples"]
    opened = list(zip(samples, opening["samples"]))
    per_block = max(1, BLOCK // n)
    above = exponent(n) - exponent(per_block)
    blocks = fill["labels"] * n * n // BLOCK
    digests_path = exponent(-(-blocks // PER_LEAF))
    pass_lengths = [n * per_block, 32 * (above + exponent(labels.capacity)), 4096, 32 * digests_path]
    columns = sum(1 for label in labels.referenced if label <= window["labels"])
    fits = lambda p, leaves: p and len(p["last"]) == 32 and len(p["path"]) == 32 * exponent(leaves)
    holds = (
        opening["answers"] == H(*(H(commit) for commit in transcript["commits"]), H(transcript["request"]))
        and len(opening["samples"]) == len(samples)
        and all(labels.has_lengths(*each) for each in opened)
        and len(opening["pass_samples"]) == len(request["pass_samples"])
        and all([len(o[name]) for name, _ in PASS_OPENED.values()] == pass_lengths for o in opening["pass_samples"])
        and fits(opening["row_prefix"], labels.capacity)
        and (fits(opening["column_prefix"], len(labels.referenced)) if columns else opening["column_prefix"] is None)
    )
    if not holds:
        return "rejected:malformed"
    if not is_beginning(opening["row_prefix"], window["labels"] - 1, whole[0], first[0]):
        return "rejected:path"
    if columns and not is_beginning(opening["column_prefix"], columns - 1, whole[1], first[1]):
        return "rejected:path"
    if not columns and first[1] != empty(exponent(len(labels.referenced))):
        return "rejected:path"
    for each in opened:
        problem = labels.problem(*each, *whole)
        if problem:
            return "rejected:" + problem

    keys = [H("assay/memory/1/first", transcript["pass"])]
    for r, root in enumerate(rounds):
        keys.append(H("assay/memory/1/next", keys[r], u32(r + 1), root))
    expanded = {}
    for s, o in zip(request["pass_samples"], opening["pass_samples"]):
        label, byte = s["block"] * BLOCK // n**2, s["block"] * BLOCK % n**2
        level = [leaf(ROW, o["rows"][i : i + n]) for i in range(0, len(o["rows"]), n)]
        while len(level) > 1:
            level = [H(NODE, level[i], level[i + 1]) for i in range(0, len(level), 2)]
        node = climb(level[0], byte // n // per_block, o["rows_path"][: 32 * above], 4)
        if climb(node, label, o["rows_path"][32 * above :], 5) != whole[0]:
            return "rejected:path"
        index, place = s["block"] // PER_LEAF, s["block"] % PER_LEAF
        if climb(H(b"\x10", o["digests"]), index, o["digests_path"], 17) != rounds[s["round"] - 1]:
            return "rejected:path"
        if s["round"] not in expanded:
            expanded[s["round"]] = Stream(keys[s["round"] - 1]).bytes(0, 4 * BLOCK)
        if o["digests"][16 * place : 16 * place + 16] != digest(o["rows"][byte % n :][:BLOCK], expanded[s["round"]]):
            return "rejected:digest"
        if any(o["digests"][16 * (blocks - index * PER_LEAF) :]):
            return "rejected:malformed"
    return "accepted"
