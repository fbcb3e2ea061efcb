import com.azure.cosmos.CosmosClient;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** What azure-cosmos sees, one JSON line per behaviour of ../../behaviours.ts. Reads the question from standard input. */
public final class Conformance extends Base {
  public static void main(String[] args) throws Exception {
    question = json.readTree(System.in);
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    CosmosClient client = withToken(builder -> builder);
    for (JsonNode item : question.get("documents")) container(client, "shop").upsertItem(item);
    Access.list(client);
    Items.list(client);
    Batches.list(client);
    Queries.list(client);
    Changes.list(client);
    Processors.list(client);
    Scripts.list(client);
    for (Map.Entry<String, Behaviour> each : behaviours.entrySet()) {
      // The name stands first: that is how a line of an answer is known.
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("name", each.getKey());
      try {
        line.put("saw", each.getValue().see());
      } catch (Throwable failure) {
        StringWriter text = new StringWriter();
        failure.printStackTrace(new PrintWriter(text));
        line.put("error", text.toString());
      }
      out.println(json.writeValueAsString(line));
    }
    System.exit(0);
  }
}
