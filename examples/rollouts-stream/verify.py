#!/usr/bin/env python3
"""
The forced stream of rollouts, written a second time from docs/rollouts/stream.md and records.md: the standard library, no code
of src/.

Usage: verify.py VECTORS
  computes every value of tests/vectors/rollouts-stream.json again; a line for each that differs, the last line counts
       verify.py WINDOW POLICY MANIFEST FILE
  a window's context and policy as JSON, a miner's manifest and file as bytes: checks that they belong together, derives root,
  prompts and keys, scans every token; a line of JSON for each group, the last line sums up. The manifest's signature is not
  checked: sr25519 is not in the standard library.
Exit code 1 when a value differs or something does not belong.
"""
import hashlib
import json
import math
import struct
import sys
import zlib

SIGNATURE_BYTES = {"drand-quicknet": 48, "drand-pallet": 48, "dev-chain": 32}


def u32(value):
    return struct.pack("<I", value)


def parts_bytes(*parts):
    return b"".join(u32(len(part)) + part for part in parts)


def tagged(what, *parts):
    return hashlib.sha256(parts_bytes(b"assay/rollouts/%s/1" % what.encode(), *parts)).digest()


# Numbers: Python's floats are float64 without fused operations; its math.log is the libm's, and so is not used


def high_word(x):
    return struct.unpack("<q", struct.pack("<d", x))[0] >> 32


def ln(x):
    if x <= 0:
        return -math.inf if x == 0 else math.nan
    fraction, k = math.frexp(x)  # in [1/2, 1)
    fraction, k = fraction * 2, k - 1
    high = high_word(fraction) & 0xFFFFF
    if high + 0x95F64 & 0x100000:
        fraction, k = fraction / 2, k + 1
    f = fraction - 1
    ln2_high, ln2_low = 6.93147180369123816490e-01, 1.90821492927058770002e-10
    if (high + 2 & 0xFFFFF) < 3:
        if f == 0:
            return k * ln2_high + k * ln2_low
        r = f * f * (0.5 - 0.33333333333333333 * f)
        return f - r if k == 0 else k * ln2_high - ((r - k * ln2_low) - f)
    s = f / (2 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)))
    r = odd + even
    if high > 0x6147A and high < 0x6B851:
        half = 0.5 * f * f
        return f - (half - s * (half + r)) if k == 0 else k * ln2_high - ((half - (s * (half + r) + k * ln2_low)) - f)
    return f - s * (f - r) if k == 0 else k * ln2_high - ((s * (f - r) - k * ln2_low) - f)


