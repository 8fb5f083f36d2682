// PouchDB on LevelDB, replicating with an express-pouchdb.
import { mkdirSync } from "node:fs";
import PouchDB from "pouchdb";
import { edit, obey, records } from "./commands.mjs";

// Of the sizes tried, the fastest: the default of 100 takes longer.
const options = { batch_size: 500 };
let db, remote;

const every = async () => (await db.allDocs({ include_docs: true })).rows.map((row) => row.doc);

async function written(docs) {
  for (let at = 0; at < docs.length; at += 1000) {
    const bad = (await db.bulkDocs(docs.slice(at, at + 1000))).filter((one) => one.error);
    if (bad.length > 0) throw new Error(JSON.stringify(bad[0]));
  }
}

function complete(result) {
  if (!result.ok || result.errors?.length > 0 || result.doc_write_failures > 0) throw new Error(JSON.stringify(result));
  return { written: result.docs_written };
}

await obey({
  async open({ folder, url }) {
    mkdirSync(folder, { recursive: true });
    db = new PouchDB(`${folder}/records`);
    remote = `${url}/records`;
    return { documents: (await db.info()).doc_count };
  },
  async make({ path, changes }) {
    await written(records(path).map(({ id, ...fields }) => ({ _id: id, ...fields })));
    for (let n = 1; n < changes; n += 1) {
      await written((await every()).map((doc) => ({ ...doc, ...edit("lần", n) })));
    }
  },
  async edit({ ids, stamp }) {
    const docs = await Promise.all(ids.map((id) => db.get(id)));
    await written(docs.map((doc, n) => ({ ...doc, ...edit(stamp, n) })));
  },
  push: async () => complete(await db.replicate.to(remote, options)),
  async pull({ one }) {
    complete(await db.replicate.from(remote, options));
    const listed = (await db.allDocs()).rows.length;
    return { listed, found: (await db.get(one)).name !== undefined };
  },
  async sync() {
    const { push, pull } = await db.sync(remote, options);
    return { written: complete(push).written + complete(pull).written };
  },
  async check({ stamp }) {
    const docs = await every();
    return { documents: docs.length, stamped: docs.filter((doc) => doc.head_name?.startsWith(stamp)).length };
  },
});
