/** `kill -9` of the tenant takes everything along that its hosted apps have started, wherever that tried to hide. */
import { readdirSync, statSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { deployProbes, openWorld, type World } from "../security/world.ts";
import { descendants, survivors, type TenantProcess } from "../support/tenant-process.ts";
import { wireOf } from "../support/wire.ts";

const linux = process.platform === "linux";
/** Only root can give apps a user of their own, by which those are found that left their process group. */
const root = process.getuid?.() === 0;

let world: World;
let again: TenantProcess | undefined;
beforeAll(async () => {
  if (!linux) return;
  world = await openWorld();
  await deployProbes(world, ["left-behind"]);
}, 60_000);
afterAll(async () => {
  await again?.kill();
  if (linux) await world[Symbol.asyncDispose]();
});

const processesOf = (uid: number): readonly string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && statSync(`/proc/${pid}`).uid === uid;
    } catch {
      return false;
    }
  });

it.runIf(linux)("leaves no process of an app, and the app answers again after a restart", async () => {
  const { value: me } = (await world.ask("left-behind", { act: "whoami" })) as { value: { uid: number } };
  await world.ask("left-behind", { act: "spawn", command: "sleep 1000", detached: false });
  await world.ask("left-behind", { act: "spawn", command: "trap '' TERM HUP INT; sleep 1000", detached: false });
  if (root) {
    await world.ask("left-behind", { act: "spawn", command: "sleep 1000", detached: true });
    await world.ask("left-behind", {
      act: "spawn",
      command: "setsid sleep 1000 & setsid sh -c 'sleep 1000 &' &",
      detached: true,
    });
  }
  const children = descendants(world.tenant.pid);
  expect(children.length).toBeGreaterThan(3);
  await world.tenant.kill();
  expect(await survivors(children)).toEqual([]);
  if (root) await expect.poll(() => processesOf(me.uid), { timeout: 10_000 }).toEqual([]);

  again = await world.startAgain();
  const wire = wireOf(await again.environment());
  await expect
    .poll(async () => (await wire.send({ host: "left-behind.azurewebsites.net", path: "/" })).text, { timeout: 20_000 })
    .toBe("ready");
});
