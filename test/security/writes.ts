/** Which paths a process tree wrote, from a trace of its system calls. */
import { readFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";

const calls =
  "open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,unlink,unlinkat,rmdir,truncate,chmod,fchmodat,chown,lchown,fchownat";

/** Put before a command line. Successful calls only, with the paths of descriptors. */
export const tracer = (file: string): readonly string[] => [
  "strace",
  "-f",
  "--seccomp-bpf",
  "-qq",
  "-z",
  "-y",
  "-s",
  "4096",
  "-e",
  "signal=none",
  "-e",
  `trace=${calls}`,
  "-o",
  file,
];

/** Absolute paths that were created, changed or removed. */
export const writtenPaths = (file: string): readonly string[] => {
  const found = new Set<string>();
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [, call = "", rest = ""] = /^\d+\s+(\w+)\((.*)$/.exec(line) ?? [];
    if (call.startsWith("open") && !/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(rest)) continue;
    const descriptors = [...rest.matchAll(/(?:AT_FDCWD|\d+)<([^>]*)>, "/g)].map((match) => match[1] ?? "");
    const texts = [...rest.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? "");
    // The target of a symbolic link is text, not a path that is written.
    const paths = call.startsWith("symlink") ? texts.slice(1) : texts;
    paths.forEach((path, index) => {
      const base = descriptors[index] ?? descriptors[0];
      if (isAbsolute(path)) found.add(resolve(path));
      else if (base !== undefined) found.add(resolve(base, path));
    });
  }
  return [...found];
};
