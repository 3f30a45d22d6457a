"""accounts: who has which items, from PostgreSQL through a pool.

Its faults: with `ITEMS_ONE_BY_ONE=true` each item is fetched by a statement of its own (N+1); `POOL_SIZE=1` leaves
one connection for everybody. The credit check waits in the server for 60 ms, as a query does whose pages are not
in memory: a wait instead of work keeps the system the same on machines of any speed.
"""

import os
from contextlib import asynccontextmanager

from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

IS_ONE_BY_ONE = os.environ.get("ITEMS_ONE_BY_ONE") == "true"
POOL_SIZE = int(os.environ.get("POOL_SIZE", "10"))


@asynccontextmanager
async def lifespan(app):
    """Opens the pool, and says so when it is there."""
    async with AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=POOL_SIZE, max_size=POOL_SIZE) as pool:
        await pool.wait()
        app.state.pool = pool
        print("ready", flush=True)
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/accounts/{number}")
async def account(number: int):
    """An account whose credit was checked."""
    async with app.state.pool.connection() as connection:
        found = await connection.execute(
            "SELECT name, credit FROM accounts, pg_sleep(0.06) WHERE id = %s", (number % 200,)
        )
        name, credit = await found.fetchone()
    return {"name": name, "credit": credit}


@app.get("/accounts/{number}/items")
async def items(number: int):
    """The items of an account."""
    async with app.state.pool.connection() as connection:
        if not IS_ONE_BY_ONE:
            found = await connection.execute(
                "SELECT id, name FROM items WHERE account_id = %s", (number % 200,)
            )
            return [{"id": row[0], "name": row[1]} for row in await found.fetchall()]
        found = await connection.execute("SELECT id FROM items WHERE account_id = %s", (number % 200,))
        listed = []
        for (item,) in await found.fetchall():
            one = await connection.execute("SELECT name FROM items WHERE id = %s", (item,))
            listed.append({"id": item, "name": (await one.fetchone())[0]})
        return listed
