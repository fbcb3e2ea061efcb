/**
 * A program that knows nothing of Lanyard: `@azure/cosmos` with `DefaultAzureCredential` or a key. It runs what its parent
 * sends: the body of an async function over the client and the package.
 */
import * as cosmos from "@azure/cosmos";
import { DefaultAzureCredential } from "@azure/identity";

const credential = new DefaultAzureCredential();
const clients = new Map<string, cosmos.CosmosClient>();

const clientOf = (endpoint: string, key: string | undefined): cosmos.CosmosClient => {
  const name = `${endpoint}\n${key ?? ""}`;
  const known = clients.get(name);
  if (known !== undefined) return known;
  const connectionPolicy = {
    retryOptions: { maxRetryAttemptCount: 0, fixedRetryIntervalInMilliseconds: 0, maxWaitTimeInSeconds: 0 },
  };
  const made =
    key === undefined
      ? new cosmos.CosmosClient({ endpoint, aadCredentials: credential, connectionPolicy })
      : new cosmos.CosmosClient({ endpoint, key, connectionPolicy });
  clients.set(name, made);
  return made;
};

type Body = (client: cosmos.CosmosClient, sdk: typeof cosmos, args: readonly unknown[]) => Promise<unknown>;

interface Message {
  readonly id: number;
  readonly endpoint: string;
  readonly key: string | undefined;
  readonly source: string;
  readonly args: readonly unknown[];
}

process.on("message", ({ id, endpoint, key, source, args }: Message) => {
  const run = (async (): Promise<unknown> => {
    // The parent is a test and sends the text of one of its own functions.
    // oxlint-disable-next-line typescript/no-implied-eval
    const body = new Function(`return (${source});`)() as Body;
    return body(clientOf(endpoint, key), cosmos, args);
  })();
  run.then(
    (value) => process.send?.({ id, value }),
    (error: { code?: unknown; substatus?: unknown; message: string }) =>
      process.send?.({
        id,
        failure: { code: error.code, substatus: error.substatus, message: error.message },
      }),
  );
});
process.on("disconnect", () => process.exit());
