import { timingSafeEqual } from "node:crypto";
import { access, mkdir, readdir, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Ids } from "./kernel/ids.ts";

/** Where Azure Arc's clients insist that challenge files lie on Linux (msal-node, msal-python, azidentity check it). */
const arcFolder = "/var/opt/azcmagent/tokens";
/** The real agent's program: where it is, its folder is its own. */
const arcAgent = "/opt/azcmagent/bin/himds";

/** Azure Arc cannot be served here; the message says why. */
export class ArcUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ArcUnavailable";
  }
}

/** Challenge files of Azure Arc (services/managed-identity/arc.ts). Nothing is touched before the first `enable`. */
export interface ArcKeyFiles {
  /** Serves Arc to a resource from now on. @throws ArcUnavailable */
  enable(resourceId: string): Promise<void>;
  issue(resourceId: string): Promise<string | undefined>;
  redeem(resourceId: string, key: string): Promise<boolean>;
  /** Takes away every file, and the folders that were made for them. */
  close(): Promise<void>;
}

/** Challenges that a resource may have open; the oldest goes first. */
const openChallenges = 8;
const prefix = "lanyard-";
const staleAfter = 3_600_000;

interface Challenge {
  readonly file: string;
  readonly key: string;
}

export const arcKeyFiles = (ids: Ids, folder = arcFolder, agent = arcAgent): ArcKeyFiles => {
  const challenges = new Map<string, Challenge[]>();
  const made: string[] = [];
  let prepared: Promise<void> | undefined;
  const drop = ({ file }: Challenge): Promise<void> => rm(file, { force: true });
  return {
    enable: async (resourceId) => {
      await (prepared ??= prepare(folder, agent, made).catch((error: unknown) => {
        prepared = undefined;
        throw error;
      }));
      const id = resourceId.toLowerCase();
      if (!challenges.has(id)) challenges.set(id, []);
    },
    issue: async (resourceId) => {
      const open = challenges.get(resourceId.toLowerCase());
      if (open === undefined) return undefined;
      const challenge = {
        file: join(folder, `${prefix}${ids.bytes(8).toString("hex")}.key`),
        key: ids.bytes(32).toString("base64url"),
      };
      await writeFile(challenge.file, challenge.key, { mode: 0o600, flag: "wx" });
      open.push(challenge);
      for (const old of open.splice(0, Math.max(open.length - openChallenges, 0))) await drop(old);
      return challenge.file;
    },
    redeem: async (resourceId, key) => {
      const open = challenges.get(resourceId.toLowerCase()) ?? [];
      const index = open.findIndex((challenge) => same(challenge.key, key));
      const [challenge] = index < 0 ? [] : open.splice(index, 1);
      if (challenge === undefined) return false;
      await drop(challenge);
      return true;
    },
    close: async () => {
      for (const open of challenges.values()) for (const challenge of open.splice(0)) await drop(challenge);
      for (const path of made.toReversed()) await rmdir(path).catch(() => undefined);
    },
  };
};

const same = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));

const prepare = async (folder: string, agent: string, made: string[]): Promise<void> => {
  if (process.platform !== "linux") throw new ArcUnavailable("Azure Arc's challenge files are served on Linux only.");
  if (await exists(agent))
    throw new ArcUnavailable(`Azure Arc's own agent is installed on this machine (${agent}): ${folder} is its folder.`);
  try {
    const missing = [folder, dirname(folder)];
    for (const path of missing.toReversed())
      if (!(await exists(path))) {
        await mkdir(path, { recursive: true, mode: 0o755 });
        made.push(path);
      }
    for (const name of await readdir(folder)) {
      // What a killed tenant left; its keys are worthless.
      const file = join(folder, name);
      if (name.startsWith(prefix) && (await stat(file)).mtimeMs < Date.now() - staleAfter)
        await rm(file, { force: true });
    }
    const trial = join(folder, `${prefix}trial-${process.pid}.key`);
    await writeFile(trial, "", { mode: 0o600 });
    await rm(trial);
  } catch (error) {
    throw new ArcUnavailable(
      `Azure Arc's clients read their challenge from ${folder} and nowhere else, and we may not write there.`,
      { cause: error },
    );
  }
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
