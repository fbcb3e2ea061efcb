/** What the management plane needs of the servers themselves. `src/postgres` provides it. */

export interface AuthConfig {
  readonly activeDirectoryAuth: "Enabled" | "Disabled";
  readonly passwordAuth: "Enabled" | "Disabled";
}

export interface ServerOptions {
  readonly version: string;
  readonly authConfig: AuthConfig;
}

export interface Administrator {
  readonly principalName: string;
  readonly objectId: string;
  readonly type: "user" | "group" | "service";
}

export interface Database {
  readonly name: string;
  readonly charset: string;
  readonly collation: string;
}

export interface Parameter {
  readonly name: string;
  readonly value: string;
  readonly defaultValue: string;
  readonly description: string;
  readonly dataType: string;
  readonly allowedValues: string;
  readonly unit: string;
  readonly dynamic: boolean;
  readonly readOnly: boolean;
  readonly pendingRestart: boolean;
  readonly changed: boolean;
}

export interface PostgresEngine {
  /** Creates the server's data, or opens it when it exists; sets the administrator's password. Durable when it resolves. */
  createServer(
    name: string,
    options: ServerOptions & { readonly administratorLogin?: string; readonly administratorLoginPassword?: string },
  ): Promise<void>;
  /** @throws when the server's data is missing */
  openServer(name: string, options: ServerOptions): Promise<void>;
  deleteServer(name: string): Promise<void>;
  has(name: string): boolean;
  readonly version: string | undefined;
  updateAuthConfig(name: string, authConfig: AuthConfig): void;
  setPassword(name: string, login: string, password: string): Promise<void>;
  putAdministrator(name: string, administrator: Administrator): Promise<void>;
  deleteAdministrator(name: string, objectId: string): Promise<boolean>;
  createDatabase(name: string, database: string): Promise<void>;
  dropDatabase(name: string, database: string): Promise<boolean>;
  listDatabases(name: string): Promise<readonly Database[]>;
  listParameters(name: string): Promise<readonly Parameter[]>;
  setParameter(name: string, parameter: string, value: string | undefined): Promise<{ readonly restart: boolean }>;
  /** Logins are refused until `start`. */
  stop(name: string): Promise<void>;
  start(name: string): Promise<void>;
  restart(name: string): Promise<void>;
}
