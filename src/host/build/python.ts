/** The Python part of an Oryx build: a virtual environment `antenv`, then requirements.txt, setup.py or pyproject.toml. */
import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isFolder, isRegular, readRegular } from "../safe-files.ts";
import { type BuildContext, type Built, must, trueLike } from "./context.ts";

/** Requirements that name files of the app itself: the environment then depends on everything that was deployed. */
const localRequirement = /^\s*(-e\b|--editable\b|\.{1,2}(\/|\s|$)|\/|file:|.*@\s*file:)/m;

interface Source {
  readonly kind: "requirements" | "setup" | "pyproject" | "none";
  readonly file: string;
}

const sourceOf = async ({ folder, settings }: BuildContext): Promise<Source> => {
  const requirements = settings["CUSTOM_REQUIREMENTSTXT_PATH"] ?? "requirements.txt";
  if (await isRegular(join(folder, requirements))) return { kind: "requirements", file: requirements };
  if (await isRegular(join(folder, "setup.py"))) return { kind: "setup", file: "setup.py" };
  if (await isRegular(join(folder, "pyproject.toml"))) return { kind: "pyproject", file: "pyproject.toml" };
  return { kind: "none", file: "" };
};

/** Equal keys need no new environment. Files that requirements may include (-r, -c) are all text files of the root. */
const environmentKey = async (context: BuildContext, source: Source): Promise<string> => {
  const { choice, folder } = context;
  const hash = createHash("sha256").update(`${choice.runtime.executable} ${choice.runtime.version} ${source.kind}\n`);
  if (source.kind === "requirements") {
    const names = (await readdir(folder)).filter((name) => name.endsWith(".txt") || name.endsWith(".in")).sort();
    const texts = await Promise.all([source.file, ...names].map((name) => readRegular(join(folder, name))));
    hash.update(texts.join("\0"));
    if (texts.some((text) => localRequirement.test(text ?? "") || /^\s*-[rc]\s*\S*\//m.test(text ?? ""))) {
      hash.update(context.contentHash);
    }
  } else if (source.kind !== "none") hash.update(context.contentHash);
  const custom = context.settings["CUSTOM_BUILD_COMMAND"];
  if (custom !== undefined) hash.update(custom).update(context.contentHash);
  return hash.digest("hex").slice(0, 16);
};

const install = async (context: BuildContext, source: Source, env: Record<string, string>) => {
  const { log, settings } = context;
  const custom = settings["CUSTOM_BUILD_COMMAND"];
  const pip = (...args: readonly string[]) =>
    must(context, "pip install", ["python", "-m", "pip", "install", ...args], env);
  if (custom !== undefined) {
    log("info", `Running '${custom}'...`);
    return must(context, "CUSTOM_BUILD_COMMAND", ["/bin/sh", "-ec", custom], env);
  }
  switch (source.kind) {
    case "requirements":
      log("info", "Running pip install...");
      return pip("--prefer-binary", "-r", source.file);
    case "setup":
      log("info", "Running pip install setuptools...");
      await pip("setuptools");
      log("info", "Running pip install...");
      return pip(".");
    case "pyproject":
      if (await isRegular(join(context.folder, "uv.lock"))) {
        log("info", "Running uv sync...");
        await pip("uv");
        return must(context, "uv sync", ["uv", "sync", "--active", "--link-mode", "copy"], env);
      }
      log("info", "Running poetry install...");
      await pip("poetry");
      return must(context, "poetry install", ["poetry", "install", "--only", "main"], env);
    case "none":
      log("info", "Could not find requirements.txt, pyproject.toml, or setup.py; Not installing dependencies.");
  }
};

/** Azure's image has gunicorn outside the environment; here it goes into it. */
const addGunicorn = async (context: BuildContext, place: string, env: Record<string, string>) => {
  if (await isRegular(join(place, "bin/gunicorn"))) return;
  const exit = await context.run(["python", "-m", "pip", "install", "--quiet", "--prefer-binary", "gunicorn"], env);
  if (exit.code !== 0) {
    context.log("warning", "gunicorn could not be installed; a start command that needs it will fail.");
  }
};

export const virtualEnvironmentVariables = (place: string, path: string): Record<string, string> => ({
  VIRTUAL_ENV: place,
  PATH: `${place}/bin:${path}`,
});

/** The environment for a key: made once, at a path that stays (its scripts name it), marked when complete. */
const environmentAt = async (
  context: BuildContext,
  source: Source,
  prepare: (env: Record<string, string>) => Promise<void>,
) => {
  const place = join(context.cache, "antenv", await environmentKey(context, source));
  const env = virtualEnvironmentVariables(place, "/usr/local/bin:/usr/bin:/bin");
  if (await isRegular(join(place, ".complete"))) {
    context.log("info", "Requirements are unchanged; using the virtual environment of the previous deployment.");
    return { place, env };
  }
  context.log("info", "Creating virtual environment...");
  await must(context, "Removing an incomplete environment", ["rm", "-rf", place]);
  await must(context, "mkdir", ["mkdir", "-p", join(context.cache, "antenv")]);
  const isolated = source.kind === "requirements" ? ["--system-site-packages"] : [];
  await must(context, "python -m venv", [context.choice.runtime.executable, "-m", "venv", ...isolated, place]);
  context.log("info", "Activating virtual environment...");
  await prepare(env);
  await addGunicorn(context, place, env);
  await must(context, "Marking the environment", ["touch", join(place, ".complete")]);
  return { place, env };
};

const collectStatic = async (context: BuildContext, env: Record<string, string>) => {
  const { folder, settings, log } = context;
  if (trueLike(settings["DISABLE_COLLECTSTATIC"]) || !(await isRegular(join(folder, "manage.py")))) return;
  if (!/django/i.test((await readRegular(join(folder, "requirements.txt"))) ?? "")) return;
  log("info", "Running collectstatic...");
  const exit = await context.run(["python", "manage.py", "collectstatic", "--noinput"], env);
  if (exit.code !== 0) log("warning", `collectstatic failed with exit code ${exit.code}.`);
};

export const buildPython = async (context: BuildContext): Promise<Built> => {
  const { choice, folder, log } = context;
  log("info", `Python Version: ${choice.runtime.executable} (${choice.runtime.version})`);
  const source = await sourceOf(context);
  const { place, env } = await environmentAt(context, source, (each) => install(context, source, each));
  await collectStatic(context, env);
  await must(context, "Linking antenv", ["/bin/sh", "-ec", 'rm -rf antenv; ln -s "$1" antenv', "link", place]);
  return {
    virtualEnvironment: place,
    manifest: {
      PlatformName: "python",
      PythonVersion: choice.runtime.version,
      virtualEnvName: "antenv",
      SourceDirectoryInBuildContainer: folder,
    },
  };
};

/** No build: the app's own `antenv` if it brought one, else an environment that holds gunicorn only. */
export const bareEnvironment = async (context: BuildContext): Promise<Built> => {
  const own = join(context.folder, "antenv");
  if (await isFolder(own)) return { virtualEnvironment: own, manifest: {} };
  const { place } = await environmentAt(context, { kind: "none", file: "" }, async () => undefined);
  return { virtualEnvironment: place, manifest: {} };
};
