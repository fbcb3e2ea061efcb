import type { IndexUtilization } from "../query/index-utilization.ts";
import type { PreparedQuery, QueryRun } from "./query-port.ts";
import type { JsonObject } from "./records.ts";

const none = { SingleIndexes: [], CompositeIndexes: [] };
const noIndexes: IndexUtilization = { Utilized: none, Potential: none };
const anything = { ranges: [], never: false };

const open = (): QueryRun => {
  let ready: JsonObject[] = [];
  return {
    add: (document) => {
      ready = [document];
      return true;
    },
    take: () => {
      const taken = ready;
      ready = [];
      return taken;
    },
    finish: () => [],
    // oxlint-disable-next-line eslint/require-yield -- there is nothing to do in between
    finishing: function* () {
      return [];
    },
  };
};

/** Every document as it is: what a read feed is as a query. */
export const everything: PreparedQuery = {
  streaming: true,
  constant: false,
  bare: false,
  filter: anything,
  narrowing: anything,
  flow: { open, offset: 0, count: Number.POSITIVE_INFINITY, order: undefined },
  indexes: () => noIndexes,
  open,
};
