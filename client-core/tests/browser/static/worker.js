// Runs the core's tests, each when the page names it.
import init, { begin, clear } from "./core_tests.js";

let said = [];
self.sokiemSay = (words) => said.push(words);
self.sokiemSeed = () => new URL(self.location.href).searchParams.get("seed") ?? undefined;

const tests = await init({ module_or_path: new URL("./core_tests_bg.wasm", import.meta.url) });
await begin();

self.onmessage = ({ data: name }) => {
  said = [];
  const began = performance.now();
  let failed = false;
  try {
    tests[name]();
    clear();
  } catch (error) {
    failed = true;
    said.push(String(error));
  }
  self.postMessage({ name, failed, said, ms: Math.round(performance.now() - began) });
};
self.postMessage({ names: Object.keys(tests).filter((name) => name.startsWith("test ")) });
