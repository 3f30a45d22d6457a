"""Lists and calls every tool with the 2.x official Python client: call_2x.py MODE (URL | stdio COMMAND WORD...)."""

import asyncio
import json
import sys

import arguments
import mcp_types as types
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def sample(_context, _params):
    content = types.TextContent(type="text", text="sampled")
    return types.CreateMessageResult(role="assistant", content=content, model="none")


async def elicit(_context, _params):
    return types.ElicitResult(action="accept", content={"name": "x", "context": "x"})


async def roots(_context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///x")])


async def told(client):
    tools = {}
    for tool in (await client.list_tools()).tools:
        try:
            result = await client.call_tool(tool.name, arguments.of(tool.name, tool.input_schema))
            kinds = [part.type for part in result.content]
            tools[tool.name] = {"is_error": bool(result.is_error), "content": kinds}
            tools[tool.name]["structured"] = result.structured_content
        except Exception as error:  # what the client makes of an error is the client's affair
            tools[tool.name] = {"refused": str(error)}
    prompts, resources = [], []
    if client.server_capabilities.prompts:
        prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
    if client.server_capabilities.resources:
        resources = [str(resource.uri) for resource in (await client.list_resources()).resources]
    return {"revision": client.protocol_version, "tools": tools, "prompts": prompts, "resources": resources}


async def main():
    mode, first, *words = sys.argv[1:]
    if first == "stdio":
        target = stdio_client(StdioServerParameters(command=words[0], args=words[1:]))
    else:
        target = first
    asked = {"sampling_callback": sample, "elicitation_callback": elicit, "list_roots_callback": roots}
    async with Client(target, mode=mode, **asked) as client:
        print(json.dumps(await told(client)))


asyncio.run(main())
