// automerge-repo with files, synchronising with its server over a WebSocket that stands only while it does so.
import { mkdirSync } from "node:fs";
import * as A from "@automerge/automerge";
import { Repo } from "@automerge/automerge-repo";
import { WebSocketClientAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";
import { edit, obey, records } from "./commands.mjs";

// Documents that are asked for at the same time.
const AT_ONCE = 250;
let repo, address;
const handles = new Map();
let edited = new Set();


// Merging text only where it is text; the rest are single values, as in our own records.
function put(doc, fields) {
  for (const [name, value] of Object.entries(fields)) {
    doc[name] = typeof value === "string" && name !== "notes" ? new A.ImmutableString(value) : value;
  }
}

async function each(list, work) {
  const left = [...list];
  const one = async () => {
    while (left.length > 0) await work(left.pop());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

async function handle(id) {
  if (!handles.has(id)) handles.set(id, await repo.find(urls.get(id)));
  return handles.get(id);
}
const urls = new Map();

const same = (one, other) => one?.length === other.length && [...one].sort().join() === [...other].sort().join();

// Connects, and waits until server and client have said of each of these documents that they have the same heads.
async function agree(ids) {
  const adapter = new WebSocketClientAdapter(address);
  const states = new Map();
  let changed = () => {};
  const heard = ({ documentId, syncState }) => {
    states.set(documentId, syncState);
    changed();
  };
  repo.synchronizer.on("sync-state", heard);
  repo.networkSubsystem.addNetworkAdapter(adapter);
  const waiting = new Set(ids);
  try {
    await each(ids, handle);
    for (;;) {
      for (const id of waiting) {
        const known = handles.get(id);
        const heads = A.getHeads(known.doc());
        const state = states.get(known.documentId);
        if (same(state?.theirHeads, heads) && same(state?.sharedHeads, heads)) waiting.delete(id);
      }
      if (waiting.size === 0) return;
      await new Promise((resolve) => (changed = resolve));
      // What arrives in one turn of the loop is looked at once.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    repo.synchronizer.off("sync-state", heard);
    adapter.disconnect();
  }
}

const known = () => [...urls.keys()];

await obey({
  async open({ folder, url, addresses }) {
    mkdirSync(folder, { recursive: true });
    address = url.replace("http:", "ws:");
    repo = new Repo({ storage: new NodeFSStorageAdapter(folder), network: [], peerId: `client-${process.pid}` });
    for (const [id, one] of Object.entries(addresses ?? {})) urls.set(id, one);
  },
  async make({ path, changes }) {
    for (const { id, ...fields } of records(path)) {
      const made = repo.create();
      made.change((doc) => put(doc, fields));
      for (let n = 1; n < changes; n += 1) made.change((doc) => put(doc, edit("lần", n)));
      handles.set(id, made);
      urls.set(id, made.url);
    }
    await repo.flush();
    return { addresses: Object.fromEntries(urls) };
  },
  async edit({ ids, stamp }) {
    edited = new Set(ids);
    for (const [n, id] of ids.entries()) (await handle(id)).change((doc) => put(doc, edit(stamp, n)));
    await repo.flush();
  },
  // Right after a start it sends what it has edited; nothing tells it what else there is.
  async push() {
    await agree(edited.size > 0 ? [...edited] : known());
    edited = new Set();
  },
  async pull({ one }) {
    await agree(known());
    await repo.flush();
    const docs = known().map((id) => handles.get(id).doc());
    return { listed: docs.filter((doc) => doc.name).length, found: String(handles.get(one).doc().name) !== "" };
  },
  sync: async () => agree(known()),
  async check({ stamp }) {
    await each(known(), handle);
    const docs = known().map((id) => handles.get(id).doc());
    return { documents: docs.length, stamped: docs.filter((doc) => String(doc.head_name).startsWith(stamp)).length };
  },
});
