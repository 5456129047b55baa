# Owns: the verdict on a transcript of `liveness`, from docs/proofs/liveness.md alone: compute, with all labels or none.
import compute
from basics import Malformed


def verify(params, transcript):
    try:
        whole = [compute.decode_commit(params, commit)["labels"] for commit in transcript["commits"]] == [params["labels"]]
    except Malformed:
        whole = False
    return compute.verify(params, transcript) if whole else "rejected:malformed"
