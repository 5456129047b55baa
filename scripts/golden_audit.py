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


BEACONS = ['drand-quicknet', 'drand-pallet', 'dev-chain']
STATES = ['concluded', 'pending', 'refused', 'partial']
HALVES = ['public', 'private']
OUTCOMES = ['valid', 'wrong', 'input', 'validator']
CHECKS = ['scan', 'grade', 'sentinel', 'margin', 'near', 'race']
KINDS = ['ok', 'violation', 'statistic', 'inconclusive-validator', 'inconclusive-input']


def lp(data):
    return u32(len(data)) + data


def u64(value):
    return int(value).to_bytes(8, 'little')


def rules_digest(rules):
    draw = b''.join(u32(rules['draw'][key]) for key in ('rollouts', 'deep', 'positions'))
    bounds = b''.join(u32(bound['upTo']) + u32(bound['ppb']) for bound in rules['bounds'])
    return tagged('rules', draw, u64(rules['tolerance']), bounds, u32(rules['promptMillis']))


def maybe(value):
    return b'\0' if value is None else b'\1' + u32(value)


def standing_bytes(standing):
    conviction = standing.get('conviction', {})
    return b''.join([
        *(int(value).to_bytes(16, 'little') for value in standing['values']),
        maybe(standing.get('since')),
        u32(len(standing['counts'])),
        *(u32(one[key]) for one in standing['counts'] for key in ('window', 'audited', 'valid')),
        u32(len(standing['credits'])),
        *(u32(one['window']) + u64(one['creditMillis']) for one in standing['credits']),
        u32(len(standing['missed'])),
        *map(u32, standing['missed']),
        maybe(standing.get('closerUntil')),
        maybe(conviction.get('window')),
        maybe(conviction.get('since')),
    ])


def evidence_bytes(evidences):
    return u32(len(evidences)) + b''.join(
        bytes([CHECKS.index(one['check']), KINDS.index(one['kind'])]) + u32(one['n']) + u32(one['mismatches'])
        + u64(one['maxMargin']) + u32(one.get('position', 2**32 - 1)) + u64(one.get('value', 0))
        for one in evidences)


def pick_bytes(pick):
    return (b''.join(u32(pick[key]) for key in ('place', 'group', 'index'))
            + bytes([HALVES.index(pick['half']), int(pick['deep']), OUTCOMES.index(pick['outcome'])])
            + u32(pick['ordinal']) + evidence_bytes(pick['evidences']))


def verdict_bytes(record):
    digests = ('hotkey', 'validator', 'windowDigest', 'manifestDigest', 'profileDigest', 'rulesDigest')
    beacon = record['auditBeacon']
    return b''.join([
        lp(b'assay/rollouts/verdict/1'), u32(record['netuid']), u32(record['window']),
        *(bytes.fromhex(record[key]) for key in digests),
        bytes([BEACONS.index(beacon['kind'])]), u64(beacon['round']), lp(bytes.fromhex(beacon['signature'])),
        lp(bytes.fromhex(record['vrfProof'])), u32(record['median']), lp(standing_bytes(record['before'])),
        bytes([STATES.index(record['state'])]), lp(record.get('reason', '').encode()),
        evidence_bytes(record['evidences']),
        u32(len(record['picks'])), *map(pick_bytes, record['picks']),
        u64(record['paidMillis']), u64(record['creditMillis']), lp(standing_bytes(record['after'])),
    ])


NEW = {'values': [str(2**32)] * 4, 'counts': [], 'credits': [], 'missed': []}
# every field that may be missing, and the largest numbers
FULL = {
    'values': ['0', str(2**32 + 1), str(2**64), str(2**96)], 'since': 4,
    'counts': [{'window': 3, 'audited': 6, 'valid': 6}, {'window': 2**32 - 1, 'audited': 24, 'valid': 0}],
    'credits': [{'window': 3, 'creditMillis': 2**53 - 1}, {'window': 5, 'creditMillis': 0}],
    'missed': [1, 9], 'closerUntil': 21, 'conviction': {'window': 7, 'since': 4},
}
RULES = [
    {'draw': {'rollouts': 6, 'deep': 6, 'positions': 32}, 'tolerance': 104, 'bounds': [{'upTo': 65536, 'ppb': 200000}],
     'promptMillis': 35},
    {'draw': {'rollouts': 8, 'deep': 2, 'positions': 32}, 'tolerance': 2**40,
     'bounds': [{'upTo': 512, 'ppb': 1}, {'upTo': 8192, 'ppb': 10**9}], 'promptMillis': 0},
]


