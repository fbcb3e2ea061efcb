import type { Call } from "./call.ts";
import type { Eventually } from "./eventually.ts";
import type { Method, Reply, Request } from "./message.ts";

/** Names of the `:name` and `**:name` parameters in a path template. */
export type ParameterNames<Path extends string> = Path extends `${infer Head}/${infer Tail}`
  ? SegmentName<Head> | ParameterNames<Tail>
  : SegmentName<Path>;
type SegmentName<Segment extends string> = Segment extends `**:${infer Name}`
  ? Name
  : Segment extends `:${infer Name}`
    ? Name
    : never;

export type PathParameters<Path extends string> = { readonly [Name in ParameterNames<Path>]: string };

/**
 * What a caller must be allowed to do. There is no default: an operation that anyone may call says `open` and why.
 * - `action` / `data`: one (data) action at the target's scope, or at `at`.
 * - `filtered`: a list that shows only what the caller may read; refused when that is nothing at all.
 * - `all`, `any`: trees.
 * - `depends`: rights that depend on what exists; a handler re-checks them inside its commit.
 */
export type Requirement<Action extends string, DataAction extends string, Subject> =
  | { readonly open: string }
  | {
      readonly action: Action;
      readonly at?: (call: Subject) => string;
      readonly attributes?: (call: Subject) => Readonly<Record<string, string | number | boolean | readonly string[]>>;
    }
  | {
      readonly data: DataAction;
      readonly at?: (call: Subject) => string;
      readonly attributes?: (call: Subject) => Readonly<Record<string, string | number | boolean | readonly string[]>>;
      readonly subOperation?: string;
    }
  | { readonly filtered: Action; readonly at?: (call: Subject) => string }
  | { readonly all: readonly Requirement<Action, DataAction, Subject>[] }
  | { readonly any: readonly Requirement<Action, DataAction, Subject>[] }
  | {
      readonly depends: (call: Subject) => Eventually<Requirement<Action, DataAction, Subject>>;
      /** What it comes to, in words or in the ordinary case; for the reference pages. */
      readonly says?: string | Requirement<Action, DataAction, Subject>;
    };

/** One operation of a service, as data. `Path` uses `:name` for a segment and `**:name` for the rest. */
export interface Operation<
  Target,
  Action extends string = string,
  DataAction extends string = string,
  Path extends string = string,
> {
  /** Azure's own name for it, e.g. `PutBlob`. */
  readonly name: string;
  readonly method: Method | readonly Method[];
  readonly path: Path;
  /** Query parameters that choose this operation among others of the path: a value, or `true` for "present". */
  readonly query?: Readonly<Record<string, string | true>>;
  /** Headers that choose it likewise. */
  readonly headers?: Readonly<Record<string, string | true>>;
  readonly needs: Requirement<Action, DataAction, Call<Target, PathParameters<Path>>>;
  /** Largest body it takes, in bytes. Default 0: no body is read. */
  readonly bodyLimit?: number;
  handle(call: Call<Target, PathParameters<Path>>): Eventually<Reply>;
}

/** An operation whose path parameters are known only by name. What a service's list holds. */
export type AnyOperation<Target> = Operation<Target, string, string, string>;

/** Which operation a request is, and its path parameters. */
export interface Match<Target> {
  readonly operation: AnyOperation<Target>;
  readonly parameters: Readonly<Record<string, string>>;
}

export type Matcher<Target> = (request: Request) => Eventually<Match<Target> | undefined>;

/**
 * Types an operation by a service's target, actions and data actions, so that a misspelt action or path parameter does
 * not compile.
 * @example const operation = operationsOf<BlobTarget, BlobAction, BlobDataAction>();
 *          export const putBlob = operation({ name: "PutBlob", path: "/:container/**:blob", ... });
 */
export const operationsOf =
  <Target, Action extends string, DataAction extends string>() =>
  <const Path extends string>(operation: Operation<Target, Action, DataAction, Path>): AnyOperation<Target> =>
    operation;
