-- The log table of SigNoz (schema v2) under the names of the exporter's columns.
(SELECT
    fromUnixTimestamp64Nano(toInt64(timestamp)) AS Timestamp, trace_id AS TraceId, span_id AS SpanId,
    resources_string['service.name'] AS ServiceName, resources_string AS ResourceAttributes,
    mapConcat(attributes_string, mapApply((key, value) -> (key, toString(value)), attributes_number),
        mapApply((key, value) -> (key, toString(value)), attributes_bool)) AS LogAttributes,
    severity_number AS SeverityNumber, body AS Body
FROM {table})
