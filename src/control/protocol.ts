/** The shapes of Lanyard's own API: what the server answers on its socket and clients read. */
import type { Actor } from "../edge/environment.ts";
import type { IdentityProtocol } from "./identity-protocols.ts";

export interface AppSummary {
  readonly name: string;
  readonly id: string;
  readonly type: string;
  /** For any browser. */
  readonly url?: string;
  /** The production address: through the proxy, or in `lanyard open`'s browser. */
  readonly productionUrl?: string;
}

export interface Status {
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since the tenant was opened. */
  readonly uptime: number;
  readonly state: string;
  readonly port: number;
  readonly openPort: number;
  readonly postgresPort: number;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly certificate: string;
  readonly apps: readonly AppSummary[];
  readonly warnings: readonly string[];
}

/** All that a process's environment is composed from, apart from the variables that it would have had anyway. */
export interface EnvironmentGrant {
  readonly actor: Actor;
  /** The app, unless the developer. */
  readonly app?: { readonly name: string; readonly id: string; readonly type: string; readonly created: boolean };
  /** Variables of its own that the app has in Azure: a site's settings, a container app's variables; secrets included. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly account: { readonly name: string; readonly secret: string };
  readonly gatewayPort: number;
  readonly openPort: number;
  readonly tlsPort: number;
  readonly postgres?: { readonly address: string; readonly port: number };
  readonly caFile: string;
  readonly azureConfigFolder: string;
  readonly azdConfigFolder: string;
  readonly passthrough: readonly string[];
}

export interface EnvironmentRequest {
  /** Undefined: the developer. */
  readonly as?: string;
  /** Create a web app when there is nothing of that name. */
  readonly create: boolean;
  /** How the app finds its identity. Default: as on App Service. */
  readonly identity?: IdentityProtocol;
}

export interface BrowserGrant {
  readonly openPort: number;
  /** Base64 SHA-256 of the intermediate's public key. */
  readonly spki: string;
  readonly profile: string;
  readonly apps: readonly AppSummary[];
}

/** A refusal of the API: a `Problem` on the wire. */
export interface ProblemBody {
  readonly error: {
    readonly code: string;
    readonly what: string;
    readonly why?: string;
    readonly help: readonly string[];
  };
}

export const controlHost = "lanyard";
