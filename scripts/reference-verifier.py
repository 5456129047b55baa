#!/usr/bin/env python3
"""
A second verifier, written from docs/proofs alone: the standard library, no code of src/.

Usage: scripts/reference-verifier.py FILE...   (`-` reads standard input)
Each file holds transcripts as JSON, one object a line (docs/proofs/transcripts.md); prints one verdict a line.
Exit code: 0 when every transcript has a verdict, and the one that it names where it names one; 1 when a verdict differs;
2 when a file is no transcript.
"""
import importlib
import json
import os
import sys

sys.dont_write_bytecode = True  # modules lie among sources
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference")
KINDS = sorted(name[:-3].replace("_", "-") for name in os.listdir(HERE) if name.endswith(".py") and name != "basics.py")


def judge(line):
    given = json.loads(line)
    if given["kind"] not in KINDS:
        raise ValueError("kind: expected one of %s" % ", ".join(KINDS))
    as_bytes = lambda value: None if value is None else bytes.fromhex(value)
    transcript = {name: as_bytes(given.get(name)) for name in ("basis", "seed", "place", "brief", "pass", "request", "opening")}
    transcript["commits"] = [as_bytes(commit) for commit in given["commits"]]
    verdict = importlib.import_module(given["kind"].replace("-", "_")).verify(given["params"], transcript)
    return verdict, given.get("verdict")


def main(files):
    sys.path.insert(0, HERE)
    differ = False
    for name in files:
        with sys.stdin if name == "-" else open(name, encoding="utf-8") as lines:
            for line in filter(str.strip, lines):
                verdict, named = judge(line)
                differ |= named not in (None, verdict)
                print(verdict if named in (None, verdict) else "%s, not %s" % (verdict, named), flush=True)
    return 1 if differ else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        sys.exit(0 if len(sys.argv) > 1 else 2)
    try:
        sys.exit(main(sys.argv[1:]))
    except (KeyError, ValueError, OSError) as error:
        print("reference-verifier: %s" % error, file=sys.stderr)
        sys.exit(2)
