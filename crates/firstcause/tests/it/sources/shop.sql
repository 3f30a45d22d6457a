INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,
    SpanAttributes, Duration, StatusCode)
SELECT
    fromUnixTimestamp64Nano(begin + x.4), trace, leftPad(lower(hex(cityHash64(i, x.1, 's'))), 16, '0'),
    if(x.2 = 0, '', leftPad(lower(hex(cityHash64(i, x.2, 's'))), 16, '0')), x.6, x.7, x.3,
    map('service.name', x.3, 'service.instance.id', concat(x.3, '-', toString(cityHash64(i, x.3) % 3)),
        'service.version', '1.4.2', 'deployment.environment.name', 'production', 'host.name', concat('node-', toString(i % 9)),
        'k8s.pod.name', concat(x.3, '-7d9f8b6c5-', toString(cityHash64(i, x.3) % 3)), 'k8s.namespace.name', 'shop',
        'telemetry.sdk.language', 'java'),
    mapConcat(x.8, map('thread.id', toString(i % 64), 'network.protocol.version', '1.1')), x.5,
    if(cityHash64(i, 'e') % 211 = 0 AND x.1 = 8, 'Error', 'Unset')
FROM (
    SELECT *, arrayJoin([
        (1, 0, 'web', 0, web, route, 'Server', map('http.request.method', 'GET', 'http.route', route, 'url.path',
            concat('/x/', toString(i)), 'http.response.status_code', '200', 'client.address', '10.1.2.3',
            'user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36')),
        (2, 1, 'web', 100000, auth, 'GET', 'Client', map('server.address', 'auth.example.com', 'server.port', '443',
            'http.request.method', 'GET', 'url.full', concat('https://auth.example.com/t/', toString(i)))),
        (3, 1, 'web', at_orders, to_orders, 'POST', 'Client', map('server.address', 'orders', 'server.port', '8080',
            'http.request.method', 'POST', 'http.response.status_code', '200')),
        (4, 3, 'orders', at_orders + 300000, orders, 'POST /orders', 'Server', map('http.request.method', 'POST',
            'http.route', '/orders', 'http.response.status_code', '200')),
        (5, 4, 'orders', at_orders + 400000, pricing, 'price', 'Internal', map('code.function', 'price')),
        (6, 4, 'orders', at_orders + 400000 + pricing, cache, 'GET', 'Client', map('db.system.name', 'redis', 'db.namespace', '0',
            'server.address', 'cache')),
        (7, 4, 'orders', at_orders + 500000 + pricing + cache, lookup, 'SELECT orders', 'Client', map(
            'db.system.name', 'postgresql', 'db.namespace', 'orders',
            'db.query.text', 'SELECT * FROM orders WHERE id = $1 AND customer = $2', 'server.address', 'pg')),
        (8, 4, 'orders', at_pay, to_pay, 'POST', 'Client', map('server.address', 'payments', 'server.port', '8080',
            'http.request.method', 'POST')),
        (9, 8, 'payments', at_pay + 200000, pay, 'POST /pay', 'Server', map('http.request.method', 'POST', 'http.route', '/pay',
            'http.response.status_code', '200')),
        (10, 9, 'payments', at_pay + 700000, balance, 'UPDATE balances', 'Client', map('db.system.name', 'postgresql',
            'db.namespace', 'payments', 'db.query.text', 'UPDATE balances SET amount = amount - $1 WHERE account = $2',
            'server.address', 'pg2'))
    ]) AS x
    FROM (
        SELECT *, orders + 600000 AS to_orders, 200000 + auth AS at_orders,
            auth + to_orders + 500000 AS web, at_orders + 600000 + pricing + cache + lookup AS at_pay
        FROM (
            SELECT *, pay + 500000 AS to_pay, to_pay + lookup + cache + pricing + 900000 AS orders
            FROM (
                SELECT number AS i, {begin} + intDiv(toInt64(number) * {seconds} * 1000000, {traces}) * 1000 AS begin,
                    toInt64(2000000 + 2000 * (cityHash64(i, 1) % 1000)
                        + if(begin >= {fault}, 60000 * (cityHash64(i, 9) % 1000), 0)) AS balance,
                    toInt64(balance + 1000000 + 1000 * (cityHash64(i, 2) % 1000)) AS pay,
                    toInt64(3000000 + 3000 * (cityHash64(i, 3) % 1000)) AS lookup,
                    toInt64(300000 + 200 * (cityHash64(i, 4) % 1000)) AS cache,
                    toInt64(100000 + 1000 * (cityHash64(i, 5) % 1000)) AS pricing,
                    toInt64(4000000 + 4000 * (cityHash64(i, 6) % 1000)) AS auth,
                    lower(concat(leftPad(hex(cityHash64(i, 'a')), 16, '0'), leftPad(hex(cityHash64(i, 'b')), 16, '0'))) AS trace,
                    ['GET /', 'POST /checkout', 'GET /orders/{id}', 'GET /account'][1 + i % 4] AS route
                FROM numbers({first}, {count})
            )
        )
    )
)
