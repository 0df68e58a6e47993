// What the OpenAI SDK for Node sees by OPENAI_BASE_URL and OPENAI_API_KEY, as one line of JSON. The arguments are a prompt
// and a model that is refused.
import OpenAI from "openai";

const [prompt, refusedModel] = process.argv.slice(2);
const client = new OpenAI();
const messages = [{ role: "user", content: prompt }];
const tools = [{ type: "function", function: { name: "pay", parameters: { type: "object", properties: {} } } }];

const whole = await client.chat.completions.create({ model: "small", max_tokens: 50, messages });
const streamed = { text: "", arguments: "", ids: new Set(), reason: null, usage: null };
const stream = await client.chat.completions.create({
  model: "small", max_tokens: 50, messages, tools, stream: true, stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  streamed.ids.add(chunk.id);
  streamed.usage = chunk.usage ?? streamed.usage;
  const [choice] = chunk.choices;
  streamed.text += choice?.delta.content ?? "";
  streamed.arguments += choice?.delta.tool_calls?.[0]?.function?.arguments ?? "";
  streamed.reason = choice?.finish_reason ?? streamed.reason;
}
const response = await client.responses.create({ model: "small", max_output_tokens: 50, input: prompt });
const events = [];
for await (const event of await client.responses.create({ model: "small", max_output_tokens: 50, input: prompt, stream: true })) {
  events.push(event);
}
const models = [];
for await (const model of client.models.list()) models.push(model.id);
const embedded = await client.embeddings.create({ model: "small", input: ["a", "bc"] });
let refused;
try {
  await client.chat.completions.create({ model: refusedModel, max_tokens: 50, messages });
} catch (error) {
  refused = { kind: error.constructor.name, status: error.status, message: error.message };
}
console.log(JSON.stringify({
  whole: whole.choices[0].message.content,
  streamed: { ...streamed, ids: [...streamed.ids] },
  response: response.output_text,
  deltas: events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta).join(""),
  last: events.at(-1).type,
  models,
  embedded: embedded.data.map((one) => one.embedding.length),
  refused,
}));
