"""Lists and calls every tool with a 1.x release of the official Python client: call_1x.py URL | stdio COMMAND WORD..."""

import asyncio
import inspect
import json
import sys

import arguments
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client


async def sample(_context, _params):
    content = types.TextContent(type="text", text="sampled")
    return types.CreateMessageResult(role="assistant", content=content, model="none")


async def elicit(_context, _params):
    return types.ElicitResult(action="accept", content={})


async def roots(_context):
    return types.ListRootsResult(roots=[])


def callbacks():
    known = inspect.signature(ClientSession.__init__).parameters
    given = {"sampling_callback": sample, "elicitation_callback": elicit, "list_roots_callback": roots}
    return {name: one for name, one in given.items() if name in known}


async def drain(session):
    """The first releases stand still until somebody reads what the server tells."""
    async for _ in session.incoming_messages:
        pass


async def told(session):
    opened = await session.initialize()
    listed = (await session.list_tools()).tools
    tools = {}
    for tool in listed:
        try:
            result = await session.call_tool(tool.name, arguments.of(tool.name, tool.inputSchema))
            kinds = [part.type for part in result.content]
            tools[tool.name] = {"is_error": bool(result.isError), "content": kinds}
            tools[tool.name]["structured"] = getattr(result, "structuredContent", None)
        except Exception as error:  # what the client makes of an error is the client's affair
            tools[tool.name] = {"refused": str(error)}
    prompts, resources = [], []
    if opened.capabilities.prompts:
        prompts = [prompt.name for prompt in (await session.list_prompts()).prompts]
    if opened.capabilities.resources:
        resources = [str(resource.uri) for resource in (await session.list_resources()).resources]
    return {"revision": str(opened.protocolVersion), "tools": tools, "prompts": prompts, "resources": resources}


async def main():
    first, *words = sys.argv[1:]
    if first == "stdio":
        opening = stdio_client(StdioServerParameters(command=words[0], args=words[1:]))
    else:
        from mcp.client.streamable_http import streamablehttp_client

        opening = streamablehttp_client(first)
    async with opening as streams, ClientSession(streams[0], streams[1], **callbacks()) as session:
        drained = asyncio.create_task(drain(session)) if hasattr(session, "incoming_messages") else None
        print(json.dumps(await told(session)))
        if drained:
            drained.cancel()


asyncio.run(main())
