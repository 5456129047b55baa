# Owns: the verdict on a transcript of `bandwidth`, from docs/proofs/bandwidth.md alone; ed25519 from RFC 8032.
import hashlib
import re

from basics import H, Malformed, Stream, climb, exponent, message, u32
from storage import integers

PULL = {
    **{i: (name, "bytes") for i, name in enumerate(("ticket", "source", "address"), 1)},
    4: ("port", "uint"),
    **{i: (name, "bytes") for i, name in enumerate(("link_key", "pass", "key_commitment"), 5)},
}
SERVE = {i: (name, "bytes") for i, name in enumerate(("ticket", "receiver", "pass", "key"), 1)}
BRIEF = {1: ("pulls", PULL), 2: ("serves", SERVE)}
COMMIT = {1: ("segments", "bytes"), 2: ("root", "bytes")}
OPEN = {1: ("keys", "each"), 2: ("samples", {1: ("source", "uint"), 2: ("leaf", "uint")})}
SAMPLE = {1: ("path", "bytes"), 2: ("digest", "bytes"), 3: ("signature", "bytes")}
OPENING = {1: ("source_roots", "each"), 2: ("request_digest", "bytes"), 3: ("samples", SAMPLE)}
LEAF = 4096
SEGMENT_NODE, SOURCE_NODE = 1, 2
MAX_SERVES = 32
ADDRESS = re.compile(rb"[0-9a-f.:]{2,45}\Z")


def decoded(data, fields, longest):
    if data is None or len(data) > longest:
        raise Malformed
    return message(data, fields)


def need(good):
    if not good:
        raise Malformed


# ------------------------------------------------------------------ ed25519

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P
SMALL_ORDER_Y = (0, 1, P - 1)
SMALL_ORDER_ENDS = ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc")


def is_signing_key(key):
    y = int.from_bytes(key, "little") & (1 << 255) - 1
    return len(key) == 32 and y % P not in SMALL_ORDER_Y and key.hex()[:62] not in SMALL_ORDER_ENDS


def point(data):
    """(X, Y, Z, T), or None for what is no point."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, p):
    out = (0, 1, 1, 0)
    while scalar:
        out, p, scalar = add(out, p) if scalar & 1 else out, add(p, p), scalar >> 1
    return out


def is_signed(key, text, signature):
    if not is_signing_key(key) or len(signature) != 64:
        return False
    a, s = point(key), int.from_bytes(signature[32:], "little")
    if a is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    minus = (P - a[0], a[1], 1, P - a[3])
    x, y, z, _ = add(times(s, point(BASE_Y.to_bytes(32, "little"))), times(h, minus))
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# ------------------------------------------------------------------ the verdict


def read(params, transcript):
    m, k, leaves = params["sources"], params["samples"], params["segmentLeaves"]
    brief = decoded(transcript["brief"], BRIEF, 256 * m + 160 * MAX_SERVES)
    pulls, serves = brief["pulls"], brief["serves"]
    need(len(pulls) <= m and len(serves) <= MAX_SERVES)
    for pull in pulls:
        need(all(len(pull[name]) == 32 for name in ("ticket", "source", "link_key", "pass", "key_commitment")))
        need(ADDRESS.match(pull["address"]) and 1 <= pull["port"] <= 65535)
    for serve in serves:
        need(all(len(value) == 32 for value in serve.values()))

    need(len(transcript["commits"]) == 1)
    commit = decoded(transcript["commits"][0], COMMIT, 2 * m + 42)
    counts = integers(commit["segments"])
    need(len(commit["root"]) == 32 and len(counts) == len(pulls) and any(counts))
    need(all(count <= params["maxSegments"] for count in counts))

    request = decoded(transcript["request"], OPEN, 16 * k + 40 * m)
    keys, samples = request["keys"], request["samples"]
    need(len(keys) == len(counts) and all(len(key) == 32 for key in keys) and len(samples) == k)
    need(all(at["source"] < len(counts) and at["leaf"] < counts[at["source"]] * leaves for at in samples))

    longest = 32 * (exponent(leaves) + exponent(params["maxSegments"])) + 116
    opening = decoded(transcript["opening"], OPENING, k * longest + 34 * (m + 1))
    roots = opening["source_roots"]
    need(len(opening["request_digest"]) == 32 and len(roots) == len(counts))
    need(all(len(root) == 32 and (count or not any(root)) for root, count in zip(roots, counts)))
    need(all(H("assay/bandwidth/1/key-commitment", key) == pull["key_commitment"] for key, pull in zip(keys, pulls)))
    return pulls, commit["root"], counts, keys, samples, roots, opening


def is_as_claimed(params, pull, key, root, leaf, opened):
    leaves = params["segmentLeaves"]
    segment, inner = leaf // leaves, 32 * exponent(leaves)
    path, shown = opened["path"], opened["digest"]
    made = H(Stream(key).bytes(LEAF * leaf, LEAF))
    segment_root = climb(shown or made, leaf % leaves, path[:inner], SEGMENT_NODE)
    if climb(segment_root, segment, path[inner:], SOURCE_NODE) != root:
        return False
    if not shown:
        return True
    text = b"assay/bandwidth/1/segment" + pull["ticket"] + u32(segment) + segment_root
    return is_signed(pull["link_key"], text, opened["signature"]) and shown != made


def verify(params, transcript):
    try:
        pulls, root, counts, keys, samples, roots, opening = read(params, transcript)
    except Malformed:
        return "rejected:malformed"
    listed = b"".join(u32(count) + top for count, top in zip(counts, roots))
    bound = (transcript["seed"], transcript["basis"], H(transcript["brief"]), u32(len(counts)), listed)
    if H("assay/bandwidth/1/root", *bound) != root:
        return "rejected:seed"
    if len(opening["samples"]) != len(samples) or opening["request_digest"] != H(transcript["request"]):
        return "rejected:malformed"
    for at, opened in zip(samples, opening["samples"]):
        length = 32 * (exponent(params["segmentLeaves"]) + exponent(counts[at["source"]]))
        blames = len(opened["digest"]) > 0
        if len(opened["path"]) != length or len(opened["digest"]) != 32 * blames or len(opened["signature"]) != 64 * blames:
            return "rejected:malformed"
    for at, opened in zip(samples, opening["samples"]):
        s = at["source"]
        if not is_as_claimed(params, pulls[s], keys[s], roots[s], at["leaf"], opened):
            return "rejected:path"
    return "accepted"
