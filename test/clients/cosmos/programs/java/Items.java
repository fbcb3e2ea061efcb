import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.ConsistencyLevel;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.models.CosmosItemIdentity;
import com.azure.cosmos.models.CosmosItemRequestOptions;
import com.azure.cosmos.models.CosmosItemResponse;
import com.azure.cosmos.models.CosmosPatchItemRequestOptions;
import com.azure.cosmos.models.CosmosPatchOperations;
import com.azure.cosmos.models.CosmosQueryRequestOptions;
import com.azure.cosmos.models.PartitionKey;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** Items one at a time. */
final class Items extends Base {
  static void list(CosmosClient client) {
    CosmosContainer items = container(client, "items");
    on("creates, reads, replaces, deletes", () -> {
      int made = put(items, item("id", "crud", "pk", "p", "name", "one")).getStatusCode();
      String first = read(items, "crud", "p").get("name").asText();
      ObjectNode changed = item("id", "crud", "pk", "p", "name", "two");
      int replaced = items.replaceItem(changed, "crud", key("p"), null).getStatusCode();
      String second = read(items, "crud", "p").get("name").asText();
      int deleted = items.deleteItem("crud", key("p"), null).getStatusCode();
      return seen(made, first, replaced, second, deleted, readStatus(items, "crud", "p"));
    });
    on("upserts", () -> seen(
        items.upsertItem(item("id", "upsert", "pk", "p")).getStatusCode(),
        items.upsertItem(item("id", "upsert", "pk", "p", "n", 2)).getStatusCode()));
    on("system properties", () -> {
      List<String> names = new ArrayList<>();
      put(items, item("id", "system", "pk", "p")).getItem().fieldNames().forEachRemaining(names::add);
      return names.stream().filter(name -> name.startsWith("_")).sorted().toList();
    });
    on("an item that is not there", () -> refusal(() -> read(items, "nothing", "p")));
    on("an item that is there already", () -> {
      put(items, item("id", "twice", "pk", "p"));
      return refusal(() -> items.createItem(item("id", "twice", "pk", "p")));
    });
    on("If-Match: stale replace, stale delete, current replace", () -> {
      String old = put(items, item("id", "etag", "pk", "p")).getETag();
      ObjectNode changed = item("id", "etag", "pk", "p", "n", 1);
      String current = items.replaceItem(changed, "etag", key("p"), null).getETag();
      CosmosItemRequestOptions stale = new CosmosItemRequestOptions().setIfMatchETag(old);
      CosmosItemRequestOptions fresh = new CosmosItemRequestOptions().setIfMatchETag(current);
      return seen(
          status(() -> items.replaceItem(changed, "etag", key("p"), stale)),
          status(() -> items.deleteItem("etag", key("p"), stale)),
          items.replaceItem(changed, "etag", key("p"), fresh).getStatusCode());
    });
    on("If-None-Match of what has not changed", () -> {
      String etag = put(items, item("id", "unchanged", "pk", "p")).getETag();
      CosmosItemRequestOptions options = new CosmosItemRequestOptions().setIfNoneMatchETag(etag);
      return statusOf(() -> items.readItem("unchanged", key("p"), options, ObjectNode.class));
    });
    patches(items);
    keys(items);
    on("reads many at once", () -> {
      List<CosmosItemIdentity> wanted = List.of(
          new CosmosItemIdentity(key("a"), "1"),
          new CosmosItemIdentity(key("b"), "2"),
          new CosmosItemIdentity(key("c"), "9"),
          new CosmosItemIdentity(key("c"), "none"));
      return container(client, "shop").readMany(wanted, ObjectNode.class).getResults().stream()
          .map(each -> each.get("id").asText())
          .toList();
    });
    on("an item of more than 2 MB", () -> {
      ObjectNode big = item("id", "big", "pk", "p", "text", "x".repeat(2_200_000));
      return status(() -> items.createItem(big));
    });
    on("time to live", () -> {
      CosmosContainer brief = container(client, "short");
      put(brief, item("id", "brief", "pk", "p", "ttl", 2, "name", "there"));
      String name = read(brief, "brief", "p").get("name").asText();
      Thread.sleep(3200);
      return seen(name, readStatus(brief, "brief", "p"));
    });
    on("unique keys: another partition, the same partition", () -> {
      CosmosContainer people = container(client, "people");
      put(people, item("id", "1", "pk", "a", "email", "ada@example.com"));
      int other = put(people, item("id", "1", "pk", "b", "email", "ada@example.com")).getStatusCode();
      return seen(other, status(() -> put(people, item("id", "2", "pk", "a", "email", "ada@example.com"))));
    });
    on("deletes by partition key", () -> {
      for (String id : List.of("1", "2")) put(items, item("id", id, "pk", "doomed"));
      CosmosQueryRequestOptions options = new CosmosQueryRequestOptions().setPartitionKey(key("doomed"));
      Callable<Long> left = () -> items.queryItems("SELECT * FROM c", options, ObjectNode.class).stream().count();
      long before = left.call();
      items.deleteAllItemsByPartitionKey(key("doomed"), null);
      return seen(before, left.call());
    });
    on("writes without the item in the answer", () -> {
      CosmosItemResponse<ObjectNode> made = items.createItem(item("id", "quiet", "pk", "p"));
      return seen(made.getStatusCode(), made.getItem());
    });
    on("request charges", () -> put(items, item("id", "charge", "pk", "p")).getRequestCharge() > 1);
    on("429 when throughput is used up: waits as it is told to, and gets through", () -> {
      CosmosContainer metered = container(client, "metered");
      for (int n = 0; n < 6; n++) put(metered, item("id", String.valueOf(n), "pk", "p", "text", "x".repeat(400_000)));
      CosmosQueryRequestOptions options = new CosmosQueryRequestOptions().setPartitionKey(key("p"));
      return metered.queryItems("SELECT VALUE c.id FROM c", options, JsonNode.class).stream().count();
    });
    on("session tokens: from a write, in a read by another client", () -> {
      String token = put(items, item("id", "session", "pk", "p")).getSessionToken();
      CosmosContainer other =
          container(withToken(builder -> builder.consistencyLevel(ConsistencyLevel.SESSION)), "items");
      CosmosItemRequestOptions options = new CosmosItemRequestOptions().setSessionToken(token);
      int found = other.readItem("session", key("p"), options, ObjectNode.class).getStatusCode();
      return seen(token.matches("0:-?\\d+#\\d+.*"), found);
    });
  }

