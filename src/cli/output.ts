/**
 * Output as events; text and JSON are two writers of them. Standard output carries what was asked for (results, the Ready
 * block, the request log), standard error everything about it. A command that gives its standard output to another
 * program (`run`, `az`, `open`) writes all of its own to standard error.
 */
import { type LogEntry, requestLine } from "../control/log-entry.ts";
import type { Problem } from "../control/problem.ts";
import { type Ready, readyText } from "./ready.ts";

export type CliEvent =
  | { readonly type: "ready"; readonly ready: Ready }
  | { readonly type: "request"; readonly entry: LogEntry }
  | { readonly type: "notice"; readonly text: string }
  | { readonly type: "warning"; readonly text: string }
  | { readonly type: "problem"; readonly problem: Problem }
  /** What a command was asked for: one object, and how it reads. */
  | { readonly type: "result"; readonly value: unknown; readonly text: string };

export interface Output {
  readonly json: boolean;
  emit(event: CliEvent): void;
}

interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whoever reads `out` is far behind. */
  readonly lagging: () => boolean;
}

/** Lines of the request log beyond this are left out: a terminal that stands still must not fill our memory. */
const lagLimit = 4 * 1024 * 1024;

export const processStreams = (quietOut: boolean): Streams => {
  const out = quietOut ? process.stderr : process.stdout;
  return {
    out: (text) => void out.write(text),
    err: (text) => void process.stderr.write(text),
    lagging: () => out.writableLength > lagLimit,
  };
};

export const textOutput = ({ out, err, lagging }: Streams): Output => ({
  json: false,
  emit: (event) => {
    switch (event.type) {
      case "ready":
        return out(readyText(event.ready));
      case "request":
        return lagging() ? undefined : out(`${requestLine(event.entry)}\n`);
      case "notice":
        return err(`lanyard: ${event.text}\n`);
      case "warning":
        return err(`lanyard: warning: ${event.text}\n`);
      case "problem":
        return err(problemText(event.problem));
      case "result":
        return out(event.text);
    }
  },
});

/** One object for a result; otherwise one object per line, told apart by `type`. */
export const jsonOutput = ({ out, err, lagging }: Streams): Output => ({
  json: true,
  emit: (event) => {
    const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
    switch (event.type) {
      case "ready":
        return out(line({ type: "ready", ...event.ready }));
      case "request":
        return lagging() ? undefined : out(line({ type: "request", ...event.entry }));
      case "result":
        return out(line(event.value));
      case "problem":
        return err(line({ type: "problem", ...problemFields(event.problem) }));
      case "notice":
      case "warning":
        return err(line(event));
    }
  },
});

export const problemFields = (problem: Problem): Record<string, unknown> => ({
  code: problem.code,
  what: problem.message,
  ...(problem.why === undefined ? {} : { why: problem.why }),
  help: problem.help,
});

const problemText = (problem: Problem): string =>
  [
    `lanyard: ${problem.message}`,
    ...(problem.why === undefined ? [] : [`  ${problem.why}`]),
    ...problem.help.map((line) => `  -> ${line}`),
    "",
  ].join("\n");