def exp(x):
    """For x <= 0."""
    ln2_high, ln2_low = 6.93147180369123816490e-01, 1.90821492927058770002e-10
    if x < -7.45133219101941108420e02:
        return 0.0
    high = high_word(x) & 0x7FFFFFFF
    k = upper = lower = 0
    r = x
    if high > 0x3FD62E42:
        k = -1 if high < 0x3FF0A2B2 else int(1.44269504088896338700e00 * x - 0.5)
        upper, lower = x - k * ln2_high, k * ln2_low
        r = upper - lower
    elif high < 0x3E300000:
        return 1 + x
    t = r * r
    c = r - t * (1.66666666666666019037e-01 + t * (-2.77777777770155933842e-03 + t * (6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))))
    if k == 0:
        return 1 - ((r * c) / (c - 2) - r)
    return math.ldexp(1 - ((lower - (r * c) / (2 - c)) - upper), k)


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, p0 >> 32 ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [k[0] + 0x9E3779B9 & 0xFFFFFFFF, k[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return c


# The stream


def window_parts(window):
    beacon = window["beacon"]
    signature = bytes.fromhex(beacon["signature"])
    if len(signature) != SIGNATURE_BYTES[beacon["kind"]]:
        raise ValueError("a beacon's signature of %d bytes" % len(signature))
    digests = [bytes.fromhex(window[name]) for name in ("checkpointDigest", "policyDigest")]
    numbers = [u32(window["netuid"]), u32(window["window"])]
    return [beacon["kind"].encode(), struct.pack("<Q", int(beacon["round"])), signature, *numbers, *digests]


def root_of(window, hotkey):
    return tagged("stream", *window_parts(window), hotkey)


def key_of(root, group, rollout):
    return struct.unpack("<II", tagged("key", root, u32(group), u32(rollout))[:8])


def prompt_seed(root, group):
    return tagged("prompt", root, u32(group))


def policy_parts(policy):
    stops = b"".join(u32(stop) for stop in policy["stopIds"])
    numbers = [u32(policy["candidates"]), u32(policy["maxTokens"]), stops, u32(policy["rolloutsPerGroup"])]
    return [policy["temperature"].encode(), *numbers, bytes.fromhex(policy["environmentDigest"])]


def profile_parts(profile):
    names = ("engine", "engineVersion", "provider", "dtype", "kvDtype", "isa")
    return [profile[name].encode() for name in names] + [bytes.fromhex(profile[name]) for name in ("graphDigest", "weightsDigest")]


def uniform(key, token, position):
    return (philox((token, position, 0, 0), key)[0] + 0.5) * 2.0**-32


def gumbel(u):
    return -ln(-ln(u))


# The race


def score(one, token, logit):
    return logit / one["temperature"] + gumbel(uniform((one["k0"], one["k1"]), token, one["position"]))


def choose(one):
    return min(zip(one["ids"], one["logits"]), key=lambda row: (-score(one, *row), row[0]))[0]


def margin_to(one, rivals, token, logit):
    own = score(one, token, logit)
    lead = max([own] + [score(one, *rival) for rival in rivals]) - own
    return min(math.floor(lead * one["temperature"] * 2**20), 2**53 - 1)


def judge(one):
    delta = one["tolerance"] / 2**20
    row = list(zip(one["ids"], one["logits"]))
    logit = dict(row).get(one["token"], one.get("logit"))
    cut = -math.inf if len(row) >= one["vocabulary"] else min(one["logits"])
    margin = margin_to(one, [rival for rival in row if rival[1] >= cut + delta], one["token"], logit)
    admissible = logit >= cut - delta
    return admissible, margin, not admissible or margin > one["tolerance"]


def sentinel(one):
    rivals = [row for row in zip(one["ids"], one["logits"]) if row[0] != one["token"]]
    if "cut" in one:
        rivals = [row for row in rivals if row[1] >= one["cut"] + one["tolerance"] / 2**20]
    margin = margin_to(one, rivals, one["token"], one["logit"])
    beaten = "violation" if "cut" in one else "unconfirmed"
    return margin, beaten if margin > one["tolerance"] else "clear"


def total(values):
    """From left to right: sum() of Python 3.12 compensates."""
    out = 0.0
    for value in values:
        out += value
    return out


def likelihood(one):
    own = dict(zip(one["ids"], one["logits"])).get(one["token"], one.get("logit"))
    highest = max([*one["logits"], own])
    weights = [exp((logit - highest) / one["temperature"]) for logit in one["logits"]]
    if one["token"] not in one["ids"]:
        weights.append(exp((own - highest) / one["temperature"]))
    whole = total(weights)
    probability = exp((own - highest) / one["temperature"]) / whole
    z = -ln(uniform((one["k0"], one["k1"]), one["token"], one["position"])) / probability
    return probability, (own - highest) / one["temperature"] - ln(whole), min(math.floor(z * 2**20), 2**30)


def harmonic(y):
    below, at = 0.0, y
    while at < 8:
        at += 1
        below += 1 / at
    inverse = 1 / (at * at)
    series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252)))
    return ln(at) + 0.5772156649015329 + 0.5 / at - series - below


def lift(one):
    highest = max(one["logits"])
    weights = [exp((logit - highest) / one["temperature"]) for logit in one["logits"]]
    whole = total(weights)
    likely = [weight / whole for weight in weights if weight / whole >= 2.0**-40]
    return max(0, math.floor(total(p * (harmonic(1 / p) - 1) for p in likely) * 65536))


# The scan


def race_entry(bucket):
    i = 65535 - bucket
    if i == 0:
        return 1 - ln(1 / 65536)
    middle = i + 0.5
    square = (0.5 / middle) * (0.5 / middle)
    power, series = 1.0, 0.0
    for k in range(1, 17):
        power *= square
        series += power / (2 * k * (2 * k + 1))
    return series - ln(middle / 65536)


def gumbel_entry(bucket):
    return total(gumbel((bucket + (point + 0.5) / 4) / 65536) for point in range(4)) / 4


def table(entry):
    return [math.floor(entry(bucket) * 65536 + 0.5) for bucket in range(65536)]


def scan(key, tokens, tables):
    buckets = [philox((token, position, 0, 0), key)[0] >> 16 for position, token in enumerate(tokens)]
    return tuple(sum(entries[bucket] for bucket in buckets) for entries in tables)


