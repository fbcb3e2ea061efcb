import com.azure.core.credential.TokenCredential;
import com.azure.core.http.ProxyOptions;
import com.azure.core.util.Configuration;
import com.azure.cosmos.CosmosAsyncClient;
import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosClientBuilder;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.CosmosException;
import com.azure.cosmos.GatewayConnectionConfig;
import com.azure.cosmos.models.CosmosItemRequestOptions;
import com.azure.cosmos.models.CosmosItemResponse;
import com.azure.cosmos.models.CosmosPermissionProperties;
import com.azure.cosmos.models.PartitionKey;
import com.azure.cosmos.models.PermissionMode;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/** What every part of the program uses. */
class Base {
  /** Answers what was seen; what it throws is an error of the program. */
  interface Behaviour {
    Object see() throws Exception;
  }

  interface Work {
    void run() throws Exception;
  }

  static final ObjectMapper json = new ObjectMapper();
  static final TokenCredential credential = new DefaultAzureCredentialBuilder().build();
  static final Map<String, Behaviour> behaviours = new LinkedHashMap<>();
  static JsonNode question;


  static void on(String name, Behaviour work) {
    behaviours.put(name, work);
  }

  /** The client takes no proxy from the JVM's settings or the environment unless it is told to. */
  private static CosmosClientBuilder gateway(String endpoint) {
    ProxyOptions proxy = ProxyOptions.fromConfiguration(Configuration.getGlobalConfiguration());
    return new CosmosClientBuilder()
        .endpoint(endpoint)
        .gatewayMode(new GatewayConnectionConfig().setProxy(proxy));
  }

  static CosmosClient withToken(UnaryOperator<CosmosClientBuilder> options) {
    return options.apply(gateway(asked("endpoint")).credential(credential)).buildClient();
  }

  static CosmosAsyncClient async() {
    return gateway(asked("endpoint")).credential(credential).contentResponseOnWriteEnabled(true).buildAsyncClient();
  }

  static CosmosClient withKey(String endpoint, String key) {
    return gateway(endpoint).key(key).buildClient();
  }

  static CosmosClient withResourceToken(String token) {
    return gateway(asked("endpoint")).resourceToken(token).buildClient();
  }

  /** A user's permission to read a container, which the synchronous client cannot give. @return its token */
  static String permission(String user, String container) {
    CosmosPermissionProperties reads = new CosmosPermissionProperties()
        .setId("reads")
        .setPermissionMode(PermissionMode.READ)
        .setContainerName(container);
    try (CosmosAsyncClient client = gateway(asked("endpoint")).key(asked("key")).buildAsyncClient()) {
      return client
          .getDatabase("appdb")
          .getUser(user)
          .createPermission(reads, null)
          .block()
          .getProperties()
          .getToken();
    }
  }

  static CosmosClient keyed() {
    return withKey(asked("endpoint"), asked("key"));
  }

  static String asked(String name) {
    return question.get(name).asText();
  }

  static CosmosContainer container(CosmosClient of, String name) {
    return of.getDatabase("appdb").getContainer(name);
  }

  static PartitionKey key(Object value) {
    return new PartitionKey(value);
  }

  /** An item of alternating names and values. */
  static ObjectNode item(Object... parts) {
    ObjectNode made = json.createObjectNode();
    for (int at = 0; at < parts.length; at += 2) made.set((String) parts[at], json.valueToTree(parts[at + 1]));
    return made;
  }

  static List<Object> seen(Object... values) {
    return Arrays.asList(values);
  }

  /** Creates an item and answers with it. */
  static CosmosItemResponse<ObjectNode> put(CosmosContainer into, ObjectNode made) {
    return into.createItem(made, new CosmosItemRequestOptions().setContentResponseOnWriteEnabled(true));
  }

  static ObjectNode read(CosmosContainer from, String id, Object key) {
    return from.readItem(id, key(key), ObjectNode.class).getItem();
  }

  /** Status and sub-status of what is thrown. */
  static Object refusal(Work work) throws Exception {
    try {
      work.run();
      return "not refused";
    } catch (RuntimeException error) {
      // What goes wrong while a client is made comes wrapped.
      if (!((error.getCause() == null ? error : error.getCause()) instanceof CosmosException refused)) throw error;
      return seen(refused.getStatusCode(), refused.getSubStatusCode());
    }
  }

  static Object status(Work work) throws Exception {
    Object found = refusal(work);
    return found instanceof List<?> both ? both.get(0) : found;
  }

  static Object readStatus(CosmosContainer from, String id, Object key) throws Exception {
    Object[] found = new Object[1];
    Object refused = status(() -> found[0] = from.readItem(id, key(key), ObjectNode.class).getStatusCode());
    return found[0] == null ? refused : found[0];
  }
}
