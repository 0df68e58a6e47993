// What node-postgres sees of the connection in the PG* variables, as one line of JSON.
import pg from "pg";

const client = new pg.Client({ connectionTimeoutMillis: 10000 });
await client.connect();
const text = await client.query("select id, pan, cvv, note from cards where id = $1", [1]);
const named = { name: "by-id", text: "select id, pan_number as number from cards where id = $1" };
const prepared = [];
for (const id of [1, 2]) prepared.push((await client.query({ ...named, values: [id] })).rows[0]);
const several = await client.query("select 1 as one; select 2 as two");
let refused;
try {
  await client.query("drop table cards");
} catch (error) {
  refused = { code: error.code, message: error.message, hint: error.hint, detail: error.detail };
}
const after = await client.query("select count(*)::int as count from cards");
console.log(JSON.stringify({
  text: text.rows[0],
  types: text.fields.map((field) => field.dataTypeID),
  prepared,
  several: several.map((result) => result.rows[0]),
  refused,
  after: after.rows[0].count,
}));
await client.end();
