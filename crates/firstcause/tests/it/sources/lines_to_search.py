"""Takes OTLP log records over HTTP and writes them into OpenSearch, as the collector's `opensearch` exporter forms them.

    python lines_to_search.py PORT OPENSEARCH_URL

For tests only: that exporter itself is not to be had here.
"""

import datetime
import http.server
import json
import sys
import urllib.request

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


def text(value):
    """The value of an attribute, or of a body."""
    kind = value.WhichOneof("value")
    return None if kind is None else getattr(value, kind) if kind.endswith(("string_value", "bool_value", "int_value", "double_value")) else str(value)


def attributes(pairs):
    """A map of attributes."""
    return {pair.key: text(pair.value) for pair in pairs}


def moment(nanoseconds):
    """With all nine digits."""
    at = datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.timezone.utc)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09}Z"


def documents(request):
    """Every record as the exporter writes it."""
    for resource_logs in request.resource_logs:
        resource = attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            for one in scope_logs.log_records:
                yield {
                    "@timestamp": moment(one.time_unix_nano or one.observed_time_unix_nano),
                    "traceId": one.trace_id.hex() or None,
                    "spanId": one.span_id.hex() or None,
                    "severity": {"number": one.severity_number, "text": one.severity_text},
                    "body": text(one.body),
                    "attributes": attributes(one.attributes),
                    "resource": resource,
                }


class Forward(http.server.BaseHTTPRequestHandler):
    """One export."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = []
        for document in documents(ExportLogsServiceRequest.FromString(body)):
            lines += [json.dumps({"create": {}}), json.dumps(document)]
        if lines:
            url = f"{sys.argv[2]}/ss4o_logs-default-namespace/_bulk?refresh=true"
            sent = urllib.request.Request(url, ("\n".join(lines) + "\n").encode(), {"Content-Type": "application/json"})
            assert not json.load(urllib.request.urlopen(sent))["errors"]
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Forward).serve_forever()