def records():
    def name(what):
        return hashlib.sha256(what.encode()).hexdigest()

    head = {
        'netuid': 3, 'window': 41, **{key: name(key) for key in ('hotkey', 'validator', 'windowDigest', 'manifestDigest',
                                                                 'profileDigest')},
        'rulesDigest': rules_digest(RULES[0]).hex(),
        'auditBeacon': {'kind': 'drand-quicknet', 'round': str(2**64 - 1), 'signature': bytes(range(48)).hex()},
        'vrfProof': bytes(range(96)).hex(), 'median': 300, 'before': NEW,
    }
    nothing = {'evidences': [], 'picks': [], 'paidMillis': 0, 'creditMillis': 0}
    scan = {'check': 'scan', 'kind': 'statistic', 'n': 12000, 'mismatches': 0, 'maxMargin': 0, 'value': 20480}
    found = [
        {'check': 'grade', 'kind': 'ok', 'n': 300, 'mismatches': 0, 'maxMargin': 0},
        {'check': 'sentinel', 'kind': 'violation', 'n': 300, 'mismatches': 2, 'maxMargin': 2**53 - 1, 'position': 0},
        {'check': 'margin', 'kind': 'violation', 'n': 33, 'mismatches': 1, 'maxMargin': 105, 'position': 299},
        {'check': 'near', 'kind': 'statistic', 'n': 33, 'mismatches': 1, 'maxMargin': 104, 'position': 7, 'value': 0},
        {'check': 'race', 'kind': 'statistic', 'n': 33, 'mismatches': 0, 'maxMargin': 0, 'value': 34603008},
    ]
    ours = [{'check': 'margin', 'kind': 'inconclusive-validator', 'n': 0, 'mismatches': 0, 'maxMargin': 0}]
    limit = [{'check': 'grade', 'kind': 'inconclusive-input', 'n': 300, 'mismatches': 0, 'maxMargin': 0}]
    drawn = [
        {'place': 0, 'group': 0, 'index': 0, 'half': 'public', 'ordinal': 0, 'deep': True, 'outcome': 'valid', 'evidences': []},
        {'place': 9, 'group': 2, 'index': 1, 'half': 'public', 'ordinal': 1, 'deep': False, 'outcome': 'input',
         'evidences': limit},
        {'place': 2**32 - 1, 'group': 2**32 - 2, 'index': 65535, 'half': 'private', 'ordinal': 0, 'deep': False,
         'outcome': 'wrong', 'evidences': found},
    ]
    failed = [{**drawn[0], 'outcome': 'validator', 'evidences': ours}]
    dev = {'kind': 'dev-chain', 'round': '0', 'signature': bytes(32).hex()}
    return [
        {**head, **nothing, 'state': 'concluded', 'evidences': [scan], 'picks': drawn, 'paidMillis': 2**53 - 1,
         'creditMillis': 1, 'after': FULL},
        {**head, **nothing, 'auditBeacon': dev, 'before': FULL, 'state': 'refused', 'reason': 'other-chain', 'after': FULL},
        {**head, **nothing, 'state': 'pending', 'evidences': [scan], 'picks': failed, 'after': NEW},
        {**head, **nothing, 'state': 'partial', 'evidences': [scan], 'picks': failed + drawn[1:], 'after': FULL},
    ]


