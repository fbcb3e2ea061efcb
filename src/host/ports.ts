/** Ports of apps: choosing one, and seeing on which ports an app really listens (Linux: /proc/net/tcp). */
import { readFile, readdir, readlink } from "node:fs/promises";
import { createServer } from "node:net";

const canListen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

const first = 20_000;
const count = 12_000;

/** A free port below the ephemeral range, where no outgoing connection of another program can take it meanwhile. */
export const freePort = async (taken: ReadonlySet<number>, random: () => number = Math.random): Promise<number> => {
  const start = Math.floor(random() * count);
  for (let step = 0; step < count; step += 1) {
    const port = first + ((start + step) % count);
    if (!taken.has(port) && (await canListen(port))) return port;
  }
  throw new Error(`No free port between ${first} and ${first + count} for an app.`);
};

export interface Listener {
  readonly port: number;
  /** True when other machines can reach it (0.0.0.0, :: or an address of an interface). */
  readonly exposed: boolean;
  readonly uid: number;
  readonly inode: string;
}

const loopback4 = /7F$/;
const loopback6 = new Set(["00000000000000000000000001000000", "0000000000000000FFFF00000100007F"]);

/** Parses /proc/net/tcp or tcp6 (addresses are hexadecimal in host order, state 0A is LISTEN). */
export const parseListeners = (table: string): Listener[] =>
  table.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [address, portHex] = fields[1]?.split(":") ?? [];
    if (address === undefined || portHex === undefined || fields[3] !== "0A") return [];
    const local = address.length === 8 ? loopback4.test(address) : loopback6.has(address);
    return [{ port: Number.parseInt(portHex, 16), exposed: !local, uid: Number(fields[7]), inode: fields[9] ?? "" }];
  });

/** Every listening TCP socket of this machine; undefined where /proc does not exist. */
export const allListeners = async (): Promise<Listener[] | undefined> => {
  try {
    const tables = await Promise.all([
      readFile("/proc/net/tcp", "utf8"),
      readFile("/proc/net/tcp6", "utf8").catch(() => ""),
    ]);
    return tables.flatMap(parseListeners);
  } catch {
    return undefined;
  }
};

const socketsOf = async (pid: string): Promise<string[]> => {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => "")));
  return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
};

/** Listening sockets held by the processes of a group. */
export const listenersOfGroup = async (group: number): Promise<Listener[]> => {
  const listeners = await allListeners();
  if (listeners === undefined) return [];
  const inodes = new Set<string>();
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // Fields after the parenthesised name: state, ppid, pgrp.
    if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) !== group) continue;
    for (const inode of await socketsOf(pid)) inodes.add(inode);
  }
  return listeners.filter((listener) => inodes.has(listener.inode));
};
