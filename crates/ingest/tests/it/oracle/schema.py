"""The messages of OTLP as tables: field name, number, kind, and whether it repeats or belongs to a oneof.

Written down from opentelemetry-proto (trace, logs, metrics, common, resource and the three collector services). It
is the reference of the tests and shares nothing with the receiver. No reading and no writing here.
"""

# Kinds with the wire type that carries them.
WIRE_TYPES = {
    "str": 2, "bytes": 2, "hex": 2, "msg": 2,
    "bool": 0, "enum": 0, "int32": 0, "int64": 0, "uint32": 0, "uint64": 0, "sint32": 0,
    "fixed64": 1, "sfixed64": 1, "double": 1, "fixed32": 5,
}
PACKABLE = {kind for kind, wire in WIRE_TYPES.items() if wire != 2}


class Field:
    """One field of a message. Its `json` name is in lowerCamelCase."""

    def __init__(self, text):
        words = text.split()
        self.name, self.number, kind = words[0], int(words[1]), words[2]
        self.message = kind[4:] if kind.startswith("msg:") else None
        self.kind = "msg" if self.message else kind
        self.repeats = "rep" in words[3:]
        self.oneof = next((word[6:] for word in words[3:] if word.startswith("oneof:")), None)
        self.no_json = "nojson" in words[3:]
        first, *rest = self.name.split("_")
        self.json = first + "".join(word.capitalize() for word in rest)
        self.wire_type = WIRE_TYPES[self.kind]


def message(text):
    fields = [Field(line) for line in text.strip().splitlines()]
    return {"fields": fields, "by_number": {f.number: f for f in fields}, "by_json": {f.json: f for f in fields if not f.no_json}}


