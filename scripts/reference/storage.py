# Owns: the verdict on a transcript of `storage`, from docs/proofs/storage.md alone; Argon2d from RFC 9106.
from hashlib import blake2b

from basics import H, Malformed, Stream, climb, exponent, message, u32, words

COMMIT = {1: ("sectors", "uint"), 2: ("root", "bytes")}
ANSWER = {1: ("root", "bytes")}
PIECE = {1: ("place", "uint"), 2: ("piece", "uint")}
SAMPLE = {1: ("data", "bytes"), 2: ("plot_path", "bytes"), 3: ("digest_path", "bytes")}
ROOTS = ("plot_root", "answer_root", "range_root", "request_digest")
OPENING = {
    **{i + 1: (name, "bytes") for i, name in enumerate(ROOTS)},
    5: ("leaves", SAMPLE),
    6: ("pieces", SAMPLE),
    7: ("encoding_paths", "each"),
}
LEAF, NODE, TOP, ANSWERED, ANSWER_NODE, DIGESTED, PIECE_NODE, RANGE_TOP = (bytes([tag]) for tag in range(1, 9))
M32, M64 = (1 << 32) - 1, (1 << 64) - 1


def integers(data):
    """A repeated integer: one after the other, each as short as it can be."""
    out, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        if byte < 128:
            if value > M32 or (byte == 0 and shift):
                raise Malformed
            out, value, shift = out + [value], 0, 0
        elif (shift := shift + 7) > 28:
            raise Malformed
    if shift:
        raise Malformed
    return out


# ------------------------------------------------------------------ Argon2d, one lane


def expand(seed):
    """H' for a block of 1024 bytes."""
    digest, out = blake2b(u32(1024) + seed).digest(), b""
    for _ in range(30):
        out, digest = out + digest[:32], blake2b(digest).digest()
    return out + digest


def quarter(v, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 32), (c, d, b, 24), (a, b, d, 16), (c, d, b, 63)):
        v[x] = (v[x] + v[y] + 2 * (v[x] & M32) * (v[y] & M32)) & M64
        mixed = v[z] ^ v[x]
        v[z] = (mixed >> turn | mixed << (64 - turn)) & M64


def permute(block, at):
    v = [block[i] for i in at]
    for k in range(4):
        quarter(v, k, 4 + k, 8 + k, 12 + k)
    for k in range(4):
        quarter(v, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4)
    for i, value in zip(at, v):
        block[i] = value


def compress(x, y):
    r = [a ^ b for a, b in zip(x, y)]
    z = list(r)
    for row in range(8):
        permute(z, range(16 * row, 16 * row + 16))
    for column in range(8):
        permute(z, [16 * row + 2 * column + half for row in range(8) for half in (0, 1)])
    return [a ^ b for a, b in zip(r, z)]


