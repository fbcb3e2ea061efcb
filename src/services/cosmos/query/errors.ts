/** What a query is refused with, in the words of the service (`Message: {"errors":[...]}` in the answer's body). */

/** Half-open range of character offsets in the query text. */
export interface Location {
  readonly start: number;
  readonly end: number;
}

export interface QueryErrorDetail {
  readonly severity: "Error";
  readonly location?: Location;
  readonly code: string;
  readonly message: string;
}

/** The only error that this folder throws on purpose. Always the caller's fault: 400 BadRequest. */
export class QueryError extends Error {
  readonly errors: readonly QueryErrorDetail[];

  constructor(code: string, message: string, location?: Location) {
    super(message);
    this.name = "QueryError";
    this.errors = [{ severity: "Error", ...(location === undefined ? {} : { location }), code, message }];
  }

  /** The text that stands after `Message: ` in the body of the 400. */
  toMessage(): string {
    return JSON.stringify({ errors: this.errors });
  }
}

export const syntaxError = (near: string, location: Location): QueryError =>
  new QueryError("SC1001", `Syntax error, incorrect syntax near '${near}'.`, location);

export const unresolved = (name: string, location: Location): QueryError =>
  new QueryError("SC2001", `Identifier '${name}' could not be resolved.`, location);

/** Not a text of the service: the limits that keep one query from taking the process. */
export const tooComplex = (what: string, location?: Location): QueryError =>
  new QueryError("SC3051", `The SQL query is too complex: ${what}.`, location);
