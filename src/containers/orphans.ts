/**
 * No container outlives us, whatever ends us, `kill -9` included. One small shell holds the reading end of a pipe whose
 * only writer is this process: when we are gone it reads end-of-file and has the engine remove what carries our label.
 */
import { spawn } from "node:child_process";

/** For `node -e`: removes all containers with a label, over the engine's socket. */
const sweep = `
const { request } = require("node:http");
const [socketPath, label] = process.argv.slice(1);
const ask = (method, path) => new Promise((done) => {
  const asked = request({ socketPath, method, path }, (answer) => {
    let text = "";
    answer.on("data", (chunk) => { text += chunk; });
    answer.on("end", () => done(text));
  });
  asked.on("error", () => done("[]"));
  asked.end();
});
const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
ask("GET", "/v1.40/containers/json?all=true&filters=" + filters).then(async (text) => {
  for (const { Id } of JSON.parse(text)) await ask("DELETE", "/v1.40/containers/" + Id + "?force=true&v=true");
});
`;

/** The label must be of this process alone: our successor's containers are not ours to remove. Returns how to end it. */
export const removeWhenGone = (socketPath: string, label: string): (() => void) => {
  const child = spawn(
    "/bin/sh",
    [
      "-c",
      'trap "" TERM INT HUP QUIT; cat >/dev/null; exec "$@"',
      "orphans",
      process.execPath,
      "-e",
      sweep,
      socketPath,
      label,
    ],
    {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      cwd: "/",
      env: { PATH: "/usr/bin:/bin" },
    },
  );
  child.unref();
  child.once("error", () => undefined);
  child.stdin.on("error", () => undefined);
  if ("unref" in child.stdin && typeof child.stdin.unref === "function") child.stdin.unref();
  return () => child.stdin.end();
};
