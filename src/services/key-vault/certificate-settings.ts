/** Issuers and contacts of a vault: kept for their readers. Nobody is asked for certificates, and no mail is sent. */
import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { json } from "../../kernel/message.ts";
import { dataActions } from "./actions.ts";
import { textIn } from "./attributes.ts";
import type { Engine, Shelf, SideRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { pageOf } from "./paging.ts";
import { readObject } from "./request.ts";
import { nameIn, objectId, type VaultCall, vaultOperation, type VaultOperation } from "./target.ts";
import { listOf } from "./vault.ts";

const issuers = "issuer/";

const issuerId = (call: VaultCall, name: string): string =>
  objectId(call.target.vault, "certificates", "issuers", name);

/** Without the account's password, which is never shown again. */
const shownIssuer = (call: VaultCall, { value }: SideRecord): JsonObject => {
  const { name, ...rest } = value;
  return { id: issuerId(call, textOf(name)), ...rest };
};

const readIssuer = (body: JsonObject, name: string, before: SideRecord | undefined, now: number): SideRecord => {
  const held = before?.value ?? {};
  const provider = textIn(body, "provider", 100) ?? textOf(held["provider"]);
  if (provider === "") throw vaultFault("required", { name: "provider" });
  const credentials = objectOf(body["credentials"]);
  const account = textIn(credentials, "account_id", 255) ?? textOf(objectOf(held["credentials"])["account_id"]);
  const password = textIn(credentials, "pwd", 1024) ?? before?.secret;
  const enabled = objectOf(body["attributes"])["enabled"] ?? objectOf(held["attributes"])["enabled"] ?? true;
  return {
    value: {
      name,
      provider,
      credentials: account === "" ? {} : { account_id: account },
      org_details: body["org_details"] ?? held["org_details"] ?? {},
      attributes: {
        enabled: enabled === true,
        created: objectOf(held["attributes"])["created"] ?? now,
        updated: now,
      },
    },
    ...(password === undefined ? {} : { secret: password }),
  };
};

const requireIssuer = async (shelf: Shelf, name: string): Promise<SideRecord> => {
  const found = await shelf.side(`${issuers}${name}`);
  if (found === undefined)
    throw vaultFault("sideNotFound", { code: "CertificateIssuerNotFound", what: "Issuer", name });
  return found;
};

const issuerOperations = (engine: Engine): readonly VaultOperation[] => {
  const path = "/certificates/issuers/:name";
  const policy = (...anyOf: readonly string[]) => ({ kind: "certificates" as const, anyOf });
  const vaultScope = (call: VaultCall): string => call.target.vault.id;
  const write = (name: string, method: "PUT" | "PATCH"): VaultOperation =>
    vaultOperation({
      name,
      method,
      path,
      policy: policy("setissuers", "manageissuers"),
      needs: { data: dataActions.writeIssuer, at: vaultScope },
      handle: async (call) => {
        const body = await readObject(call);
        const record = await engine.write(call.target.vault.uid, async (shelf) => {
          const before = method === "PATCH" ? await requireIssuer(shelf, nameIn(call)) : undefined;
          const next = readIssuer(body, nameIn(call), before, engine.seconds());
          await shelf.putSide(`${issuers}${nameIn(call)}`, next);
          return next;
        });
        return json(shownIssuer(call, record));
      },
    });
  return [
    vaultOperation({
      name: "GetCertificateIssuers",
      method: "GET",
      path: "/certificates/issuers",
      policy: policy("listissuers", "manageissuers"),
      needs: { data: dataActions.readIssuer },
      handle: async (call) =>
        json(
          await pageOf(
            call,
            (after, limit) => engine.read(call.target.vault.uid).sides(issuers, after, limit),
            ({ value }) => textOf(value["name"]).toLowerCase(),
            ({ value }) => ({ id: issuerId(call, textOf(value["name"])), provider: value["provider"] }),
          ),
        ),
    }),
    vaultOperation({
      name: "GetCertificateIssuer",
      method: "GET",
      path,
      policy: policy("getissuers", "manageissuers"),
      needs: { data: dataActions.readIssuer, at: vaultScope },
      handle: async (call) =>
        json(shownIssuer(call, await requireIssuer(engine.read(call.target.vault.uid), nameIn(call)))),
    }),
    write("SetCertificateIssuer", "PUT"),
    write("UpdateCertificateIssuer", "PATCH"),
    vaultOperation({
      name: "DeleteCertificateIssuer",
      method: "DELETE",
      path,
      policy: policy("deleteissuers", "manageissuers"),
      needs: { data: dataActions.deleteIssuer, at: vaultScope },
      handle: async (call) => {
        const gone = await engine.write(call.target.vault.uid, async (shelf) => {
          const record = await requireIssuer(shelf, nameIn(call));
          await shelf.deleteSide(`${issuers}${nameIn(call)}`);
          return record;
        });
        return json(shownIssuer(call, gone));
      },
    }),
  ];
};

const readContacts = (body: JsonObject): readonly JsonObject[] =>
  listOf(body["contacts"]).map((each) => {
    const email = isObject(each) ? textIn(each, "email", 255) : undefined;
    if (!isObject(each) || email === undefined) throw vaultFault("required", { name: "contacts.email" });
    const [name, phone] = [textIn(each, "name", 255), textIn(each, "phone", 50)];
    return { email, ...(name === undefined ? {} : { name }), ...(phone === undefined ? {} : { phone }) };
  });

const contactOperations = (engine: Engine): readonly VaultOperation[] => {
  const path = "/certificates/contacts";
  const policy = { kind: "certificates" as const, anyOf: ["managecontacts"] };
  const needs = { data: dataActions.writeContacts };
  const shown = (call: VaultCall, contacts: unknown): JsonObject => ({
    id: objectId(call.target.vault, "certificates", "contacts"),
    contacts: listOf(contacts),
  });
  const requireContacts = async (call: VaultCall): Promise<SideRecord> => {
    const found = await engine.read(call.target.vault.uid).side("contacts");
    if (found === undefined)
      throw vaultFault("sideNotFound", { code: "ContactsNotFound", what: "Contacts", name: call.target.vault.name });
    return found;
  };
  return [
    vaultOperation({
      name: "GetCertificateContacts",
      method: "GET",
      path,
      policy,
      needs,
      handle: async (call) => json(shown(call, (await requireContacts(call)).value["contacts"])),
    }),
    vaultOperation({
      name: "SetCertificateContacts",
      method: "PUT",
      path,
      policy,
      needs,
      handle: async (call) => {
        const contacts = readContacts(await readObject(call));
        await engine.write(call.target.vault.uid, (shelf) => shelf.putSide("contacts", { value: { contacts } }));
        return json(shown(call, contacts));
      },
    }),
    vaultOperation({
      name: "DeleteCertificateContacts",
      method: "DELETE",
      path,
      policy,
      needs,
      handle: async (call) => {
        const { value } = await requireContacts(call);
        await engine.write(call.target.vault.uid, (shelf) => shelf.deleteSide("contacts"));
        return json(shown(call, value["contacts"]));
      },
    }),
  ];
};

export const certificateSettingOperations = (engine: Engine): readonly VaultOperation[] => [
  ...issuerOperations(engine),
  ...contactOperations(engine),
];
