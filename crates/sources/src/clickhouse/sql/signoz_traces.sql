-- The span table of SigNoz (schema v3) under the names of the exporter's columns.
(SELECT
    timestamp AS Timestamp, toString(trace_id) AS TraceId, span_id AS SpanId, parent_span_id AS ParentSpanId,
    name AS SpanName, kind_string AS SpanKind, resources_string['service.name'] AS ServiceName,
    resources_string AS ResourceAttributes,
    mapConcat(attributes_string, mapApply((key, value) -> (key, toString(value)), attributes_number),
        mapApply((key, value) -> (key, toString(value)), attributes_bool)) AS SpanAttributes,
    duration_nano AS Duration, status_code_string AS StatusCode, status_message AS StatusMessage,
    -- The parent stands among the links, too.
    arrayFilter(link -> JSONExtractString(link, 'refType') != 'CHILD_OF', JSONExtractArrayRaw(links)) AS linked,
    arrayMap(link -> JSONExtractString(link, 'traceId'), linked) AS `Links.TraceId`,
    arrayMap(link -> JSONExtractString(link, 'spanId'), linked) AS `Links.SpanId`
FROM {table})
