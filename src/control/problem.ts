/**
 * Something that a person can act on: what happened, why, and what to run. Whatever else is thrown is a defect of
 * ours. The message never holds a secret.
 */
export interface ProblemInit {
  /** Stable name for scripts, e.g. `port-taken`. */
  readonly code: string;
  /** What happened, one sentence. */
  readonly what: string;
  readonly why?: string;
  /** Commands or steps that help. */
  readonly help?: readonly string[];
  readonly cause?: unknown;
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: string;
  readonly why: string | undefined;
  readonly help: readonly string[];

  constructor(init: ProblemInit) {
    super(init.what, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.why = init.why;
    this.help = init.help ?? [];
  }
}

export const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
