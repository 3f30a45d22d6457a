"""An HTTP front over chDB, ClickHouse in a process: for tests only.

    python clickhouse_front.py PORT

GET runs `?query=` and POST its body, as ClickHouse's own interface does; an error is told with its code and status 500.
GET refuses what is no reading, as ClickHouse does. One statement at a time.
"""

import http.server
import sys
import threading
import urllib.parse

from chdb import session

READS = ("select", "with", "describe", "show", "explain")


def main():
    """Serves until it is killed."""
    database, turn = session.Session(), threading.Lock()

    class Front(http.server.BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            parts = urllib.parse.urlsplit(self.path)
            if parts.path == "/ping":
                return self.tell(200, b"Ok.\n")
            statement = urllib.parse.parse_qs(parts.query).get("query", [""])[0]
            if not statement.lstrip("( \n").lower().startswith(READS):
                return self.tell(500, b"Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)\n")
            return self.run(statement)

        def do_POST(self):
            return self.run(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def run(self, statement):
            with turn:
                try:
                    answer = database.query(statement, "JSONCompactEachRow")
                    self.tell(200, answer.bytes() if answer else b"")
                except Exception as error:
                    self.tell(500, str(error).encode())

        def tell(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Front).serve_forever()


main()
