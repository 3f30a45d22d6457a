"""A server of logs, deploys and calls, by the Model Context Protocol's own Python kit.

Usage: server.py PORT stream|json stateful|stateless. Tells every call on its standard output.
"""

import sys

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

BEGIN = 1_780_000_000
READS = ToolAnnotations(read_only_hint=True)
server = MCPServer("recorded")


@server.tool(name="search_logs", annotations=READS)
def search_logs(start: str, end: str, service: str = "", limit: int = 1000) -> dict:
    """Lines of a service."""
    print("search_logs", start, end, service, flush=True)
    lines = [
        {"@timestamp": (BEGIN + second) * 1000, "service": name, "level": level, "message": f"took {second} ms"}
        for second in range(0, 60, 10)
        for name, level in (("web", "info"), ("pay", "error"))
        if service in ("", name)
    ]
    return {"total": len(lines), "hits": {"logs": lines[:limit]}}


@server.tool(name="deploys", annotations=READS)
def deploys(from_ms: int, to_ms: int) -> dict:
    """Deploys, as ES|QL answers."""
    columns = [{"name": name, "type": "keyword"} for name in ("when", "app", "old", "new", "who")]
    values = [["2026-05-28T20:27:40Z", "web", "1.0", "1.1", "kim"], [None, "web", "?", "?", "?"]]
    return {"results": [{"type": "esql_results", "data": {"columns": columns, "values": values}}]}


@server.tool(name="fails", annotations=READS)
def fails() -> dict:
    """Never answers."""
    raise ValueError("the store is down")


@server.tool(name="restart", annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True))
def restart(service: str) -> str:
    """Must never be called."""
    print("restart", service, flush=True)
    return "done"


port, form, keeping = sys.argv[1:4]
server.run(
    transport="streamable-http",
    host="127.0.0.1",
    port=int(port),
    json_response=form == "json",
    stateless_http=keeping == "stateless",
)
