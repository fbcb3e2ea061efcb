import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.CosmosException;
import com.azure.cosmos.models.CosmosQueryRequestOptions;
import com.azure.cosmos.models.FeedRange;
import com.azure.cosmos.models.FeedResponse;
import com.azure.cosmos.models.PartitionKey;
import com.azure.cosmos.models.PartitionKeyBuilder;
import com.azure.cosmos.models.SqlParameter;
import com.azure.cosmos.models.SqlQuerySpec;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Queries, pages, metrics and hierarchical keys. */
final class Queries extends Base {
  static void list(CosmosClient client) {
    CosmosContainer shop = container(client, "shop");
    for (JsonNode query : question.get("queries"))
      on(query.get("name").asText(), () -> {
        CosmosQueryRequestOptions options = new CosmosQueryRequestOptions();
        if (!query.get("pk").isNull()) options.setPartitionKey(key(query.get("pk").asText()));
        List<SqlParameter> parameters = new ArrayList<>();
        for (JsonNode each : query.get("parameters"))
          parameters.add(new SqlParameter(each.get("name").asText(), each.get("value")));
        SqlQuerySpec asked = new SqlQuerySpec(query.get("text").asText(), parameters);
        return shop.queryItems(asked, options, JsonNode.class).stream().toList();
      });
    on("pages, and a token that another client goes on with", () -> {
      String query = "SELECT VALUE c.id FROM c";
      FeedResponse<JsonNode> first = page(client, query, null);
      FeedResponse<JsonNode> second = page(withToken(builder -> builder), query, first.getContinuationToken());
      FeedResponse<JsonNode> third = page(client, query, second.getContinuationToken());
      Set<Object> all = new HashSet<>(first.getResults());
      all.addAll(second.getResults());
      all.addAll(third.getResults());
      return seen(first.getResults().size(), second.getResults().size(), all.size());
    });
    on("pages of an ORDER BY, and a token that another client goes on with", () -> {
      String query = "SELECT VALUE c.id FROM c ORDER BY c.id";
      FeedResponse<JsonNode> first = page(client, query, null);
      List<JsonNode> found = new ArrayList<>(first.getResults());
      found.addAll(page(withToken(builder -> builder), query, first.getContinuationToken()).getResults());
      return found.stream().toList();
    });
    on("a syntax error", () -> {
      try {
        shop.queryItems("SELEC * FROM c", new CosmosQueryRequestOptions(), JsonNode.class).forEach(each -> {});
        return "not refused";
      } catch (CosmosException error) {
        return seen(error.getStatusCode(), error.getMessage().contains("SC1001"));
      }
    });
    on("pages of a query over the feed range of a key", () -> {
      CosmosQueryRequestOptions options =
          new CosmosQueryRequestOptions().setFeedRange(FeedRange.forLogicalPartition(key("a")));
      List<JsonNode> found = new ArrayList<>();
      for (FeedResponse<JsonNode> page :
          shop.queryItems("SELECT VALUE c.id FROM c ORDER BY c.id", options, JsonNode.class).iterableByPage(2))
        page.getResults().forEach(each -> found.add(each));
      return found;
    });
    on("query metrics", () -> {
      CosmosQueryRequestOptions options = new CosmosQueryRequestOptions().setPartitionKey(key("a"));
      String told = first(shop, "SELECT * FROM c", options.setQueryMetricsEnabled(true)).getCosmosDiagnostics().toString();
      Matcher count = Pattern.compile("\"retrievedDocumentCount\":(\\d+)").matcher(told);
      return count.find() ? Integer.valueOf(count.group(1)) : told;
    });
    on("index metrics", () -> {
      CosmosQueryRequestOptions options = new CosmosQueryRequestOptions().setIndexMetricsEnabled(true);
      String told = first(shop, "SELECT * FROM c WHERE c.stock > 3", options).getCosmosDiagnostics().toString();
      return told.contains("/stock/?") ? true : told;
    });
    trees(container(client, "tree"));
    on("read feed", () -> shop.readAllItems(key("a"), ObjectNode.class).stream().count());
    on("a container that is not there", () -> status(() -> container(client, "nowhere")
        .queryItems("SELECT * FROM c", new CosmosQueryRequestOptions(), JsonNode.class)
        .forEach(each -> {})));
  }

  private static void trees(CosmosContainer tree) {
    on("hierarchical keys: one item by its whole key", () -> {
      for (String[] each : new String[][] {
        {"41", "acme", "ada", "s1"},
        {"42", "acme", "ada", "s2"},
        {"43", "acme", "bob", "s1"},
        {"44", "acme", "eve", "s1"},
        {"45", "other", "ada", "s1"},
      }) put(tree, item("id", each[0], "tenant", each[1], "user", each[2], "session", each[3]));
      return tree.readItem("42", levels("acme", "ada", "s2"), ObjectNode.class).getItem().get("id");
    });
    on("hierarchical keys: prefixes", () -> seen(below(tree, levels("acme")), below(tree, levels("acme", "ada"))));
    on("hierarchical keys: a prefix in the filter", () -> {
      String query = "SELECT * FROM c WHERE c.tenant = 'acme' AND c.user = 'ada'";
      return tree.queryItems(query, new CosmosQueryRequestOptions(), JsonNode.class).stream().count();
    });
  }

  private static PartitionKey levels(String... values) {
    PartitionKeyBuilder builder = new PartitionKeyBuilder();
    for (String each : values) builder.add(each);
    return builder.build();
  }

  private static long below(CosmosContainer tree, PartitionKey prefix) {
    CosmosQueryRequestOptions options = new CosmosQueryRequestOptions().setPartitionKey(prefix);
    return tree.queryItems("SELECT * FROM c", options, JsonNode.class).stream().count();
  }

  private static FeedResponse<JsonNode> first(CosmosContainer from, String query, CosmosQueryRequestOptions options) {
    return from.queryItems(query, options, JsonNode.class).iterableByPage().iterator().next();
  }

  private static FeedResponse<JsonNode> page(CosmosClient of, String query, String token) {
    Iterator<FeedResponse<JsonNode>> pages = container(of, "shop")
        .queryItems(query, new CosmosQueryRequestOptions(), JsonNode.class)
        .iterableByPage(token, 3)
        .iterator();
    return pages.next();
  }
}
