"""rotel, a collector in Rust, in front of ClickHouse in this process: what takes OTLP over HTTP and keeps it in tables.

Arguments: an empty folder. Prints one line of JSON with the port that takes OTLP and the processes to be counted; then
answers each line on its input with the number of rows kept. Ends with its input.
"""

import glob
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import urllib.parse

from chdb import session

TABLE = """CREATE TABLE otel_traces (
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)), TraceId String CODEC(ZSTD(1)), SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)), TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)), SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), ScopeName String, ScopeVersion String,
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String), StatusMessage String,
    Events Nested(Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String)),
    Links Nested(TraceId String, SpanId String, TraceState String, Attributes Map(LowCardinality(String), String)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1
    ) ENGINE MergeTree PARTITION BY toDate(Timestamp) ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))"""

folder = sys.argv[1]
chdb, turn = session.Session(os.path.join(folder, "tables")), threading.Lock()
chdb.query("CREATE DATABASE IF NOT EXISTS b ENGINE = Atomic")
chdb.query("USE b")
chdb.query(TABLE)
TYPES = dict(line.split("\t") for line in str(chdb.query("SELECT name, type FROM system.columns WHERE table = 'otel_traces' AND database = 'b'", "TSVRaw")).splitlines())


class Front(http.server.BaseHTTPRequestHandler):
    """The inserts that rotel sends."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        statement = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("query", [""])[0]
        rows = self.body()
        found = re.fullmatch(r"INSERT INTO (\S+) \((.*)\)\s*FORMAT (\w+)", statement.strip(), re.DOTALL)
        names = [name.strip(" `") for name in found.group(2).split(",")]
        columns = ", ".join(f"`{name}`" for name in names)
        structure = ", ".join(f"`{name}` {TYPES[name]}" for name in names).replace("'", "\\'")
        with tempfile.NamedTemporaryFile(suffix=".rows", dir=folder) as file:
            file.write(rows)
            file.flush()
            with turn:
                chdb.query(f"INSERT INTO otel_traces ({columns}) SELECT {columns} FROM file('{file.name}', '{found.group(3)}', '{structure}')")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
threading.Thread(target=front.serve_forever, daemon=True).start()
port = free_port()
agent = glob.glob(os.path.join(sysconfig.get_paths()["purelib"], "rotel", "rotel-agent"))[0]
words = [agent, "start", "--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", f"127.0.0.1:{free_port()}"]
words += ["--exporter", "clickhouse", "--clickhouse-exporter-database", "b", "--clickhouse-exporter-compression", "none"]
words += ["--clickhouse-exporter-endpoint", f"http://127.0.0.1:{front.server_address[1]}", "--batch-timeout", "1s"]
rotel = subprocess.Popen(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            rotel.wait(0.05) if rotel.poll() is not None else threading.Event().wait(0.05)
    print(json.dumps({"port": port, "pids": [os.getpid(), rotel.pid]}), flush=True)
    for _ in sys.stdin:
        with turn:
            rows = int(str(chdb.query("SELECT count() FROM otel_traces", "TSV")))
        print(json.dumps({"rows": rows}), flush=True)
finally:
    rotel.kill()
    rotel.wait()
