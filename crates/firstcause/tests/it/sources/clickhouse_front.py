"""An HTTP front over chDB, ClickHouse in a process: for tests only.

    python clickhouse_front.py PORT

GET runs `?query=` and POST its body, as ClickHouse's own interface does; where POST says `?query=INSERT ... FORMAT ...`, its body
are the rows. An error is told with its code and status 500.
GET refuses what is no reading, as ClickHouse does. One statement at a time. An answer is compressed when the request says
`enable_http_compression=1` and accepts gzip, as ClickHouse has it. `/counts` tells the bytes that statements sent with GET
have read and that their answers took on the wire.
"""

import gzip
import http.server
import json
import re
import sys
import tempfile
import threading
import urllib.parse

from chdb import session

READS = ("select", "with", "describe", "show", "explain")


def main():
    """Serves until it is killed."""
    database, turn = session.Session(), threading.Lock()
    counts = {"read": 0, "sent": 0, "statements": 0}

    class Front(http.server.BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            parts = urllib.parse.urlsplit(self.path)
            if parts.path == "/ping":
                return self.tell(200, b"Ok.\n")
            if parts.path == "/counts":
                return self.tell(200, json.dumps(counts).encode())
            parameters = urllib.parse.parse_qs(parts.query)
            statement = parameters.get("query", [""])[0]
            is_compressed = parameters.get("enable_http_compression") == ["1"] and "gzip" in self.headers.get("Accept-Encoding", "")
            if not statement.lstrip("( \n").lower().startswith(READS):
                return self.tell(500, b"Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)\n")
            return self.run(statement, is_compressed)

        def do_POST(self):
            parameters = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            statement, body = parameters.get("query", [""])[0], self.body()
            return self.insert(statement, body) if statement else self.run(body.decode())

        def body(self):
            if "Content-Length" in self.headers:
                return self.rfile.read(int(self.headers["Content-Length"]))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def insert(self, statement, rows):
            found = re.fullmatch(r"INSERT INTO (\S+) \((.*)\)\s*FORMAT (\w+)", statement.strip(), re.DOTALL)
            if not found:
                return self.tell(500, b"Code: 62. DB::Exception: Syntax error")
            table, names, form = found.groups()
            names = [name.strip(" `") for name in names.split(",")]
            with turn, tempfile.NamedTemporaryFile(suffix=".rows") as file:
                file.write(rows)
                file.flush()
                try:
                    told = str(database.query(f"SELECT name, type FROM system.columns WHERE table = '{table}' AND database = currentDatabase()", "TSVRaw"))
                    types = dict(line.split("\t") for line in told.splitlines())
                    columns = ", ".join(f"`{name}`" for name in names)
                    structure = ", ".join(f"`{name}` {types[name]}" for name in names).replace("'", "\\'")
                    database.query(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM file('{file.name}', '{form}', '{structure}')")
                    self.tell(200, b"")
                except Exception as error:
                    print(statement, error, flush=True)
                    self.tell(500, str(error).encode())

        def run(self, statement, is_compressed=False):
            with turn:
                try:
                    answer = database.query(statement, "JSONCompactEachRow")
                except Exception as error:
                    return self.tell(500, str(error).encode())
                body = answer.bytes() if answer else b""
                body = gzip.compress(body, 3) if is_compressed else body
                if self.command == "GET":
                    counts["read"] += answer.storage_bytes_read()
                    counts["sent"] += len(body)
                    counts["statements"] += 1
                self.tell(200, body, {"Content-Encoding": "gzip"} if is_compressed else {})

        def tell(self, status, body, headers={}):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()


main()
