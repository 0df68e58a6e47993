// Node's clients through panguard as a forward proxy: fetch by undici's agent, and https by `https-proxy-agent`. Says what
// they saw as JSON.
import https from "node:https";
import { HttpsProxyAgent } from "https-proxy-agent";
import { ProxyAgent, fetch } from "undici";

const { HTTPS_PROXY, URL: url } = process.env;
const seen = {};

const answer = await fetch(url, { dispatcher: new ProxyAgent(HTTPS_PROXY) });
seen.fetch = { status: answer.status, body: await answer.text() };

seen.https = await new Promise((resolve, reject) => {
  https
    .get(url, { agent: new HttpsProxyAgent(HTTPS_PROXY) }, (message) => {
      let body = "";
      message.on("data", (piece) => (body += piece));
      message.on("end", () => resolve({ status: message.statusCode, body }));
    })
    .on("error", reject);
});
console.log(JSON.stringify(seen));
process.exit(0);
