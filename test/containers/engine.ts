/** A Podman of the test's own: its storage, its socket, and one image made of the machine's static busybox. */
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { requireTool } from "../support/skip.ts";

export interface TestEngine extends AsyncDisposable {
  readonly socket: string;
  readonly image: string;
  /** Runs podman on the same storage. */
  podman(...args: readonly string[]): string;
}

const programs = [
  "sh",
  "httpd",
  "wget",
  "sleep",
  "cat",
  "env",
  "id",
  "ls",
  "echo",
  "mkdir",
  "grep",
  "touch",
  "kill",
  "tail",
];

export const startEngine = async (): Promise<TestEngine> => {
  // Sockets have short names.
  const folder = mkdtempSync(join(tmpdir(), "lanyard-pod-"));
  const socket = join(folder, "podman.sock");
  const image = "localhost/lanyard-test:latest";
  const own = ["--root", join(folder, "root"), "--runroot", join(folder, "run"), "--storage-driver", "vfs"];
  const quirks = ["--runtime", requireTool("runc"), "--cgroup-manager", "cgroupfs"];
  const podman = (...args: readonly string[]): string =>
    execFileSync(requireTool("podman"), [...own, ...quirks, ...args], { encoding: "utf8", stdio: "pipe" });
  const root = join(folder, "image");
  for (const name of ["bin", "dev", "etc", "proc", "run", "sys", "tmp"])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync(requireTool("busybox"), join(root, "bin", "busybox"));
  for (const name of programs) symlinkSync("busybox", join(root, "bin", name));
  writeFileSync(join(root, "etc", "passwd"), "root:x:0:0::/:/bin/sh\n");
  execFileSync("tar", ["-C", root, "-cf", join(folder, "image.tar"), "."]);
  podman("import", join(folder, "image.tar"), image);
  const service = spawn(
    requireTool("podman"),
    [...own, ...quirks, "system", "service", "-t", "0", `unix://${socket}`],
    {
      stdio: "ignore",
    },
  );
  for (let tries = 0; !existsSync(socket); tries += 1) {
    if (tries > 200 || service.exitCode !== null) throw new Error("podman system service did not start.");
    await sleep(50);
  }
  return {
    socket,
    image,
    podman,
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => service.once("exit", resolve));
      service.kill();
      await ended;
      podman("rm", "--all", "--force");
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
