"""web: the entrance of the shop. Asks accounts, pricing and mailer; keeps nothing.

Its fault: with `ACCOUNTS_CLIENT=requests` an asynchronous handler calls accounts with the blocking library
`requests`, so the event loop serves nobody else meanwhile. Its calls of pricing pass a circuit breaker: after five
failures in a row a basket fails at once, and one call in five seconds tries again.
"""

import os
from contextlib import asynccontextmanager

import httpx
import requests
from circuitbreaker import circuit
from fastapi import FastAPI

ACCOUNTS, PRICING, MAILER = (os.environ[name] for name in ("ACCOUNTS_URL", "PRICING_URL", "MAILER_URL"))
IS_BLOCKING = os.environ.get("ACCOUNTS_CLIENT") == "requests"


@asynccontextmanager
async def lifespan(app):
    """Opens what is shared by all requests, and says so when it is there."""
    async with httpx.AsyncClient(timeout=10) as client:
        app.state.client = client
        app.state.session = requests.Session()
        print("ready", flush=True)
        yield


app = FastAPI(lifespan=lifespan)


async def account_of(number):
    """The account, by the client that this version was built with."""
    url = f"{ACCOUNTS}/accounts/{number}"
    answer = app.state.session.get(url, timeout=10) if IS_BLOCKING else await app.state.client.get(url)
    answer.raise_for_status()
    return answer.json()


@circuit(failure_threshold=5, recovery_timeout=5, expected_exception=httpx.HTTPError)
async def quote_of(number):
    """What an account's items cost."""
    answer = await app.state.client.get(f"{PRICING}/quotes/{number}")
    answer.raise_for_status()
    return answer.json()


@app.get("/basket/{number}")
async def basket(number: int):
    """The items of an account with their prices."""
    account = await account_of(number)
    items = await app.state.client.get(f"{ACCOUNTS}/accounts/{number}/items")
    items.raise_for_status()
    return {"account": account, "items": items.json(), "quote": await quote_of(number)}


@app.post("/purchase/{number}")
async def purchase(number: int):
    """Confirms a purchase by mail."""
    account = await account_of(number)
    mail = await app.state.client.post(f"{MAILER}/mails", json={"to": account["name"]})
    mail.raise_for_status()
    return {"account": account, "mail": mail.json()}
