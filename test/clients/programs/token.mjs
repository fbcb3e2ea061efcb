// One token by @azure/identity, as an app would ask for it. Arguments: credential, scope, selector, its value.
import { DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from "@azure/identity";

const print = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const [kind, scope, selector, value] = process.argv.slice(2);
const selected = selector === undefined ? {} : { [selector]: value };
const credentials = {
  managed: () => new ManagedIdentityCredential(selected),
  default: () =>
    new DefaultAzureCredential({
      ...(selector === "clientId" ? { managedIdentityClientId: value } : {}),
      ...(selector === "resourceId" ? { managedIdentityResourceId: value } : {}),
    }),
  workload: () => new WorkloadIdentityCredential(selected),
};
try {
  const { token, expiresOnTimestamp } = await credentials[kind]().getToken(scope);
  print({ token, expires: expiresOnTimestamp / 1000 });
} catch (error) {
  print({ error: error.name, message: error.message });
}
