#!/usr/bin/env node
// Checks the Node version, then starts the CLI. Plain JavaScript that Node 14 can parse: an old Node must get a
// sentence, not a syntax error.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import * as module from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinnedNode = join(root, "node_modules", "node", "bin", "node");
const cli = join(root, "dist", "cli", "main.js");
const [major, minor] = process.versions.node.split(".").map(Number);

const fail = (text) => {
  process.stderr.write(`lanyard: ${text}\n`);
  process.exit(1);
};

/** Runs this file again on the checkout's own Node; signals and the exit code pass through. */
const runOnPinnedNode = () => {
  const child = spawn(pinnedNode, process.argv.slice(1), { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`cannot run ${pinnedNode}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
};

/** Compiled code is kept beside the tenants' states, readable by nobody else: a start then skips most of the parsing. */
const keepCompiledCode = () => {
  const base =
    process.platform === "darwin"
      ? join(homedir(), "Library", "Application Support")
      : process.env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  const folder = join(base, "lanyard", "compile-cache");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    module.enableCompileCache(folder);
  } catch {
    // A home folder that cannot be written costs some milliseconds at each start, nothing else.
  }
};

if (major < 22 || (major === 22 && minor < 13)) {
  if (existsSync(pinnedNode)) runOnPinnedNode();
  else {
    fail(
      `Node ${process.versions.node} (${process.execPath}) is too old: Lanyard needs 22.13 or newer, for its SQLite. ` +
        "Install a newer Node, or, in a checkout, run `npm run setup`, which fetches one into node_modules.",
    );
  }
} else if (!existsSync(cli)) {
  fail(`${cli} is missing: this checkout is not built. Run \`npm run setup\` in ${root}.`);
} else {
  keepCompiledCode();
  const { main } = await import(cli);
  process.exitCode = await main(process.argv.slice(2));
}
