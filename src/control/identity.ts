/** What an app's environment offers its credential classes, and a new secret for it. */
import { createHash } from "node:crypto";
import type { IdentityOffer } from "../edge/environment.ts";
import type { ResourceRecord } from "../arm/record.ts";
import { objectOf, textOf } from "../arm/record.ts";
import { ArcUnavailable } from "../arc-keys.ts";
import { exchangeAudience } from "../identity/workload-issuer.ts";
import type { Tenant } from "../tenant.ts";
import { ensureApp } from "./apps.ts";
import { developerArm } from "./developer-arm.ts";
import type { IdentityProtocol } from "./identity-protocols.ts";
import { Problem } from "./problem.ts";

const identityType = "microsoft.managedidentity/userassignedidentities";

/** What the environment of an app holds for one protocol. @throws Problem where Azure or this machine has no such thing */
export const offerFor = async (
  tenant: Tenant,
  record: ResourceRecord,
  protocol: IdentityProtocol,
): Promise<IdentityOffer> => {
  const base = `http://127.0.0.1:${tenant.gateway.port}`;
  switch (protocol) {
    case "app-service":
    case "imds":
      return { protocol };
    case "azure-ml": {
      const own = await tenant.directory.identityOf(record.id);
      const clientId = own === undefined ? {} : { clientId: own.appId };
      return { protocol, endpoint: `${base}/ml/token`, ...clientId };
    }
    case "cloud-shell":
      return { protocol, endpoint: `${base}/cloud-shell/${await tenant.secrets.address(record.id)}/oauth2/token` };
    case "arc":
      await enableArc(tenant, record);
      return {
        protocol,
        endpoint: `${base}/arc/${await tenant.secrets.address(record.id)}/metadata/identity/oauth2/token`,
        metadataEndpoint: base,
      };
    case "workload":
      return workload(tenant, record);
  }
};

const enableArc = async (tenant: Tenant, record: ResourceRecord): Promise<void> => {
  try {
    await tenant.workloads.arcKeys.enable(record.id);
  } catch (error) {
    if (!(error instanceof ArcUnavailable)) throw error;
    throw new Problem({
      code: "arc-unavailable",
      what: "Azure Arc's protocol cannot be offered here.",
      why: error.message,
      help: [
        "run the tenant as root, e.g. in a container",
        "--identity imds asks for the same identity without a file",
      ],
      cause: error,
    });
  }
};

/** A projected token for the user-assigned identity, and a federated credential that makes it worth something. */
const workload = async (tenant: Tenant, record: ResourceRecord): Promise<IdentityOffer> => {
  const identityId = identityFor(record);
  const identity = await tenant.resources.get(identityId);
  if (identity === undefined)
    throw new Problem({ code: "unknown-identity", what: `The identity ${identityId} does not exist.` });
  const { issuer, projected } = tenant.workloads;
  // Names repeat in other groups and types; the subject is all that tells apps apart, so it stands for the whole id.
  const mark = createHash("sha256").update(record.id.toLowerCase()).digest("hex").slice(0, 32);
  const subject = `system:serviceaccount:lanyard:${record.name.toLowerCase().slice(0, 64)}-${mark}`;
  await federate(tenant, identity, { issuer: issuer.issuer, subject });
  return {
    protocol: "workload",
    clientId: textOf(identity.properties["clientId"]),
    tenantId: tenant.info.tenantId,
    tokenFile: await projected.project(tenant.secrets.accountName(record.id), subject),
  };
};

/** Azure federates with user-assigned identities and app registrations, never with a system-assigned identity. */
const identityFor = (record: ResourceRecord): string => {
  if (record.type.toLowerCase() === identityType) return record.id;
  const assigned = record.identity?.userAssigned ?? [];
  const [only] = assigned;
  if (only !== undefined && assigned.length === 1) return only;
  throw new Problem({
    code: "no-workload-identity",
    what:
      assigned.length === 0
        ? `${record.name} has no user-assigned identity, and workload identity works with nothing else.`
        : `${record.name} has ${assigned.length} user-assigned identities: which one is meant?`,
    help:
      assigned.length === 0
        ? ["lanyard az identity create --name NAME --resource-group GROUP", "lanyard run --as NAME --identity workload"]
        : assigned.map((id) => `--as ${id}`),
  });
};

const federate = async (
  tenant: Tenant,
  identity: ResourceRecord,
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
): Promise<void> => {
  const known = await tenant.resources.below(identity.id, `${identityType}/federatedIdentityCredentials`);
  if (known.some(({ properties }) => properties["issuer"] === issuer && properties["subject"] === subject)) return;
  const name = `lanyard-${subject.slice(subject.lastIndexOf(":") + 1)}`.replaceAll(/[^\w-]/g, "-").slice(0, 120);
  const { status, body } = await developerArm(tenant)(
    "PUT",
    `${identity.id}/federatedIdentityCredentials/${name}?api-version=2024-11-30`,
    { properties: { issuer, subject, audiences: [exchangeAudience] } },
  );
  if (status >= 300)
    throw new Problem({
      code: "not-federated",
      what: `The federated credential of ${identity.name} could not be made: Azure Resource Manager answered ${status}.`,
      why: JSON.stringify(body),
      help: ["lanyard logs --denied"],
    });
};

export interface Rotation {
  readonly app: string;
  /** The app was running here and was started again with its new secret. */
  readonly restarted: boolean;
}

/** A new IDENTITY_HEADER (and proxy credential) for an app: the old one is worthless at once. */
export const rotateIdentity = async (tenant: Tenant, name: string): Promise<Rotation> => {
  const { record } = await ensureApp(tenant, name, false);
  await tenant.secrets.rotate(record.id);
  if (record.type.toLowerCase() === "microsoft.app/containerapps") return restartContainers(tenant, record);
  const isSite = record.type.toLowerCase() === "microsoft.web/sites";
  if (!isSite) return { app: record.name, restarted: false };
  const { status } = await developerArm(tenant)("POST", `${record.id}/restart?api-version=2024-11-01`);
  return { app: record.name, restarted: status < 300 };
};

/** Containers get a new secret with a new start of their revision only. */
const restartContainers = async (tenant: Tenant, { id, name }: ResourceRecord): Promise<Rotation> => {
  const arm = developerArm(tenant);
  const version = "api-version=2024-03-01";
  const { properties } = objectOf((await arm("GET", `${id}?${version}`)).body);
  const { latestRevisionName, runningStatus } = objectOf(properties);
  const { status } = await arm("POST", `${id}/revisions/${textOf(latestRevisionName)}/restart?${version}`);
  return { app: name, restarted: status < 300 && runningStatus === "Running" };
};
