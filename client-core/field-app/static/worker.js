// Starts the core. What the page says before it is there is kept.
import init from "./%core.js%";

const early = [];
self.onmessage = (event) => early.push(event);
await init({ module_or_path: new URL("./%core.wasm%", import.meta.url) });
for (const event of early) self.onmessage(event);
