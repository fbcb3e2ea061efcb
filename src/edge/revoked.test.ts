import { connect } from "node:net";
import { expect, it } from "vitest";
import { basic, openBench } from "./edge.test-support.ts";

/** Sends requests one after the other on one connection; the app that each answer says the edge knew. */
const appsSeen = async (port: number, opening: string, between: () => void): Promise<readonly unknown[]> => {
  const socket = connect({ port, host: "127.0.0.1" });
  const seen: unknown[] = [];
  let text = "";
  const answered = async (end: RegExp): Promise<string> => {
    while (!end.test(text)) await new Promise((resolve) => socket.once("data", resolve));
    const answer = text;
    text = "";
    return answer;
  };
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.write(opening);
  if (opening.startsWith("CONNECT")) await answered(/Established\r\n\r\n/);
  for (let round = 0; round < 2; round += 1) {
    socket.write("GET /metadata/x HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n");
    const answer = await answered(/\}(?:\r\n0\r\n\r\n)?$/);
    seen.push((JSON.parse(/\{.*\}/s.exec(answer)?.[0] ?? "{}") as Record<string, unknown>)["app"]);
    between();
  }
  socket.destroy();
  return seen;
};

it.each([
  ["the hook's preface", "LANYARD app1:s3cret\r\n"],
  ["a tunnel", `CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${basic}\r\n\r\n`],
])("an open connection (%s) loses its app when the app's secret is rotated or the app goes", async (_name, opening) => {
  const account = { secret: "s3cret", app: "app1" };
  await using bench = await openBench({ accounts: (name) => (name === "app1" ? account : undefined) });
  const seen = await appsSeen(bench.gateway.port, opening, () => {
    account.secret = "rotated";
  });
  expect(seen).toEqual(["app1", undefined]);
});
