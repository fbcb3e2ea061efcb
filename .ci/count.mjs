// Prints "PASSED FAILED" of a vitest JSON report. Skipped and todo tests count as failed, a file that broke outside
// its tests as one failure.
import { readFileSync } from "node:fs";

const report = JSON.parse(readFileSync(process.argv[2], "utf8"));
const tests = report.testResults.flatMap((file) => file.assertionResults);
const passed = tests.filter((test) => test.status === "passed").length;
const broken = report.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.every((test) => test.status === "passed"),
).length;
process.stdout.write(`${passed} ${tests.length - passed + broken}\n`);
