import { describe, expect, it } from "vitest";
import { socketCandidates } from "./sockets.ts";

describe("where an engine is looked for", () => {
  it("is the configured socket alone, else DOCKER_HOST alone, else the usual places", () => {
    const env = { DOCKER_HOST: "unix:///run/mine.sock", XDG_RUNTIME_DIR: "/run/user/1" };
    expect(socketCandidates("/configured.sock", env)).toEqual({ paths: ["/configured.sock"] });
    expect(socketCandidates(undefined, env)).toEqual({ paths: ["/run/mine.sock"] });
    expect(socketCandidates(undefined, { XDG_RUNTIME_DIR: "/run/user/1" }, "/home/dev")).toEqual({
      paths: [
        "/var/run/docker.sock",
        "/run/user/1/docker.sock",
        "/run/user/1/podman/podman.sock",
        "/run/podman/podman.sock",
        "/home/dev/.docker/run/docker.sock",
      ],
    });
  });

  it("is never another machine: its containers could not reach the tenant", () => {
    for (const host of ["tcp://10.0.0.1:2375", "ssh://build@example.com"])
      expect(socketCandidates(undefined, { DOCKER_HOST: host })).toEqual({ reason: expect.stringContaining(host) });
  });
});
