/** docs/reference/identity-protocols.md: which client gets an identity how, as test/clients has seen it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cell, code, generatedNote, page, table } from "./docs-markdown.ts";

type Results = Readonly<
  Record<
    string,
    { readonly version: string; readonly protocols: Readonly<Record<string, Readonly<Record<string, string>>>> }
  >
>;

/** Protocols in the order in which clients look for them last to first: the ordinary one leads. */
const protocols = [
  [
    "app-service",
    "IDENTITY_ENDPOINT and IDENTITY_HEADER (2019-08-01), also as MSI_ENDPOINT and MSI_SECRET (2017-09-01): App Service, Container Apps, Functions",
  ],
  ["imds", "http://169.254.169.254, the app told by its proxy credential or by the Node hook: virtual machines"],
  ["workload", "AZURE_FEDERATED_TOKEN_FILE, exchanged at the token endpoint: AKS, and every federated issuer"],
  ["cloud-shell", "MSI_ENDPOINT alone; the address holds a secret of the app"],
  ["azure-ml", "MSI_ENDPOINT and MSI_SECRET alone, times as numbers"],
  ["arc", "IDENTITY_ENDPOINT and IMDS_ENDPOINT, proved by a file in /var/opt/azcmagent/tokens: needs root"],
] as const;

const questions = ["system-assigned", "client id", "object id", "resource id", "default chain"];

export const identityPage = (root: string): string => {
  const results = JSON.parse(readFileSync(join(root, "test", "clients", "results.json"), "utf8")) as Results;
  const clients = Object.keys(results).toSorted();
  return page(
    "# Identity protocols",
    generatedNote,
    "How an app gets its identity, chosen by `lanyard run --as NAME --identity PROTOCOL`, and which credential classes were seen to get a token by it: `npm run test:clients` asks each of them in a process of its own, checks that the token names the identity that was asked for, and compares with what stands here.",
    table(
      ["client", "version"],
      clients.map((client) => [cell(client), cell(results[client]?.version ?? "")]),
    ),
    "*yes*: the token of the right identity. Anything else is the error that the client raises; most of these refusals are the client's own, before any request. For an identity that the app does not have, every client raises an error, by every protocol. *default chain*: through DefaultAzureCredential.",
    ...protocols.flatMap(([protocol, about]) => [
      `## ${protocol}`,
      `${cell(about)}.`,
      table(
        ["asked for", ...clients.map(cell)],
        questions
          .filter((question) =>
            clients.some((client) => results[client]?.protocols[protocol]?.[question] !== undefined),
          )
          .map((question) => [
            question === "system-assigned" && protocol === "workload" ? "the federated identity" : question,
            ...clients.map((client) => outcome(results[client]?.protocols[protocol]?.[question])),
          ]),
      ),
    ]),
  );
};

const outcome = (result: string | undefined): string =>
  result === undefined ? "" : result === "token" ? "yes" : code(result);
