"""Sends spans, logs and metrics with the official Python SDK and prints what was sent as one line of JSON.

Usage: send.py grpc|http ENDPOINT gzip|none. Every export must be acknowledged; anything else ends with an error.
"""

import json
import logging
import sys

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SENT = {"spans": 0, "logs": 0, "points": 0, "rejected": 0, "refused": 0}
RESOURCE = Resource.create({"service.name": "things", "service.instance.id": "things-1"})
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def exporters(protocol, endpoint, compression):
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        encoding = grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression
        options = {"endpoint": endpoint, "insecure": True, "compression": encoding, "timeout": 10}
        return [kind(**options) for kind in (OTLPSpanExporter, OTLPLogExporter, OTLPMetricExporter)]
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    encoding = Compression.Gzip if compression == "gzip" else Compression.NoCompression
    kinds = {"traces": OTLPSpanExporter, "logs": OTLPLogExporter, "metrics": OTLPMetricExporter}
    return [
        kind(endpoint=f"{endpoint}/v1/{path}", compression=encoding, timeout=10) for path, kind in kinds.items()
    ]


def counted(exporter, what, count):
    """The same exporter; what was acknowledged is added up, and what was not is an error."""
    export = exporter.export

    def checked(batch, **more):
        result = export(batch, **more)
        if result.name != "SUCCESS":
            print(f"{what} were not acknowledged: {result}", file=sys.stderr)
            sys.exit(1)
        SENT[what] += count(batch)
        return result

    exporter.export = checked
    return exporter


def points(batch):
    return sum(
        len(metric.data.data_points)
        for resource in batch.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def send(span_exporter, log_exporter, metric_exporter):
    traces = TracerProvider(resource=RESOURCE)
    traces.add_span_processor(BatchSpanProcessor(counted(span_exporter, "spans", len)))
    logs = LoggerProvider(resource=RESOURCE)
    logs.add_log_record_processor(BatchLogRecordProcessor(counted(log_exporter, "logs", len)))
    log = logging.getLogger("things")
    log.addHandler(LoggingHandler(logger_provider=logs))
    reader = PeriodicExportingMetricReader(counted(metric_exporter, "points", points), 3_600_000)
    metrics = MeterProvider(resource=RESOURCE, metric_readers=[reader])
    tracer, meter = traces.get_tracer("things"), metrics.get_meter("things")
    counter, histogram = meter.create_counter("things.made"), meter.create_histogram("things.size")
    for number in range(700):
        with tracer.start_as_current_span(f"GET /things/{number % 5}") as span:
            span.set_attribute("number", number)
            span.add_event("made")
            counter.add(1, {"kind": number % 3})
            histogram.record(number)
            if number % 10 == 0:
                log.warning("thing %d", number)
    for provider in (traces, logs, metrics):
        provider.force_flush()
        provider.shutdown()


def request(spans):
    scope = trace_pb2.ScopeSpans(spans=spans)
    return trace_service_pb2.ExportTraceServiceRequest(
        resource_spans=[trace_pb2.ResourceSpans(scope_spans=[scope])]
    )


def span(number, trace_id=b"t" * 16):
    span_id = (number + 1).to_bytes(8, "big")
    return trace_pb2.Span(trace_id=trace_id, span_id=span_id, name="n" * 300, start_time_unix_nano=1, end_time_unix_nano=2)


def call_grpc(endpoint):
    """What no exporter sends: more than a window holds, a span without a trace, and what is no request."""
    with grpc.insecure_channel(endpoint.removeprefix("http://")) as channel:
        stub = trace_service_pb2_grpc.TraceServiceStub(channel)
        large = request([span(number) for number in range(15_000)])
        assert large.ByteSize() > 4 << 20
        assert not stub.Export(large, timeout=20).HasField("partial_success")
        SENT["spans"] += 15_000
        answer = stub.Export(request([span(0, b"u" * 16), span(1, b"")]), timeout=10)
        assert answer.partial_success.rejected_spans == 1, answer
        SENT["spans"] += 1
        SENT["rejected"] += 1
        for method, expected in ((EXPORT, "INVALID_ARGUMENT"), ("/x.Y/Z", "UNIMPLEMENTED")):
            try:
                channel.unary_unary(method)(b"\xff\xff", timeout=10)
                raise AssertionError(f"{method} was answered")
            except grpc.RpcError as error:
                assert error.code().name == expected, error
        SENT["refused"] += 1


PROTOCOL, ENDPOINT, COMPRESSION = sys.argv[1:]
send(*exporters(PROTOCOL, ENDPOINT, COMPRESSION))
if PROTOCOL == "grpc":
    call_grpc(ENDPOINT)
print(json.dumps(SENT))
