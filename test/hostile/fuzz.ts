/** `npm run fuzz [-- COUNT [SEED]]`: the long run. Exit code 1 when something was found. */
import { fuzz } from "./fuzzer.ts";

const [count = "200000", seed = String(Math.floor(Math.random() * 1e9))] = process.argv.slice(2);
const started = performance.now();
process.stdout.write(`fuzz: ${count} requests, seed ${seed}\n`);
const report = await fuzz({
  count: Number(count),
  seed: Number(seed),
  onProgress: (sent) => {
    if (sent % 10_000 === 0)
      process.stdout.write(`  ${sent} after ${Math.round((performance.now() - started) / 1000)} s\n`);
  },
});
process.stdout.write(`${JSON.stringify(report.statuses)}\n`);
for (const finding of report.findings) process.stdout.write(`FOUND: ${finding}\n`);
process.stdout.write(`fuzz: ${report.sent} sent, ${report.findings.length} findings\n`);
process.exitCode = report.findings.length === 0 ? 0 : 1;
