/**
 * The direction of imports as data (docs/adr and CONTRIBUTING explain it):
 * `cli, portal, testing -> control -> kernel <- services -> access, identity, arm, store (interfaces)`.
 * Tests beside the source may import what they like.
 */
import { posix } from "node:path";
import type { SourceFile } from "./source.ts";

/** Layer (folder of src, or `root` for files directly in it) -> layers it may import besides itself. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  store: ["kernel"],
  wire: ["kernel"],
  access: ["kernel", "store"],
  identity: ["kernel", "store", "access"],
  arm: ["kernel", "store", "access", "identity"],
  services: ["kernel", "store", "access", "identity", "arm"],
  edge: ["kernel", "wire"],
  egress: ["kernel", "edge"],
  postgres: ["kernel"],
  host: ["kernel"],
  containers: ["kernel", "host"],
  root: [
    "kernel",
    "store",
    "wire",
    "access",
    "identity",
    "arm",
    "services",
    "edge",
    "egress",
    "postgres",
    "host",
    "containers",
  ],
  control: ["kernel", "store", "wire", "access", "identity", "arm", "edge", "postgres", "host", "root"],
  cli: ["control", "kernel", "root"],
  testing: ["control", "kernel", "root"],
};

/** Layers that see the store only through its interface, never through a driver. */
export const storeByInterface = { layers: ["access", "identity", "arm", "services"], interface: "src/store/store.ts" };

interface Ban {
  readonly layers: readonly string[];
  /** Matched against imported specifiers. */
  readonly module?: RegExp;
  /** Matched against the code without comments. */
  readonly code?: RegExp;
  /** Files that exist to wrap exactly this. */
  readonly except?: readonly string[];
  readonly instead: string;
}

export const bans: readonly Ban[] = [
  {
    layers: ["kernel", "access", "identity", "arm", "services"],
    module: /^(node:)?(http|https|http2|fs|fs\/promises)$/,
    instead:
      "take a port (a function or object) as a parameter; src/edge, src/host and src/wire do the input and output",
  },
  {
    layers: ["kernel", "access", "identity", "arm", "services"],
    code: /\bDate\.now\b|\bnew Date\(\s*\)/,
    except: ["src/kernel/clock.ts"],
    instead: "ask the clock you are handed: `clock.now()` for tenant time, `clock.wall()` for real time",
  },
  {
    layers: ["kernel", "access", "identity", "arm", "services"],
    code: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\brandomInt\b|\bgetRandomValues\b/,
    except: ["src/kernel/ids.ts"],
    instead: "ask the ids you are handed, so that a test can repeat a run",
  },
];

export const maximumLines = 350;

export const layerOf = (path: string): string => {
  const parts = path.split("/");
  return parts.length === 2 ? "root" : (parts[1] ?? "root");
};

const serviceOf = (path: string): string | undefined => /^src\/services\/([^/]+)\//.exec(path)?.[1];

/** Breaches of the direction, one sentence each: who, what, which rule, what to do. */
export const wrongImports = (files: readonly SourceFile[]): string[] =>
  files.flatMap((file) =>
    file.imports.flatMap(({ target }) => {
      if (target === undefined || !target.startsWith("src/")) return [];
      const [from, to] = [layerOf(file.path), layerOf(target)];
      const [own, other] = [serviceOf(file.path), serviceOf(target)];
      if (own !== undefined && other !== undefined && own !== other)
        return [
          `${file.path} imports ${target}: a service never imports another. Go through the kernel (nested dispatch, ` +
            "`call.require`, a platform effect), or move what both need into access, identity or arm.",
        ];
      if (from !== to && !(mayImport[from] ?? []).includes(to))
        return [
          `${file.path} imports ${target}: ${from} may import ${(mayImport[from] ?? []).join(", ") || "nothing but itself"}, not ${to}. ` +
            "Take what you need as a parameter (the upper layer hands it down), or move the shared type into kernel.",
        ];
      if (storeByInterface.layers.includes(from) && to === "store" && target !== storeByInterface.interface)
        return [
          `${file.path} imports ${target}: ${from} knows the store only as ${storeByInterface.interface}; drivers are chosen where a tenant is put together.`,
        ];
      return [];
    }),
  );

/** Uses of what a layer must be handed. */
export const bannedUses = (files: readonly SourceFile[]): string[] =>
  files.flatMap((file) =>
    bans
      .filter((ban) => ban.layers.includes(layerOf(file.path)) && !ban.except?.includes(file.path))
      .flatMap((ban) => {
        const used = [
          ...file.imports.filter(({ specifier }) => ban.module?.test(specifier)).map(({ specifier }) => specifier),
          ...(ban.code?.exec(file.code)?.slice(0, 1) ?? []),
        ];
        return used.map((what) => `${file.path} uses ${what}: ${ban.instead}.`);
      }),
  );

/** Circles of imports, each once, as `a -> b -> a`. Type imports count: they tie two files together as well. */
export const importCycles = (files: readonly SourceFile[]): string[] => {
  const graph = new Map(files.map((file) => [file.path, file.imports.flatMap(({ target }) => target ?? [])]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push([...trail.slice(start), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
};

/** Relative imports of files that do not exist: the compiler says so too, but a typo must not hide an edge from the rules. */
export const danglingImports = (files: readonly SourceFile[], exists: (path: string) => boolean): string[] =>
  files.flatMap((file) =>
    file.imports
      .filter(({ target }) => target !== undefined && !exists(posix.normalize(target)))
      .map(({ target }) => `${file.path} imports ${target}, which does not exist.`),
  );
