// Sends spans with the official JavaScript exporters and prints what was sent as one line of JSON.
//
// Usage: send.cjs json|protobuf ENDPOINT gzip|none. Every export must be acknowledged.

const [, , format, endpoint, compression] = process.argv;
const kind = format === "json" ? "http" : "proto";
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { BasicTracerProvider, BatchSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { resourceFromAttributes } = require("@opentelemetry/resources");

let spans = 0;
const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, compression, timeoutMillis: 10_000 });
const send = exporter.export.bind(exporter);
exporter.export = (batch, done) =>
  send(batch, (result) => {
    if (result.code !== 0) {
      console.error("not acknowledged:", result.error);
      process.exit(1);
    }
    spans += batch.length;
    done(result);
  });
const resource = resourceFromAttributes({ "service.name": "things-js", "service.instance.id": "things-js-1" });
const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(exporter)] });
const tracer = provider.getTracer("things");
for (let number = 0; number < 700; number++) {
  const span = tracer.startSpan("GET /things", { kind: 1, attributes: { number, share: number / 7, name: "thing \u00e4" } });
  span.addEvent("made", { big: [1, 2.5, 3] });
  span.setStatus({ code: number % 2 });
  span.end();
}
provider.shutdown().then(() => console.log(JSON.stringify({ spans })));