# The dictionary indexes belong to profiles; in JSON they are told as unknown.
MESSAGES = {
    "TracesRequest": message("resource_spans 1 msg:ResourceSpans rep"),
    "LogsRequest": message("resource_logs 1 msg:ResourceLogs rep"),
    "MetricsRequest": message("resource_metrics 1 msg:ResourceMetrics rep"),
    "ResourceSpans": message("resource 1 msg:Resource\nscope_spans 2 msg:ScopeSpans rep\nschema_url 3 str"),
    "ResourceLogs": message("resource 1 msg:Resource\nscope_logs 2 msg:ScopeLogs rep\nschema_url 3 str"),
    "ResourceMetrics": message("resource 1 msg:Resource\nscope_metrics 2 msg:ScopeMetrics rep\nschema_url 3 str"),
    "ScopeSpans": message("scope 1 msg:Scope\nspans 2 msg:Span rep\nschema_url 3 str"),
    "ScopeLogs": message("scope 1 msg:Scope\nlog_records 2 msg:LogRecord rep\nschema_url 3 str"),
    "ScopeMetrics": message("scope 1 msg:Scope\nmetrics 2 msg:Metric rep\nschema_url 3 str"),
    "Resource": message(
        "attributes 1 msg:KeyValue rep\ndropped_attributes_count 2 uint32\nentity_refs 3 msg:EntityRef rep"),
    "EntityRef": message("schema_url 1 str\ntype 2 str\nid_keys 3 str rep\ndescription_keys 4 str rep"),
    "Scope": message("name 1 str\nversion 2 str\nattributes 3 msg:KeyValue rep\ndropped_attributes_count 4 uint32"),
    "KeyValue": message("key 1 str\nvalue 2 msg:AnyValue\nkey_strindex 3 int32 nojson"),
    "AnyValue": message("""string_value 1 str oneof:value
bool_value 2 bool oneof:value
int_value 3 int64 oneof:value
double_value 4 double oneof:value
array_value 5 msg:ArrayValue oneof:value
kvlist_value 6 msg:KeyValueList oneof:value
bytes_value 7 bytes oneof:value
string_value_strindex 8 int32 oneof:value nojson"""),
    "ArrayValue": message("values 1 msg:AnyValue rep"),
    "KeyValueList": message("values 1 msg:KeyValue rep"),
    "Span": message("""trace_id 1 hex
span_id 2 hex
trace_state 3 str
parent_span_id 4 hex
name 5 str
kind 6 enum
start_time_unix_nano 7 fixed64
end_time_unix_nano 8 fixed64
attributes 9 msg:KeyValue rep
dropped_attributes_count 10 uint32
events 11 msg:Event rep
dropped_events_count 12 uint32
links 13 msg:Link rep
dropped_links_count 14 uint32
status 15 msg:Status
flags 16 fixed32"""),
    "Event": message(
        "time_unix_nano 1 fixed64\nname 2 str\nattributes 3 msg:KeyValue rep\ndropped_attributes_count 4 uint32"),
    "Link": message("""trace_id 1 hex
span_id 2 hex
trace_state 3 str
attributes 4 msg:KeyValue rep
dropped_attributes_count 5 uint32
flags 6 fixed32"""),
    "Status": message("message 2 str\ncode 3 enum"),
    "LogRecord": message("""time_unix_nano 1 fixed64
severity_number 2 enum
severity_text 3 str
body 5 msg:AnyValue
attributes 6 msg:KeyValue rep
dropped_attributes_count 7 uint32
flags 8 fixed32
trace_id 9 hex
span_id 10 hex
observed_time_unix_nano 11 fixed64
event_name 12 str"""),
    "Metric": message("""name 1 str
description 2 str
unit 3 str
gauge 5 msg:Gauge oneof:data
sum 7 msg:Sum oneof:data
histogram 9 msg:Histogram oneof:data
exponential_histogram 10 msg:ExponentialHistogram oneof:data
summary 11 msg:Summary oneof:data
metadata 12 msg:KeyValue rep"""),
    "Gauge": message("data_points 1 msg:NumberDataPoint rep"),
    "Sum": message("data_points 1 msg:NumberDataPoint rep\naggregation_temporality 2 enum\nis_monotonic 3 bool"),
    "Histogram": message("data_points 1 msg:HistogramDataPoint rep\naggregation_temporality 2 enum"),
    "ExponentialHistogram": message(
        "data_points 1 msg:ExponentialHistogramDataPoint rep\naggregation_temporality 2 enum"),
    "Summary": message("data_points 1 msg:SummaryDataPoint rep"),
    "NumberDataPoint": message("""start_time_unix_nano 2 fixed64
time_unix_nano 3 fixed64
as_double 4 double oneof:value
exemplars 5 msg:Exemplar rep
as_int 6 sfixed64 oneof:value
attributes 7 msg:KeyValue rep
flags 8 uint32"""),
    "HistogramDataPoint": message("""start_time_unix_nano 2 fixed64
time_unix_nano 3 fixed64
count 4 fixed64
sum 5 double
bucket_counts 6 fixed64 rep
explicit_bounds 7 double rep
exemplars 8 msg:Exemplar rep
attributes 9 msg:KeyValue rep
flags 10 uint32
min 11 double
max 12 double"""),
    "ExponentialHistogramDataPoint": message("""attributes 1 msg:KeyValue rep
start_time_unix_nano 2 fixed64
time_unix_nano 3 fixed64
count 4 fixed64
sum 5 double
scale 6 sint32
zero_count 7 fixed64
positive 8 msg:Buckets
negative 9 msg:Buckets
flags 10 uint32
exemplars 11 msg:Exemplar rep
min 12 double
max 13 double
zero_threshold 14 double"""),
    "Buckets": message("offset 1 sint32\nbucket_counts 2 uint64 rep"),
    "SummaryDataPoint": message("""start_time_unix_nano 2 fixed64
time_unix_nano 3 fixed64
count 4 fixed64
sum 5 double
quantile_values 6 msg:Quantile rep
attributes 7 msg:KeyValue rep
flags 8 uint32"""),
    "Quantile": message("quantile 1 double\nvalue 2 double"),
    "Exemplar": message("""time_unix_nano 2 fixed64
as_double 3 double oneof:value
span_id 4 hex
trace_id 5 hex
as_int 6 sfixed64 oneof:value
filtered_attributes 7 msg:KeyValue rep"""),
}

REQUESTS = {"traces": "TracesRequest", "logs": "LogsRequest", "metrics": "MetricsRequest"}
ITEMS = {
    "Span", "LogRecord", "NumberDataPoint", "HistogramDataPoint", "ExponentialHistogramDataPoint", "SummaryDataPoint"}
