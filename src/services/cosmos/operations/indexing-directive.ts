import { badRequest } from "../faults.ts";
import type { CosmosOperation } from "../target.ts";

const directives = ["default", "include", "exclude"];

/**
 * Writes of items may say whether they are indexed. Indexes follow the container's policy here, whatever a write says; what
 * the service would not understand is refused. https://learn.microsoft.com/rest/api/cosmos-db/create-a-document
 */
export const directed = (operation: CosmosOperation): CosmosOperation => {
  if (!operation.path.startsWith("/dbs/:db/colls/:coll/docs") || !/^(?:POST|PUT)$/.test(String(operation.method)))
    return operation;
  return {
    ...operation,
    handle: (call) => {
      const directive = call.request.header("x-ms-indexing-directive");
      if (directive !== undefined && directive !== "" && !directives.includes(directive.toLowerCase()))
        throw badRequest(`The value '${directive.slice(0, 50)}' specified for x-ms-indexing-directive is invalid.`);
      return operation.handle(call);
    },
  };
};
