"""Callers of HolmesGPT and of OpenSRE against a running server that was sent the hour of `it/tools/scenario.py`.

Usage: callers.py OTLP_URL HTTP_URL SEED, with that script's folder in PYTHONPATH.
OpenSRE's own client talks to the server. HolmesGPT has no client in its package: its published models read the answers.
"""

import ast
import importlib.util
import json
import sys
import types
import urllib.error
import urllib.request
from enum import Enum
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from app.remote.client import RemoteAgentClient
from pydantic import BaseModel, Field

import scenario

HTTP = sys.argv[2]
check, failures = scenario.check, scenario.failures


def holmes_models():
    """`holmes.core.models` without the packages that its neighbours want: of `tools.py` only the two classes it uses."""
    folder = Path(next(iter(importlib.util.find_spec("holmes").submodule_search_locations))) / "core"
    wanted = ("StructuredToolResultStatus", "StructuredToolResult")
    tree = ast.parse((folder / "tools.py").read_text())
    tree.body = [node for node in tree.body if getattr(node, "name", "") in wanted]
    tools = types.ModuleType("holmes.core.tools")
    tools.__dict__.update(BaseModel=BaseModel, Field=Field, Enum=Enum, Any=Any, Dict=Dict, List=List)
    tools.__dict__.update(Optional=Optional, Tuple=Tuple, Union=Union, json=json)
    exec(compile(tree, "tools.py", "exec"), tools.__dict__)
    sys.modules.update({"holmes": types.ModuleType("holmes"), "holmes.core": types.ModuleType("holmes.core")})
    sys.modules["holmes.core.tools"] = tools
    models = types.ModuleType("holmes.core.models")
    exec(compile((folder / "models.py").read_text(), "models.py", "exec"), models.__dict__)
    return models


