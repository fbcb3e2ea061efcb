/** Reads about access that are no resources of their own: the caller's permissions, and lists that are always empty here. */
import { parseScope, scopeKey } from "../../access/scopes.ts";
import type { ResourceType } from "../../arm/resource-type.ts";
import { json } from "../../kernel/message.ts";
import { scopeOf } from "./requests.ts";
import type { AccessState } from "./state.ts";

/** `GET {scope}/providers/Microsoft.Authorization/permissions`: the permission objects that the caller holds there. */
export const permissions = (state: AccessState): ResourceType => ({
  type: "Microsoft.Authorization/permissions",
  apiVersions: ["2022-04-01", "2018-07-01", "2015-07-01"],
  at: "extension",
  tracked: false,
  source: {
    list: (call) => {
      const { caller } = call;
      const scope = parseScope(scopeOf(call));
      const reaching = new Set(scope === undefined ? [] : state.index.ancestors(scope));
      const ids = caller.kind === "principal" ? [caller.objectId, ...caller.groups] : [];
      const held = ids
        .flatMap((id) => state.index.assignments(id))
        .filter((each) => reaching.has(scopeKey(each.scope) ?? ""))
        .flatMap((each) => state.index.roleOf(each)?.permissions ?? []);
      return json({ value: [...new Set(held)] });
    },
  },
});

/** `az policy` and the portal look here; Lanyard evaluates no policy, so there are none. */
export const policyAssignments: ResourceType = {
  type: "Microsoft.Authorization/policyAssignments",
  apiVersions: ["2023-04-01", "2021-06-01"],
  at: "extension",
  tracked: false,
  source: { list: () => json({ value: [] }) },
};