def argon2d(password, salt, count, passes):
    h0 = blake2b(
        b"".join(u32(x) for x in (1, 64, count, passes, 0x13, 0, len(password)))
        + password + u32(len(salt)) + salt + u32(0) + u32(0)
    ).digest()
    sixty_four = lambda data: [int.from_bytes(data[i : i + 8], "little") for i in range(0, 1024, 8)]
    memory = [sixty_four(expand(h0 + u32(i) + u32(0))) for i in (0, 1)] + [[0] * 128] * (count - 2)
    segment = count // 4
    for number in range(passes):
        for i in range(0 if number else 2, count):
            previous = memory[i - 1]
            area = (count - segment + i % segment if number else i) - 1
            x = (previous[0] & M32) ** 2 >> 32
            start = (i // segment + 1) * segment % count if number else 0
            new = compress(previous, memory[(start + area - 1 - (area * x >> 32)) % count])
            memory[i] = [a ^ b for a, b in zip(new, memory[i])] if number else new
    return b"".join(b"".join(value.to_bytes(8, "little") for value in block) for block in memory)


# ------------------------------------------------------------------ plots


def tree(nodes, tag):
    nodes = nodes + [bytes(32)] * ((1 << exponent(len(nodes))) - len(nodes))
    while len(nodes) > 1:
        nodes = [H(tag, nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
    return nodes[0]


def leaf_root(params, data):
    size = 1024 * params["leafBlocks"]
    return tree([H(LEAF, data[i : i + size]) for i in range(0, len(data), size)], NODE)


def order(key, sectors, count):
    """The first `count` of all sectors, shuffled; only what is not in its own place is written down."""
    stream, out, moved = Stream(key).bytes(0, 8 * count), [], {}
    for i in range(count):
        j = i + (int.from_bytes(stream[8 * i : 8 * i + 8], "little") * (sectors - i) >> 64)
        out.append(moved.get(j, j))
        moved[j] = moved.get(i, i)
    return out


def decode(params, transcript):
    k, m, pieces, encodings = (params[key] for key in ("leaves", "openedLeaves", "openedPieces", "encodings"))
    b, leaf, piece = params["sectorBlocks"], params["leafBlocks"], params["pieceBlocks"]

    def lengths(sectors, count):
        over = exponent(sectors)
        return (
            (1024 * leaf, 32 * (exponent(b // leaf) + over), 32 * exponent(k)),
            (1024 * piece, 32 * (exponent(b // piece) + over), 32 * (exponent(b // piece) + exponent(count))),
            32 * over,
        )

    most = lengths(params["maxSectors"], params["maxRange"])
    longest = 4 * 34 + m * (sum(most[0]) + 20) + pieces * (sum(most[1]) + 20) + encodings * (most[2] + 5)
    commits = transcript["commits"]
    if len(commits) != 3 or max(map(len, commits)) > 48 or len(transcript["pass"] or b"") != 32:
        raise Malformed
    if len(transcript["opening"]) > longest or len(transcript["request"]) > 16 + 5 * m + 16 * pieces + 5 * encodings:
        raise Malformed
    plot, answer, range_ = message(commits[0], COMMIT), message(commits[1], ANSWER), message(commits[2], COMMIT)
    if any(len(commit["root"]) != 32 for commit in (plot, answer, range_)):
        raise Malformed
    if not params["minSectors"] <= plot["sectors"] <= params["maxSectors"]:
        raise Malformed
    if not 1 <= range_["sectors"] <= min(-(-plot["sectors"] // params["rangeOneIn"]), params["maxRange"]):
        raise Malformed
    request = message(transcript["request"], {1: ("leaves", "bytes"), 2: ("pieces", PIECE), 3: ("encodings", "bytes")})
    request["leaves"], request["encodings"] = integers(request["leaves"]), integers(request["encodings"])
    if len(request["leaves"]) != m or len(request["pieces"]) != pieces or len(request["encodings"]) != encodings:
        raise Malformed
    if max(request["leaves"]) >= k or any(sector >= plot["sectors"] for sector in request["encodings"]):
        raise Malformed
    if any(at["place"] >= range_["sectors"] or at["piece"] >= b // piece for at in request["pieces"]):
        raise Malformed
    opening = message(transcript["opening"], OPENING)
    if any(len(opening[name]) != 32 for name in ROOTS):
        raise Malformed
    return plot, answer, range_, request, opening, lengths(plot["sectors"], range_["sectors"])


def verify(params, transcript):
    try:
        plot, answer, range_, request, opening, (leaf_is, piece_is, path_is) = decode(params, transcript)
    except Malformed:
        return "rejected:malformed"
    place, count, k = transcript["place"], plot["sectors"], params["leaves"]
    if place is None:
        raise ValueError("place: expected 32 bytes, got none")
    bound = transcript["basis"], transcript["seed"], transcript["pass"], plot["root"]
    shape = [u32(params[key]) for key in ("sectorBlocks", "passes", "leafBlocks")]
    if plot["root"] != H("assay/storage/1/plot", place, *shape, u32(count), opening["plot_root"]):
        return "rejected:seed"
    if answer["root"] != H("assay/storage/1/answer", *bound, opening["answer_root"]):
        return "rejected:seed"
    if range_["root"] != H("assay/storage/1/range", *bound, u32(range_["sectors"]), opening["range_root"]):
        return "rejected:seed"
    lengths = lambda samples: [tuple(len(sample[name]) for name in ("data", "plot_path", "digest_path")) for sample in samples]
    if lengths(opening["leaves"]) != [leaf_is] * len(request["leaves"]):
        return "rejected:malformed"
    if lengths(opening["pieces"]) != [piece_is] * len(request["pieces"]):
        return "rejected:malformed"
    if [len(path) for path in opening["encoding_paths"]] != [path_is] * len(request["encodings"]):
        return "rejected:malformed"
    if opening["request_digest"] != H(transcript["request"]):
        return "rejected:malformed"

    w = words(Stream(H("assay/storage/1/questions", *bound)).bytes(0, 8 * k))
    leaves, parts = params["sectorBlocks"] // params["leafBlocks"], params["sectorBlocks"] // params["pieceBlocks"]

    def in_plot(sample, sector, part, of):
        within = 32 * exponent(of)
        top = climb(leaf_root(params, sample["data"]), part, sample["plot_path"][:within], 2)
        return climb(top, sector, sample["plot_path"][within:], 3) == opening["plot_root"]

    key = H("assay/storage/1/answer-key", *bound)
    for i, sample in zip(request["leaves"], opening["leaves"]):
        low, high = i * count // k, (i + 1) * count // k
        sector, leaf = low + (w[2 * i] * (high - low) >> 32), w[2 * i + 1] % leaves
        if not in_plot(sample, sector, leaf, leaves):
            return "rejected:path"
        digest = H(ANSWERED, key, u32(sector), u32(leaf), sample["data"])
        if climb(digest, i, sample["digest_path"], 5) != opening["answer_root"]:
            return "rejected:digest"
    key, sectors = H("assay/storage/1/range-key", *bound), order(H("assay/storage/1/order", *bound), count, range_["sectors"])
    for at, sample in zip(request["pieces"], opening["pieces"]):
        sector, within = sectors[at["place"]], 32 * exponent(parts)
        if not in_plot(sample, sector, at["piece"], parts):
            return "rejected:path"
        digest = H(DIGESTED, key, u32(sector), u32(at["piece"]), sample["data"])
        digest = climb(digest, at["piece"], sample["digest_path"][:within], 7)
        if climb(digest, at["place"], sample["digest_path"][within:], 8) != opening["range_root"]:
            return "rejected:digest"
    for sector, path in zip(request["encodings"], opening["encoding_paths"]):
        memory = argon2d(place, b"assay/s1" + sector.to_bytes(8, "little"), params["sectorBlocks"], params["passes"])
        if climb(leaf_root(params, memory), sector, path, 3) != opening["plot_root"]:
            return "rejected:encoding"
    return "accepted"
