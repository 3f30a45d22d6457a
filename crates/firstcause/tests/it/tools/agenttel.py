"""A seeded hour of a billing service and its users' browsers, sent as OTLP; AgentTel's tools are compared with it.

Usage: agenttel.py OTLP_URL HTTP_URL SEED. Standard library only. It shares no code with what it checks. The tools look at
the last 15 minutes as they are called, so nothing is sent for the minutes around that edge.
"""

import json
import math
import random
import sys
import time
import urllib.error
import urllib.request

OTLP, HTTP, SEED = sys.argv[1], sys.argv[2], int(sys.argv[3])
MS, SECOND = 1_000_000, 1_000_000_000
NOW = (time.time_ns() // SECOND - 5) * SECOND
QUANTILE_ERROR = 0.02
TARGET, THRESHOLD_MS, EXPECTED_MS = 0.99, 60.0, 20.0
RNG = random.Random(SEED)
failures = []


def check(what, got, expected, relative=0.0):
    if isinstance(expected, float) and isinstance(got, (int, float)):
        close = math.isclose(got, expected, rel_tol=relative, abs_tol=1e-9)
    else:
        close = got == expected
    print(("ok   " if close else "WRONG"), what, "got", got, "expected", expected)
    if not close:
        failures.append(what)


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def tool(name, **arguments):
    return post(f"{HTTP}/api/v1/tools/{name}", arguments)


def refused(name, **arguments):
    try:
        tool(name, **arguments)
    except urllib.error.HTTPError as error:
        return error.read().decode()
    return ""


def pairs(attributes):
    return [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]


def quantile(values, share):
    values = sorted(values)
    return values[max(0, math.ceil(share * len(values)) - 1)]


class Request:
    """One request of an operation; a payment comes from a browser."""

    def __init__(self, number, operation, at, duration, status):
        self.trace = (SEED << 40) + number + 1
        self.operation, self.at, self.duration, self.status = operation, at, duration, status
        self.is_failed = status >= 429
        self.user = f"user-{number % 40}"

    def span(self, number, parent, name, kind, start, end, attributes, failed=False):
        return {
            "traceId": f"{self.trace:032x}",
            "spanId": f"{(self.trace << 8 | number) & (2**64 - 1):016x}",
            "parentSpanId": f"{(self.trace << 8 | parent) & (2**64 - 1):016x}" if parent else "",
            "name": name,
            "kind": kind,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(end),
            "attributes": pairs(attributes),
            "status": {"code": 2} if failed else {},
        }

    def served(self):
        parent = 2 if self.operation == "POST /charge" else 0
        status = {"http.response.status_code": str(self.status)}
        return self.span(3, parent, self.operation, 2, self.at, self.at + self.duration, status, self.is_failed)

    def seen(self):
        """The page and the call that its user's browser sent."""
        who = {"session.id": self.user, "url.full": "https://shop.example/checkout/pay?cart=1"}
        page = self.span(1, 0, "documentLoad", 1, self.at - 900 * MS, self.at - 100 * MS, who)
        end = self.at + self.duration + 20 * MS
        return [page, self.span(2, 1, "HTTP POST", 3, self.at - 20 * MS, end, {"session.id": self.user})]


def generated():
    """Payments: well until 16 minutes ago, from then on slow and failing. A report that gets slower all along."""
    requests = []
    for n in range(2_000):
        at = NOW - 3_400 * SECOND + n * SECOND * 6 // 5
        duration = round(RNG.lognormvariate(0, 0.3) * 20 * MS)
        requests.append(Request(len(requests), "POST /charge", at, duration, 504 if RNG.random() < 0.001 else 200))
    for n in range(1_200):
        at = NOW - 780 * SECOND + n * SECOND * 7 // 12
        duration = round(RNG.lognormvariate(0, 0.2) * 50 * MS)
        draw = RNG.random()
        status = 504 if draw < 0.04 else 429 if draw < 0.06 else 200
        requests.append(Request(len(requests), "POST /charge", at, duration, status))
    for n in range(3_600):
        at = NOW - 1_800 * SECOND + n * SECOND // 2
        duration = round((10 + 30 * n / 3_600) * RNG.lognormvariate(0, 0.05) * MS)
        requests.append(Request(len(requests), "GET /report", at, duration, 200))
    return requests


def send(requests):
    def resource(attributes, spans):
        return {"resource": {"attributes": pairs(attributes)}, "scopeSpans": [{"scope": {"name": "t"}, "spans": spans}]}

    for start in range(0, len(requests), 400):
        part = requests[start : start + 400]
        browser = [span for one in part if one.operation == "POST /charge" for span in one.seen()]
        body = [resource({"service.name": "billing"}, [one.served() for one in part])]
        if browser:
            body.append(resource({"service.name": "shop", "telemetry.sdk.language": "webjs"}, browser))
        post(f"{OTLP}/v1/traces", {"resourceSpans": body})


def check_health(lately):
    reply = tool("get_service_health")["structured"]
    rate = sum(one.is_failed for one in lately) / len(lately)
    # One in sixteen fails, which degrades; what is left of the budget makes it worse.
    check("the service", (reply["service"], reply["status"]), ("billing", "critical"))
    first = reply["operations"][0]
    check("the worst operation", (first["operation"], first["baseline_source"]), ("POST /charge", "declared"))
    check("its requests", first["requests"], len(lately))
    check("its failures", first["failure_rate"], rate, 1e-6)
    for share in (50, 99):
        exact = quantile([one.duration for one in lately], share / 100) / MS
        check(f"its p{share}", first[f"p{share}_ms"], exact, QUANTILE_ERROR)
    ratio = quantile([one.duration for one in lately], 0.5) / MS / EXPECTED_MS
    expected = "critical" if ratio > 5 else "elevated" if ratio > 2 else "normal"
    check("its deviation", first["deviation"], expected)
    return rate


def check_objectives(charges):
    rows = {row["name"]: row for row in tool("get_slo_report")["structured"]["slos"]}
    one = rows["charges-work"]
    bad = sum(request.is_failed for request in charges)
    share = bad / len(charges) / (1 - TARGET)
    check("requests of the objective", (one["requests"], one["failed"]), (len(charges), bad))
    check("budget left", one["budget_left"], max(0.0, 1 - share), 1e-6)
    # All of it was in the last hour.
    check("burn of an hour", one["burn_rate"], share, 1e-6)
    check("covered days are few", one["covered_days"] < 0.05, True)
    slow = rows["charges-are-fast"]
    over = sum(request.duration > THRESHOLD_MS * MS for request in charges)
    check("slow requests, within two in a hundred", abs(slow["failed"] - over) <= 0.02 * len(charges), True)
    check("they are estimated", slow["is_estimated"], True)


def check_incident(rate):
    reply = tool("get_incident_context", operation_name="POST /charge")["structured"]
    check("severity of a critical service", reply["severity"], "critical")
    check("its error rate", reply["happening"]["failure_rate"], rate, 1e-6)
    check("patterns", reply["happening"]["patterns"], ["error_rate_spike", "latency_degradation"])
    check("when it began", abs(stamp(reply["since"]) - (NOW // SECOND - 780)) <= 5, True)
    check("whom to call", reply["escalation"], "incident_commander")
    check("users notice", reply["affected"]["user_facing"], True)
    actions = [action["name"] for action in reply["actions"]]
    check("no rollback without a deployment", "rollback_deployment" in actions, False)


def stamp(text):
    return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))) - time.timezone


def check_trend():
    rising = tool("get_trend_analysis", operation_name="GET /report")["structured"]
    check("the report gets slower", (rising["assessment"], rising["latency_p50"]["direction"]), ("degrading", "rising"))
    check("from", rising["latency_p50"]["from"], 10.0, 0.1)
    check("to", rising["latency_p50"]["to"], 40.0, 0.1)
    check("its throughput stays", rising["throughput"]["direction"], "stable")
    check("samples", rising["samples"] >= 58, True)


def check_errors(lately):
    reply = tool("get_error_analysis", operation_name="POST /charge")["structured"]
    counts = {row["name"]: row["count"] for row in reply["categories"]}
    check("failed", reply["failed"], sum(one.is_failed for one in lately))
    check("categories sum", sum(counts.values()), reply["looked_at"])
    check("categories", set(counts) <= {"dependency_timeout", "rate_limited"} and len(counts) > 0, True)


def check_users(rate):
    reply = tool("get_cross_stack_context", operation_name="POST /charge")["structured"]
    frontend = reply["frontend"]
    check("route", frontend["route"], "/checkout/pay")
    check("page load", frontend["page_load_p50_ms"], 800.0, 1e-6)
    check("somebody is hit, of forty traces at most", 0 < frontend["affected_users"] <= 40, True)
    check("the service's side", reply["failure_rate"], rate, 1e-6)
    without = tool("get_cross_stack_context", operation_name="GET /report")
    check("no browser, no figures", "frontend" in without["structured"], False)
    check("and that is said", "no frontend data" in without["text"], True)


def check_rest():
    summary = tool("get_executive_summary")["structured"]
    check("the worst issue", summary["issues"][0]["operation"], "POST /charge")
    playbook = tool("get_playbook", operation_name="POST /charge")["structured"]["playbook"]
    check("the playbook", (playbook["name"], playbook["answered"][0]), ("error-rate-spike-response", "deployed: no"))
    check("no actions", tool("list_remediation_actions", operation_name="POST /charge")["structured"]["actions"], [])
    why = refused("execute_remediation", action_name="restart", reason="it fails", approved_by="the boss")
    check("nothing can be executed", "inventory" in why, True)
    asked = tool("get_recent_agent_actions")["structured"]["actions"]
    check("but it is remembered", [(row["action"], row["status"]) for row in asked], [("restart", "refused")])
    check("nothing was measured", "nearest" in refused("get_incident_context", operation_name="POST /chrage"), True)
    session = tool("create_session", incident_id="inc_1")["structured"]["session_id"]
    tool("add_session_entry", session_id=session, type="OBSERVATION", content="504 from the bank")
    notes = tool("get_session", session_id=session)["structured"]
    check("notes", [(row["type"], row["content"]) for row in notes["entries"]], [("OBSERVATION", "504 from the bank")])
    check("an unknown kind", "OBSERVATION" in refused("add_session_entry", session_id=session, type="X", content=""), True)
    effect = tool("verify_remediation_effect", action_name="anything")["structured"]
    check("no effect without a trial", (effect["verdict"], effect.get("effective")), ("not_measured", None))


requests = generated()
send(requests)
# A trace is complete when nothing of it came for two seconds.
time.sleep(3)
charges = [one for one in requests if one.operation == "POST /charge"]
lately = [one for one in charges if one.at >= NOW - 800 * SECOND]
rate = check_health(lately)
check_objectives(charges)
check_incident(rate)
check_trend()
check_errors(lately)
check_users(rate)
check_rest()
print(f"{len(failures)} wrong: {failures}" if failures else "all right")
sys.exit(1 if failures else 0)
