/** Shared by the tests of the app host: folders, configurations, requests, and looking at processes. */
import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Reply, Request } from "../kernel/message.ts";
import type { AppConfiguration, AppHost, DeploymentLine } from "./app-host.ts";
import { prepareAppsDirectory } from "./isolation.ts";
import { type ZipEntry, makeZip } from "./zip.test-support.ts";

export const temporaryApps = (): { readonly state: string; readonly apps: string } => {
  const state = mkdtempSync(join(tmpdir(), "lanyard-host-"));
  return { state, apps: prepareAppsDirectory(state) };
};

export const configurationOf = (name: string, change: Partial<AppConfiguration> = {}): AppConfiguration => ({
  name,
  defaultHostName: `${name}.azurewebsites.net`,
  stack: { language: "node", version: "24" },
  startCommand: "",
  settings: {},
  connectionStrings: {},
  platform: { WEBSITE_SITE_NAME: name },
  edge: {},
  ...change,
});

export const requestFor = (path: string, change: Partial<Request> & { readonly content?: string } = {}): Request => {
  const content = change.content ?? "";
  const headers: (readonly [string, string])[] = [
    ["Host", "shop.azurewebsites.net"],
    ...(content === "" ? [] : [["Content-Length", String(Buffer.byteLength(content))] as const]),
    ...(change.rawHeaders ?? []),
  ];
  const [rawPath = "/", rawQuery = ""] = path.split("?");
  return {
    method: "GET",
    host: "shop.azurewebsites.net",
    rawPath,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    header: (name) => headers.find(([each]) => each.toLowerCase() === name)?.[1],
    body: {
      length: content === "" ? undefined : Buffer.byteLength(content),
      stream: () => Readable.from([Buffer.from(content)]),
      bytes: () => Promise.resolve(Buffer.from(content)),
    },
    secure: true,
    remoteAddress: "127.0.0.1",
    connectionApp: undefined,
    signal: new AbortController().signal,
    ...change,
    rawHeaders: headers,
  };
};

export const textOf = async (reply: Reply): Promise<string> => {
  const { body } = reply;
  if (body === undefined) return "";
  if ("text" in body) return body.text;
  if ("stream" in body) return Buffer.concat((await body.stream.toArray()) as Buffer[]).toString();
  throw new Error("Neither text nor stream.");
};

export const deployFiles = async (host: AppHost, app: string, files: readonly ZipEntry[]) => {
  const lines: DeploymentLine[] = [];
  const log = (line: DeploymentLine) => void lines.push(line);
  const deployment = await host.deploy(app, Readable.from([makeZip(files)]), log).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${lines.map(({ text }) => text).join("\n")}`, { cause: error });
  });
  return { deployment, lines, text: lines.map(({ text }) => text).join("\n") };
};

/** Living processes whose command line contains a text. */
export const processesWith = (text: string): number[] =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      const state = readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1]?.[0];
      return command.includes(text) && state !== "Z" ? [Number(name)] : [];
    } catch {
      return [];
    }
  });

export const until = async (what: string, holds: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> => {
  const end = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Not within ${limitMs} ms: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
