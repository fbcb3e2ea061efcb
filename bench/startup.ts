import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startAzurite } from "./azurite.ts";
import { cleanEnvironment, node, type Running, start } from "./processes.ts";
import { startTenant } from "./product.ts";
import { type Bench, compare, interleave, type Measured, type Work } from "./work.ts";

const startBare = (): Promise<Running> =>
  start(node, [join(import.meta.dirname, "bare-start.mjs")], { ready: /ready/, env: cleanEnvironment() });

const time = async (starting: Promise<Running>): Promise<number> => {
  const running = await starting;
  await running.stop();
  return running.readyAfter;
};

const onExistingState = async (bench: Bench): Promise<readonly Measured[]> => {
  const [state, location] = [join(bench.scratch, "start"), join(bench.scratch, "start-azurite")];
  await time(startTenant(bench, state));
  await time(startTenant(bench, state));
  await time(startAzurite(location));
  const figures = await interleave(bench.pairs * 2, {
    ours: () => time(startTenant(bench, state)),
    bare: () => time(startBare()),
    azurite: () => time(startAzurite(location)),
  });
  return [
    compare("start to Ready, existing state, ms: bare Node HTTP server", figures.ours, figures.bare, "<= 4x"),
    compare("start to Ready, existing state, ms: Azurite", figures.ours, figures.azurite, "<= 0.5x"),
  ];
};

/** No state, and no compiled code kept from earlier starts. */
const firstEver = async (bench: Bench): Promise<Measured> => {
  const fresh = (name: string): string => {
    const folder = join(bench.scratch, name);
    rmSync(folder, { recursive: true, force: true });
    return folder;
  };
  const figures = await interleave(bench.pairs, {
    ours: () => {
      const scratch = fresh("first");
      if (existsSync(scratch)) throw new Error(`${scratch} could not be removed.`);
      return time(startTenant({ ...bench, scratch }, join(scratch, "state")));
    },
    azurite: () => time(startAzurite(fresh("first-azurite"))),
  });
  return compare("first start ever, ms: Azurite", figures.ours, figures.azurite, "<= 1x");
};

export const startup: Work = {
  name: "startup",
  run: async (bench) => [...(await onExistingState(bench)), await firstEver(bench)],
};
