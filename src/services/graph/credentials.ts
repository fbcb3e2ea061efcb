/** Passwords and certificates of applications and of service principals. */
import { X509Certificate } from "node:crypto";
import type { Directory } from "../../identity/directory.ts";
import type { Application, ClientSecret, KeyCredential } from "../../identity/principals.ts";
import type { Call } from "../../kernel/call.ts";
import type { Ids } from "../../kernel/ids.ts";
import { empty, json } from "../../kernel/message.ts";
import { type AnyOperation, operationsOf } from "../../kernel/operation.ts";
import { bad, objectIn, objectsIn, onlyKnown, requiredText, textIn, timeIn } from "./bodies.ts";
import type { GraphContext, GraphTarget } from "./context.ts";
import { shownSecret } from "./entities.ts";
import { graphFault } from "./faults.ts";
import type { Json } from "./filter.ts";
import { applicationAt, scopeOf, servicePrincipalAt } from "./lookups.ts";
import type { GraphPermission } from "./permissions.ts";

const operation = operationsOf<GraphTarget, GraphPermission, never>();
const bodyLimit = 64 * 1024;
/** Two years, when no end is asked for (learn.microsoft.com/graph/api/application-addpassword). */
const usualLife = 2 * 365 * 86_400_000;
const mostCredentials = 100;

/** Whose credentials: those of a service principal stand in its application's record, where secrets are sealed. */
interface Holder {
  readonly name: "Application" | "ServicePrincipal";
  readonly kind: "applications" | "serviceprincipals";
  application(id: string, directory: Directory): Promise<Application>;
  secrets(application: Application): readonly ClientSecret[];
  withSecrets(application: Application, secrets: readonly ClientSecret[]): Application;
}

const holders: readonly Holder[] = [
  {
    name: "Application",
    kind: "applications",
    application: applicationAt,
    secrets: ({ secrets }) => secrets,
    withSecrets: (application, secrets) => ({ ...application, secrets }),
  },
  {
    name: "ServicePrincipal",
    kind: "serviceprincipals",
    application: async (id, directory) => {
      const { appId, servicePrincipalType } = await servicePrincipalAt(id, directory);
      const found = await directory.application(appId);
      if (servicePrincipalType !== "Application" || found === undefined)
        throw bad("Credentials of a managed identity cannot be changed.");
      return found;
    },
    secrets: ({ principalSecrets }) => principalSecrets ?? [],
    withSecrets: (application, principalSecrets) => ({ ...application, principalSecrets }),
  },
];

/** As Entra's look: 40 characters, `8Q~` after the first three. None begins with a hyphen: shells would read an option. */
const newPassword = (ids: Ids): string => {
  const random = ids.bytes(28).toString("base64url").slice(0, 37).replace(/^-/, "a");
  return `${random.slice(0, 3)}8Q~${random.slice(3)}`;
};

export const passwordOperations = ({ directory }: GraphContext): readonly AnyOperation<GraphTarget>[] =>
  holders.flatMap((holder) => [
    operation({
      name: `${holder.name}_AddPassword`,
      method: "POST",
      path: `/:version/${holder.kind}/:id/addpassword`,
      needs: { action: "Application.ReadWrite.All", at: scopeOf(holder.kind) },
      bodyLimit,
      handle: async (call) => {
        const body = objectIn((await call.body.json()) ?? {});
        const asked = body["passwordCredential"] === undefined ? {} : objectIn(body["passwordCredential"]);
        const secret = newSecret(asked, call);
        await directory.transact(async (within) => {
          const application = await holder.application(call.parameters.id, within);
          const secrets = [...holder.secrets(application), secret];
          if (secrets.length > mostCredentials)
            throw bad("The directory object quota limit for credentials was exceeded.");
          await within.putApplication(holder.withSecrets(application, secrets));
        });
        return json({
          "@odata.context": `https://graph.microsoft.com/${call.target.version}/$metadata#microsoft.graph.passwordCredential`,
          ...shownSecret(secret),
          secretText: secret.value,
        });
      },
    }),
    operation({
      name: `${holder.name}_RemovePassword`,
      method: "POST",
      path: `/:version/${holder.kind}/:id/removepassword`,
      needs: { action: "Application.ReadWrite.All", at: scopeOf(holder.kind) },
      bodyLimit,
      handle: async (call) => {
        const keyId = requiredText(objectIn(await call.body.json()), "keyId", "passwordCredential").toLowerCase();
        await directory.transact(async (within) => {
          const application = await holder.application(call.parameters.id, within);
          const secrets = holder.secrets(application);
          if (!secrets.some((each) => each.keyId === keyId))
            throw bad(`No password credential found with keyId ${keyId}.`);
          await within.putApplication(
            holder.withSecrets(
              application,
              secrets.filter((each) => each.keyId !== keyId),
            ),
          );
        });
        return empty(204);
      },
    }),
  ]);

