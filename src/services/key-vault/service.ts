import { type Eventually, onceKnown } from "../../kernel/eventually.ts";
import type { TokenVerifier } from "../../identity/verify.ts";
import { type Fault, notBuilt } from "../../kernel/fault.ts";
import { pathMatcher } from "../../kernel/match.ts";
import type { Request } from "../../kernel/message.ts";
import type { Match } from "../../kernel/operation.ts";
import type { Decider, Dialect, Exchange, Service } from "../../kernel/service.ts";
import { vaultAuthenticator } from "./authenticate.ts";
import { pendingOperations } from "./certificate-pending.ts";
import { certificateSettingOperations } from "./certificate-settings.ts";
import { certificateOperations } from "./certificates.ts";
import { vaultDeciders } from "./deciders.ts";
import type { Engine } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { cryptographyOperations } from "./key-operations.ts";
import { keyRotationOperations } from "./key-rotation.ts";
import { keyOperations } from "./keys.ts";
import type { PrivateRsa } from "./private-rsa.ts";
import { refusal } from "./refusal.ts";
import type { Renewal } from "./renewal.ts";
import { printable } from "./request.ts";
import { secretOperations } from "./secrets.ts";
import type { VaultOperation, VaultTarget } from "./target.ts";
import type { Vaults } from "./vaults.ts";

export interface VaultServiceDependencies {
  readonly vaults: Vaults;
  readonly verifier: TokenVerifier;
  readonly rbac: Decider<VaultTarget>;
  readonly tenantId: string;
  readonly privateRsa: PrivateRsa;
  /** Key Vault's dialect, of `wire/`. */
  readonly dialect: Dialect;
}

const suffix = ".vault.azure.net";

/** The vault data plane: `{vault}.vault.azure.net`. */
export const vaultService = (
  deps: VaultServiceDependencies,
  engine: Engine,
  renewal: Renewal,
): Service<VaultTarget> => {
  const { vaults, tenantId, dialect } = deps;
  /** What is due is done before anybody is answered, once it is known that they may ask. */
  const settled = (operation: VaultOperation): VaultOperation => ({
    ...operation,
    handle: (call) => {
      const work = renewal.settle(call.target.vault.uid);
      return work === undefined ? operation.handle(call) : work.then(() => operation.handle(call));
    },
  });
  const operations: readonly VaultOperation[] = [
    ...secretOperations(engine),
    ...keyOperations(engine),
    ...keyRotationOperations(engine),
    ...cryptographyOperations(engine, deps.privateRsa),
    ...certificateOperations(engine),
    ...pendingOperations(engine),
    ...certificateSettingOperations(engine),
  ].map(settled);
  return {
    name: "key-vault",
    title: "Key Vault",
    hosts: [{ suffix, exists: (label) => onceKnown(vaults.named(label), (vault) => vault !== undefined) }],
    dialect: {
      ...dialect,
      headers: (exchange) => ({ ...dialect.headers(exchange), ...regionOf(exchange as Exchange<VaultTarget>) }),
    },
    operations,
    match: pathMatcher(operations, { segments, ignoreCase: true }),
    resolve: (request, match) => resolve(request, match, deps),
    scope: (call) => call.target.scope,
    authenticators: [vaultAuthenticator(deps.verifier, tenantId)],
    deciders: vaultDeciders(deps.rbac),
    refuse: (call, need, verdict) => refusal(call, need, verdict, tenantId),
    unmatched,
  };
};

/** Clients end an address in a slash when they name no version (identity-and-routing.md 4). */
const segments = (rawPath: string): string[] => {
  const path = rawPath.replace(/\/+$/, "");
  return path === "" ? [] : path.slice(1).split("/");
};

const regionOf = ({ target }: Exchange<VaultTarget>): Record<string, string> =>
  target === undefined ? {} : { "x-ms-keyvault-region": target.vault.location };

const resolve = (
  request: Request,
  match: Match<VaultTarget>,
  { vaults }: VaultServiceDependencies,
): Eventually<VaultTarget> =>
  onceKnown(vaults.named(request.host.slice(0, -suffix.length)), (vault) => {
    if (vault === undefined) throw vaultFault("noSuchAddress", { path: printable(request.host) });
    const operation = match.operation as VaultOperation;
    const { name } = match.parameters;
    // An impossible name is refused before it could be part of a scope (request.ts); here it only must not look like one.
    const scope = name === undefined ? vault.id : `${vault.id}/${operation.policy.kind}/${name.replaceAll("/", "%2F")}`;
    return { vault, operation, scope };
  });

/** Operations that Azure has and Lanyard has not are named. */
const unmatched = (request: Request): Fault => {
  const path = printable(request.rawPath);
  const [first = "", second = ""] = segments(request.rawPath).map((each) => each.toLowerCase());
  if (first === "storage" || first === "deletedstorage") return notBuilt("Managed storage accounts in key vaults");
  if (/\/attestation$/i.test(path)) return notBuilt("Get Key Attestation");
  if (
    ["secrets", "deletedsecrets", "keys", "deletedkeys", "certificates", "deletedcertificates"].includes(first) &&
    second !== ""
  )
    return vaultFault("wrongMethod", { method: request.method, path });
  return vaultFault("noSuchAddress", { path });
};
