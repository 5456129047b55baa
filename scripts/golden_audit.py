#!/usr/bin/env python3
"""Golden vectors of the audit of rollouts, by an implementation of its own, written from docs/rollouts/audit.md.

python3 scripts/golden_audit.py > tests/vectors/rollouts-audit.json
"""
import hashlib
import json
from fractions import Fraction
from math import comb

ORIGIN = 'scripts/golden_audit.py, from docs/rollouts/audit.md: Python, no code shared with src/'


def u32(value):
    return value.to_bytes(4, 'little')


def tagged(what, *parts):
    parts = (f'assay/rollouts/{what}/1'.encode(),) + parts
    return hashlib.sha256(b''.join(u32(len(part)) + part for part in parts)).digest()


def subject(kind, round_, signature, netuid, window, hotkey):
    return (kind.encode(), round_.to_bytes(8, 'little'), signature, u32(netuid), u32(window), hotkey)


class Words:
    def __init__(self, seed, what, place=0):
        self.seed, self.what, self.place, self.counter = seed, what, place, 0

    def below(self, bound):
        while True:
            digest = tagged(self.what, self.seed, u32(self.place), u32(self.counter))
            self.counter += 1
            high, low = divmod(int.from_bytes(digest[:8], 'little') * bound, 2**64)
            if low >= 2**64 % bound:
                return high


def picks(public, private, weights, rollouts, deep):
    left, out = list(weights), []
    for half, seed, odd in (('public', public, 0), ('private', private, 1)):
        words = Words(seed, 'draw-rollouts')
        for ordinal in range((rollouts + odd) // 2):
            if sum(left) == 0:
                break
            at, place = words.below(sum(left)), 0
            while at >= left[place]:
                at -= left[place]
                place += 1
            left[place] = 0
            out.append({'place': place, 'half': half, 'ordinal': ordinal, 'deep': ordinal < (deep + odd) // 2})
    return out


def positions(seed, ordinal, length, count, answer=None):
    if length <= count + 1:
        return list(range(length))
    words, chosen = Words(seed, 'draw-positions', ordinal), {length - 1}
    for j in range(length - 1 - count, length - 1):
        t = words.below(j + 1)
        chosen.add(j if t in chosen else t)
    if answer:
        chosen |= set(range(max(0, answer[0] - 8), min(length, answer[1] + 8)))
    return sorted(chosen)


def detector(wrongs, bound_ppb):
    values, one, rows = [2**32] * 4, 2**32, []
    for wrong in wrongs:
        for i, bet in enumerate((5, 20, 100, 400)):
            factor = 1 - Fraction(bet, 1000)
            if wrong == '1':
                factor += Fraction(bet, 1000) / Fraction(bound_ppb, 10**9)
            values[i] = min(2**96, int(max(values[i], one) * factor))
        rows.append([str(value) for value in values])
    return rows


def lower_bound(k, n):
    low, high = 0, 2**20 + 1
    while high - low > 1:
        p = (low + high) // 2
        reached = sum(comb(n, j) * p**j * (2**20 - p) ** (n - j) for j in range(k, n + 1))
        low, high = (p, high) if k and 20 * reached <= 2 ** (20 * n) else (low, p)
    return low if k else 0


def credit(paid, groups, valid, audited, per_window):
    full = lower_bound(12 * per_window, 12 * per_window)
    share = min(lower_bound(valid, audited), full)
    return paid * min(groups, 32) * share // (32 * full)


def main():
    subjects = [
        ('dev-chain', 7, bytes([5]) * 32, 2, 9, bytes([1]) * 32),
        ('drand-quicknet', 2**63 + 1, bytes(range(48)), 65535, 0, bytes(range(32))),
        ('drand-pallet', 0, bytes([255]) * 48, 0, 2**32 - 1, bytes([255]) * 32),
    ]
    seeds = []
    for one in subjects:
        kind, round_, signature, netuid, window, hotkey = one
        seeds.append({
            'beacon': {'kind': kind, 'round': str(round_), 'signature': signature.hex()},
            'netuid': netuid, 'window': window, 'hotkey': hotkey.hex(),
            'publicSeed': tagged('audit-public', *subject(*one)).hex(),
            'privateMessage': tagged('audit', *subject(*one)).hex(),
            'vrfOutput': hotkey.hex(),
            'privateSeed': tagged('audit-private', hotkey).hex(),
        })
    draws = []
    for i in range(8):
        public, private = (hashlib.sha256(f'{i} {half}'.encode()).digest() for half in ('public', 'private'))
        weights = [0 if (i + 3 * j) % 11 == 0 else 1000 + 977 * ((i + j * j) % 13) for j in range(1 + 9 * i)]
        rollouts, deep = (6, 6) if i % 2 else (8, 2)
        draws.append({'public': public.hex(), 'private': private.hex(), 'weights': weights, 'rollouts': rollouts,
                      'deep': deep, 'picks': picks(public, private, weights, rollouts, deep)})
    places = []
    for i, (length, count, answer) in enumerate(
        [(0, 32, None), (1, 32, None), (33, 32, None), (34, 32, None), (100, 5, None), (100, 5, (50, 52)),
         (8192, 32, (8185, 8192)), (60, 1, (0, 1))]):
        seed = hashlib.sha256(f'positions {i}'.encode()).digest()
        places.append({'seed': seed.hex(), 'ordinal': i, 'length': length, 'count': count, 'answer': answer,
                       'positions': positions(seed, i, length, count, answer)})
    detectors = [{'wrong': wrong, 'boundPpb': bound, 'values': detector(wrong, bound)} for wrong, bound in [
        ('0' * 12, 200_000), ('1' * 6, 200_000), ('0010000010', 200_000), ('1100101', 30_000_000),
        ('1', 1), ('1111', 1), ('101', 10**9)]]
    bounds = [[k, n, lower_bound(k, n)] for k, n in
              [(0, 6), (1, 6), (5, 6), (6, 6), (8, 8), (24, 24), (70, 72), (72, 72), (96, 96), (300, 400)]]
    credits = [dict(zip(('paidMillis', 'groups', 'valid', 'audited', 'perWindow'), row),
                    creditMillis=credit(*row)) for row in
               [(10**9, 32, 6, 6, 6), (10**9, 32, 72, 72, 6), (10**9, 31, 70, 72, 6), (123_456_789, 500, 40, 66, 6),
                (0, 40, 72, 72, 6), (2**53 - 1, 32, 96, 96, 8)]]
    print(json.dumps({'origin': ORIGIN, 'command': 'python3 scripts/golden_audit.py', 'seeds': seeds, 'draws': draws,
                      'positions': places, 'detectors': detectors, 'lowerBounds': bounds, 'credits': credits}, indent=1))


main()
