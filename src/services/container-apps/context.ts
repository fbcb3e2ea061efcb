import type { ArmContext } from "../../arm/context.ts";
import type { LogTokens } from "./log-tokens.ts";
import type { ContainerRunner } from "./runner.ts";
import type { AppSync } from "./sync.ts";

/** What this service's operations work with. */
export interface AppsContext {
  readonly arm: ArmContext;
  readonly resources: ArmContext["resources"];
  readonly runner: ContainerRunner;
  readonly sync: AppSync;
  readonly logTokens: LogTokens;
}
