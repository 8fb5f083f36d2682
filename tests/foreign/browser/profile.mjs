// A browser with a profile on disk, as a phone has one: what it keeps outlives it, also when it is killed.
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const pause = () => new Promise((done) => setTimeout(done, 20));

// The address that a browser writes into its profile once it listens.
async function address(profile, deadline) {
  for (;;) {
    try {
      const [port, path] = readFileSync(join(profile, "DevToolsActivePort"), "utf8").split("\n");
      if (path) return `ws://127.0.0.1:${port}${path}`;
    } catch {
      // Not yet.
    }
    if (Date.now() > deadline) throw new Error("the browser did not start");
    await pause();
  }
}

export async function start(chromium, program, args, profile, patienceMs) {
  rmSync(join(profile, "DevToolsActivePort"), { force: true });
  const options = ["--headless", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
  const child = spawn(program, [...args, ...options], { detached: true, stdio: "ignore" });
  const ended = new Promise((done) => child.once("exit", done));
  const endpoint = await address(profile, Date.now() + patienceMs);
  const browser = await chromium.connectOverCDP(endpoint);
  const stop = async (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It has ended by itself.
    }
    await ended;
  };
  return {
    context: browser.contexts()[0],
    // At once and without a word, as when a phone's battery is taken out.
    kill: () => stop("SIGKILL"),
    close: async () => {
      await browser.close().catch(() => {});
      await stop("SIGTERM");
    },
  };
}
