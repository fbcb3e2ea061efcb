/**
 * Sets a checkout up: dependencies, the pinned Node, the build. Runs before `npm start` and `npm test`, so it needs
 * nothing but Node 20 and npm 10, and costs next to nothing when there is nothing to do.
 *
 *   node scripts/setup.mjs            does what is missing
 *   node scripts/setup.mjs --check    only says what is missing; exit code 1 when something is
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const pinnedNode = join(modules, "node", "bin", "node");
const dependencyStamp = join(modules, ".lanyard-setup");
const dist = join(root, "dist");
const buildStamp = join(dist, ".build-stamp");
/** Scratch folder of this script, on the same file system as `dist` so that a build can be swapped in by a rename. */
const scratch = join(root, ".setup");

/** Files of `src` that the program needs at run time and that the compiler does not copy. */
const isAsset = (file) => /\.(cjs|mjs|sql|c|html|css|svg|json|py|sh)$/.test(file);
const isTest = (file) => /\.test(-support)?\.ts$/.test(file);

class SetupError extends Error {}

const say = (text) => process.stderr.write(`setup: ${text}\n`);
const sha256 = (...parts) =>
  parts.reduce((hash, part) => hash.update(part).update("\0"), createHash("sha256")).digest("hex");
const readIfThere = (file) => {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
};

/** A Node outside node_modules: `npm ci` deletes node_modules, so the one it runs on must not live there. */
const outerNode = () => {
  const inside = (file) => file.startsWith(modules + "/");
  const candidates = [process.env.npm_node_execpath, process.execPath];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) candidates.push(join(folder, "node"));
  return candidates.find((file) => file && fs.existsSync(file) && !inside(fs.realpathSync(file))) ?? process.execPath;
};

/** Runs the npm that runs us (or the one on PATH). Its output goes to stderr: stdout belongs to the script that follows. */
const npm = (args, purpose) => {
  const cli = process.env.npm_execpath;
  const node = outerNode();
  const command = cli?.endsWith(".js") ? [node, cli, ...args] : ["npm", ...args];
  const path = [dirname(node), process.env.PATH ?? ""].join(delimiter);
  const run = spawnSync(command[0], command.slice(1), {
    cwd: root,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, PATH: path },
  });
  if (run.status === 0) return;
  const why = run.error
    ? run.error.message
    : run.signal
      ? `it was ended by ${run.signal}`
      : `it ended with exit code ${run.status}`;
  throw new SetupError(
    `\`npm ${args.join(" ")}\` (${purpose}) failed: ${why}. Its own message is above; run \`npm run setup\` to try again.`,
  );
};

/** npm's record of what it installed agrees with the lockfile: true after an `npm install NAME` by hand. */
const installedAsLocked = (lockText) => {
  const installed = readIfThere(join(modules, ".package-lock.json"));
  if (installed === undefined) return false;
  const have = JSON.parse(installed).packages;
  return Object.entries(JSON.parse(lockText).packages).every(
    ([path, want]) =>
      path === "" || have[path]?.integrity === want.integrity || (want.optional === true && have[path] === undefined),
  );
};

const pinnedVersion = () => JSON.parse(fs.readFileSync(join(modules, "node", "package.json"), "utf8")).version;

/**
 * The package `node` fetches its binary in an install script. Where scripts are blocked (`ignore-scripts`, or an npm that
 * asks for approval), the same platform package is fetched here.
 */
const providePinnedNode = () => {
  const version = pinnedVersion();
  if (!fs.existsSync(pinnedNode)) {
    const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
    const name = `${prefix}-${process.platform}-${process.arch}`;
    say(`npm did not run the install script of the package \`node\`; fetching ${name}@${version} itself`);
    const folder = fs.mkdtempSync(join(tmpdir(), "lanyard-node-"));
    try {
      npm(
        [
          "install",
          "--prefix",
          folder,
          "--no-save",
          "--ignore-scripts",
          "--no-audit",
          "--no-fund",
          `${name}@${version}`,
        ],
        "fetching the pinned Node",
      );
      fs.mkdirSync(dirname(pinnedNode), { recursive: true });
      fs.copyFileSync(join(folder, "node_modules", name, "bin", "node"), pinnedNode);
      fs.chmodSync(pinnedNode, 0o755);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  const link = join(modules, ".bin", "node");
  if (!fs.existsSync(link)) fs.symlinkSync(relative(dirname(link), pinnedNode), link);
  const run = spawnSync(pinnedNode, ["--version"], { encoding: "utf8" });
  if (run.stdout?.trim() !== `v${version}`) {
    const what = run.error?.message ?? (run.stderr || run.stdout).trim();
    throw new SetupError(
      `${pinnedNode} should be Node ${version} but does not run here (${what}). ` +
        "The binaries on npm need glibc on Linux (Alpine has musl) and a supported CPU; use such a machine or image.",
    );
  }
};

const dependencyFingerprint = () => {
  const lockText = readIfThere(join(root, "package-lock.json"));
  if (lockText === undefined) throw new SetupError("package-lock.json is missing: this is no complete checkout.");
  return { lockText, wanted: sha256(lockText, process.platform, process.arch) };
};

const dependenciesStand = () =>
  readIfThere(dependencyStamp) === dependencyFingerprint().wanted && fs.existsSync(pinnedNode);

const installDependencies = () => {
  const { lockText, wanted } = dependencyFingerprint();
  if (!installedAsLocked(lockText)) {
    say("installing dependencies (once per lockfile)");
    npm(["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], "installing the dependencies");
  }
  providePinnedNode();
  fs.writeFileSync(dependencyStamp, wanted);
};

const sourceFiles = () =>
  fs
    .readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !isTest(entry.name))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)))
    .sort();

