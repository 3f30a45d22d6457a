"""The load of the shop: so many requests a second at chance distances, whether or not earlier ones were answered.

At most 24 requests are under way: a shop that no longer answers is not buried.
Prints once a second how many were sent, failed, and the median latency, for whoever watches by hand.
"""

import http.client
import random
import statistics
import sys
import threading
import time

WORKERS = 24


def main():
    """`load.py HOST PORT RATE SEED`: runs until it is killed."""
    host, port, rate, seed = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    draw, lock, seen = random.Random(seed), threading.Lock(), []
    due = [time.monotonic()]

    def next_request():
        with lock:
            # A slot that nobody was free for is dropped: the load neither stops nor comes in bursts.
            due[0] = max(due[0] + draw.expovariate(rate), time.monotonic() - 0.05)
            number = draw.randrange(200)
            return due[0], ("GET", f"/basket/{number}") if draw.random() < 0.6 else ("POST", f"/purchase/{number}")

    def work():
        while True:
            at, (method, path) = next_request()
            time.sleep(max(0, at - time.monotonic()))
            began = time.monotonic()
            # A visitor each: nobody holds a connection that a deploy closes.
            connection = http.client.HTTPConnection(host, port, timeout=15)
            try:
                connection.request(method, path)
                answer = connection.getresponse()
                answer.read()
                is_ok = answer.status == 200
            except (OSError, http.client.HTTPException):
                is_ok = False
            finally:
                connection.close()
            seen.append((is_ok, 1000 * (time.monotonic() - began)))

    for _ in range(WORKERS):
        threading.Thread(target=work, daemon=True).start()
    while True:
        time.sleep(1)
        done, seen[:] = seen[:], []
        failed = sum(not is_ok for is_ok, _ in done)
        median = statistics.median([ms for _, ms in done]) if done else float("nan")
        print(f"load: {len(done)} answered, {failed} failed, median {median:.0f} ms", file=sys.stderr, flush=True)


main()
