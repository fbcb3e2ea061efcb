import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.CosmosDatabase;
import com.azure.cosmos.CosmosException;
import com.azure.cosmos.models.CosmosChangeFeedRequestOptions;
import com.azure.cosmos.models.CosmosContainerProperties;
import com.azure.cosmos.models.CosmosContainerResponse;
import com.azure.cosmos.models.CosmosDatabaseProperties;
import com.azure.cosmos.models.FeedRange;
import com.azure.cosmos.models.SqlParameter;
import com.azure.cosmos.models.SqlQuerySpec;
import com.azure.cosmos.models.ThroughputProperties;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** Who may do what, and databases, containers, throughput. */
final class Access extends Base {
  static void list(CosmosClient client) {
    CosmosDatabase appdb = client.getDatabase("appdb");
    on("reads in the preferred region", () -> {
      put(container(client, "items"), item("id", "regional", "pk", "regional"));
      CosmosClient western = withToken(builder -> builder.preferredRegions(List.of("West US")));
      return readStatus(container(western, "items"), "regional", "regional");
    });
    on("createIfNotExists finds what exists", () -> seen(
        client.createDatabaseIfNotExists("appdb").getProperties().getId(),
        appdb.createContainerIfNotExists("items", "/pk").getProperties().getId()));
    on("createIfNotExists with a data role is refused what is missing", () -> seen(
        refusal(() -> client.createDatabaseIfNotExists("missing")),
        refusal(() -> appdb.createContainerIfNotExists("missing", "/pk"))));
    on("a token creates no database and no container", () -> seen(
        refusal(() -> client.createDatabase("new")), refusal(() -> appdb.createContainer("new", "/pk"))));
    on("a role without the action is refused, action and resource named", () -> {
      String action = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/upsert";
      try {
        client.getDatabase("guarded").getContainer("items").upsertItem(item("id", "1", "pk", "1"));
        return "not refused";
      } catch (CosmosException error) {
        boolean named = error.getMessage().contains("[" + action + "] on resource [dbs/guarded/colls/items]");
        return Map.of("refused", seen(error.getStatusCode(), error.getSubStatusCode()), "named", named);
      }
    });
    on("a role at another scope is refused", () -> {
      CosmosContainer closed = client.getDatabase("closed").getContainer("items");
      return refusal(() -> read(closed, "1", "1"));
    });
    on("an account key opens everything", () -> {
      CosmosClient of = keyed();
      int made = of.createDatabase("by-key").getStatusCode();
      CosmosDatabase database = of.getDatabase("by-key");
      return seen(made, database.createContainer("c", "/pk").getStatusCode(), database.delete().getStatusCode());
    });
    on("a read-only key reads and does not write", () -> {
      CosmosClient of = withKey(asked("endpoint"), asked("readOnlyKey"));
      boolean found = of.getDatabase("appdb").read().getProperties().getId().equals("appdb");
      return seen(found, status(() -> container(of, "items").upsertItem(item("id", "x", "pk", "x"))));
    });
    on("a wrong key is refused", () -> {
      byte[] wrong = new byte[64];
      Arrays.fill(wrong, (byte) 7);
      String key = Base64.getEncoder().encodeToString(wrong);
      return status(() -> withKey(asked("endpoint"), key).getDatabase("appdb").read());
    });
    on("keys end with disableLocalAuth", () -> refusal(
        () -> withKey(asked("sealedEndpoint"), asked("sealedKey")).readAllDatabases().forEach(each -> {})));
    resources(client, appdb);
  }

