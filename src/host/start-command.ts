/**
 * What App Service runs in the container: Oryx's `create-script` for Node and Python (`oryx create-script -appPath ...`).
 * `appCommandLine` wins; otherwise the app is recognised by its files; otherwise the default site is shown.
 */
import { join } from "node:path";
import type { Stack } from "./stack.ts";
import { isFolder, isRegular, namesIn, readRegular } from "./safe-files.ts";

export type StartPlan =
  | {
      readonly kind: "command";
      readonly argv: readonly string[];
      /** Set on top of the app's environment, as the generated script would. */
      readonly env: Readonly<Record<string, string>>;
      readonly notes: readonly string[];
    }
  | { readonly kind: "default-site"; readonly notes: readonly string[] };

export interface StartQuestion {
  readonly stack: Stack;
  /** The app's folder. */
  readonly folder: string;
  /** `siteConfig.appCommandLine`; empty for none. */
  readonly commandLine: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Interpreter, for Python's version-dependent detection. */
  readonly version: string;
  readonly cores: number;
}

const command = (argv: readonly string[], notes: readonly string[], env: Record<string, string> = {}): StartPlan => ({
  kind: "command",
  argv,
  env,
  notes,
});

/** Oryx's generated line is `PATH="$PATH:<app path>" <command>` in a /bin/sh that has changed to the app's folder. */
const shell = (line: string, folder: string, notes: readonly string[], file?: string): StartPlan => {
  // The app's user changes the mode itself: we would follow a link that the app has put there.
  const mode = file === undefined ? "" : 'chmod 755 "$2" 2>/dev/null; ';
  const script = `${mode}PATH="$PATH:$1"; export PATH; ${line}`;
  return command(["/bin/sh", "-c", script, "startup.sh", folder, file ?? ""], notes);
};

const isPlainName = (text: string): boolean => /^[\w@%+=:,./-]+$/.test(text) && !text.includes("..");

/** A path inside the app without leading `./`, for a command line that is one word. */
const asFile = async (word: string, folder: string): Promise<string | undefined> => {
  if (!isPlainName(word)) return undefined;
  const inside = word.startsWith("/home/site/wwwroot/") ? word.slice("/home/site/wwwroot/".length) : word;
  const path = inside.startsWith("/") ? inside : join(folder, inside);
  return (await isRegular(path)) ? path : undefined;
};

interface PackageJson {
  readonly main?: string;
  readonly start?: string;
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

/** `scripts` and `main` of a package.json; undefined when there is none or it is no JSON object. */
export const readPackageJson = async (
  folder: string,
): Promise<
  { readonly scripts: Readonly<Record<string, unknown>>; readonly all: Readonly<Record<string, unknown>> } | undefined
> => {
  const text = await readRegular(join(folder, "package.json"));
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""));
    if (typeof value !== "object" || value === null) return undefined;
    const all = value as Record<string, unknown>;
    const { scripts } = all;
    return {
      all,
      scripts: typeof scripts === "object" && scripts !== null ? (scripts as Record<string, unknown>) : {},
    };
  } catch {
    return undefined;
  }
};

const packageOf = async (folder: string): Promise<PackageJson> => {
  const found = await readPackageJson(folder);
  const main = textOf(found?.all["main"]);
  const start = textOf(found?.scripts["start"]);
  return { ...(main === undefined ? {} : { main }), ...(start === undefined ? {} : { start }) };
};

const nodeFiles = ["bin/www", "server.js", "app.js", "index.js", "hostingstart.js"] as const;

const nodeStart = async ({ folder, commandLine }: StartQuestion): Promise<StartPlan> => {
  const npmStart = async (note: string) => {
    const yarn = await isRegular(join(folder, "yarn.lock"));
    return command(yarn ? ["yarn", "run", "start"] : ["npm", "start"], [note]);
  };
  if (commandLine !== "") {
    const note = `Using user-provided startup command '${commandLine}'.`;
    const file = await asFile(commandLine, folder);
    if (file?.endsWith("/package.json") === true) return npmStart(note);
    if (file?.endsWith(".js") === true) return command(["node", file], [note]);
    return file === undefined ? shell(commandLine, folder, [note]) : shell('exec "$2"', folder, [note], file);
  }
  const { start, main } = await packageOf(folder);
  if (start !== undefined) return npmStart("Found a start script in package.json: npm start.");
  if (main !== undefined) return command(["node", main], [`Found 'main' in package.json: node ${main}.`]);
  for (const name of nodeFiles) {
    if (await isRegular(join(folder, name))) return command(["node", name], [`No package.json start; node ${name}.`]);
  }
  return {
    kind: "default-site",
    notes: ["No start command, start script or known start file; showing the default site."],
  };
};

