import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.CosmosException;
import com.azure.cosmos.models.CosmosBatch;
import com.azure.cosmos.models.CosmosBatchItemRequestOptions;
import com.azure.cosmos.models.CosmosBatchOperationResult;
import com.azure.cosmos.models.CosmosBulkOperationResponse;
import com.azure.cosmos.models.CosmosBulkOperations;
import com.azure.cosmos.models.CosmosItemOperation;
import com.azure.cosmos.models.CosmosPatchOperations;
import com.azure.cosmos.models.CosmosQueryRequestOptions;
import com.azure.cosmos.models.FeedResponse;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Transactional batches, and bulk. */
final class Batches extends Base {
  static void list(CosmosClient client) {
    CosmosContainer items = container(client, "items");
    on("batch: create, upsert, replace, patch, read, delete", () -> {
      for (String id : List.of("replace", "patch", "delete")) put(items, item("id", id, "pk", "batch"));
      CosmosBatch batch = CosmosBatch.createCosmosBatch(key("batch"));
      batch.createItemOperation(item("id", "create", "pk", "batch"));
      batch.upsertItemOperation(item("id", "upsert", "pk", "batch"));
      batch.replaceItemOperation("replace", item("id", "replace", "pk", "batch", "n", 1));
      batch.patchItemOperation("patch", CosmosPatchOperations.create().set("/n", 1));
      batch.readItemOperation("create");
      batch.deleteItemOperation("delete");
      return executed(items, batch);
    });
    on("batch that fails: statuses, and what is left", () -> {
      put(items, item("id", "taken", "pk", "rollback"));
      CosmosBatch batch = CosmosBatch.createCosmosBatch(key("rollback"));
      for (String id : List.of("first", "taken", "last")) batch.createItemOperation(item("id", id, "pk", "rollback"));
      return seen(executed(items, batch), readStatus(items, "first", "rollback"));
    });
    on("batch: a stale If-Match", () -> {
      put(items, item("id", "guarded", "pk", "stale"));
      CosmosBatch batch = CosmosBatch.createCosmosBatch(key("stale"));
      batch.createItemOperation(item("id", "first", "pk", "stale"));
      batch.replaceItemOperation(
          "guarded",
          item("id", "guarded", "pk", "stale", "n", 1),
          new CosmosBatchItemRequestOptions().setIfMatchETag("\"00000000-0000-0000-0000-000000000000\""));
      return seen(executed(items, batch), readStatus(items, "first", "stale"));
    });
    on("batch of a hundred, and its items in pages of forty", () -> {
      CosmosBatch batch = CosmosBatch.createCosmosBatch(key("hundred"));
      for (int n = 0; n < 100; n++) batch.createItemOperation(item("id", String.valueOf(n), "pk", "hundred"));
      long made = executed(items, batch).stream().filter(status -> status == 201).count();
      CosmosQueryRequestOptions options = new CosmosQueryRequestOptions().setPartitionKey(key("hundred"));
      Set<String> found = new HashSet<>();
      int pages = 0;
      for (FeedResponse<ObjectNode> page :
          items.queryItems("SELECT * FROM c", options, ObjectNode.class).iterableByPage(40)) {
        if (!page.getResults().isEmpty()) pages++;
        page.getResults().forEach(each -> found.add(each.get("id").asText()));
      }
      return seen(made, pages, found.size());
    });
    on("bulk over partitions: each on its own", () -> {
      put(items, item("id", "taken", "pk", "bulk-b"));
      put(items, item("id", "gone", "pk", "bulk-b"));
      List<CosmosItemOperation> operations = List.of(
          CosmosBulkOperations.getCreateItemOperation(item("id", "1", "pk", "bulk-a"), key("bulk-a")),
          CosmosBulkOperations.getCreateItemOperation(item("id", "2", "pk", "bulk-b"), key("bulk-b")),
          CosmosBulkOperations.getCreateItemOperation(item("id", "taken", "pk", "bulk-b"), key("bulk-b")),
          CosmosBulkOperations.getUpsertItemOperation(item("id", "taken", "pk", "bulk-b", "n", 1), key("bulk-b")),
          CosmosBulkOperations.getDeleteItemOperation("gone", key("bulk-b")),
          CosmosBulkOperations.getReadItemOperation("none", key("bulk-c")));
      Map<CosmosItemOperation, Object> statuses = new IdentityHashMap<>();
      for (CosmosBulkOperationResponse<Object> each : items.executeBulkOperations(operations))
        statuses.put(
            each.getOperation(),
            each.getResponse() == null
                ? ((CosmosException) each.getException()).getStatusCode()
                : each.getResponse().getStatusCode());
      return operations.stream().map(statuses::get).toList();
    });
  }

  private static List<Integer> executed(CosmosContainer items, CosmosBatch batch) {
    return items.executeCosmosBatch(batch).getResults().stream().map(CosmosBatchOperationResult::getStatusCode).toList();
  }
}
