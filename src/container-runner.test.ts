import { expect, it } from "vitest";
import { containerOf } from "./container-runner.ts";

const setup = {
  name: "main",
  image: "app:1",
  command: [],
  args: [],
  cpu: 0.5,
  memoryBytes: 1024,
  variables: { PIN: "1", NODE_OPTIONS: "--no-warnings", IDENTITY_HEADER: "forged", AZURE_CLIENT_ID: "chosen" },
};
const edge = {
  NODE_EXTRA_CA_CERTS: "/state/apps/edge/ca.pem",
  SSL_CERT_FILE: "/state/apps/edge/bundle-1.pem",
  NODE_OPTIONS: "--require=/state/apps/edge/hook.cjs",
  AZURE_CONFIG_DIR: "/state/apps/empty",
  IDENTITY_HEADER: "real",
};

it("a container sees its files where they are mounted, and no folder of this machine", () => {
  const { variables, mounts } = containerOf(setup, edge);
  expect(mounts).toEqual([
    { source: "/state/apps/edge", target: "/run/lanyard/edge" },
    { source: "/state/apps/empty", target: "/run/lanyard/empty" },
  ]);
  expect(variables).toMatchObject({
    SSL_CERT_FILE: "/run/lanyard/edge/bundle-1.pem",
    AZURE_CONFIG_DIR: "/run/lanyard/empty",
    NODE_OPTIONS: "--no-warnings --require=/run/lanyard/edge/hook.cjs",
  });
  expect(JSON.stringify(variables)).not.toContain("/state/");
});

it("a container's own variables stay, but for those that say who it is", () => {
  expect(containerOf(setup, edge).variables).toMatchObject({
    PIN: "1",
    AZURE_CLIENT_ID: "chosen",
    IDENTITY_HEADER: "real",
  });
});
