/** Where a Docker-compatible engine may answer on this machine. */
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

type Variables = Readonly<Record<string, string | undefined>>;

/** Sockets to try, in order: the configured one alone, DOCKER_HOST alone, or the usual places. */
export const socketCandidates = (
  configured: string | undefined,
  env: Variables,
  home = homedir(),
): { readonly paths: readonly string[] } | { readonly reason: string } => {
  const named = configured ?? env["DOCKER_HOST"];
  if (named !== undefined && named !== "") {
    const path = named.startsWith("unix://") ? named.slice("unix://".length) : named;
    // Containers use this machine's network: an engine elsewhere could not reach the tenant.
    if (!path.startsWith("/")) return { reason: `${named} is no socket of this machine, which container apps need.` };
    return { paths: [path] };
  }
  const runtime = env["XDG_RUNTIME_DIR"];
  return {
    paths: [
      "/var/run/docker.sock",
      ...(runtime === undefined ? [] : [join(runtime, "docker.sock"), join(runtime, "podman", "podman.sock")]),
      "/run/podman/podman.sock",
      join(home, ".docker", "run", "docker.sock"),
    ],
  };
};

export const isSocket = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
