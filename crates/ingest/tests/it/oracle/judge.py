"""What a receiver must answer to one request, by the rules of OTLP and of gRPC and by the receiver's table of statuses.

Looks at the bytes as they go over the wire, and knows nothing of how they came about. Where a request is wrong in
several ways, the first in this order counts: path, method, content type, encoding, size, content.
"""

import jsonform
import rules
import wire
from encodings_of_bodies import WIRE_MAX, decode
from schema import REQUESTS
from wire import Malformed, TooLarge

PATHS = {f"/v1/{signal}": signal for signal in REQUESTS}
METHODS = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
}
OK, INVALID, EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 0, 3, 8, 12, 13, 14
PB, JSON = "application/x-protobuf", "application/json"
HTTP_CODES = {400: INVALID, 404: UNIMPLEMENTED, 405: UNIMPLEMENTED, 413: EXHAUSTED, 415: UNIMPLEMENTED, 503: UNAVAILABLE}


class Refused(Exception):
    """Ends the judgement with a status of HTTP and of gRPC."""


def header(case, name):
    return [value for key, value in case["headers"] if key.lower() == name]


def encoding(case, name):
    told = header(case, name)
    if len(told) > 1:
        raise Refused(415, UNIMPLEMENTED)
    text = told[0].strip().lower() if told else ""
    known = {"": "identity", "identity": "identity", "gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}
    if text not in known:
        raise Refused(415, UNIMPLEMENTED)
    return known[text]


def content(signal, form, data):
    """The outcome of the content of a body, and how many items it told."""
    parser = jsonform.Parser() if form == JSON else wire.Parser()
    outcome = rules.apply(signal, parser.parse(REQUESTS[signal], data))
    outcome.sent = parser.items
    return outcome


def guarded(take):
    try:
        return take()
    except Malformed:
        raise Refused(400, INVALID) from None
    except TooLarge:
        raise Refused(413, EXHAUSTED) from None


def http(case):
    signal = PATHS.get(case["path"])
    form = (header(case, "content-type") or [""])[0].split(";")[0].strip().lower()
    expect = {"type": form if form in (PB, JSON) else "text/plain; charset=utf-8"}
    try:
        if signal is None:
            raise Refused(404, UNIMPLEMENTED)
        if case["method"] != "POST":
            raise Refused(405, UNIMPLEMENTED)
        if form not in (PB, JSON):
            raise Refused(415, UNIMPLEMENTED)
        how = encoding(case, "content-encoding")
        outcome = guarded(lambda: content(signal, form, decode(how, case["body"])))
    except Refused as refused:
        status, code = refused.args
        return {**expect, "http": status, "code": code}
    return {**expect, "http": 200, "code": OK, "outcome": outcome}


def message_of(case, how):
    """The one message of a unary call.

    Another number of messages is UNIMPLEMENTED and a compressed message of a call that tells no encoding INTERNAL:
    both as the documents of gRPC (status codes, compression) say.
    """
    body = case["body"]
    if not body:
        raise Refused(200, UNIMPLEMENTED)
    if len(body) < 5:
        raise Refused(200, INVALID)
    flag, length = body[0], int.from_bytes(body[1:5], "big")
    if length > WIRE_MAX:
        raise Refused(200, EXHAUSTED)
    if flag > 1:
        raise Refused(200, INVALID)
    if flag and how == "identity":
        raise Refused(200, INTERNAL)
    if len(body) - 5 > length:
        raise Refused(200, UNIMPLEMENTED)
    if len(body) - 5 < length:
        raise Refused(200, INVALID)
    return decode(how if flag else "identity", body[5:])


def grpc(case):
    expect = {"http": 200, "type": "application/grpc"}
    form = (header(case, "content-type") or [""])[0].split(";")[0].strip().lower()
    if form != "application/grpc" and not form.startswith("application/grpc+"):
        return {"http": 415, "type": None, "code": None}
    if case["method"] != "POST":
        return {"http": 405, "type": None, "code": None}
    try:
        if form not in ("application/grpc", "application/grpc+proto"):
            raise Refused(200, UNIMPLEMENTED)
        signal = METHODS.get(case["path"])
        if signal is None:
            raise Refused(200, UNIMPLEMENTED)
        how = encoding(case, "grpc-encoding")
        outcome = guarded(lambda: content(signal, PB, message_of(case, how)))
    except Refused as refused:
        return {**expect, "code": refused.args[1]}
    return {**expect, "code": OK, "outcome": outcome}


def judge(case):
    expect = grpc(case) if case["transport"] == "grpc" else http(case)
    outcome = expect.pop("outcome", None)
    expect["taken"] = None
    if outcome is not None:
        expect["taken"] = {
            "sent": outcome.sent, "stored": outcome.stored, "rejected": outcome.rejected,
            "repaired": outcome.repaired > 0}
        if outcome.sent != len(outcome.stored) + outcome.rejected:
            raise AssertionError("the books of the oracle do not balance")
    return expect
