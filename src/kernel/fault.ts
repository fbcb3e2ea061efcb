/**
 * A refusal or failure that a client is told about. Services throw faults from their own catalogue
 * (`faults.ts`); the surface's dialect decides how one looks on the wire. `hint` is for humans: it goes
 * to the log, the portal and `x-lanyard-hint`, never into an Azure-shaped body.
 */
export interface FaultInit {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Extra response headers, e.g. `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Dialect-specific extra members (Storage: extra XML elements, ARM: `details`, Key Vault: `innererror`). */
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly hint?: string;
}

export class Fault extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly hint: string | undefined;

  constructor(init: FaultInit) {
    super(init.message);
    this.name = "Fault";
    this.status = init.status;
    this.code = init.code;
    this.headers = init.headers ?? {};
    this.detail = init.detail ?? {};
    this.hint = init.hint;
  }
}

/** One entry of an error catalogue: status, and code and message as templates with `{name}` holes. */
export interface FaultEntry {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Throws by name what a service's errors are; `entries` is for the reference pages. */
export interface Catalogue<Entries extends Readonly<Record<string, FaultEntry>>> {
  (
    name: keyof Entries & string,
    values?: Readonly<Record<string, string | number>>,
    extra?: Pick<FaultInit, "headers" | "detail" | "hint">,
  ): Fault;
  readonly entries: Entries;
}

/**
 * Builds throwable faults from a typed catalogue.
 * @example const faults = catalogue({ blobNotFound: { status: 404, code: "BlobNotFound", message: "…" } });
 *          throw faults("blobNotFound");
 */
export const catalogue = <Entries extends Readonly<Record<string, FaultEntry>>>(
  entries: Entries,
): Catalogue<Entries> => {
  const fault: (...given: Parameters<Catalogue<Entries>>) => Fault = (name, values = {}, extra = {}) => {
    const entry = entries[name] as FaultEntry;
    const fill = (template: string): string =>
      template.replaceAll(/\{(\w+)\}/g, (hole, key: string) => String(values[key] ?? hole));
    return new Fault({ status: entry.status, code: fill(entry.code), message: fill(entry.message), ...extra });
  };
  return Object.assign(fault, { entries });
};

/** The honest answer for an operation that is not built. Status 501 unless the surface's clients would retry that. */
export const notBuilt = (operation: string, status: 400 | 404 | 501 = 501): Fault =>
  new Fault({
    status,
    code: "NotImplemented",
    message: `${operation} is not implemented by Lanyard.`,
    hint: `${operation} is not built; docs/reference/coverage.md lists what is.`,
  });
