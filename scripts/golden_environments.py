#!/usr/bin/env python3
"""Computes the digests of docs/rollouts/environments.md from that page alone, with the standard library.

Usage: scripts/golden_environments.py   prints one line for each environment: its id and digest
"""
import hashlib
import itertools
import json
import struct


def u32(value):
    return struct.pack("<I", value)


def lp(part):
    return u32(len(part)) + part


def tagged(what, *parts):
    return hashlib.sha256(b"".join(lp(p) for p in (f"assay/rollouts/{what}/1".encode(), *parts))).digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Draws:
    def __init__(self, environment, seed):
        self.words = self._words(environment, seed)

    @staticmethod
    def _words(environment, seed):
        for block in itertools.count():
            yield from struct.unpack("<8I", tagged("task", environment.encode(), seed, u32(block)))

    def below(self, bound):
        limit = 2**32 - 2**32 % bound
        return next(word for word in self.words if word < limit) % bound

    def order(self, count):
        out = list(range(count))
        for i in range(count - 1, 0, -1):
            j = self.below(i + 1)
            out[i], out[j] = out[j], out[i]
        return out


def arithmetic(params, draws):
    operator = params["operators"][draws.below(len(params["operators"]))]
    a = draws.below(10 ** params["digits"])
    b = draws.below(10 ** params["digits"])
    key = {"+": a + b, "-": a - b, "*": a * b}[operator]
    text = f"{a}{operator}{b}="
    return (text if params["form"] == "equation" else f"Q: {text}? A:"), str(key)


def name(person):
    return chr(65 + person)


def order_puzzle(draws, people):
    oldest = draws.order(people)
    asked = draws.below(people)
    pairs = [sorted(pair, key=oldest.index) for pair in itertools.combinations(range(people), 2)]
    everything = list(itertools.permutations(range(people)))

    def decided(clues):
        fitting = (o for o in everything if all(o.index(a) < o.index(b) for a, b in clues))
        return {o[asked] for o in fitting} == {oldest[asked]}

    shuffled = [pairs[i] for i in draws.order(len(pairs))]
    clues = []
    for pair in shuffled:
        if decided(clues):
            break
        clues.append(pair)
    for clue in list(clues):
        without = [other for other in clues if other is not clue]
        if decided(without):
            clues = without
    said = " ".join(f"{name(a)} is older than {name(b)}." for a, b in clues)
    return f"{said} Who is number {asked + 1} of {people}, oldest first?", name(oldest[asked])


def truth_puzzle(draws, people):
    def fitting(statements):
        for truthful in itertools.product((False, True), repeat=people):
            if all(
                (all if both else any)(truthful[p] == claimed for p, claimed in claims) == truthful[speaker]
                for speaker, (both, claims) in enumerate(statements)
            ):
                yield truthful

    for _ in range(256):
        statements = []
        for speaker in range(people):
            others = [p for p in draws.order(people) if p != speaker][:2]
            both = draws.below(2) == 1
            statements.append((both, [(p, draws.below(2) == 1) for p in others]))
        found = list(fitting(statements))
        if len(found) == 1:
            break
    else:
        statements = [(False, [(0, False), (1, False)]), (True, [(0, False), (1, True)])]
        statements += [(True, [(0, True), (1, False)])] * (people - 2)
        found = list(fitting(statements))
    says = []
    for speaker, (both, claims) in enumerate(statements):
        parts = [f"{name(p)} {'tells the truth' if claimed else 'lies'}" for p, claimed in claims]
        says.append(f"{name(speaker)} says: {(' and ' if both else ' or ').join(parts)}.")
    names = ", ".join(name(p) for p in range(people))
    text = f"Each always lies or always tells the truth. {' '.join(says)} Write T or L for each of {names}."
    return text, "".join("T" if t else "L" for t in found[0])


def logic(params, draws):
    which = params["puzzles"]
    if which == "both":
        which = ("order", "truth")[draws.below(2)]
    text, answer = (order_puzzle if which == "order" else truth_puzzle)(draws, params["people"])
    return f"Q: {text} A:", answer


def family():
    for x in range(-3, 4):
        for y in range(-3, 4):
            if (x, y) != (0, 0):
                for c in range(-9, 10):
                    yield lambda a, b, x=x, y=y, c=c: x * a + y * b + c
    for c in range(-9, 10):
        yield lambda a, b, c=c: a * b + c
        yield lambda a, b, c=c: min(a, b) + c
        yield lambda a, b, c=c: max(a, b) + c
        yield lambda a, b, c=c: abs(a - b) + c


FAMILY = list(family())


def code(params, draws):
    member = FAMILY[draws.below(len(FAMILY))]
    left = FAMILY
    lines = []
    while len(lines) < 64 and (len(lines) < params["examples"] or len(left) > 1):
        a = draws.below(20)
        b = draws.below(20)
        lines.append(f"// f({a}, {b}) = {member(a, b)}\n")
        left = [other for other in left if other(a, b) == member(a, b)]
    inputs = []
    for _ in range(params["tests"]):
        a = draws.below(199) - 99
        inputs.append([a, draws.below(199) - 99])
    outputs = ",".join(str(member(a, b)) for a, b in inputs)
    return "".join(lines) + "const f = (a, b) =>", {"inputs": inputs, "outputs": outputs}


def digest(identity, make, params):
    parts = [identity.encode(), u32(1), canonical(params)]
    for i in range(256):
        text, key = make(params, Draws(identity, tagged("golden-seed", u32(i))))
        parts += [b"".join(u32(token) for token in (257, *text.encode())), canonical(key)]
    return tagged("environment", *parts).hex()


if __name__ == "__main__":
    for identity, make, params in (
        ("arithmetic", arithmetic, {"operators": "+-*", "digits": 9, "form": "question"}),
        ("logic", logic, {"puzzles": "both", "people": 5}),
        ("code", code, {"runtime": "node-20", "examples": 4, "tests": 16, "cpuSeconds": 2, "memoryMiB": 64}),
    ):
        print(identity, digest(identity, make, params))
