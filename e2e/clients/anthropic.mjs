// What the Anthropic SDK for Node sees by ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY, as one line of JSON. The arguments are a
// prompt and a model that is refused.
import Anthropic from "@anthropic-ai/sdk";

const [prompt, refusedModel] = process.argv.slice(2);
const client = new Anthropic();
const request = { model: "small", max_tokens: 50, messages: [{ role: "user", content: prompt }] };
const tools = [{ name: "pay", input_schema: { type: "object", properties: {} } }];

const whole = await client.messages.create(request);
const stream = client.messages.stream({ ...request, tools });
let text = "";
stream.on("text", (piece) => { text += piece; });
const final = await stream.finalMessage();
const count = await client.messages.countTokens({ model: "small", messages: request.messages });
let refused;
try {
  await client.messages.create({ ...request, model: refusedModel });
} catch (error) {
  refused = { kind: error.constructor.name, status: error.status, message: error.message };
}
console.log(JSON.stringify({
  whole: whole.content[0].text,
  text,
  tool: final.content[1]?.input,
  reason: final.stop_reason,
  usage: final.usage.output_tokens,
  count: count.input_tokens,
  refused,
}));
