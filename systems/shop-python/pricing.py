"""pricing: what the items of an account cost, from Redis, else from PostgreSQL.

One fault lies behind it: a Redis that no longer answers costs every request the client's time-out of 200 ms. The other
is its own: with `QUOTE_PARTS=0` it divides by zero and fails every quote.
"""

import os
from contextlib import asynccontextmanager

import redis.asyncio as redis
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

TIMEOUT_SECONDS = 0.2
PARTS = int(os.environ.get("QUOTE_PARTS", "1"))


@asynccontextmanager
async def lifespan(app):
    """Opens cache and pool, and says so when they are there."""
    app.state.cache = redis.Redis.from_url(
        os.environ["REDIS_URL"],
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    async with AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=4, max_size=4) as pool:
        await pool.wait()
        app.state.pool = pool
        print("ready", flush=True)
        yield


app = FastAPI(lifespan=lifespan)


async def cached(key):
    """The cached value; a cache that fails is a cache that misses."""
    try:
        return await app.state.cache.get(key)
    except RedisError:
        return None


@app.get("/quotes/{number}")
async def quote(number: int):
    """The sum of the prices of an account's items."""
    key = f"quote:{number % 200}"
    if (found := await cached(key)) is not None:
        return {"cents": int(found) // PARTS}
    async with app.state.pool.connection() as connection:
        rows = await connection.execute(
            "SELECT sum(cents) FROM prices JOIN items ON items.id = prices.item_id WHERE account_id = %s",
            (number % 200,),
        )
        (cents,) = await rows.fetchone()
    try:
        await app.state.cache.set(key, cents, ex=60)
    except RedisError:
        pass
    return {"cents": cents // PARTS}
