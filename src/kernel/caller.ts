/** Who makes a request, once authenticated. */
export type PrincipalType = "User" | "Group" | "ServicePrincipal";

/** A principal as a verified token names it. Authorization uses `objectId` (with `tenantId`), never names. */
export interface TokenCaller {
  readonly kind: "principal";
  readonly objectId: string;
  readonly tenantId: string;
  readonly type: PrincipalType;
  /** Application (client) id of the app that holds the token. */
  readonly appId: string;
  /** Name for humans: UPN, app display name, or the resource the managed identity belongs to. */
  readonly name: string;
  /** Group object ids frozen in the token at issue. */
  readonly groups: readonly string[];
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A holder of an account key, a SAS, publishing credentials or another secret that is no Entra principal. */
export interface SecretCaller {
  readonly kind: "secret";
  /** What was presented, e.g. `SharedKey`, `AccountSAS`, `ServiceSAS`, `UserDelegationSAS`, `PublishingCredentials`. */
  readonly scheme: string;
  /** Which one, for the record; never the secret itself. E.g. `key1`. */
  readonly name: string;
  /** What the authority needs to decide (SAS permissions, the delegating principal, ...). */
  readonly grant: Readonly<Record<string, unknown>>;
}

export interface AnonymousCaller {
  readonly kind: "anonymous";
}

/** A platform effect from the closed list: work that Azure itself does on nobody's token. */
export interface PlatformCaller {
  readonly kind: "platform";
  readonly effect: PlatformEffect;
}

/** The closed list. Group delete removes children with the group right alone; the others are named for what they do. */
export type PlatformEffect = "group-delete" | "service-connector" | "crash-recovery" | "system-identity";

export type Caller = TokenCaller | SecretCaller | AnonymousCaller | PlatformCaller;

export const anonymous: AnonymousCaller = { kind: "anonymous" };

/** One short text for logs and the portal. */
export const describeCaller = (caller: Caller): string => {
  switch (caller.kind) {
    case "principal":
      return caller.name || caller.objectId;
    case "secret":
      return `${caller.scheme} ${caller.name}`;
    case "anonymous":
      return "anonymous";
    case "platform":
      return `platform:${caller.effect}`;
  }
};