  private static void resources(CosmosClient client, CosmosDatabase appdb) {
    on("reads a database and a container", () -> {
      CosmosContainerProperties found = container(client, "items").read().getProperties();
      return Map.of(
          "database", appdb.read().getProperties().getId(),
          "container", found.getId(),
          "paths", found.getPartitionKeyDefinition().getPaths(),
          "kind", found.getPartitionKeyDefinition().getKind().toString(),
          "version", found.getPartitionKeyDefinition().getVersion().ordinal() + 1,
          "mode", found.getIndexingPolicy().getIndexingMode().toString().toLowerCase());
    });
    on("lists databases and containers", () -> Map.of(
        "databases",
            keyed().readAllDatabases().stream().map(CosmosDatabaseProperties::getId).sorted().toList(),
        "containers",
            keyed().getDatabase("guarded").readAllContainers().stream().map(CosmosContainerProperties::getId).toList()));
    on("finds databases and containers with SQL", () -> {
      SqlQuerySpec byName =
          new SqlQuerySpec("SELECT * FROM root r WHERE r.id = @id", List.of(new SqlParameter("@id", "items")));
      return seen(
          keyed().queryDatabases("SELECT * FROM root r WHERE r.id = 'appdb'", null).stream()
              .map(CosmosDatabaseProperties::getId)
              .toList(),
          keyed().getDatabase("guarded").queryContainers(byName).stream()
              .map(CosmosContainerProperties::getId)
              .toList());
    });
    on("creates a container with policies", Policies::see);
    on("a container that was made anew under its name", () -> {
      CosmosDatabase database = keyed().getDatabase("appdb");
      database.createContainer("anew", "/pk");
      CosmosContainer anew = container(client, "anew");
      int first = put(anew, item("id", "1", "pk", "p")).getStatusCode();
      database.getContainer("anew").delete();
      database.createContainer("anew", "/pk");
      Object gone = readStatus(anew, "1", "p");
      int second = put(anew, item("id", "1", "pk", "p")).getStatusCode();
      database.getContainer("anew").delete();
      return seen(first, gone, second);
    });
    on("reads and replaces the throughput of a database", () -> {
      CosmosClient of = keyed();
      of.createDatabase("shared", ThroughputProperties.createManualThroughput(400));
      CosmosDatabase shared = of.getDatabase("shared");
      Integer before = shared.readThroughput().getProperties().getManualThroughput();
      ThroughputProperties more = ThroughputProperties.createManualThroughput(600);
      Integer after = shared.replaceThroughput(more).getProperties().getManualThroughput();
      shared.delete();
      return seen(before, after);
    });
    on("creates, replaces and deletes a container", () -> {
      CosmosDatabase database = keyed().getDatabase("appdb");
      CosmosContainerResponse made = database.createContainer("brief", "/pk");
      CosmosContainer brief = database.getContainer("brief");
      CosmosContainerProperties changed =
          brief.replace(made.getProperties().setDefaultTimeToLiveInSeconds(3600)).getProperties();
      return seen(made.getStatusCode(), changed.getDefaultTimeToLiveInSeconds(), brief.delete().getStatusCode());
    });
    on("reads and replaces throughput", () -> {
      CosmosContainer feed = container(keyed(), "feed");
      Integer before = feed.readThroughput().getProperties().getManualThroughput();
      ThroughputProperties more = ThroughputProperties.createManualThroughput(500);
      return seen(before, feed.replaceThroughput(more).getProperties().getManualThroughput());
    });
    on("creates with autoscale throughput", () -> {
      CosmosDatabase database = keyed().getDatabase("appdb");
      database.createContainer("scaled", "/pk", ThroughputProperties.createAutoscaledThroughput(1000));
      CosmosContainer scaled = database.getContainer("scaled");
      int maximum = scaled.readThroughput().getProperties().getAutoscaleMaxThroughput();
      scaled.delete();
      return maximum;
    });
    on("a token reads no throughput", () -> refusal(() -> container(client, "items").readThroughput()));
    on("reads feed ranges and what is in one", () -> {
      List<FeedRange> ranges = container(client, "shop").getFeedRanges();
      CosmosChangeFeedRequestOptions options =
          CosmosChangeFeedRequestOptions.createForProcessingFromBeginning(ranges.get(0));
      return seen(ranges.size(), Changes.drain(container(client, "shop"), options).names().size());
    });
  }
}