  private static void patches(CosmosContainer items) {
    on("patch: add, set, replace, remove, increment", () -> {
      put(items, item("id", "patch", "pk", "p", "added", List.of(1, 3), "replaced", "x", "removed", 1, "count", 5));
      CosmosPatchOperations operations = CosmosPatchOperations.create()
          .add("/added/1", 2)
          .set("/set", "s")
          .replace("/replaced", "r")
          .remove("/removed")
          .increment("/count", 3);
      ObjectNode found = patch(items, "patch", operations, null).getItem();
      Map<String, Object> kept = new LinkedHashMap<>();
      for (String name : List.of("added", "set", "replaced", "removed", "count"))
        if (found.has(name)) kept.put(name, found.get(name));
      return kept;
    });
    on("patch: move", () -> {
      put(items, item("id", "move", "pk", "p", "from", "moved"));
      ObjectNode found = patch(items, "move", CosmosPatchOperations.create().move("/from", "/to"), null).getItem();
      Map<String, Object> kept = new LinkedHashMap<>();
      for (String name : List.of("from", "to")) if (found.has(name)) kept.put(name, found.get(name));
      return kept;
    });
    on("patch with a condition: false, true", () -> {
      put(items, item("id", "condition", "pk", "p", "n", 1));
      CosmosPatchOperations more = CosmosPatchOperations.create().increment("/n", 1);
      return seen(
          status(() -> patch(items, "condition", more, "FROM c WHERE c.n > 5")),
          patch(items, "condition", more, "FROM c WHERE c.n = 1").getStatusCode());
    });
    on("patch of a path without a parent", () -> {
      put(items, item("id", "orphan", "pk", "p"));
      return status(() -> patch(items, "orphan", CosmosPatchOperations.create().add("/a/b/c", 1), null));
    });
  }

  private static CosmosItemResponse<ObjectNode> patch(
      CosmosContainer items, String id, CosmosPatchOperations operations, String condition) {
    CosmosPatchItemRequestOptions options = new CosmosPatchItemRequestOptions();
    options.setContentResponseOnWriteEnabled(true);
    options.setFilterPredicate(condition);
    return items.patchItem(id, key("p"), operations, options, ObjectNode.class);
  }

  private static void keys(CosmosContainer items) {
    on("a partition key that is not the item's", () -> refusal(
        () -> items.createItem(item("id", "astray", "pk", "p"), key("q"), null)));
    on("keys that are numbers, booleans, null", () -> {
      List<Object> found = new ArrayList<>();
      for (Object value : new Object[] {7, true, null}) {
        put(items, item("id", "typed", "pk", value));
        found.add(read(items, "typed", value).get("pk"));
      }
      return found;
    });
    on("an item without a key", () -> {
      items.createItem(item("id", "keyless", "name", "keyless"), PartitionKey.NONE, null);
      return items.readItem("keyless", PartitionKey.NONE, ObjectNode.class).getItem().get("name");
    });
    on("ids and keys outside ASCII", () -> {
      String id = "Grüße, 豆腐 (1+1=2)";
      put(items, item("id", id, "pk", "ключ"));
      ObjectNode found = read(items, id, "ключ");
      return seen(found.get("id"), found.get("pk"), items.deleteItem(id, key("ключ"), null).getStatusCode());
    });
    on("a key with an emoji", () -> {
      put(items, item("id", "emoji", "pk", "🗝"));
      return read(items, "emoji", "🗝").get("pk");
    });
    on("an id with a question mark", () -> {
      put(items, item("id", "why?", "pk", "p"));
      return readStatus(items, "why?", "p");
    });
  }

  private static Object statusOf(Callable<CosmosItemResponse<ObjectNode>> work) throws Exception {
    Object[] found = new Object[1];
    Object refused = status(() -> found[0] = work.call().getStatusCode());
    return found[0] == null ? refused : found[0];
  }
}
