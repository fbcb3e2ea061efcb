/** What Linux tells about processes: listeners and command lines. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const socketsOf = (pid: number): ReadonlySet<string> => {
  const found = new Set<string>();
  for (const fd of readdirSync(`/proc/${pid}/fd`))
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined) found.add(inode);
    } catch {
      // Closed since.
    }
  return found;
};

/** `0100007F:1F90` (each 4 bytes little-endian) as an address and port. */
const addressOf = (text: string): string => {
  const [hex = "", port = ""] = text.split(":");
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex")].toReversed());
  const address =
    bytes.length === 4 ? bytes.join(".") : (Buffer.from(bytes).toString("hex").match(/.{4}/g) ?? []).join(":");
  return `${address} ${Number.parseInt(port, 16)}`;
};

/** `ADDRESS PORT` of everything that a process listens on or receives datagrams at. */
export const listenersOf = (pid: number): readonly string[] => {
  const own = socketsOf(pid);
  return ["tcp", "tcp6", "udp", "udp6"].flatMap((protocol) =>
    readFileSync(`/proc/${pid}/net/${protocol}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // 0A is LISTEN; a datagram socket has 07 until it is connected.
      .filter((fields) => own.has(fields[9] ?? "") && (protocol.startsWith("udp") || fields[3] === "0A"))
      .map((fields) => addressOf(fields[1] ?? "")),
  );
};

export const isLoopback = (listener: string): boolean =>
  listener.startsWith("127.") || listener.startsWith("0000:0000:0000:0000:0000:0000:0000:0001 ");
