import { objectOf } from "../../arm/record.ts";
import { json } from "../../kernel/message.ts";
import { dataActions } from "./actions.ts";
import { readAttributes, tagsOf } from "./attributes.ts";
import { readImport } from "./certificate-import.ts";
import { readPolicy } from "./certificate-policy.ts";
import { addCertificate, certificateBundle, certificateShape, shownPolicy } from "./certificate-versions.ts";
import type { Engine, ObjectRecord } from "./engine.ts";
import { lifecycleOperations, requireFound } from "./lifecycle.ts";
import { readObject } from "./request.ts";
import { nameIn, type VaultCall, vaultOperation, type VaultOperation, versionIn } from "./target.ts";

const policyIn = (object: ObjectRecord) => objectOf(object.extra?.["policy"]);

export const certificateOperations = (engine: Engine): readonly VaultOperation[] => {
  const policy = (...anyOf: readonly string[]) => ({ kind: "certificates" as const, anyOf });
  const find = (call: VaultCall) =>
    requireFound(engine.read(call.target.vault.uid), certificateShape, nameIn(call), versionIn(call));
  const get = (path: string): VaultOperation =>
    vaultOperation({
      name: "GetCertificate",
      method: "GET",
      path,
      policy: policy("get"),
      needs: { data: dataActions.readCertificate },
      handle: async (call) => json(certificateBundle(call, await find(call))),
    });
  const update = (path: string): VaultOperation =>
    vaultOperation({
      name: "UpdateCertificate",
      method: "PATCH",
      path,
      policy: policy("update"),
      needs: { data: dataActions.updateCertificate },
      handle: async (call) => {
        const body = await readObject(call);
        const [tags, { enabled }] = [tagsOf(body), readAttributes(body)];
        const changed = await engine.write(call.target.vault.uid, async (shelf) => {
          const found = await requireFound(shelf, certificateShape, nameIn(call), versionIn(call));
          // nbf and exp are the certificate's own; what a client says about them changes nothing.
          const version = {
            ...found.version,
            ...(enabled === undefined ? {} : { enabled }),
            ...(tags === undefined ? {} : { tags }),
            updated: engine.seconds(),
          };
          await shelf.putVersion(version);
          const { name } = found.object;
          for (const kind of ["keys", "secrets"] as const) {
            const beside = enabled === undefined ? undefined : await shelf.version(kind, name, version.version);
            if (beside !== undefined) await shelf.putVersion({ ...beside, enabled: version.enabled });
          }
          if (body["policy"] === undefined || body["policy"] === null) return { object: found.object, version };
          const object = {
            ...found.object,
            extra: {
              policy: { ...policyIn(found.object), ...readPolicy(body["policy"], policyIn(found.object)).shown },
            },
          };
          await shelf.putObject("live", object);
          return { object, version };
        });
        return json(certificateBundle(call, changed));
      },
    });
  return [
    get("/certificates/:name"),
    get("/certificates/:name/:version"),
    update("/certificates/:name"),
    update("/certificates/:name/:version"),
    vaultOperation({
      name: "ImportCertificate",
      method: "POST",
      path: "/certificates/:name/import",
      policy: policy("import"),
      needs: { data: dataActions.importCertificate },
      handle: async (call) => {
        const complete = await readImport(await readObject(call));
        const found = await engine.write(call.target.vault.uid, (shelf) =>
          addCertificate(engine, shelf, nameIn(call), complete),
        );
        return json(certificateBundle(call, found));
      },
    }),
    vaultOperation({
      name: "GetCertificatePolicy",
      method: "GET",
      path: "/certificates/:name/policy",
      policy: policy("get"),
      needs: { data: dataActions.readCertificate },
      handle: async (call) => {
        const { object } = await find(call);
        return json(shownPolicy(call, object.name, policyIn(object)));
      },
    }),
    vaultOperation({
      name: "UpdateCertificatePolicy",
      method: "PATCH",
      path: "/certificates/:name/policy",
      policy: policy("update"),
      needs: { data: dataActions.updateCertificate },
      handle: async (call) => {
        const body = await readObject(call);
        const object = await engine.write(call.target.vault.uid, async (shelf) => {
          const { object } = await requireFound(shelf, certificateShape, nameIn(call));
          const before = policyIn(object);
          const attributes = { ...objectOf(before["attributes"]), updated: engine.seconds() };
          const changed = { ...object, extra: { policy: { ...readPolicy(body, before).shown, attributes } } };
          await shelf.putObject("live", changed);
          return changed;
        });
        return json(shownPolicy(call, object.name, policyIn(object)));
      },
    }),
    ...lifecycleOperations(engine, certificateShape),
  ];
};
