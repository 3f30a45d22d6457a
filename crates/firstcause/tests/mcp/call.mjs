// Lists and calls every tool with an official TypeScript client: call.mjs (sdk | client) (URL | stdio COMMAND WORD...).
// `sdk` is the 1.x package, `client` the 2.x one.

const [generation, first, ...words] = process.argv.slice(2);
const known = JSON.parse(process.env.ARGUMENTS ?? "{}");

function value(schema) {
  if (schema?.enum) return schema.enum[0];
  const kind = Array.isArray(schema?.type) ? schema.type[0] : (schema?.type ?? "string");
  return { string: "x", integer: 1, number: 1, boolean: false, array: [], object: {} }[kind];
}

function given(tool) {
  const made = (tool.inputSchema.required ?? []).map((key) => [key, value(tool.inputSchema.properties?.[key])]);
  return { ...Object.fromEntries(made), ...known[tool.name] };
}

const capabilities = { sampling: {}, elicitation: {}, roots: {} };
const answers = {
  "sampling/createMessage": { role: "assistant", model: "none", content: { type: "text", text: "sampled" } },
  "elicitation/create": { action: "accept", content: { name: "x", context: "x" } },
  "roots/list": { roots: [{ uri: "file:///x" }] },
};

async function sdk() {
  const root = "@modelcontextprotocol/sdk";
  const { Client } = await import(`${root}/client/index.js`);
  const { StreamableHTTPClientTransport } = await import(`${root}/client/streamableHttp.js`);
  const { StdioClientTransport } = await import(`${root}/client/stdio.js`);
  const types = await import(`${root}/types.js`);
  const client = new Client({ name: "test", version: "1" }, { capabilities });
  client.setRequestHandler(types.CreateMessageRequestSchema, async () => answers["sampling/createMessage"]);
  client.setRequestHandler(types.ElicitRequestSchema, async () => answers["elicitation/create"]);
  client.setRequestHandler(types.ListRootsRequestSchema, async () => answers["roots/list"]);
  return [client, StreamableHTTPClientTransport, StdioClientTransport];
}

async function newest() {
  const root = "@modelcontextprotocol/client";
  const { Client, StreamableHTTPClientTransport } = await import(root);
  const { StdioClientTransport } = await import(`${root}/stdio`);
  const client = new Client({ name: "test", version: "1" }, { capabilities, versionNegotiation: { mode: "auto" } });
  for (const [method, answer] of Object.entries(answers)) client.setRequestHandler(method, async () => answer);
  return [client, StreamableHTTPClientTransport, StdioClientTransport];
}

const [client, Http, Stdio] = await (generation === "sdk" ? sdk() : newest());
const transport =
  first === "stdio" ? new Stdio({ command: words[0], args: words.slice(1) }) : new Http(new URL(first));
let revision;
if (generation === "sdk") {
  // The 1.x client tells the agreed revision to its transport alone.
  const tell = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (version) => ((revision = version), tell?.(version));
}
await client.connect(transport);
revision ??= client.getNegotiatedProtocolVersion?.();
const tools = {};
for (const tool of (await client.listTools()).tools) {
  try {
    const result = await client.callTool({ name: tool.name, arguments: given(tool) });
    const content = result.content.map((part) => part.type);
    tools[tool.name] = { is_error: result.isError === true, content, structured: result.structuredContent };
  } catch (error) {
    tools[tool.name] = { refused: String(error) };
  }
}
const offered = client.getServerCapabilities();
const prompts = offered.prompts ? (await client.listPrompts()).prompts.map((prompt) => prompt.name) : [];
const resources = offered.resources ? (await client.listResources()).resources.map((one) => one.uri) : [];
console.log(JSON.stringify({ revision, tools, prompts, resources }));
await client.close();