def after(before, event):
    """One step of a standing; a standing whose fields may be missing lacks them."""
    now, w = dict(before), event['window']
    if event['is'] == 'closer':
        return {**now, 'closerUntil': max(now.get('closerUntil', 0), w + 12)}
    if event['is'] == 'settled':
        at_mark = sum(map(int, now['values'])) >= 4 * 10**9 * 2**32
        if 'conviction' in now or event['broken'] or not at_mark:
            return now
        return {**now, 'conviction': {'window': w, 'since': now.get('since', w)}}
    earned = 0
    now['missed'] = [one for one in now['missed'] if one > w - 24]
    if event['is'] == 'ours':
        if any(w - 12 < one['window'] < w for one in now['counts']):
            earned = next((one['creditMillis'] for one in reversed(now['credits']) if one['window'] < w), 0)
    elif event['is'] == 'missing':
        now['missed'] = [one for one in now['missed'] if one != w] + [w]
    else:
        values = list(map(int, now['values']))
        for wrong in event['trials']:
            for i, bet in enumerate((5, 20, 100, 400)):
                factor = 1 - Fraction(bet, 1000)
                if wrong == '1':
                    factor += Fraction(bet, 1000) / Fraction(event['boundPpb'], 10**9)
                values[i] = min(2**96, int(max(values[i], 2**32) * factor))
            if wrong == '1':
                now.setdefault('since', w)
            elif max(values) <= 2**32:
                now.pop('since', None)
        now['values'] = list(map(str, values))
        if event['audited'] > 0:
            own = {key: event[key] for key in ('window', 'audited', 'valid')}
            now['counts'] = [one for one in now['counts'] if w - 12 < one['window'] < w] + [own]
            pairs = zip(now['missed'], now['missed'][1:])
            anew = max([later for earlier, later in pairs if later - earlier < 12], default=-1)
            for counts in (now['counts'], [one for one in now['counts'] if one['window'] > anew]):
                k, n = (sum(one[key] for one in counts) for key in ('valid', 'audited'))
                share = credit(event['paidMillis'], event['groups'], k, n, event['perWindow'])
                earned = share if counts is now['counts'] else min(earned, share)
    kept = [one for one in now['credits'] if one['window'] > w - 12 and one['window'] != w]
    now['credits'] = sorted(kept + [{'window': w, 'creditMillis': earned}], key=lambda one: one['window'])
    return now


def weight(standing, window):
    if 'conviction' in standing and window >= standing['conviction']['since']:
        return 0
    return sum(one['creditMillis'] for one in standing['credits'] if window - 12 < one['window'] <= window) // 12


def history(events):
    standing, steps = NEW, []
    for event in events:
        standing = after(standing, event)
        steps.append({**event, 'bytes': standing_bytes(standing).hex(), 'weightMillis': weight(standing, event['window'])})
    return steps


def histories():
    def judged(window, trials, bound=200_000, inputs=0, **change):
        audited = len(trials) + inputs
        return {'is': 'judged', 'window': window, 'trials': trials, 'boundPpb': bound, 'audited': audited,
                'valid': trials.count('0'), 'paidMillis': 3_000_000 + 1001 * window, 'groups': 40, 'perWindow': 6, **change}

    def missing(window):
        return {'is': 'missing', 'window': window}

    def ours(window):
        return {'is': 'ours', 'window': window}

    def settled(window, broken=False):
        return {'is': 'settled', 'window': window, 'broken': broken}

    return [history(events) for events in (
        # a year's first weeks without fault: counts and credits of twelve windows, no more
        [judged(w, '000000') for w in range(1, 16)],
        # one wrong rollout, forgotten
        [judged(1, '000100'), *(judged(w, '0' * 120) for w in range(2, 9))],
        # a liar: spared while the breaker is open, then convicted once
        [judged(5, '010000'), judged(6, '101'), settled(6, True), judged(7, '111'), settled(7), judged(8, '1'), settled(8)],
        # a conviction whose values come from nowhere else than one window
        [settled(3), judged(4, '1111'), settled(4)],
        # files that do not come: the second of twelve takes good audits away, and no bad ones
        [*(judged(w, '000000') for w in range(1, 9)), missing(9), judged(10, '000000'), missing(20), judged(21, '000000'),
         judged(22, '000000'), judged(34, '000000'), judged(46, '000000')],
        [judged(1, '111000', 10**9), missing(2), missing(3), judged(4, '000000'), judged(13, '000000')],
        # twelve apart are no pair; the same window twice is one
        [missing(1), missing(13), missing(13), judged(14, '000000')],
        # files that we could not keep: worth what the newest window before was, while it was audited of late
        [ours(1), judged(2, '000000'), ours(3), missing(4), ours(5), judged(6, '001000'), *(ours(w) for w in range(7, 20))],
        [*(missing(w) for w in (1, 2)), ours(26)],
        # inputs, nothing to draw, a window again, a closer look
        [judged(0, '0000', inputs=2), judged(1, '', paidMillis=0, groups=0), judged(2, '00', paidMillis=0),
         judged(2, '000000', groups=7), {'is': 'closer', 'window': 2}, {'is': 'closer', 'window': 1},
         judged(3, '0' * 24)],
    )]


