/** One deployment: spool, judge, extract, build in place, make it the active release. */
import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type DeploymentLog, DeploymentFailed, type DeploymentOptions } from "./app-host.ts";
import type { AppFolder, Release } from "./app-folder.ts";
import { ArchiveRefused, extractArchive } from "./archive.ts";
import { buildApp, buildWanted, prepareWithoutBuild } from "./build/build.ts";
import { type BuildContext, BuildFailed, type BuildLevel, type RunStep } from "./build/context.ts";
import { writeManifest } from "./build/manifest.ts";
import type { Choice } from "./runtimes.ts";
import type { Stack } from "./stack.ts";
import { giveTree } from "./safe-files.ts";

/** Azure's limit for zip deploy: 2048 MB. */
export const maxArchiveBytes = 2048 * 1024 * 1024;

/** Puts an upload into a file of ours. @returns its path; the caller removes it. */
export const spool = async (archive: Readable, folder: string): Promise<string> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${randomBytes(8).toString("hex")}.zip`);
  let size = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > maxArchiveBytes)
        done(new DeploymentFailed("archive", `The archive is larger than ${maxArchiveBytes} bytes.`));
      else done(null, chunk);
    },
  });
  try {
    await pipeline(archive, limit, createWriteStream(path, { mode: 0o600, flags: "wx" }));
    return path;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
};

export interface DeploymentInput {
  readonly folder: AppFolder;
  readonly archive: string;
  readonly stack: Stack;
  readonly choice: Choice;
  readonly settings: Readonly<Record<string, string>>;
  readonly options: DeploymentOptions;
  readonly log: DeploymentLog;
  /** Steps run in this folder, as the app's user; lines of output go to the log as `tool`. */
  readonly runIn: (folder: string) => RunStep;
  readonly now: () => number;
}

/** A build sees every setting (`npm run build` may put any of them into a bundle), so its outcome depends on all. */
const releaseKey = (contentHash: string, build: boolean, { stack, choice, settings }: DeploymentInput): string => {
  const hash = createHash("sha256").update(contentHash);
  hash.update(`${build} ${stack.language} ${choice.runtime.version} ${choice.runtime.executable}\n`);
  for (const name of Object.keys(settings).sort()) {
    if (build) hash.update(`${name}=${settings[name]}\n`);
  }
  return hash.digest("hex").slice(0, 20);
};

const failure = (error: unknown): unknown => {
  if (error instanceof ArchiveRefused) return new DeploymentFailed("archive", error.message);
  if (error instanceof BuildFailed) return new DeploymentFailed("build", error.message);
  return error;
};

/** Keeps the active release and the one before it. */
const retain = (releases: readonly Release[], added: Release): Release[] =>
  [added, ...releases.filter(({ key }) => key !== added.key)].slice(0, 2);

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

export interface Deployed {
  readonly release: Release;
  readonly reused: boolean;
  /** Releases that the record no longer names; removed by the caller once the app has left them. */
  readonly obsolete: readonly string[];
}

/** Runs a deployment to the end. @throws DeploymentFailed; nothing of the failed release is left then. */
export const runDeployment = async (input: DeploymentInput): Promise<Deployed> => {
  const { folder, log, options, choice, stack } = input;
  const say = (level: BuildLevel, text: string) => log({ level, from: "platform", text });
  const build = options.build ?? buildWanted(input.settings);
  const staging = folder.releaseFolder(`.staging-${randomBytes(6).toString("hex")}`);
  let target: string | undefined;
  try {
    await mkdir(staging, { mode: 0o700 });
    const { contentHash, files } = await extractArchive(input.archive, staging);
    say("info", `Extracted ${files} files.`);
    const key = releaseKey(contentHash, build, input);
    const { releases, ...record } = folder.record();
    const known = releases.find((each) => each.key === key);
    if (known !== undefined && (await exists(folder.releaseFolder(key))) && (await environmentExists(known))) {
      say("info", "Nothing has changed since this was built; using that build.");
      await folder.save({ ...record, releases: retain(releases, known), active: key });
      return { release: known, reused: true, obsolete: [] };
    }
    target = folder.releaseFolder(key);
    await rm(target, { recursive: true, force: true });
    await rename(staging, target);
    await giveTree(target, folder.user);
    await chmod(target, 0o700);
    const before = folder.activeRelease();
    const context: BuildContext = {
      folder: target,
      stack,
      choice,
      settings: input.settings,
      contentHash,
      cache: folder.cache,
      previous:
        before?.modulesKey === undefined
          ? undefined
          : { folder: folder.releaseFolder(before.key), modulesKey: before.modulesKey },
      run: input.runIn(target),
      log: say,
    };
    if (build) say("info", "Running oryx build...");
    const built = build ? await buildApp(context, input.now) : await prepareWithoutBuild(context);
    options.signal?.throwIfAborted();
    if (build) await writeManifest(target, { OperationId: key, ...built.manifest }, folder.user);
    const release: Release = {
      key,
      contentHash,
      built: build,
      runtimeVersion: choice.runtime.version,
      ...(built.virtualEnvironment === undefined ? {} : { virtualEnvironment: built.virtualEnvironment }),
      ...(built.modulesKey === undefined ? {} : { modulesKey: built.modulesKey }),
    };
    const kept = retain(releases, release);
    await folder.save({ ...record, releases: kept, active: key });
    const obsolete = releases.filter((each) => !kept.some((other) => other.key === each.key));
    return { release, reused: false, obsolete: obsolete.map((each) => folder.releaseFolder(each.key)) };
  } catch (error) {
    if (target !== undefined) await rm(target, { recursive: true, force: true });
    const reason = failure(error);
    say("error", reason instanceof Error ? reason.message : String(reason));
    throw reason;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
};

const environmentExists = async (release: Release): Promise<boolean> =>
  release.virtualEnvironment === undefined || exists(release.virtualEnvironment);
