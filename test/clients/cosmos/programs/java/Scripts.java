import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.models.CosmosItemRequestOptions;
import com.azure.cosmos.models.CosmosQueryRequestOptions;
import com.azure.cosmos.models.CosmosStoredProcedureProperties;
import com.azure.cosmos.models.CosmosStoredProcedureRequestOptions;
import com.azure.cosmos.models.CosmosUserProperties;
import java.util.List;

/** Stored procedures, triggers, functions, and users. */
final class Scripts extends Base {
  static void list(CosmosClient client) {
    CosmosContainer scripted = container(client, "scripted");
    CosmosStoredProcedureRequestOptions there = new CosmosStoredProcedureRequestOptions().setPartitionKey(key("p"));
    on("stored procedure: made with a key, run with a token, deleted", () -> {
      int made = make("hello", "function (name) { getContext().getResponse().setBody('hello ' + name); }");
      String answer =
          scripted.getScripts().getStoredProcedure("hello").execute(List.of("Ada"), there).getResponseAsString();
      int gone = container(keyed(), "scripted").getScripts().getStoredProcedure("hello").delete().getStatusCode();
      return seen(made, json.readTree(answer), gone);
    });
    on("stored procedure: one that fails leaves nothing behind", () -> {
      make("half", """
          function () {
            const items = getContext().getCollection();
            items.createDocument(items.getSelfLink(), { id: "half", pk: "p" }, () => { throw new Error("no further"); });
          }""");
      return seen(
          status(() -> scripted.getScripts().getStoredProcedure("half").execute(List.of(), there)),
          readStatus(scripted, "half", "p"));
    });
    on("stored procedure: its log", () -> {
      make("tells", "function () { console.log('seen'); }");
      CosmosStoredProcedureRequestOptions logged =
          new CosmosStoredProcedureRequestOptions().setPartitionKey(key("p")).setScriptLoggingEnabled(true);
      return scripted.getScripts().getStoredProcedure("tells").execute(List.of(), logged).getScriptLog().trim();
    });
    on("a token makes no scripts", () -> refusal(() -> scripted
        .getScripts()
        .createStoredProcedure(new CosmosStoredProcedureProperties("new", "function () {}"))));
    on("a pre-trigger changes what is created", () -> {
      CosmosItemRequestOptions options = new CosmosItemRequestOptions()
          .setPreTriggerInclude(List.of("stamp"))
          .setContentResponseOnWriteEnabled(true);
      return scripted.createItem(item("id", "pre", "pk", "p"), options).getItem().get("stamp");
    });
    on("a post-trigger that fails undoes the write", () -> {
      CosmosItemRequestOptions options = new CosmosItemRequestOptions().setPostTriggerInclude(List.of("refuse"));
      return seen(
          status(() -> scripted.createItem(item("id", "post", "pk", "p"), options)),
          readStatus(scripted, "post", "p"));
    });
    on("a function in a query", () -> {
      for (int n : new int[] {1, 2}) put(scripted, item("id", "f" + n, "pk", "f", "n", n));
      String query = "SELECT VALUE udf.double(c.n) FROM c WHERE c.pk = 'f' ORDER BY c.n";
      return scripted.queryItems(query, new CosmosQueryRequestOptions(), Integer.class).stream().toList();
    });
    on("a user's permission: reads, does not write, sees no other container", () -> {
      CosmosClient of = keyed();
      of.getDatabase("appdb").createUser(new CosmosUserProperties().setId("ada"));
      put(container(client, "people"), item("id", "reader", "pk", "r", "email", "r@example.com"));
      String token = permission("ada", "people");
      CosmosContainer people = container(withResourceToken(token), "people");
      return seen(
          readStatus(people, "reader", "r"),
          status(() -> put(people, item("id", "w", "pk", "r", "email", "w@example.com"))),
          readStatus(container(withResourceToken(token), "shop"), "1", "a"));
    });
    on("a token makes no users", () -> refusal(
        () -> client.getDatabase("appdb").createUser(new CosmosUserProperties().setId("bob"))));
  }

  private static int make(String id, String body) {
    return container(keyed(), "scripted")
        .getScripts()
        .createStoredProcedure(new CosmosStoredProcedureProperties(id, body))
        .getStatusCode();
  }
}
