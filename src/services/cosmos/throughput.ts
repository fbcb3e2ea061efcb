/**
 * Provisioned throughput, enforced where the tenant is started to (`--enforce-throughput`). Each container, or database that
 * shares its throughput, has a second's worth of request units that fill up again with time. Who comes while some are left
 * is served, whatever it costs; who comes when none are left waits: 429.
 * https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-request-rate-too-large
 */
import type { Clock } from "../../kernel/clock.ts";
import type { AnyOperation } from "../../kernel/operation.ts";
import type { Throughput } from "./engine/records.ts";
import { cosmosFault } from "./faults.ts";
import type { CosmosOperation, CosmosTarget } from "./target.ts";

interface Budget {
  units: number;
  /** Wall clock: clients wait by theirs. */
  at: number;
}

/** Clients give up after 30 s. */
const longestDebt = 10;
const remembered = 10_000;

const perSecond = (throughput: Throughput): number =>
  "manual" in throughput ? throughput.manual : throughput.autoscaleMaximum;

/** Whose throughput a request uses, and how much there is; undefined: nobody's (serverless). */
const sourceOf = ({ database, container }: CosmosTarget): { rid: string; rate: number } | undefined => {
  const owner = container?.throughput === undefined ? database : container;
  return owner?.throughput === undefined ? undefined : { rid: owner.rid, rate: perSecond(owner.throughput) };
};

/** What works on the content of a container, and is charged for. */
const isCharged = ({ name, path, intent }: CosmosOperation): boolean =>
  name === "ExecuteStoredProcedure" ||
  (intent !== "plan" && /^\/dbs\/:db\/colls\/:coll\/(?:docs|operations)/.test(path));

/** Wraps what is charged for. */
export const throttled = (clock: Pick<Clock, "wall">): ((operation: CosmosOperation) => CosmosOperation) => {
  const budgets = new Map<string, Budget>();
  const filled = (rid: string, rate: number): Budget => {
    const now = clock.wall();
    const known = budgets.get(rid);
    const units = known === undefined ? rate : known.units + ((now - known.at) / 1000) * rate;
    const budget = { units: Math.min(rate, Math.max(units, -longestDebt * rate)), at: now };
    if (known === undefined && budgets.size >= remembered) budgets.delete(budgets.keys().next().value ?? "");
    budgets.set(rid, budget);
    return budget;
  };
  return (operation) => {
    if (!isCharged(operation)) return operation;
    const handle: AnyOperation<CosmosTarget>["handle"] = async (call) => {
      const source = sourceOf(call.target);
      if (source === undefined) return operation.handle(call);
      const { rid, rate } = source;
      const { units } = filled(rid, rate);
      if (units <= 0)
        throw cosmosFault(
          "tooManyRequests",
          {},
          {
            detail: { subStatus: 3200 },
            headers: { "x-ms-retry-after-ms": String(Math.ceil((-units / rate) * 1000) + 1) },
            hint: `${rate} RU/s are provisioned, and they are used up.`,
          },
        );
      let cost = 1;
      try {
        const reply = await operation.handle(call);
        cost = Number(reply.headers?.["x-ms-request-charge"] ?? 1);
        return reply;
      } finally {
        filled(rid, rate).units -= cost;
      }
    };
    return { ...operation, handle };
  };
};
