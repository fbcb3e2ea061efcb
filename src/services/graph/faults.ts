import type { TokenRefusal } from "../../identity/bearer.ts";
import { catalogue, Fault } from "../../kernel/fault.ts";

/** Microsoft Graph's errors (access.md 4.4; learn.microsoft.com/graph/errors). */
export const graphFault = catalogue({
  noToken: { status: 401, code: "InvalidAuthenticationToken", message: "Access token is empty." },
  denied: {
    status: 403,
    code: "Authorization_RequestDenied",
    message: "Insufficient privileges to complete the operation.",
  },
  notFound: {
    status: 404,
    code: "Request_ResourceNotFound",
    message: "Resource '{id}' does not exist or one of its queried reference-property objects are not present.",
  },
  meIsDelegated: {
    status: 400,
    code: "BadRequest",
    message: "/me request is only valid with delegated authentication flow.",
  },
  version: { status: 400, code: "BadRequest", message: "Invalid version: {version}" },
  filter: { status: 400, code: "BadRequest", message: "Invalid filter clause: {why}" },
  unsupported: { status: 400, code: "Request_UnsupportedQuery", message: "{why}" },
  property: {
    status: 400,
    code: "BadRequest",
    message: "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{type}'.",
  },
  keyDates: {
    status: 400,
    code: "KeyCredentialsInvalid{which}Date",
    message: "Key credential {what} date is invalid.",
  },
  taken: { status: 409, code: "Request_MultipleObjectsWithSameKeyValue", message: "{why}" },
  badRequest: { status: 400, code: "Request_BadRequest", message: "{why}" },
});

const challenge = {
  "www-authenticate":
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"',
};

export const missingToken = (): Fault => graphFault("noToken", {}, { headers: challenge });

/** Why a token was refused, in Graph's words. */
export const refusedToken = ({ problem, header }: TokenRefusal): Fault =>
  new Fault({ status: 401, code: "InvalidAuthenticationToken", message: wording(problem, header), headers: challenge });

const wording = (problem: TokenRefusal["problem"], header: string): string => {
  switch (problem) {
    case "audience":
      return "Access token validation failure. Invalid audience.";
    case "expired":
      return "Lifetime validation failed, the token is expired.";
    case "not-yet-valid":
      return "Lifetime validation failed, the token is not yet valid.";
    case "malformed":
      // Text that is no JWT at all cannot be parsed; one with a foreign algorithm parses and then fails.
      return header === ""
        ? "CompactToken parsing failed with error code: 80049217"
        : "Access token validation failure. Invalid signature.";
    case "signature":
      return "Access token validation failure. Invalid signature.";
    case "issuer":
      return "Access token validation failure. Invalid issuer.";
    case "claims":
      return "Access token validation failure.";
  }
};
