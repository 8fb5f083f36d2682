// express-pouchdb on LevelDB, as its own front page shows it.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";

const require = createRequire(import.meta.url);
const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const PouchDB = require("pouchdb").defaults({ prefix: `${folder}/` });
const app = require("express")();
app.use("/", require("express-pouchdb")(PouchDB, { mode: "minimumForPouchDB", inMemoryConfig: true }));
const server = app.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
process.on("SIGTERM", () => process.exit(0));
