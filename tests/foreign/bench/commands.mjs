// One line of JSON in, one line of JSON out: what `make bench` says to every system's client.
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";

export async function obey(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...rest } = JSON.parse(line);
    if (name === "quit") break;
    let answer;
    try {
      answer = { ok: true, ...(await commands[name](rest)) };
    } catch (error) {
      answer = { ok: false, error: String(error?.stack ?? error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
  process.exit(0);
}

// One record a line, each with its id and its sixty fields.
export function records(path) {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

// What one later change does to a record: two fields.
export const edit = (stamp, n) => ({ staff: 1000 + n, head_name: `${stamp} ${n}` });