def refused(url, body):
    """The status and the body of an answer that is none."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def check_open_sre():
    client = RemoteAgentClient(HTTP)
    preflight = client.preflight()
    check("opensre preflight", (preflight.ok, preflight.server_type), (True, "lightweight"))
    check("opensre streams", preflight.supports_live_stream, True)
    alert = {
        "alert_name": "CheckoutLatencyHigh",
        "labels": {"service": "gateway", "severity": "critical"},
        "startsAt": scenario.rfc3339(scenario.BAD_FROM + 60 * scenario.SECOND),
        "annotations": {"summary": "p95 latency of checkout is four times what it was"},
    }
    told = client.investigate(alert, severity="critical")
    check("opensre cause", "orders" in told["root_cause"], True)
    check("opensre noise", told["is_noise"], False)
    check("opensre problem", told["problem_md"].startswith("# CheckoutLatencyHigh\n"), True)
    check("opensre report", all(part in told["report"] for part in ("## Conclusion", "## Evidence", told["root_cause"])), True)
    events = list(client.stream_investigate(alert))
    check("opensre events", [event.event_type for event in events], ["events", "events", "end"])
    check("opensre kinds", [event.kind for event in events], ["on_chain_start", "on_chain_end", ""])
    check("opensre nodes", {event.node_name for event in events[:2]}, {"diagnose_root_cause"})
    check("opensre state", "orders" in events[1].data["data"]["output"]["root_cause"], True)
    listed = client.list_investigations()
    check("opensre list", told["id"] in [row["id"] for row in listed], True)
    client._headers["accept"] = "text/markdown"
    read = client.get_investigation(told["id"])
    check("opensre read", read.startswith("# ") and told["root_cause"] in read, True)
    check("opensre 404", refused(f"{HTTP}/investigate", {"raw_alert": 1})[0], 422)


def check_holmes(models):
    issue = {
        "source": "prometheus",
        "title": "CheckoutLatencyHigh",
        "description": "p95 latency is high",
        "subject": {"name": "gateway", "subject_type": "deployment", "namespace": "shop"},
        "context": {"startsAt": scenario.rfc3339(scenario.BAD_FROM + 60 * scenario.SECOND)},
        "include_tool_calls": True,
        "include_tool_call_results": True,
    }
    told = scenario.post(f"{HTTP}/api/investigate", issue)
    sections = told["sections"]
    check("holmes sections", len(sections), 7)
    check("holmes cause", "orders" in sections["Conclusions and Possible Root causes"], True)
    check("holmes guesses nothing", sections["App or Infra?"], None)
    check("holmes analysis", told["analysis"].count("\n# ") + told["analysis"].startswith("# "), 4)
    calls = [models.ToolCallResult(**call) for call in told["tool_calls"]]
    check("holmes calls", [call.tool_name for call in calls], ["investigate", "evidence"])
    check("holmes results", all(call.result.get_stringified_data() for call in calls), True)
    own = {"Root cause": "why", "Poem": "about it"}
    told = scenario.post(f"{HTTP}/api/investigate", issue | {"sections": own, "include_tool_calls": False})
    check("holmes own sections", (sorted(told["sections"]), told["sections"]["Poem"]), (["Poem", "Root cause"], None))
    check("holmes no calls", told["tool_calls"], [])
    check("holmes stream", streamed(issue)[0], ["start_tool_calling", "tool_calling_result"] * 2 + ["ai_answer_end"])
    check("holmes stream cause", "orders" in streamed(issue)[1]["analysis"], True)
    check("holmes 422", refused(f"{HTTP}/api/investigate", {"title": "x"})[0], 422)


def streamed(issue):
    body = json.dumps(issue).encode()
    request = urllib.request.Request(f"{HTTP}/api/stream/investigate", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        lines = answer.read().decode().splitlines()
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return names, json.loads(data[-1])


def check_chat(models):
    said = models.ChatResponse(**scenario.post(f"{HTTP}/api/chat", {"ask": "How is gateway?", "model": "gpt-x"}))
    check("chat answer", "gateway" in said.analysis or "GET /checkout" in said.analysis, True)
    check("chat history", [message["role"] for message in said.conversation_history], ["system", "user", "assistant"])
    check("chat calls", [call.tool_name for call in said.tool_calls], ["status"])
    check("chat ignored", said.metadata["ignored"], ["model"])
    check("chat goes on", bool(said.follow_up_actions), True)
    more = {"ask": "and what changed there?", "conversation_history": said.conversation_history}
    said = models.ChatResponse(**scenario.post(f"{HTTP}/api/chat", more))
    check("chat remembers", said.tool_calls[0].result.params, {"service": "gateway"})
    check("chat asks once", (len(said.conversation_history), said.follow_up_actions), (5, []))
    approved = {"ask": "go", "tool_decisions": [{"tool_call_id": "x", "approved": True}]}
    check("chat approves nothing", refused(f"{HTTP}/api/chat", approved)[0], 403)
    wrong = {"ask": "x", "conversation_history": [{"role": "user", "content": "y"}]}
    status, body = refused(f"{HTTP}/api/chat", wrong)
    check("chat needs a system", (status, "system" in body["detail"][0]["msg"]), (422, True))
    issue = {"ask": "why?", "issue_type": "x", "investigation_result": {"result": "billing fails", "tools": []}}
    said = models.ChatResponse(**scenario.post(f"{HTTP}/api/issue_chat", issue))
    check("issue chat", said.tool_calls[0].tool_name, "status")
    for service, healthy in (("orders", False), ("nobody", None)):
        ask = {"ask": "Is it well?", "resource": {"name": service, "kind": "Deployment"}}
        status, told = refused(f"{HTTP}/api/workload_health_check", ask)
        verdict = json.loads(told["analysis"])["workload_healthy"] if status == 200 else None
        check(f"workload {service}", (status, verdict), (400 if healthy is None else 200, healthy))


scenario.sent()
models = holmes_models()
check_open_sre()
check_holmes(models)
check_chat(models)
sys.exit(1 if failures else 0)
