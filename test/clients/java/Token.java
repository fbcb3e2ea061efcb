import com.azure.core.credential.AccessToken;
import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;

/** One token by azure-identity, as an app would ask for it. Arguments: credential, scope, selector, its value. */
public final class Token {
  public static void main(String[] args) {
    String selector = args.length > 3 ? args[2] : "";
    String value = args.length > 3 ? args[3] : null;
    try {
      AccessToken token =
          credential(args[0], selector, value).getTokenSync(new TokenRequestContext().addScopes(args[1]));
      System.out.printf(
          "{\"token\":\"%s\",\"expires\":%d}%n", token.getToken(), token.getExpiresAt().toEpochSecond());
    } catch (RuntimeException error) {
      System.out.printf(
          "{\"error\":\"%s\",\"message\":\"%s\"}%n",
          error.getClass().getSimpleName(), String.valueOf(error.getMessage()).replaceAll("[^ -!#-\\[\\]-~]", " "));
    }
    System.exit(0);
  }

  private static TokenCredential credential(String kind, String selector, String value) {
    if (kind.equals("workload")) {
      WorkloadIdentityCredentialBuilder builder = new WorkloadIdentityCredentialBuilder();
      return (selector.equals("clientId") ? builder.clientId(value) : builder).build();
    }
    if (kind.equals("default")) return new DefaultAzureCredentialBuilder().build();
    ManagedIdentityCredentialBuilder builder = new ManagedIdentityCredentialBuilder();
    if (selector.equals("clientId")) builder.clientId(value);
    if (selector.equals("objectId")) builder.objectId(value);
    if (selector.equals("resourceId")) builder.resourceId(value);
    return builder.build();
  }
}
