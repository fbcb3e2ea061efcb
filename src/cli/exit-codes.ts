/** Exit codes of the CLI. `run` and `az` give back their program's own; a program ended by signal N gives 128 + N. */
export const exitCodes = {
  ok: 0,
  /** Something failed; the message says what and what to do. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** No tenant runs on this state folder. */
  notRunning: 3,
  /** As shells have it: found, but cannot be run; not found. */
  notExecutable: 126,
  notFound: 127,
  /** A signal came before the program was started. */
  interrupted: 130,
} as const;

export const exitCodeOf = (problem: { readonly code: string }): number => {
  switch (problem.code) {
    case "usage":
      return exitCodes.usage;
    case "not-running":
      return exitCodes.notRunning;
    case "not-executable":
      return exitCodes.notExecutable;
    case "not-found":
      return exitCodes.notFound;
    default:
      return exitCodes.failed;
  }
};
