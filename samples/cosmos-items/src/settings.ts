export interface Settings {
  readonly endpoint: string;
  readonly database: string;
  readonly container: string;
  readonly port: number;
}

/** @throws Error that names the missing setting */
export const readSettings = (env: Readonly<Record<string, string | undefined>>): Settings => {
  const setting = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "") throw new Error(`The setting ${name} is missing.`);
    return value;
  };
  return {
    endpoint: setting("COSMOS_ENDPOINT"),
    database: setting("COSMOS_DATABASE"),
    container: setting("COSMOS_CONTAINER"),
    port: Number(env["PORT"] ?? 8080),
  };
};
