import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Authority, Leaf } from "./mint.ts";
import { covers, isPermitted, permittedNames, servedNames } from "./names.ts";

const day = 86_400_000;
/** Certificates are renewed when less than this is left, so that none expires under a running tenant's clients. */
const authorityMargin = 60 * day;
const leafMargin = 30 * day;

export interface CertificatesOptions {
  /** Folder of our own; created 0700. */
  readonly folder: string;
  /** Wall clock in milliseconds: clients judge validity by theirs. */
  readonly now?: () => number;
  /** dNSName subtrees the authority may sign for. Another list means another authority. */
  readonly permitted?: readonly string[];
  /** Names of the ready-made certificate. Another list means another certificate. */
  readonly served?: readonly string[];
}

/** Key and certificates of a TLS server, PEM. */
export interface ServerCertificate {
  readonly key: string;
  /** Server certificate, then the intermediate. */
  readonly cert: string;
}

export interface Certificates {
  /** The trust anchor, PEM: the root, whose key no longer exists. */
  readonly ca: string;
  /** File with `ca` alone. */
  readonly caFile: string;
  /** Base64 SHA-256 of the intermediate's SubjectPublicKeyInfo: what a browser is told to trust, and nothing more. */
  readonly intermediateSpki: string;
  /** The ready-made certificate: every service suffix, the platform hosts, localhost, 127.0.0.1. */
  readonly server: ServerCertificate;
  /** True when the ready-made certificate covers `host`. */
  covers(host: string): boolean;
  /** A certificate that covers `host`. Deeper names (`app.env.region.azurecontainerapps.io`) are minted once and kept. */
  serverFor(host: string): ServerCertificate | Promise<ServerCertificate>;
  /** The same, ready for TLS. */
  contextFor(host: string): SecureContext | Promise<SecureContext>;
}

/**
 * Opens the local certificate authority, creating or renewing what is missing, near expiry or made for another
 * list of names.
 */
export const openCertificates = async (options: CertificatesOptions): Promise<Certificates> => {
  const { folder, now = Date.now, permitted = permittedNames, served = servedNames } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);

  const authority = await kept<Authority>(
    join(folder, "authority.json"),
    (found) => sameList(found.permitted, permitted) && found.notAfter - now() > authorityMargin,
    async () => (await import("./mint.ts")).mintAuthority(permitted, now()),
  );
  const leaf = (names: readonly string[], file: string): Promise<Leaf> =>
    kept<Leaf>(
      join(folder, file),
      (found) => sameList(found.names, names) && found.issuer === authority.spki && found.notAfter - now() > leafMargin,
      async () => (await import("./mint.ts")).mintLeaf(authority, names, now()),
    );
  const caFile = join(folder, "ca.pem");
  if ((await readFile(caFile, "utf8").catch(() => "")) !== authority.root) await writePrivate(caFile, authority.root);

  const main = asServer(await leaf(served, "server.json"));
  const deeper = new Map<string, Promise<ServerCertificate>>();
  const contexts = new WeakMap<ServerCertificate, SecureContext>();

  const serverFor = (host: string): ServerCertificate | Promise<ServerCertificate> => {
    if (covers(served, host) || !isPermitted(host)) return main;
    const wildcard = `*${host.slice(host.indexOf("."))}`;
    let minted = deeper.get(wildcard);
    if (minted === undefined) {
      const mark = createHash("sha256").update(wildcard).digest("hex").slice(0, 16);
      minted = leaf([wildcard], `server-${mark}.json`).then(asServer);
      minted.catch(() => deeper.delete(wildcard));
      deeper.set(wildcard, minted);
    }
    return minted;
  };
  const contextOf = (server: ServerCertificate): SecureContext => {
    let context = contexts.get(server);
    if (context === undefined) {
      context = createSecureContext({ key: server.key, cert: server.cert, minVersion: "TLSv1.2" });
      contexts.set(server, context);
    }
    return context;
  };
  return {
    ca: authority.root,
    caFile,
    intermediateSpki: authority.spki,
    server: main,
    covers: (host) => covers(served, host),
    serverFor,
    contextFor: (host) => {
      const server = serverFor(host);
      return server instanceof Promise ? server.then(contextOf) : contextOf(server);
    },
  };
};

const asServer = (leaf: Leaf): ServerCertificate => ({ key: leaf.key, cert: leaf.chain });

const sameList = (found: readonly string[] | undefined, wanted: readonly string[]): boolean =>
  found?.length === wanted.length && wanted.every((name, index) => found[index] === name);

/** A JSON file that is made again when it is missing, unreadable or no longer good. */
const kept = async <T>(file: string, good: (found: T) => boolean, make: () => Promise<T>): Promise<T> => {
  try {
    const found = JSON.parse(await readFile(file, "utf8")) as T;
    if (good(found)) return found;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    if (!missing && !(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
  }
  const made = await make();
  await writePrivate(file, JSON.stringify(made));
  return made;
};

/** Writes a file that only its owner may read; readers see the old or the new text, never half of one. */
export const writePrivate = async (file: string, text: string | Uint8Array): Promise<void> => {
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  await writeFile(temporary, text, { mode: 0o600, flag: "wx" });
  await rename(temporary, file);
};
