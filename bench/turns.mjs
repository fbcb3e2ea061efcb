/**
 * Loaded into the measured process before it starts (`node --import`): processor time of the turns of its main thread's event loop.
 * On SIGUSR2 it writes what it has seen since the last time to the file BENCH_TURNS: `{"most": ms, "turns": n}`.
 */
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";

const file = process.env["BENCH_TURNS"];
if (isMainThread && file !== undefined) {
  const spent = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let before = spent();
  let most = 0;
  let turns = 0;
  const tick = () => {
    const now = spent();
    most = Math.max(most, now - before);
    turns += 1;
    before = now;
    setTimeout(tick, 1).unref();
  };
  tick();
  process.on("SIGUSR2", () => {
    writeFileSync(file, JSON.stringify({ most, turns }));
    most = 0;
    turns = 0;
  });
}
