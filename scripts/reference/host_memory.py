# Owns: the verdict on a transcript of `host-memory`, from docs/proofs/host-memory.md alone; HKDF from RFC 5869.
import hmac

from basics import H, Malformed, Stream, climb, exponent, message, u32, words

PER_LEAF, STEPS, MAX_LABELS = 256, 8, (1 << 20) - 64
M32 = (1 << 32) - 1
P1, P2, P3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
COMMITS = [
    {1: ("lanes", "uint")},
    {1: ("labels", "uint"), 2: ("root", "bytes")},
    {1: ("roots", "each")},
    {1: ("leaves", "uint"), 2: ("root", "bytes")},
]
uints = lambda *names: {i + 1: (name, "uint") for i, name in enumerate(names)}
REQUEST = {
    1: ("labels", uints("lane", "index")),
    2: ("digests", uints("round", "lane", "index")),
    3: ("steps", uints("lane", "leaf", "step")),
}
BLOCK = {1: ("label", "bytes"), 2: ("path", "bytes")}
OPENING = {
    1: ("top", "bytes"),
    2: ("request_digest", "bytes"),
    3: ("labels", {1: ("parents", BLOCK), 2: ("path", "bytes")}),
    4: ("digests", {1: ("block", [BLOCK]), 2: ("digests", "bytes"), 3: ("path", "bytes")}),
    5: ("steps", {1: ("states", "bytes"), 2: ("path", "bytes"), 3: ("block", [BLOCK])}),
}