def no_standings():
    good = standing_bytes(FULL)
    yield 'cut off', good[:-1]
    yield 'a byte behind', good + b'\0'
    yield 'a conviction without its first window', good[:-5] + b'\0'
    yield 'a value above 2^96', (2**96 + 1).to_bytes(16, 'little') + good[16:]
    yield 'a byte for what may be missing that is neither', good[:64] + b'\2' + good[65:]
    yield 'more counts than bytes', good[:69] + u32(2**32 - 1) + good[73:]


def no_records(good, refused):
    tag = b'assay/rollouts/verdict/1'
    beacon = 4 + len(tag) + 8 + 6 * 32
    yield 'cut off', good[:-1]
    yield 'a byte behind', good + b'\0'
    yield 'another tag', good[:27] + b'2' + good[28:]
    yield 'a byte order mark before the tag', lp(b'\xef\xbb\xbf' + tag) + good[4 + len(tag):]
    yield 'a beacon that is none', good[:beacon] + b'\3' + good[beacon + 1:]
    reason = refused.index(b'other-chain')
    yield 'refused for no reason', refused[:reason - 4] + u32(0) + refused[reason + 11:]
    yield 'refused for a reason that is none', refused[:reason] + b'other-train' + refused[reason + 11:]
    yield 'concluded, with a reason', refused[:reason - 5] + b'\0' + refused[reason - 4:]
    grade = good.index(evidence_bytes([{'check': 'grade', 'kind': 'inconclusive-input', 'n': 300, 'mismatches': 0,
                                        'maxMargin': 0}]))
    yield 'a value that is of no statistic', good[:grade + 4 + 22] + b'\1' + good[grade + 4 + 23:]
    yield 'a check that is none', good[:grade + 4] + b'\6' + good[grade + 5:]
    yield 'more evidences than bytes', good[:grade] + u32(2**31) + good[grade + 4:]


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
    verdicts = records()
    encoded = [verdict_bytes(one) for one in verdicts]
    print(json.dumps({'origin': ORIGIN, 'command': 'python3 scripts/golden_audit.py', 'seeds': seeds, 'draws': draws,
                      'positions': places, 'detectors': detectors, 'lowerBounds': bounds, 'credits': credits,
                      'rules': [{**rules, 'digest': rules_digest(rules).hex()} for rules in RULES],
                      'standings': [{**one, 'bytes': standing_bytes(one).hex()} for one in (NEW, FULL)],
                      'verdicts': [{**one, 'bytes': data.hex(), 'digest': tagged('verdict-digest', data).hex()}
                                   for one, data in zip(verdicts, encoded)],
                      'histories': histories(),
                      'noStandings': [{'why': why, 'bytes': data.hex()} for why, data in no_standings()],
                      'noVerdicts': [{'why': why, 'bytes': data.hex()} for why, data in no_records(*encoded[:2])]}, indent=1))


main()
