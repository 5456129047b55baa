#!/usr/bin/env python3
"""
Computes every value of tests/vectors/rollouts-stream.json again: the race, the band, the sentinel, likelihoods and sums, written
from docs/rollouts/stream.md alone; what a window's scan needs too is in verify.py beside it.

Usage: vectors.py VECTORS
Prints one line for each value that differs; the last line counts. Exit code 1 when any does.
"""
import hashlib
import json
import math
import struct
import sys

sys.dont_write_bytecode = True  # modules lie among sources
from verify import key_of, philox, policy_parts, race_entry, scan, tagged, u32, unforced_bits, window_parts  # noqa: E402


def parts_bytes(*parts):
    return b"".join(u32(len(part)) + part for part in parts)


def high_word(x):
    return struct.unpack("<q", struct.pack("<d", x))[0] >> 32


def ln(x):
    """Not math.log, which is the libm's; Python's floats are float64 without fused operations."""
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


def profile_parts(profile):
    names = ("engine", "engineVersion", "provider", "dtype", "kvDtype", "isa")
    return [profile[name].encode() for name in names] + [bytes.fromhex(profile[name]) for name in ("graphDigest", "weightsDigest")]


def uniform(key, token, position):
    return (philox((token, position, 0, 0), key)[0] + 0.5) * 2.0**-32


def gumbel(u):
    return -ln(-ln(u))


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
    margin = margin_to(one, rivals, one["token"], one["logit"])
    return margin, "unconfirmed" if margin > one["tolerance"] else "clear"


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


def gumbel_entry(bucket):
    mean = total(gumbel((bucket + (point + 0.5) / 4) / 65536) for point in range(4)) / 4
    return math.floor(mean * 65536 + 0.5)


def finding(one):
    enough = one["rows"] > 0 and one["lift"] ** 2 * one["tokens"] >= 16 * one["rows"] ** 2 * 2**32
    return "measured" if enough else "no-information"


def f64(digits):
    return struct.unpack(">d", bytes.fromhex(digits))[0]


def f32(digits):
    return struct.unpack(">f", bytes.fromhex(digits))[0]


def bits(value):
    return struct.pack(">d", value).hex()


def values(one):
    """Floats by their bits, where a vector has some; masked ones as the lowest that is finite."""
    out = dict(one, logits=[f32(digits) for digits in one["logits"]], temperature=f64(one["temperature"]))
    for name in ("logit",):
        if name in one:
            out[name] = max(f32(one[name]), f32("ff7fffff"))
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

    tables = [[entry(bucket) for bucket in range(65536)] for entry in (race_entry, gumbel_entry)]
    packed = {name: struct.pack("<65536i", *entries) for name, entries in zip(("race", "gumbel"), tables)}
    entropy = lambda v: (v["gumbel"] * 65536 - v["tokens"] * sum(tables[1])) // (v["tokens"] * 65536) if v["tokens"] else 0
    each("philox", lambda v: philox(v["counter"], v["key"]), lambda v: v["words"])
    each("ln", lambda v: bits(ln(f64(v[0]))), lambda v: v[1])
    each("exp", lambda v: bits(exp(f64(v[0]))), lambda v: v[1])
    each("gumbel", lambda v: bits(gumbel((v[0] + 0.5) * 2.0**-32)), lambda v: v[1])
    record("windows", window_parts, "window")
    each("windows", lambda v: tagged("stream", *window_parts(v["window"]), bytes.fromhex(v["hotkey"])).hex(), lambda v: v["root"])
    each("keys", lambda v: key_of(bytes.fromhex(v["root"]), v["group"], v["rollout"]), lambda v: (v["k0"], v["k1"]))
    each("prompts", lambda v: tagged("prompt", bytes.fromhex(v["root"]), u32(v["group"])).hex(), lambda v: v["seed"])
    record("policies", policy_parts, "policy")
    each("policies", lambda v: bits(float(v["policy"]["temperature"])), lambda v: v["temperature"])
    record("profiles", profile_parts, "profile")
    each("races", lambda v: choose(values(v)), lambda v: v["token"])
    each("judgements", lambda v: judge(values(v)), lambda v: (v["admissible"], v["margin"], v["violation"]))
    each("sentinels", lambda v: sentinel(values(v)), lambda v: (v["margin"], v["finding"]))
    each("likelihoods", lambda v: likelihood(values(v)), lambda v: (f64(v["probability"]), f64(v["logProbability"]), v["z"]))
    each("likelihoods", lambda v: lift(values(v)), lambda v: v["lift"])
    each("tables", lambda v: hashlib.sha256(packed[v["table"]]).hexdigest(), lambda v: v["sha256"])
    each("scans", lambda v: [scan((v["k0"], v["k1"]), v["tokens"], entries) for entries in tables], lambda v: [v["race"], v["gumbel"]])
    each("sums", lambda v: (unforced_bits(v["tokens"], v["race"]), finding(v)), lambda v: (v["unforcedBits"], v["finding"]))
    each("sums", entropy, lambda v: v["sampledEntropy"])
    print("%d values, %d differ" % (checked, wrong))
    return wrong


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    sys.exit(1 if check_vectors(sys.argv[1]) else 0)
