// Node's `ws` through panguard: what it sends comes back, whatever its size. Says what it saw as JSON.
import WebSocket from "ws";

const socket = new WebSocket(process.env.URL, { headers: { Authorization: `Bearer ${process.env.TOKEN}` } });
const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
const seen = { texts: [], binaries: [], pongs: 0, extensions: "" };

socket.on("open", async () => {
  seen.extensions = socket.extensions;
  socket.ping("keep");
  for (const size of sizes) {
    seen.texts.push(await echoed("é".repeat(size)));
    seen.binaries.push(await echoed(Buffer.alloc(size, 0xa5)));
  }
  socket.send(process.env.CARD);
});
socket.on("pong", (data) => (seen.pongs += data.toString() === "keep" ? 1 : 0));
socket.on("close", (code, reason) => {
  console.log(JSON.stringify({ ...seen, code, reason: reason.toString() }));
});
socket.on("error", (error) => console.log(JSON.stringify({ error: error.message })));

function echoed(sent) {
  return new Promise((resolve) => {
    socket.once("message", (data, isBinary) => {
      resolve(isBinary === Buffer.isBuffer(sent) && Buffer.compare(Buffer.from(sent), data) === 0);
    });
    socket.send(sent);
  });
}
