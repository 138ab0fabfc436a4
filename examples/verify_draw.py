"""verify_draw.py [--turns] FAIRNESS LIST0 [LIST1 ...]: of /fairness and /fairness/list?lane=n."""

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
    made == told or sys.exit(f"{what}: WRONG: {made}, not {told}")
    print(f"{what}: ok", file=sys.stderr)


def draw(lane: int, n: int) -> None:  # a Feistel network on pairs
    b, add, turns = -(-n // (a := isqrt(n - 1) + 1)), [], bytearray(n)
    for r in range(64):
        size, other = ((a, b), (b, a))[r % 2]
        keys = (bytes([lane, *n.to_bytes(8), r, *x.to_bytes(8)]) for x in range(other))
        add.append(([int.from_bytes(sha256(seed + k).digest()[:6]) % size for k in keys], size))
    for number in range(n):
        at = number + a * b
        while at >= n:  # who lands beyond the list walks on
            x, y = divmod(at % (a * b), b)
            for added, size in add:
                x, y = y, (x + added[y]) % size
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
if signed:  # the first round that did not exist when the list was fixed
    start, period, delay, _ = map(int, doc["beacon"].split()[2:])
    must("round", -((start - max(doc["fixed_at_ms"] + delay, start)) // period) + 1, doc["round"])
signed or not doc["beacon"] or print("MADE WITHOUT ITS BEACON: of two orders", file=sys.stderr)
seed = hmac.digest(secret, raw("seed", line, doc["digest"], doc["randomness"]), "sha256")
must("seed", seed.hex(), doc["seed"])
for lane, n in [(lane, n) for lane, n in enumerate(sizes) if n]:
    draw(lane, n)