def unforced_bits(tokens, race):
    if tokens == 0:
        return 0
    mean = (race - tokens / 2) / 65536 / tokens
    if mean <= 1:
        return 0
    return max(0, math.floor(tokens * (mean - 1 - ln(mean)) / 0.6931471805599453 * 1024) - 1)


def finding(one):
    enough = one["rows"] > 0 and one["lift"] ** 2 * one["tokens"] >= 16 * one["rows"] ** 2 * 2**32
    return "measured" if enough else "no-information"


# The vectors


def f64(digits):
    return struct.unpack(">d", bytes.fromhex(digits))[0]


def f32(digits):
    return struct.unpack(">f", bytes.fromhex(digits))[0]


def bits(value):
    return struct.pack(">d", value).hex()


def values(one):
    """Floats by their bits, where a vector has some."""
    out = dict(one, logits=[f32(digits) for digits in one["logits"]], temperature=f64(one["temperature"]))
    for name in ("logit", "cut"):
        if name in one:
            out[name] = f32(one[name])
    return out


def check_vectors(path):
    with open(path) as source:
        vectors = json.load(source)
    checked = wrong = 0

    def expect(name, got, wanted):
        nonlocal checked, wrong
        checked += 1
        if got != wanted:
            wrong += 1
            print("%s: %s, not %s" % (name, got, wanted))

    def each(section, got, wanted):
        for i, one in enumerate(vectors[section]):
            expect("%s %d" % (section, i), got(one), wanted(one))

    def record(section, parts, tag):
        name = section[:-3] + "y" if section.endswith("ies") else section[:-1]
        each(section, lambda v: (parts_bytes(*parts(v[name])).hex(), tagged(tag, *parts(v[name])).hex()), lambda v: (v["bytes"], v["digest"]))

    tables = table(race_entry), table(gumbel_entry)
    packed = {name: struct.pack("<65536i", *entries) for name, entries in zip(("race", "gumbel"), tables)}
    entropy = lambda v: (v["gumbel"] * 65536 - v["tokens"] * sum(tables[1])) // (v["tokens"] * 65536) if v["tokens"] else 0
    each("philox", lambda v: philox(v["counter"], v["key"]), lambda v: v["words"])
    each("ln", lambda v: bits(ln(f64(v[0]))), lambda v: v[1])
    each("exp", lambda v: bits(exp(f64(v[0]))), lambda v: v[1])
    each("gumbel", lambda v: bits(gumbel((v[0] + 0.5) * 2.0**-32)), lambda v: v[1])
    record("windows", window_parts, "window")
    each("windows", lambda v: root_of(v["window"], bytes.fromhex(v["hotkey"])).hex(), lambda v: v["root"])
    each("keys", lambda v: key_of(bytes.fromhex(v["root"]), v["group"], v["rollout"]), lambda v: (v["k0"], v["k1"]))
    each("prompts", lambda v: prompt_seed(bytes.fromhex(v["root"]), v["group"]).hex(), lambda v: v["seed"])
    record("policies", policy_parts, "policy")
    each("policies", lambda v: bits(float(v["policy"]["temperature"])), lambda v: v["temperature"])
    record("profiles", profile_parts, "profile")
    each("races", lambda v: choose(values(v)), lambda v: v["token"])
    each("judgements", lambda v: judge(values(v)), lambda v: (v["admissible"], v["margin"], v["violation"]))
    each("sentinels", lambda v: sentinel(values(v)), lambda v: (v["margin"], v["finding"]))
    each("likelihoods", lambda v: likelihood(values(v)), lambda v: (f64(v["probability"]), f64(v["logProbability"]), v["z"]))
    each("likelihoods", lambda v: lift(values(v)), lambda v: v["lift"])
    each("tables", lambda v: hashlib.sha256(packed[v["table"]]).hexdigest(), lambda v: v["sha256"])
    each("scans", lambda v: scan((v["k0"], v["k1"]), v["tokens"], tables), lambda v: (v["race"], v["gumbel"]))
    each("sums", lambda v: (unforced_bits(v["tokens"], v["race"]), finding(v)), lambda v: (v["unforcedBits"], v["finding"]))
    each("sums", entropy, lambda v: v["sampledEntropy"])
    print("%d values, %d differ" % (checked, wrong))
    return wrong


# A miner's window


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("bytes end early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")


