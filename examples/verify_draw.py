"""Check a draw with nothing but Python: verify_draw.py [--turns] FAIRNESS.json LIST0 [LIST1 ...].

FAIRNESS.json: GET /v1/sales/{sale}/fairness, LISTn: .../fairness/list?lane=n; --turns: print all.
"""

import hmac
import json
import sys
from hashlib import sha256
from math import isqrt
from pathlib import Path

told, *lanes = [Path(name).read_bytes() for name in sys.argv[1:] if name != "--turns"]
doc, sizes, ends = json.loads(told), [len(leaves) // 16 for leaves in lanes], []
line = f"{doc['sale']}|{doc['drop']}|{doc['epoch']}"


def raw(*words: object) -> bytes:
    return "|".join(map(str, ("dropgate-draw-1", *words))).encode()


def must(what: str, made: object, told: object) -> None:
    print(f"{what}: {'ok' if made == told else f'WRONG: {made}, not {told}'}", file=sys.stderr)
    made == told or sys.exit(1)


def draw(lane: int, n: int) -> None:  # a Feistel network on pairs
    a, turns = isqrt(n - 1) + 1, bytearray(n)
    b, add = -(-n // a), []
    for r in range(64):
        keys = (bytes([lane, *n.to_bytes(8), r, *x.to_bytes(8)]) for x in range((b, a)[r % 2]))
        add.append([int.from_bytes(sha256(seed + k).digest()[:6]) % (a, b)[r % 2] for k in keys])
    for number in range(n):
        at = number + a * b
        while at >= n:  # who lands beyond the list walks on
            x, y = divmod(at % (a * b), b)
            for left, right in zip(add[::2], add[1::2], strict=True):
                x = (x + left[y]) % a
                y = (y + right[x]) % b
            at = x * b + y
        turns[at] = 1
        "--turns" in sys.argv and print(lane, number + 1, at + 1)
    must(f"turns of lane {lane}", turns.count(1), n)


must("length of the lists", sizes, [lane["registered"] for lane in doc["lanes"]])
for lane, leaves in enumerate(lanes):  # a chain of SHA-256 over pieces of 4,096 leaves
    end = sha256(raw("list", line, lane))
    for at in range(0, len(leaves), 65536):
        end = sha256(end.digest() + leaves[at : at + 65536])
    ends.append(f"{sizes[lane]}:{end.hexdigest()}")
must("list", sha256(raw("lists", *ends)).hexdigest(), doc["digest"])
secret, signed = (bytes.fromhex(doc[name]) for name in ("secret", "signature"))
sealed = sha256(raw("commitment", line, doc["beacon"], "") + secret)
must("commitment", sealed.hexdigest(), doc["commitment"])
must("beacon", sha256(signed).hexdigest() if signed else "", doc["randomness"])
seed = hmac.digest(secret, raw("seed", line, doc["digest"], doc["randomness"]), "sha256")
must("seed", seed.hex(), doc["seed"])
for lane, n in [(lane, n) for lane, n in enumerate(sizes) if n]:
    draw(lane, n)
