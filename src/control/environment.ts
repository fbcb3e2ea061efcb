/** Composes a process's environment from a grant, in the process that starts it: its variables never leave it. */
import { basename, join } from "node:path";
import { applyEnvironment, composeEnvironment, type EnvironmentChange, type Runtime } from "../edge/environment.ts";
import { trustFiles } from "../edge/trust-files.ts";
import type { EnvironmentGrant } from "./protocol.ts";

type Variables = Readonly<Record<string, string | undefined>>;

const hook = join(import.meta.dirname, "..", "edge", "hook.cjs");

const pythons = /^(?:python[\d.]*|gunicorn|uvicorn|flask|pytest|django-admin|pip[\d.]*|az)$/;

/** By the program's name. Anything unknown, npm included, gets every layer at once: it may start anything. */
export const runtimeOf = (command: string | undefined): Runtime => {
  const name = basename(command ?? "");
  if (name === "node") return "node";
  if (pythons.test(name)) return "python";
  return name === "java" ? "java" : "other";
};

/** Changes to the caller's variables. */
export const environmentChange = async (
  grant: EnvironmentGrant,
  base: Variables,
  runtime: Runtime,
): Promise<EnvironmentChange> => {
  const trust = await trustFiles(grant.caFile, base);
  const { settings = {} } = grant;
  const { set, unset } = composeEnvironment({ ...grant, base: { ...base, ...settings }, runtime, trust, hook });
  if (grant.actor.kind === "app")
    return { set: { ...settings, ...set }, unset: unset.filter((name) => !(name in settings)) };
  // What Microsoft's samples and SDK examples read.
  return { set: { ...set, AZURE_SUBSCRIPTION_ID: grant.subscriptionId }, unset };
};

/** The caller's variables with the changes applied. */
export const environmentFor = async (
  grant: EnvironmentGrant,
  base: Variables,
  runtime: Runtime,
): Promise<Record<string, string>> => applyEnvironment(base, await environmentChange(grant, base, runtime));
