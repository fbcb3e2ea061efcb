import type { IndexUtilization } from "../query/index-utilization.ts";
import type { PreparedQuery } from "./query-port.ts";
import type { JsonObject } from "./records.ts";

const none = { SingleIndexes: [], CompositeIndexes: [] };
const noIndexes: IndexUtilization = { Utilized: none, Potential: none };

/** Every document as it is: what a read feed is as a query. */
export const everything: PreparedQuery = {
  streaming: true,
  constant: false,
  narrowing: { ranges: [], never: false },
  indexes: () => noIndexes,
  open: () => {
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
    };
  },
};
