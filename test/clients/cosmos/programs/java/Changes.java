import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.models.ChangeFeedProcessorItem;
import com.azure.cosmos.models.CosmosChangeFeedRequestOptions;
import com.azure.cosmos.models.FeedRange;
import com.azure.cosmos.models.FeedResponse;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The change feed, pulled. */
final class Changes extends Base {
  record Drained(List<String> names, String token) {}

  private static String token;

  /** Reads a change feed up to its end. */
  static Drained drain(CosmosContainer feed, CosmosChangeFeedRequestOptions options) {
    List<String> names = new ArrayList<>();
    String token = null;
    for (FeedResponse<ObjectNode> page : feed.queryChangeFeed(options, ObjectNode.class).iterableByPage()) {
      page.getResults().forEach(each -> names.add(each.get("name").asText()));
      token = page.getContinuationToken();
    }
    return new Drained(names, token);
  }

  static void list(CosmosClient client) {
    CosmosContainer feed = container(client, "feed");
    FeedRange everything = FeedRange.forFullRange();
    on("change feed: all from the beginning", () -> {
      for (String[] each : new String[][] {{"1", "a"}, {"2", "b"}, {"3", "a"}})
        put(feed, item("id", each[0], "pk", each[1], "name", each[0]));
      Drained found = drain(feed, CosmosChangeFeedRequestOptions.createForProcessingFromBeginning(everything));
      token = found.token();
      return found.names();
    });
    on("change feed: resumed by another client, latest versions alone", () -> {
      for (String name : List.of("2 in between", "2 changed"))
        feed.replaceItem(item("id", "2", "pk", "b", "name", name), "2", key("b"), null);
      put(feed, item("id", "4", "pk", "b", "name", "4"));
      put(feed, item("id", "5", "pk", "c", "name", "5"));
      feed.deleteItem("5", key("c"), null);
      CosmosContainer other = container(withToken(builder -> builder), "feed");
      return drain(other, CosmosChangeFeedRequestOptions.createForProcessingFromContinuation(token)).names();
    });
    on("change feed: from now on", () -> {
      Drained found = drain(feed, CosmosChangeFeedRequestOptions.createForProcessingFromNow(everything));
      put(feed, item("id", "6", "pk", "c", "name", "later"));
      List<String> names = new ArrayList<>(found.names());
      names.addAll(
          drain(feed, CosmosChangeFeedRequestOptions.createForProcessingFromContinuation(found.token())).names());
      return names;
    });
    on("change feed: of one partition key", () -> drain(
            feed,
            CosmosChangeFeedRequestOptions.createForProcessingFromBeginning(FeedRange.forLogicalPartition(key("a"))))
        .names());
    on("change feed: from a time on", () -> {
      Thread.sleep(1100);
      Instant now = Instant.now();
      put(feed, item("id", "7", "pk", "c", "name", "latest"));
      return drain(feed, CosmosChangeFeedRequestOptions.createForProcessingFromPointInTime(now, everything)).names();
    });
    on("change feed: all versions and deletes", () -> versions(container(client, "logged"), everything));
  }

  private static List<Object> versions(CosmosContainer logged, FeedRange everything) {
    String[] token = new String[1];
    List<Object> found = new ArrayList<>();
    Consumer<CosmosChangeFeedRequestOptions> read = options -> {
      for (FeedResponse<ChangeFeedProcessorItem> page :
          logged.queryChangeFeed(options, ChangeFeedProcessorItem.class).iterableByPage()) {
        for (ChangeFeedProcessorItem each : page.getResults()) {
          JsonNode current = each.getCurrent();
          String operation = each.getChangeFeedMetaData().getOperationType().toString().toLowerCase();
          found.add(seen(operation, current == null ? null : current.get("name")));
        }
        token[0] = page.getContinuationToken();
      }
    };
    read.accept(CosmosChangeFeedRequestOptions.createForProcessingFromNow(everything).allVersionsAndDeletes());
    put(logged, item("id", "1", "pk", "p", "name", "one"));
    logged.replaceItem(item("id", "1", "pk", "p", "name", "two"), "1", key("p"), null);
    logged.deleteItem("1", key("p"), null);
    read.accept(CosmosChangeFeedRequestOptions.createForProcessingFromContinuation(token[0]).allVersionsAndDeletes());
    return found;
  }
}