class Session:
    """What the four commits say, and the lengths that follow from it."""

    def __init__(self, params, transcript):
        if len(transcript["commits"]) != 4 or len(transcript["pass"] or b"") != 32:
            raise Malformed
        begin, fill, rounds, walk = (message(c, f) for c, f in zip(transcript["commits"], COMMITS))
        self.params, self.seed, self.block = params, transcript["seed"], params["labelBytes"]
        self.lanes, self.labels, self.root = begin["lanes"], fill["labels"], fill["root"]
        self.rounds, self.leaves, self.walk = rounds["roots"], walk["leaves"], walk["root"]
        size = self.lanes * self.labels * self.block
        holds = (
            1 <= self.lanes <= params["maxLanes"]
            and 1 <= self.labels <= MAX_LABELS
            and params["minBytes"] <= size <= params["maxBytes"]
            and 1 <= len(self.rounds) <= params["maxRounds"]
            and 1 <= self.leaves <= params["maxLeaves"]
            and all(len(hash_) == 32 for hash_ in [self.root, self.walk, *self.rounds])
        )
        if not holds:
            raise Malformed
        above = 32 * exponent(self.lanes)
        self.label_path = above + 32 * exponent(self.labels)
        self.digest_path = above + 32 * exponent(-(-self.labels // PER_LEAF))
        self.walk_path = above + 32 * exponent(self.leaves)
        self.keys = [H("assay/host/1/first", transcript["pass"], self.root)]
        for r, root in enumerate(self.rounds):
            self.keys.append(H("assay/host/1/next", self.keys[r], u32(r + 1), root))

    def in_range(self, request):
        lane = lambda s: s["lane"] < self.lanes
        counts = [len(request[name]) for name in ("labels", "digests", "steps")]
        return (
            counts == [self.params[name] for name in ("labelSamples", "digestSamples", "stepSamples")]
            and all(lane(s) and s["index"] < self.labels for s in request["labels"])
            and all(lane(s) and s["index"] < self.labels and 1 <= s["round"] <= len(self.rounds) for s in request["digests"])
            and all(lane(s) and s["leaf"] < self.leaves and s["step"] < STEPS for s in request["steps"])
        )

    def under(self, index):
        """Labels whose digests share a leaf with that of `index`."""
        return min(PER_LEAF, self.labels - index // PER_LEAF * PER_LEAF)

    def has_lengths(self, request, opening):
        is_block = lambda b: b is not None and (len(b["label"]), len(b["path"])) == (self.block, self.label_path)
        if any(len(request[name]) != len(opening[name]) for name in request):
            return False
        return (
            all(
                len(o["parents"]) == (3 if s["index"] else 0) and all(map(is_block, o["parents"])) and len(o["path"]) == self.label_path
                for s, o in zip(request["labels"], opening["labels"])
            )
            and all(
                is_block(o["block"]) and len(o["digests"]) == 16 * self.under(s["index"]) and len(o["path"]) == self.digest_path
                for s, o in zip(request["digests"], opening["digests"])
            )
            and all(
                is_block(o["block"]) and len(o["states"]) == 16 * STEPS and len(o["path"]) == self.walk_path for o in opening["steps"]
            )
        )

    def top(self, leaf, lane, index, path, count, tags):
        """Up the lane's tree of `count` leaves, then up that of the lanes."""
        within = 32 * exponent(count)
        return climb(climb(leaf, index, path[:within], tags[0]), lane, path[within:], tags[1])

    def holds(self, block, lane, index, top):
        return self.top(H(b"\x20", block["label"]), lane, index, block["path"], self.labels, (33, 34)) == top

    def parents(self, lane, i):
        w = words(self.name(lane, i))
        return i - 1, w[0] * i >> 32, w[1] * i >> 32

    def name(self, lane, i):
        return H("assay/host/1/label", self.seed, u32(lane), u32(i))

    def label(self, lane, i, parents):
        prk = hmac.digest(self.name(lane, i), b"".join(parents), "sha256")
        info = b"".join(parent[: self.params["infoBytes"] // 3] for parent in parents)
        out, block = b"", b""
        for t in range(1, -(-self.block // 32) + 1):
            block = hmac.digest(prk, block + info + bytes([t]), "sha256")
            out += block
        return out[: self.block]

    def sums(self, label, key, start=0):
        signed = [byte - 256 if byte > 127 else byte for byte in label]
        values = [(byte & 127) - 64 for byte in key]
        return [
            sum(a * b for a, b in zip(signed, values[start + c * self.block : start + (c + 1) * self.block])) for c in range(4)
        ]

    def start(self, lane, leaf, path):
        """From everything to the left of it in its lane."""
        lefts = [path[32 * level : 32 * level + 32] for level in range(exponent(self.leaves)) if leaf >> level & 1]
        return H("assay/host/1/walk", self.keys[-1], u32(lane), u32(leaf), *lefts)[:16]

    def step(self, state, label, key):
        words_ = words(state)
        a, b, c, d = (
            (lambda x: ((x << 13 | x >> 19) & M32) * P1 & M32)((x + s * P2) & M32)
            for x, s in zip(words_, self.sums(label, key, words_[1] % self.block))
        )
        a = (a + d) & M32
        b = (b + a) & M32
        c = (c + b) & M32
        d = (d + c) & M32
        a = (a + d) & M32
        out = b""
        for x in (a, b, c, d):
            x = (x ^ x >> 15) * P2 & M32
            x = (x ^ x >> 13) * P3 & M32
            out += u32(x ^ x >> 16)
        return out


def verify(params, transcript):
    try:
        session = Session(params, transcript)
        request = message(transcript["request"], REQUEST)
        if not session.in_range(request):
            raise Malformed
        opening = message(transcript["opening"], OPENING)
        if not session.has_lengths(request, opening) or len(opening["top"]) != 32 or len(opening["request_digest"]) != 32:
            raise Malformed
    except Malformed:
        return "rejected:malformed"
    top, block = opening["top"], session.block
    if session.root != H("assay/host/1/root", session.seed, u32(session.lanes), u32(session.labels), top):
        return "rejected:seed"
    if opening["request_digest"] != H(transcript["request"]):
        return "rejected:malformed"
    for s, o in zip(request["labels"], opening["labels"]):
        lane, i = s["lane"], s["index"]
        if i and not all(session.holds(b, lane, at, top) for b, at in zip(o["parents"], session.parents(lane, i))):
            return "rejected:path"
        made = session.label(lane, i, [b["label"] for b in o["parents"]] if i else [bytes(block)] * 3)
        if not session.holds({"label": made, "path": o["path"]}, lane, i, top):
            return "rejected:label"
    expanded = {}
    for s, o in zip(request["digests"], opening["digests"]):
        lane, i, r = s["lane"], s["index"], s["round"]
        leaf = H(b"\x10", o["digests"] + bytes(16 * (PER_LEAF - session.under(i))))
        leaves = -(-session.labels // PER_LEAF)
        if not session.holds(o["block"], lane, i, top):
            return "rejected:path"
        if session.top(leaf, lane, i // PER_LEAF, o["path"], leaves, (17, 35)) != session.rounds[r - 1]:
            return "rejected:path"
        if r not in expanded:
            expanded[r] = Stream(session.keys[r - 1]).bytes(0, 4 * block)
        digest = b"".join(x.to_bytes(4, "little", signed=True) for x in session.sums(o["block"]["label"], expanded[r]))
        at = 16 * (i % PER_LEAF)
        if o["digests"][at : at + 16] != digest:
            return "rejected:digest"
    key = Stream(session.keys[-1]).bytes(0, 5 * block)
    for s, o in zip(request["steps"], opening["steps"]):
        lane, g, at = s["lane"], s["leaf"], 16 * s["step"]
        if session.top(H(b"\x24", o["states"]), lane, g, o["path"], session.leaves, (37, 38)) != session.walk:
            return "rejected:path"
        state = o["states"][at - 16 : at] if at else session.start(lane, g, o["path"])
        if not session.holds(o["block"], lane, words(state)[0] * session.labels >> 32, top):
            return "rejected:path"
        if o["states"][at : at + 16] != session.step(state, o["block"]["label"], key):
            return "rejected:walk"
    return "accepted"