const flaskFiles = ["application.py", "app.py", "run.py", "index.py", "server.py", "wsgi.py"] as const;
const fastApiFiles = ["main", "app", "application", "server", "asgi", "api", "index", "run"] as const;

const trueLike = (text: string | undefined): boolean => /^(true|1)$/i.test(text ?? "");

/** Module and extra arguments for gunicorn, and the framework's name for the log. */
const detectPython = async ({ folder, settings, version }: StartQuestion) => {
  for (const name of await namesIn(folder)) {
    if (name === "antenv" || !(await isFolder(join(folder, name)))) continue;
    if (await isRegular(join(folder, name, "wsgi.py"))) return { framework: "Django", args: [`${name}.wsgi`] };
  }
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if ((major > 3 || (major === 3 && minor >= 14)) && !trueLike(settings["DISABLE_FASTAPI_DETECTION"])) {
    for (const name of fastApiFiles) {
      const source = (await readRegular(join(folder, `${name}.py`)))?.toLowerCase() ?? "";
      if (/^\s*(from|import)\s+fastapi\b/m.test(source) && !/^\s*(from|import)\s+flask\b/m.test(source)) {
        return { framework: "FastAPI", args: ["-k", "uvicorn_worker.UvicornWorker", `${name}:app`] };
      }
    }
  }
  for (const name of flaskFiles) {
    if (await isRegular(join(folder, name))) return { framework: "Flask", args: [`${name.slice(0, -3)}:app`] };
  }
  return undefined;
};

/** Oryx exports these as GUNICORN_CMD_ARGS; gunicorn itself binds 0.0.0.0:$PORT when no --bind is given. */
const gunicornArguments = ({ folder, settings, cores }: StartQuestion): string => {
  const config = settings["PYTHON_USE_GUNICORN_CONFIG_FROM_PATH"];
  const many = trueLike(settings["PYTHON_ENABLE_GUNICORN_MULTIWORKERS"]);
  const workers = settings["PYTHON_GUNICORN_CUSTOM_WORKER_NUM"] ?? String(2 * cores + 1);
  const threads = settings["PYTHON_GUNICORN_CUSTOM_THREAD_NUM"];
  return [
    "--timeout 600 --access-logfile '-' --error-logfile '-'",
    ...(config === undefined ? [] : [`-c '${config}'`]),
    ...(many ? [`--workers=${workers}`] : []),
    ...(many && threads !== undefined ? [`--threads=${threads}`] : []),
    `--chdir='${folder}'`,
  ].join(" ");
};

const pythonStart = async (question: StartQuestion): Promise<StartPlan> => {
  const { folder, commandLine } = question;
  if (commandLine !== "") {
    const file = await asFile(commandLine, folder);
    if (file === undefined)
      return shell(commandLine, folder, [`Using user-provided startup command '${commandLine}'.`]);
    if (file.endsWith(".sh")) {
      const note = "App command line is a shell script, will execute this script as startup script";
      return shell('exec "$2"', folder, [note], file);
    }
    const line = ((await readRegular(file)) ?? "").split(/\r?\n/)[0] ?? "";
    return shell(line, folder, [`Using the first line of ${commandLine} as startup command: ${line}`]);
  }
  const notes = ["App Command Line not configured, will attempt auto-detect"];
  const detected = await detectPython(question);
  if (detected === undefined) {
    return {
      kind: "default-site",
      notes: [...notes, "No framework detected; using default app from /opt/defaultsite"],
    };
  }
  const module = detected.args.at(-1) ?? "";
  return command(
    ["gunicorn", ...detected.args],
    [...notes, `Detected an app based on ${detected.framework}`, `Generating \`gunicorn\` command for '${module}'`],
    { GUNICORN_CMD_ARGS: gunicornArguments(question) },
  );
};

/** Decides how an app is started from the files it was deployed with. */
export const planStart = (question: StartQuestion): Promise<StartPlan> => {
  const trimmed = { ...question, commandLine: question.commandLine.trim() };
  return question.stack.language === "node" ? nodeStart(trimmed) : pythonStart(trimmed);
};
