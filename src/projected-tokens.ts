import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectedLifetime, type WorkloadIssuer } from "./identity/workload-issuer.ts";
import { type Clock, epochSeconds } from "./kernel/clock.ts";

/**
 * AZURE_FEDERATED_TOKEN_FILE: service account tokens in files of 0600, renewed as long as the tenant runs, as kubelet does
 * for a pod. SDKs read the file again every five minutes.
 */
export interface ProjectedTokens {
  /** Writes the token of a subject, and keeps it fresh. @returns the file's path */
  project(name: string, subject: string): Promise<string>;
  /** Renews what is past four fifths of its life, or dated in what is now the future. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

interface Projection {
  readonly file: string;
  readonly subject: string;
  readonly expiresAt: number;
}

const lookAgain = 60_000;

export const projectedTokens = (options: {
  readonly folder: string;
  readonly issuer: WorkloadIssuer;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}): ProjectedTokens => {
  const { folder, issuer, clock, onError } = options;
  const projections = new Map<string, Projection>();
  let last: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const write = async (file: string, subject: string): Promise<void> => {
    const { token, expiresAt } = await issuer.token(subject);
    const fresh = `${file}.${randomBytes(4).toString("hex")}`;
    await writeFile(fresh, token, { mode: 0o600 });
    await rename(fresh, file);
    projections.set(file, { file, subject, expiresAt });
  };
  const refresh = (): Promise<void> => {
    last = last
      .then(async () => {
        for (const { file, subject, expiresAt } of projections.values()) {
          const left = expiresAt - epochSeconds(clock);
          if (left < projectedLifetime / 5 || left > projectedLifetime) await write(file, subject);
        }
      })
      .catch(onError);
    return last;
  };
  return {
    project: async (name, subject) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = join(folder, name);
      await write(file, subject);
      timer ??= setInterval(() => void refresh(), lookAgain).unref();
      return file;
    },
    refresh,
    close: async () => {
      clearInterval(timer);
      await last;
      for (const { file } of projections.values()) await rm(file, { force: true });
    },
  };
};
