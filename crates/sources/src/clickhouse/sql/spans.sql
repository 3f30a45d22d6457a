-- Spans of the traces with a span in the window, with what `telemetry::peer` reads from their attributes.
SELECT *,
    if(NOT is_call, '', multiIf(system != '' AND (part = '' OR match(part, '^[0-9]+$')), system,
        system != '', concat(system, ':', part), destination != '', destination, address != '', address, 'unknown')) AS peer,
    if(NOT is_call, '', multiIf(statement != '', statement, destination != '', destination, system != '', peer, address))
        AS resource,
    if(destination != '', destination, span_name) AS queue
FROM (
    SELECT *,
        multiIf(told_statement != '', told_statement,
            verb NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE', 'WITH'), '', named = '', verb,
            concat(verb, ' ', named)) AS statement,
        if(told_peer != '', told_peer, if(port != '' AND (isIPv4String(host) OR isIPv6String(host) OR host = 'localhost'),
            concat(host, ':', port), host)) AS address
    FROM (
        SELECT *,
            if(written = '', '', upper(extract(written, '^\\s*(\\S+)'))) AS verb,
            if(written = '', '', replaceAll(
                extract(written, '(?i)(?:^|\\s)(?:FROM|INTO|UPDATE|JOIN)\\s+["`\\[]*([\\pL\\pN_."]+)'), '"', '')) AS named,
            multiIf(told_host != '' OR authority = '', told_host, isIPv4String(url_host) OR isIPv6String(url_host)
                OR url_host = 'localhost', authority, url_host) AS host
        FROM (
            SELECT *,
                -- What stands in single quotes is a value.
                if(text = '', '', replaceRegexpAll(substringUTF8(text, 1, 2000), '\'[^\']*(\'|$)', '')) AS written,
                replaceRegexpOne(authority, ':[^:]*$', '') AS url_host
            FROM (
                WITH (one, other) -> if(one != '', one, other) AS either
                SELECT
                    Timestamp, TraceId, SpanId, ParentSpanId, Duration, toString(SpanName) AS span_name,
                    if(empty(ServiceName), 'unknown_service', toString(ServiceName)) AS service,
                    ResourceAttributes['service.instance.id'] AS instance,
                    ResourceAttributes['service.version'] AS version,
                    transform(lower(replaceOne(toString(SpanKind), 'SPAN_KIND_', '')),
                        ['server', 'client', 'producer', 'consumer', 'internal'],
                        ['Server', 'Client', 'Producer', 'Consumer', 'Internal'], 'Unspecified') AS kind,
                    kind IN ('Client', 'Producer') AS is_call,
                    StatusCode IN ('Error', 'STATUS_CODE_ERROR') AS failed,
                    either(SpanAttributes['db.system.name'], SpanAttributes['db.system']) AS system,
                    SpanAttributes['db.query.summary'] AS told_statement,
                    either(SpanAttributes['db.query.text'], SpanAttributes['db.statement']) AS text,
                    either(SpanAttributes['db.collection.name'],
                        either(SpanAttributes['db.namespace'], SpanAttributes['db.name'])) AS part,
                    SpanAttributes['messaging.destination.name'] AS destination,
                    either(SpanAttributes['service.peer.name'], SpanAttributes['peer.service']) AS told_peer,
                    either(SpanAttributes['server.address'], SpanAttributes['net.peer.name']) AS told_host,
                    either(SpanAttributes['server.port'], SpanAttributes['net.peer.port']) AS port,
                    if(NOT is_call OR told_host != '', '', replaceRegexpOne(extract(
                        either(SpanAttributes['url.full'], SpanAttributes['http.url']), '://([^/?#]*)'), '^.*@', ''))
                        AS authority,
                    toUInt64OrZero(SpanAttributes['http.request.resend_count']) > 0 AS resent
                FROM {traces}
                WHERE Timestamp >= {before} AND Timestamp < {after}{share} AND TraceId IN (
                    SELECT TraceId FROM {traces} WHERE Timestamp >= {begin} AND Timestamp < {finish}{share})
            )
        )
    )
)
