import com.azure.cosmos.ChangeFeedProcessor;
import com.azure.cosmos.ChangeFeedProcessorBuilder;
import com.azure.cosmos.CosmosAsyncDatabase;
import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.models.ChangeFeedProcessorItem;
import com.azure.cosmos.models.ChangeFeedProcessorOptions;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/** Change feed processors, which keep their place in a container of leases. */
final class Processors extends Base {
  private static final ChangeFeedProcessorOptions quick = new ChangeFeedProcessorOptions()
      .setFeedPollDelay(Duration.ofMillis(100))
      .setLeaseAcquireInterval(Duration.ofMillis(200));

  static void list(CosmosClient client) {
    CosmosAsyncDatabase database = async().getDatabase("appdb");
    on("change feed processor: leases, latest versions", () -> {
      Seen seen = new Seen(container(client, "followed"));
      ChangeFeedProcessor processor = new ChangeFeedProcessorBuilder()
          .hostName("latest")
          .feedContainer(database.getContainer("followed"))
          .leaseContainer(database.getContainer("leases"))
          .options(quick.setLeasePrefix("latest"))
          .handleLatestVersionChanges(items -> items.forEach(each -> seen.add(each, each.getCurrent().get("id").asText())))
          .buildChangeFeedProcessor();
      return seen.by(processor, items -> {
        for (String id : List.of("1", "2", "3")) put(items, item("id", id, "pk", "p"));
      });
    });
    on("change feed processor: leases, all versions and deletes", () -> {
      Seen seen = new Seen(container(client, "logged"));
      ChangeFeedProcessor processor = new ChangeFeedProcessorBuilder()
          .hostName("all")
          .feedContainer(database.getContainer("logged"))
          .leaseContainer(database.getContainer("leases"))
          .options(quick.setLeasePrefix("all"))
          .handleAllVersionsAndDeletesChanges(items -> items.forEach(each ->
              seen.add(each, each.getChangeFeedMetaData().getOperationType().toString().toLowerCase())))
          .buildChangeFeedProcessor();
      return seen.by(processor, items -> {
        put(items, item("id", "2", "pk", "p"));
        items.replaceItem(item("id", "2", "pk", "p", "n", 1), "2", key("p"), null);
        items.deleteItem("2", key("p"), null);
      });
    });
  }

  /** What a processor tells of a container, but for the items that show when it has begun. */
  private static final class Seen {
    private final ConcurrentLinkedQueue<String> found = new ConcurrentLinkedQueue<>();
    private final CosmosContainer items;
    private volatile boolean begun;

    Seen(CosmosContainer items) {
      this.items = items;
    }

    void add(ChangeFeedProcessorItem each, String told) {
      JsonNode current = each.getCurrent();
      if (current != null && current.path("id").asText().startsWith("begun")) begun = true;
      else found.add(told);
    }

    List<String> by(ChangeFeedProcessor processor, Consumer<CosmosContainer> writing) throws Exception {
      processor.start().block(Duration.ofSeconds(20));
      // It tells what is written after its first look, and nothing says when that was.
      for (int n = 0; n < 100 && !begun; n++) {
        put(items, item("id", "begun" + n, "pk", "p"));
        Thread.sleep(200);
      }
      writing.accept(items);
      for (int n = 0; n < 100 && found.size() < 3; n++) Thread.sleep(100);
      processor.stop().block(Duration.ofSeconds(20));
      return new ArrayList<>(found);
    }
  }
}