def parse_manifest(data):
    r = Reader(data)
    tag = b"assay/rollouts/manifest/1"
    if r.take(r.number(4)) != tag:
        raise ValueError("no manifest")
    out = {"netuid": r.number(2), "window": r.number(4), "hotkey": r.take(32)}
    out.update({name: r.take(32) for name in ("checkpointDigest", "policyDigest", "profileDigest")})
    out.update(groups=r.number(4), forfeits=[r.number(4) for _ in range(r.number(4))])
    out.update({name: r.number(4) for name in ("rollouts", "tokens", "fileBytes")})
    out.update(fileSha256=r.take(32), merkleRoot=r.take(32), signature=r.take(64))
    if r.at != len(data):
        raise ValueError("bytes behind the manifest")
    return out


def column(data):
    numbers, value, shift = [], 0, 0
    for byte in data:
        value, shift = value | (byte & 127) << shift, shift + 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    return numbers


def parse_file(data):
    """Rollouts as (group, index, stop, tokens)."""
    r = Reader(data)
    if r.take(22) != b"assay/rollouts/file/1\x01":
        raise ValueError("no file of rollouts")
    length = r.number(4)
    frame = Reader(zlib.decompressobj().decompress(data[r.at :], length))
    if len(frame.data) != length or frame.take(1) != b"\x95":
        raise ValueError("no frame")
    columns = []
    for _ in range(5):
        width = {0xC4: 1, 0xC5: 2, 0xC6: 4}[frame.number(1)]
        columns.append(column(frame.take(int.from_bytes(frame.take(width), "big"))))
    steps, indices, stops, lengths, tokens = columns
    rollouts, group, at = [], 0, 0
    for step, index, stop, count in zip(steps, indices, stops, lengths, strict=True):
        group, at = group + step, at + count
        rollouts.append((group, index, stop, tokens[at - count : at]))
    return rollouts


def merkle_root(rollouts):
    level = [tagged("record", struct.pack("<IHBI%dI" % len(t), g, i, s, len(t), *t)) for g, i, s, t in rollouts]
    while len(level) & len(level) - 1:
        level.append(bytes(32))
    while len(level) > 1:
        level = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    return level[0]


def check_window(window, policy, manifest, data):
    belongs = {
        "policy": tagged("policy", *policy_parts(policy)).hex() == window["policyDigest"] == manifest["policyDigest"].hex(),
        "checkpoint": manifest["checkpointDigest"].hex() == window["checkpointDigest"],
        "window": (manifest["netuid"], manifest["window"]) == (window["netuid"], window["window"]),
        "file": len(data) == manifest["fileBytes"] and hashlib.sha256(data).digest() == manifest["fileSha256"],
    }
    rollouts = parse_file(data) if belongs["file"] else []
    there = [group for group in range(manifest["groups"]) if group not in manifest["forfeits"]]
    places = [(group, index) for group in there for index in range(policy["rolloutsPerGroup"])]
    belongs["groups"] = [rollout[:2] for rollout in rollouts] == places
    belongs["ends"] = all(
        (tokens[-1] in policy["stopIds"] if stop == 0 else len(tokens) == policy["maxTokens"] and tokens[-1] not in policy["stopIds"])
        and not set(tokens[:-1]) & set(policy["stopIds"])
        for _, _, stop, tokens in rollouts
    )
    belongs["tree"] = bool(rollouts) and merkle_root(rollouts) == manifest["merkleRoot"]
    root = root_of(window, manifest["hotkey"])
    tables = table(race_entry), table(gumbel_entry)
    sums = {group: [0, 0, 0] for group in there}
    for group, index, _, tokens in rollouts:
        scores = scan(key_of(root, group, index), tokens, tables)
        sums[group] = [a + b for a, b in zip(sums.get(group, [0, 0, 0]), (len(tokens), *scores))]
    for group, (tokens, race, gumbels) in sums.items():
        print(json.dumps({"group": group, "promptSeed": prompt_seed(root, group).hex(), "tokens": tokens, "race": race, "gumbel": gumbels}))
    tokens, race, gumbels = (sum(column) for column in zip(*sums.values()))
    result = {"root": root.hex(), "rollouts": len(rollouts), "tokens": tokens, "race": race, "gumbel": gumbels}
    wrong = [name for name, holds in belongs.items() if not holds]
    print(json.dumps({**result, "unforcedBits": unforced_bits(tokens, race), "doesNotBelong": wrong}))
    return wrong


def read(path):
    with open(path, "rb") as source:
        return source.read()


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(1 if check_vectors(sys.argv[1]) else 0)
    if len(sys.argv) != 5:
        sys.exit(__doc__.strip())
    given = [read(path) for path in sys.argv[1:]]
    sys.exit(1 if check_window(json.loads(given[0]), json.loads(given[1]), parse_manifest(given[2]), given[3]) else 0)
