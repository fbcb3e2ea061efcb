/** What a revision comes to as a set of containers: variables with their secrets, sizes, names. */
import { type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { type ContainerApp, hostNameOf, ingressOf, listOf, type Revision } from "./app.ts";
import type { AppSetup, ContainerSetup } from "./runner.ts";
import { bytesOf } from "./template.ts";
import { replicaName } from "./view.ts";

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(textOf) : []);

/**
 * The variables that the platform sets.
 * Source: https://learn.microsoft.com/azure/container-apps/environment-variables
 */
const platformVariables = (app: ContainerApp, revision: Revision, domain: string): Record<string, string> => {
  const ingress = ingressOf(app);
  return {
    CONTAINER_APP_NAME: app.name,
    CONTAINER_APP_REVISION: revision.name,
    CONTAINER_APP_ENV_DNS_SUFFIX: domain,
    CONTAINER_APP_REPLICA_NAME: replicaName(revision),
    ...(ingress === undefined
      ? {}
      : {
          CONTAINER_APP_HOSTNAME: hostNameOf(revision.name, domain, ingress.external),
          CONTAINER_APP_PORT: String(ingress.targetPort),
        }),
  };
};

const ownVariables = (app: ContainerApp, container: JsonObject): Record<string, string> =>
  Object.fromEntries(
    listOf(container["env"]).map((variable) => {
      const secret = textOf(variable["secretRef"]);
      return [textOf(variable["name"]), secret === "" ? textOf(variable["value"]) : (app.secrets[secret]?.value ?? "")];
    }),
  );

/** A container's variables: its own, and over them the platform's. */
export const variablesOf = (
  app: ContainerApp,
  revision: Revision,
  container: JsonObject,
  domain: string,
): Record<string, string> => ({ ...ownVariables(app, container), ...platformVariables(app, revision, domain) });

export const setupOf = (app: ContainerApp, revision: Revision, domain: string): AppSetup => ({
  id: app.id,
  name: app.name,
  revision: revision.name,
  hostName: hostNameOf(app.name, domain, ingressOf(app)?.external ?? false),
  targetPort: ingressOf(app)?.targetPort,
  containers: listOf(revision.template["containers"]).map((container): ContainerSetup => {
    const resources = objectOf(container["resources"]);
    return {
      name: textOf(container["name"]),
      image: textOf(container["image"]),
      command: texts(container["command"]),
      args: texts(container["args"]),
      variables: variablesOf(app, revision, container, domain),
      cpu: Number(resources["cpu"] ?? 0.5),
      memoryBytes: bytesOf(textOf(resources["memory"]) || "1Gi"),
    };
  }),
});
