/** Environments in the notations that shells and tools read. */

const portableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** POSIX shell: in single quotes nothing is special but the quote itself. */
export const shellQuote = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

export const shellText = (set: Readonly<Record<string, string>>, unset: readonly string[]): string => {
  const gone = unset.filter((name) => portableName.test(name));
  return [
    ...(gone.length === 0 ? [] : [`unset ${gone.join(" ")}`]),
    ...Object.entries(set).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    "",
  ].join("\n");
};

/** dotenv: single quotes are taken literally by every reader; a value that holds one goes into double quotes. */
export const dotenvText = (set: Readonly<Record<string, string>>): string =>
  Object.entries(set)
    .map(([name, value]) =>
      value.includes("'")
        ? `${name}="${value.replaceAll(/["\\$`]/g, "\\$&").replaceAll("\n", "\\n")}"\n`
        : `${name}='${value}'\n`,
    )
    .join("");
