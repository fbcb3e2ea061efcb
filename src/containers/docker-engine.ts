/** The engine port over Docker's API, which Podman speaks as well. `dockerode` is imported when the first app is to run. */
import { readFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import type { ContainerSpec, Engine, EngineContainer, NoEngine } from "./engine.ts";
import { removeWhenGone } from "./orphans.ts";
import { isAzureRegistry } from "./images.ts";
import { isSocket, socketCandidates } from "./sockets.ts";

/**
 * What is left of Docker's own list: images start as root, make their files and give root up. Raw sockets, devices,
 * chroot and file capabilities are gone.
 */
const keptCapabilities = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];

const mostProcesses = 4096;
const mostFiles = 65_536;

/** An engine that runs as we do may set no limit beyond its own hard one. */
const limits = async (): Promise<{ readonly files: number; readonly processes: number }> => {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const hard = (name: string): number => Number(new RegExp(`^${name} +\\S+ +(\\d+)`, "m").exec(text)?.[1] ?? Infinity);
  return {
    files: Math.min(mostFiles, hard("Max open files")),
    processes: Math.min(mostProcesses, hard("Max processes")),
  };
};

/** Finds an engine: `socket` when it is given, DOCKER_HOST, or a usual place. */
export const findEngine = async (socket?: string): Promise<Engine | NoEngine> => {
  const candidates = socketCandidates(socket, process.env);
  if ("reason" in candidates) return candidates;
  const present = candidates.paths.filter(isSocket);
  if (present.length === 0) return { reason: `no socket of a container engine at ${candidates.paths.join(", ")}.` };
  const { default: Client } = await import("dockerode");
  let reason = "";
  for (const socketPath of present) {
    const docker = new Client({ socketPath });
    try {
      const [version, info] = await Promise.all([
        docker.version(),
        docker.info() as Promise<{ OperatingSystem?: string; OSType?: string }>,
      ]);
      if (/docker desktop/i.test(info.OperatingSystem ?? "") || (info.OSType ?? "linux") !== "linux") {
        reason = `the engine at ${socketPath} runs its containers in a virtual machine, which cannot reach the tenant.`;
        continue;
      }
      const name = /podman/i.test(JSON.stringify(version)) ? "Podman" : "Docker";
      return dockerEngine(docker, socketPath, `${name} ${version.Version} at ${socketPath}`);
    } catch (error) {
      reason = `the engine at ${socketPath} does not answer: ${messageOf(error)}.`;
    }
  }
  return { reason };
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).trim();
const statusOf = (error: unknown): number | undefined =>
  typeof error === "object" && error !== null && "statusCode" in error ? Number(error.statusCode) : undefined;

const dockerEngine = (docker: Docker, socketPath: string, description: string): Engine => ({
  description,
  provide: async (image, say) => {
    try {
      await docker.getImage(image).inspect();
      return;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
    // A registry of Azure is not the tenant's to ask: nothing that an app names may reach the real Azure.
    if (isAzureRegistry(image))
      throw new Error(
        `The image ${image} is not on this machine. Build or load it under that name, e.g. docker build -t ${image} .`,
      );
    say(`Pulling ${image}`);
    const stream = await docker.pull(image);
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(stream, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  },
  create: async (spec, output) => {
    const container = await docker.createContainer(createOptions(spec, await limits()));
    const stream = await container
      .attach({ stream: true, stdout: true, stderr: true })
      .catch(async (error: unknown) => {
        await force(container);
        throw error;
      });
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    stdout.on("data", (chunk: Buffer) => output.stdout(chunk));
    stderr.on("data", (chunk: Buffer) => output.stderr(chunk));
    // It ends with the container; the engine's own end is told by `wait`.
    stream.on("error", () => undefined);
    docker.modem.demuxStream(stream, stdout, stderr);
    return engineContainer(container);
  },
  guard: (label) => removeWhenGone(socketPath, label),
  sweep: async (label) => {
    const found = await docker.listContainers({ all: true, filters: JSON.stringify({ label: [label] }) });
    await Promise.all(found.map(({ Id }) => force(docker.getContainer(Id))));
    return found.length;
  },
});

const createOptions = (
  spec: ContainerSpec,
  { files, processes }: Awaited<ReturnType<typeof limits>>,
): Docker.ContainerCreateOptions => ({
  name: spec.name,
  Image: spec.image,
  Labels: { ...spec.labels },
  Env: Object.entries(spec.variables).map(([name, value]) => `${name}=${value}`),
  ...(spec.command.length === 0 ? {} : { Entrypoint: [...spec.command], Cmd: [] }),
  ...(spec.args.length === 0 ? {} : { Cmd: [...spec.args] }),
  HostConfig: {
    // The tenant listens on loopback only, and an app finds its token endpoint there as it does on Azure.
    NetworkMode: "host",
    Binds: spec.mounts.map(({ source, target }) => `${source}:${target}:ro`),
    CapDrop: ["ALL"],
    CapAdd: keptCapabilities,
    SecurityOpt: ["no-new-privileges"],
    Privileged: false,
    NanoCpus: Math.round(spec.cpu * 1e9),
    Memory: spec.memoryBytes,
    PidsLimit: processes,
    // Explicit: an engine's own defaults may be beyond what its process may set.
    Ulimits: [
      { Name: "nofile", Soft: files, Hard: files },
      { Name: "nproc", Soft: processes, Hard: processes },
    ],
    RestartPolicy: { Name: "no" },
  },
});

const engineContainer = (container: Docker.Container): EngineContainer => {
  const ended = Promise.withResolvers<number>();
  return {
    ended: ended.promise,
    start: async () => {
      await container.start();
      // Asked after the start: a container that was never started counts as ended.
      container.wait().then(
        ({ StatusCode }: { StatusCode: number }) => ended.resolve(StatusCode),
        () => ended.resolve(-1),
      );
    },
    remove: async (graceSeconds) => {
      await container.stop({ t: graceSeconds }).catch(() => undefined);
      await force(container);
    },
  };
};

const force = async (container: Docker.Container): Promise<void> => {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
  }
};
