/** Certificates in the making: a request that is signed here (issuer Self) or elsewhere, and then merged. */
import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { json } from "../../kernel/message.ts";
import { dataActions } from "./actions.ts";
import { readAttributes, tagsOf } from "./attributes.ts";
import { readCertificate, selfSigned, signingRequest } from "./certificate-maker.ts";
import { readPolicy } from "./certificate-policy.ts";
import { addCertificate, certificateBundle, certificateShape } from "./certificate-versions.ts";
import type { Engine, Shelf, SideRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { makeKey } from "./key-material.ts";
import { requireName } from "./lifecycle.ts";
import { readObject } from "./request.ts";
import { nameIn, objectId, type VaultCall, vaultOperation, type VaultOperation } from "./target.ts";
import { listOf } from "./vault.ts";

const keyOf = (name: string): string => `pending/${name}`;

/** The operation as clients see it; what `create` needs again at the merge stays inside. */
const shown = (call: VaultCall, name: string, { value }: SideRecord): JsonObject => {
  const { policy: _policy, tags: _tags, attributes: _attributes, version, ...operation } = value;
  return {
    id: objectId(call.target.vault, "certificates", name, "pending"),
    ...operation,
    ...(version === undefined ? {} : { target: objectId(call.target.vault, "certificates", name) }),
  };
};

const requirePending = async (shelf: Shelf, name: string): Promise<SideRecord> => {
  const found = await shelf.side(keyOf(name));
  if (found === undefined) throw vaultFault("pendingNotFound", { name });
  return found;
};

const create = async (engine: Engine, call: VaultCall): Promise<SideRecord> => {
  const { uid } = call.target.vault;
  const name = nameIn(call);
  const body = await readObject(call);
  const [tags, attributes] = [tagsOf(body), readAttributes(body)];
  const before = await engine.read(uid).find("certificates", name);
  const policy = readPolicy(body["policy"], objectOf(before?.object.extra?.["policy"]));
  const issuer = policy.issuer.toLowerCase();
  if (issuer === "") throw vaultFault("required", { name: "policy.issuer.name" });
  // Certificate authorities are reached over the internet, with accounts that a local vault has no business with.
  if (issuer !== "self" && issuer !== "unknown")
    throw notBuilt(`Issuing by the certificate authority of an issuer`, 400);
  const material = await makeKey(policy.wish, engine.ids);
  const pkcs8 = Buffer.from(material.secret, "base64");
  const csr = await signingRequest(pkcs8, policy);
  const certificate =
    issuer === "self" ? readCertificate(await selfSigned(pkcs8, policy, engine.clock.now(), engine.ids)) : undefined;
  const requestId = engine.ids.guid().replaceAll("-", "");
  return engine.write(uid, async (shelf) => {
    await requireName(shelf, certificateShape, name);
    const standing = (await shelf.side(keyOf(name)))?.value["status"];
    if (standing === "inProgress") throw vaultFault("exists", { what: "pending certificate", name });
    const value: JsonObject = {
      issuer: policy.shown["issuer"],
      csr: csr.toString("base64"),
      cancellation_requested: false,
      status: "inProgress",
      status_details:
        issuer === "self"
          ? "Pending certificate created. Certificate request is in progress. This may take some time based on the issuer provider. Please check again later"
          : "Pending certificate created. Please Perform Merge to complete the request.",
      request_id: requestId,
    };
    if (certificate === undefined) {
      const kept = { ...value, policy: policy.shown, ...(tags === undefined ? {} : { tags }), attributes };
      const record = { value: kept, secret: pkcs8.toString("base64") };
      await shelf.putSide(keyOf(name), record);
      return record;
    }
    const { version } = await addCertificate(engine, shelf, name, {
      pkcs8,
      certificate,
      chain: [],
      policy,
      tags,
      attributes,
    });
    const { status_details: _details, ...done } = value;
    await shelf.putSide(keyOf(name), { value: { ...done, status: "completed", version: version.version } });
    // As Azure answers: in progress, and complete at the first look.
    return { value };
  });
};

const merge = async (engine: Engine, call: VaultCall): Promise<JsonObject> => {
  const name = nameIn(call);
  const body = await readObject(call);
  const [tags, attributes] = [tagsOf(body), readAttributes(body)];
  const [first, ...chain] = listOf(body["x5c"]).map((each) => readCertificate(Buffer.from(textOf(each), "base64")));
  if (first === undefined) throw vaultFault("required", { name: "x5c" });
  const found = await engine.write(call.target.vault.uid, async (shelf) => {
    const { value, secret } = await requirePending(shelf, name);
    if (value["status"] !== "inProgress" || secret === undefined) throw vaultFault("pendingNotFound", { name });
    const added = await addCertificate(engine, shelf, name, {
      pkcs8: Buffer.from(secret, "base64"),
      certificate: first,
      chain: chain.map(({ raw }) => raw),
      policy: readPolicy(value["policy"]),
      tags: tags ?? (isObject(value["tags"]) ? tagsOf({ tags: value["tags"] }) : undefined),
      attributes: { ...readAttributes({ attributes: value["attributes"] }), ...attributes },
    });
    const { policy: _policy, tags: _tags, attributes: _attributes, status_details: _details, ...operation } = value;
    await shelf.putSide(keyOf(name), {
      value: { ...operation, status: "completed", version: added.version.version },
    });
    return added;
  });
  return certificateBundle(call, found);
};

export const pendingOperations = (engine: Engine): readonly VaultOperation[] => {
  const path = "/certificates/:name/pending";
  const policy = (...anyOf: readonly string[]) => ({ kind: "certificates" as const, anyOf });
  return [
    vaultOperation({
      name: "CreateCertificate",
      method: "POST",
      path: "/certificates/:name/create",
      policy: policy("create"),
      needs: { data: dataActions.createCertificate },
      handle: async (call) => {
        const record = await create(engine, call);
        const location = `${objectId(call.target.vault, "certificates", nameIn(call), "pending")}?api-version=${encodeURIComponent(call.request.query.get("api-version") ?? "7.4")}&request_id=${textOf(record.value["request_id"])}`;
        return json(shown(call, nameIn(call), record), 202, { location, "retry-after": "1" });
      },
    }),
    vaultOperation({
      name: "GetCertificateOperation",
      method: "GET",
      path,
      policy: policy("get"),
      needs: { data: dataActions.readCertificate },
      handle: async (call) =>
        json(shown(call, nameIn(call), await requirePending(engine.read(call.target.vault.uid), nameIn(call)))),
    }),
    vaultOperation({
      name: "UpdateCertificateOperation",
      method: "PATCH",
      path,
      policy: policy("update"),
      needs: { data: dataActions.updateCertificate },
      handle: async (call) => {
        const { cancellation_requested: cancel } = await readObject(call);
        if (typeof cancel !== "boolean") throw vaultFault("required", { name: "cancellation_requested" });
        const changed = await engine.write(call.target.vault.uid, async (shelf) => {
          const record = await requirePending(shelf, nameIn(call));
          const ends = cancel && record.value["status"] === "inProgress";
          const next = {
            ...record,
            value: { ...record.value, cancellation_requested: cancel, ...(ends ? { status: "cancelled" } : {}) },
          };
          await shelf.putSide(keyOf(nameIn(call)), next);
          return next;
        });
        return json(shown(call, nameIn(call), changed));
      },
    }),
    vaultOperation({
      name: "DeleteCertificateOperation",
      method: "DELETE",
      path,
      policy: policy("delete"),
      needs: { data: dataActions.deleteCertificate },
      handle: async (call) => {
        const gone = await engine.write(call.target.vault.uid, async (shelf) => {
          const record = await requirePending(shelf, nameIn(call));
          await shelf.deleteSide(keyOf(nameIn(call)));
          return record;
        });
        return json(shown(call, nameIn(call), gone));
      },
    }),
    vaultOperation({
      name: "MergeCertificate",
      method: "POST",
      path: `${path}/merge`,
      policy: policy("create"),
      needs: { data: dataActions.createCertificate },
      handle: async (call) => json(await merge(engine, call), 201),
    }),
  ];
};