const buildFingerprint = () => {
  const inputs = [...sourceFiles(), "tsconfig.json", "tsconfig.build.json", "package-lock.json"];
  return sha256(...inputs.flatMap((file) => [file, fs.readFileSync(join(root, file))]));
};

const buildStands = () => readIfThere(buildStamp) === buildFingerprint();

/** Compiles into the scratch folder and swaps the result in, so that `dist` is always one whole build. */
const build = () => {
  say("building");
  const wanted = buildFingerprint();
  const next = join(scratch, "dist-next");
  const old = join(scratch, "dist-old");
  for (const folder of [next, old]) fs.rmSync(folder, { recursive: true, force: true });
  const compiler = [join(modules, "typescript", "bin", "tsc"), "-p", "tsconfig.build.json", "--outDir", next];
  const run = spawnSync(pinnedNode, compiler, { cwd: root, stdio: ["ignore", 2, 2] });
  if (run.status !== 0) throw new SetupError("the build failed; the compiler's messages are above.");
  for (const file of sourceFiles().filter(isAsset)) {
    const target = join(next, relative("src", file));
    fs.mkdirSync(dirname(target), { recursive: true });
    fs.copyFileSync(join(root, file), target);
  }
  fs.writeFileSync(join(next, ".build-stamp"), wanted);
  if (fs.existsSync(dist)) fs.renameSync(dist, old);
  fs.renameSync(next, dist);
  fs.rmSync(old, { recursive: true, force: true });
};

/** Why the next line of the npm script would run another Node than the pinned one, or undefined when it would not. */
const wrongNodeOnPath = () => {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const pinned = fs.realpathSync(pinnedNode);
  const links = join(modules, ".bin");
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const file = join(folder, "node");
    if (folder === "" || !fs.existsSync(file)) continue;
    if (fs.realpathSync(file) === pinned) return undefined;
    return (
      `this script would run ${file} instead of the pinned Node ${pinnedVersion()} (${pinnedNode}), because ` +
      `${folder} stands before ${links} on PATH. Take it off PATH and run the script again.`
    );
  }
  return `PATH holds no \`node\` although ${pinnedNode} exists: npm did not put ${links} on PATH. Run this through \`npm run\`.`;
};

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
};

/** Holds the checkout while `work` runs: two `npm test` at once in a fresh clone install once. */
const alone = (work) => {
  const lock = join(scratch, "lock");
  fs.mkdirSync(scratch, { recursive: true });
  for (let told = false; ;) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = Number(readIfThere(lock));
    if (holder > 0 && !isAlive(holder)) {
      fs.rmSync(lock, { force: true });
      continue;
    }
    if (!told) say(`waiting for process ${holder}, which is setting this checkout up`);
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
};

/** What there is to do, in order. */
const missing = () => [...(dependenciesStand() ? [] : ["dependencies"]), ...(buildStands() ? [] : ["build"])];

const setUp = () => {
  if (missing().length > 0) {
    alone(() => {
      if (!dependenciesStand()) installDependencies();
      if (!buildStands()) build();
    });
  }
  const wrong = wrongNodeOnPath();
  if (wrong !== undefined) throw new SetupError(wrong);
};

try {
  if (process.argv.includes("--check")) {
    const parts = missing();
    process.stdout.write(parts.length === 0 ? "up to date\n" : `missing: ${parts.join(", ")}\n`);
    process.exitCode = parts.length === 0 ? 0 : 1;
  } else setUp();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
