/**
 * What went wrong in a service behind this app, in words for a page and details for the log.
 * Status 502: the service answered and refused. 503: it could not be reached, or is not set up yet.
 */
export interface Failure {
  readonly service: "PostgreSQL" | "Blob Storage";
  readonly status: 502 | 503;
  readonly title: string;
  readonly explanation: string;
  /** Codes and messages as the service gave them. They hold no secret: neither service repeats a token. */
  readonly cause: Readonly<Record<string, string | number>>;
}

export class ServiceError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure, cause?: unknown) {
    super(failure.title, { cause });
    this.name = "ServiceError";
    this.failure = failure;
  }
}

interface ErrorFields {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly details?: unknown;
  readonly hint?: unknown;
  readonly errors?: unknown;
}

/** The members that pg, the Azure SDKs and Node put on their errors. */
function fieldsOf(error: unknown): ErrorFields {
  return typeof error === "object" && error !== null ? error : { message: String(error) };
}

function causeOf(error: unknown): Record<string, string | number> {
  const { name, message, code, statusCode, hint, errors } = fieldsOf(error);
  // An AggregateError (all addresses refused) has an empty message of its own.
  const text = message || (Array.isArray(errors) ? errors.map((each) => fieldsOf(each).message).join("; ") : undefined);
  const cause: Record<string, string | number> = {};
  for (const [key, value] of Object.entries({ name, message: text, code, statusCode, hint })) {
    if (typeof value === "string" || typeof value === "number") cause[key] = value;
  }
  return cause;
}

/** Did PostgreSQL refuse the login (SQLSTATE class 28)? */
export function isLoginRefused(error: unknown): boolean {
  const { code } = fieldsOf(error);
  return typeof code === "string" && /^28\w{3}$/.test(code);
}

/** Puts any error met on the way to PostgreSQL into words. */
export function databaseFailure(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const cause = causeOf(error);
  const code = typeof cause["code"] === "string" ? cause["code"] : "";
  const failed = (status: 502 | 503, title: string, explanation: string): ServiceError =>
    new ServiceError({ service: "PostgreSQL", status, title, explanation, cause }, error);
  if (isLoginRefused(error)) {
    return failed(
      502,
      "The database refused the login",
      "PostgreSQL does not accept this app's identity. Its database role must exist and belong to the app's managed identity.",
    );
  }
  if (code === "42501") {
    return failed(
      502,
      "The database refused an operation",
      "The app's database role lacks a right. It needs CREATE on the schema public and rights on its tables.",
    );
  }
  if (isCredentialError(cause["name"])) return failed(503, "The app has no identity", NO_IDENTITY);
  if (/^[0-9A-Z]{5}$/.test(code) && !/^(08|57)/.test(code)) {
    return failed(502, "The database reported an error", "The statement failed. The log of this app has the details.");
  }
  return failed(503, "The database cannot be reached", "PostgreSQL does not answer. Please try again in a moment.");
}

/** Puts any error met on the way to Blob Storage into words. */
export function storageFailure(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const cause = causeOf(error);
  const failed = (status: 502 | 503, title: string, explanation: string): ServiceError =>
    new ServiceError({ service: "Blob Storage", status, title, explanation, cause }, error);
  const { statusCode } = cause;
  if (statusCode === 403 || statusCode === 401) {
    return failed(
      502,
      "Blob Storage refused access",
      "The app's managed identity has no right to this operation. It needs the role Storage Blob Data Contributor on the storage account.",
    );
  }
  if (cause["code"] === "ContainerNotFound") {
    return failed(502, "The photo container is missing", "The storage account has no container named “photos”.");
  }
  if (isCredentialError(cause["name"])) return failed(503, "The app has no identity", NO_IDENTITY);
  if (typeof statusCode === "number") {
    return failed(502, "Blob Storage reported an error", `Blob Storage answered ${statusCode}.`);
  }
  return failed(503, "Blob Storage cannot be reached", "Blob Storage does not answer. Please try again in a moment.");
}

const NO_IDENTITY =
  "No access token could be obtained. Enable the app's managed identity or, on your own machine, sign in with the Azure CLI.";

function isCredentialError(name: string | number | undefined): boolean {
  return (
    typeof name === "string" &&
    /^(CredentialUnavailableError|AuthenticationError|AggregateAuthenticationError|AuthenticationRequiredError)$/.test(
      name,
    )
  );
}
