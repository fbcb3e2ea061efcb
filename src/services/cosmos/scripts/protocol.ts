/** What the main thread and the thread that runs scripts say to each other. Values cross as JSON texts. */

export type ScriptKind = "procedure" | "pre" | "post";

export interface ScriptJob {
  /** Shown in stack traces. */
  readonly name: string;
  readonly source: string;
  /** JSON text of a `ScriptSetup`: threads refuse what is nested too deeply in a way that nobody can answer for. */
  readonly setup: string;
  /** Milliseconds since 1970, tenant clock. */
  readonly now: number;
  /** From the start of the run to its end, waiting for the store included. */
  readonly milliseconds: number;
}

/** What the prelude of a script is told. */
export interface ScriptSetup {
  readonly kind: ScriptKind;
  readonly args: readonly unknown[];
  /** `Create`, `Upsert`, `Replace` or `Delete` in triggers. */
  readonly operation: string;
  readonly request: unknown;
  readonly response: unknown;
  readonly selfLink: string;
  readonly altLink: string;
  /** Characters of console output that are kept. */
  readonly logLimit: number;
}

export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Of `new Error(404, "...")`: told as sub-status. */
  readonly number?: number;
}

export type ScriptOutcome =
  /** JSON texts; undefined: the script has set none. */
  | {
      readonly ok: true;
      readonly request: string | undefined;
      readonly response: string | undefined;
      readonly log: string;
    }
  | { readonly ok: false; readonly cause: "thrown" | "compile"; readonly error: Thrown; readonly log: string }
  | { readonly ok: false; readonly cause: "timeout" | "tooLarge"; readonly log: string };

/** A query with user-defined functions: the documents follow in batches. */
export interface QueryJob {
  readonly text: string;
  readonly parameters: readonly { readonly name: string; readonly value: unknown }[];
  readonly computed: readonly { readonly name: string; readonly query: string }[];
  readonly functions: readonly { readonly name: string; readonly source: string }[];
  /** Milliseconds since 1970, tenant clock. */
  readonly now: number;
  /** Of the random numbers of RAND(). */
  readonly seed: number;
  /** Of all functions together, and of one call. */
  readonly milliseconds: number;
  readonly maxResultBytes: number;
}

export type QueryOutcome =
  | { readonly ok: true; readonly texts: readonly string[] }
  | { readonly ok: false; readonly cause: "query"; readonly errors: string }
  | { readonly ok: false; readonly cause: "thrown" | "compile"; readonly error: Thrown }
  | { readonly ok: false; readonly cause: "timeout" | "tooLarge" };

export type ToThread =
  | { readonly kind: "run"; readonly id: number; readonly job: ScriptJob }
  | { readonly kind: "answer"; readonly id: number; readonly call: number; readonly text: string }
  | { readonly kind: "query"; readonly id: number; readonly job: QueryJob }
  /** A JSON array; undefined: that was all. */
  | { readonly kind: "documents"; readonly id: number; readonly batch: string | undefined };

export type FromThread =
  | {
      readonly kind: "call";
      readonly id: number;
      readonly call: number;
      readonly operation: string;
      readonly payload: string;
    }
  /** The script's time runs. */
  | { readonly kind: "began"; readonly id: number }
  | { readonly kind: "ran"; readonly id: number; readonly outcome: ScriptOutcome }
  /** `more`: whether further documents are wanted. */
  | { readonly kind: "taken"; readonly id: number; readonly more: boolean }
  | { readonly kind: "queried"; readonly id: number; readonly outcome: QueryOutcome };