const newSecret = (asked: Json, { ids, clock }: Pick<Call, "ids" | "clock">): ClientSecret => {
  onlyKnown(asked, ["displayName", "startDateTime", "endDateTime", "customKeyIdentifier"]);
  const starts = timeIn(asked, "startDateTime") ?? clock.now();
  const expires = timeIn(asked, "endDateTime") ?? starts + usualLife;
  if (expires <= starts) throw bad("The end date of the credential must be after its start date.");
  const displayName = textIn(asked, "displayName");
  return {
    keyId: ids.guid(),
    value: newPassword(ids),
    ...(displayName === undefined ? {} : { displayName }),
    starts,
    expires,
  };
};

/** `passwordCredentials` of a PATCH can only take away; undefined: it is not among what is to change. @throws Fault 400 */
export const keptSecrets = (body: Json, known: readonly ClientSecret[]): readonly ClientSecret[] | undefined => {
  const asked = objectsIn(body, "passwordCredentials");
  if (asked === undefined) return undefined;
  const ids = asked.map((each) => textIn(each, "keyId")?.toLowerCase());
  if (ids.some((id) => !known.some(({ keyId }) => keyId === id)))
    throw bad("New password credentials must be generated with service actions.");
  return known.filter(({ keyId }) => ids.includes(keyId));
};

/**
 * `keyCredentials` as a PATCH or POST gives them: all of them. One that Graph has shown comes back without its key and stays
 * as it is. @throws Fault 400
 */
export const keysIn = (body: Json, known: readonly KeyCredential[], ids: Ids): readonly KeyCredential[] | undefined => {
  const asked = objectsIn(body, "keyCredentials");
  if (asked === undefined) return undefined;
  if (asked.length > mostCredentials) throw bad("The directory object quota limit for credentials was exceeded.");
  return asked.map((each) => {
    const id = textIn(each, "keyId")?.toLowerCase();
    const before = known.find(({ keyId }) => keyId === id);
    const value = textIn(each, "key", 20_000);
    if (value === undefined && before !== undefined) return before;
    return newKey(each, value, id ?? ids.guid());
  });
};

const newKey = (asked: Json, value: string | undefined, keyId: string): KeyCredential => {
  if (textIn(asked, "type") !== "AsymmetricX509Cert" || textIn(asked, "usage") !== "Verify")
    throw bad(
      "Lanyard keeps key credentials of type 'AsymmetricX509Cert' with usage 'Verify'; others are not implemented.",
    );
  const certificate = certificateOf(value);
  if (certificate === undefined || certificate.publicKey.asymmetricKeyType !== "rsa")
    throw bad("Key value is invalid certificate: it must be an X.509 certificate with an RSA key, in base64.");
  const [from, until] = [certificate.validFromDate.getTime(), certificate.validToDate.getTime()];
  const starts = timeIn(asked, "startDateTime") ?? from;
  const expires = timeIn(asked, "endDateTime") ?? until;
  if (starts < from) throw graphFault("keyDates", { which: "Start", what: "start" });
  if (expires > until || expires <= starts) throw graphFault("keyDates", { which: "End", what: "end" });
  const displayName = textIn(asked, "displayName");
  return {
    keyId,
    ...(displayName === undefined ? {} : { displayName }),
    certificate: certificate.raw.toString("base64"),
    starts,
    expires,
  };
};

const certificateOf = (value: string | undefined): X509Certificate | undefined => {
  try {
    return new X509Certificate(Buffer.from(value ?? "", "base64"));
  } catch {
    return undefined;
  }
};
