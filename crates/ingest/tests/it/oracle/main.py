"""Writes cases with what must come of them: `main.py SEED FROM TO [LIE]`, or `main.py items SEED FROM TO`.

Each case goes to standard output as the length of a JSON head, the length of the body, the head, the body; lengths in
four bytes, little endian. With LIE, the expectation of that one case is wrong: the harness must see it.
"""

import json
import random
import struct
import sys

import families
import judge
import sound

TRANSPORTS = ["grpc", "protobuf", "json"]
SIGNALS = ["traces", "logs", "metrics"]


def made(seed, index, transport):
    """The case `index` of a transport; the same for all who ask."""
    chance = random.Random(f"{seed}/{index}/{transport}")
    names, functions, weights = zip(*families.ALL)
    place = random.Random(f"{seed}/{index}").choices(range(len(names)), weights)[0]
    draft = families.Draft(transport, SIGNALS[index % 3], sound.Maker(chance))
    functions[place](draft)
    case = draft.case()
    case["family"] = names[place]
    return case


def lie(expect):
    if expect["taken"]:
        expect["taken"]["rejected"] += 1
    else:
        expect["http"] += 1


def put(out, head, body):
    data = json.dumps(head, separators=(",", ":")).encode()
    out.write(struct.pack("<II", len(data), len(body)) + data + body)


def malformed(seed, start, end, lied):
    out = sys.stdout.buffer
    for index in range(start, end):
        for transport in TRANSPORTS:
            case = made(seed, index, transport)
            expect = judge.judge(case)
            if index == lied:
                lie(expect)
            body = case.pop("body")
            put(out, {"index": index, **case, "expect": expect}, body)


def items(seed, start, end):
    """Sound requests of twenty items each, nothing of them to be refused."""
    out = sys.stdout.buffer
    for index in range(start, end):
        signal, transport = SIGNALS[index % 3], TRANSPORTS[index // 3 % 3]
        chance = random.Random(f"{seed}/{index}/items")
        draft = families.Draft(transport, signal, sound.Maker(chance))
        draft.tree = draft.maker.request(signal, 10)
        if draft.maker.maybe(0.3):
            families.odd_times(draft)
        case = {**draft.case(), "family": "items"}
        expect = judge.judge(case)
        body = case.pop("body")
        put(out, {"index": index, **case, "expect": expect}, body)


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[0] == "items":
        items(*map(int, words[1:4]))
    else:
        numbers = list(map(int, words))
        malformed(*numbers[:3], numbers[3] if len(numbers) > 3 else -1)
