/** Cryptography with keys of a vault: encrypt, decrypt, wrap, unwrap, sign, verify; release and random bytes. */
import { type JsonObject, textOf } from "../../arm/record.ts";
import { notBuilt } from "../../kernel/fault.ts";
import { json } from "../../kernel/message.ts";
import { dataActions, type VaultDataAction } from "./actions.ts";
import { decrypt, encrypt, type Means, sign, verify } from "./algorithms.ts";
import { textIn } from "./attributes.ts";
import type { Engine, VersionRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { keyCache, type UsableKey } from "./key-material.ts";
import { keyShape } from "./keys.ts";
import { requireFound } from "./lifecycle.ts";
import type { PrivateRsa } from "./private-rsa.ts";
import { readObject } from "./request.ts";
import { nameIn, objectId, type VaultCall, vaultOperation, type VaultOperation, versionIn } from "./target.ts";
import { listOf } from "./vault.ts";

/** Longest member of a request, decoded: far beyond what any algorithm takes. */
const longest = 64 * 1024;

const bytesIn = (body: JsonObject, name: string): Buffer | undefined => {
  const text = textIn(body, name, longest);
  if (text === undefined) return undefined;
  if (!/^[\w+/=-]*$/.test(text)) throw vaultFault("invalid", { name, why: "It must be base64url." });
  return Buffer.from(text, "base64url");
};

const required = <T>(value: T | undefined, name: string): T => {
  if (value === undefined) throw vaultFault("required", { name });
  return value;
};

/** An expired key, or one that is not yet valid, still opens and checks what it made (about-keys-details). */
const allowedAnyTime = ["decrypt", "unwrapKey", "verify"];

const requireUsable = (version: VersionRecord, operation: string, now: number): void => {
  const refuse = (name: "operationForbidden" | "disabled" | "notInTime", code: string, why = ""): Error =>
    vaultFault(name, { operation, what: "key", why }, { detail: { innererror: { code } } });
  if (!version.enabled) throw refuse("disabled", "KeyDisabled");
  if (!listOf(version.open?.["key_ops"]).includes(operation))
    throw refuse("operationForbidden", "KeyOperationForbidden");
  if (allowedAnyTime.includes(operation)) return;
  if (version.nbf !== undefined && version.nbf > now) throw refuse("notInTime", "KeyNotYetValid", "a not yet valid");
  if (version.exp !== undefined && version.exp <= now) throw refuse("notInTime", "KeyExpired", "an expired");
};

interface Work {
  /** As the address spells it. */
  readonly verb: string;
  readonly name: string;
  /** As `key_ops` spells it. */
  readonly operation: string;
  readonly right: VaultDataAction;
  /** What uses only the public half of an asymmetric key is allowed to its readers too (access.md 3.4). */
  readonly public?: true;
  run(key: UsableKey, alg: string, body: JsonObject): Promise<JsonObject> | JsonObject;
}

const text = (bytes: Buffer | undefined): string | undefined => bytes?.toString("base64url");

const works = (means: Means): readonly Work[] => {
  const encrypting = (key: UsableKey, alg: string, body: JsonObject): JsonObject => {
    const [iv, aad] = [bytesIn(body, "iv"), bytesIn(body, "aad")];
    const value = required(bytesIn(body, "value"), "value");
    const made = encrypt(
      key,
      alg,
      { value, ...(iv === undefined ? {} : { iv }), ...(aad === undefined ? {} : { aad }) },
      means.ids,
    );
    return { value: text(made.value), iv: text(made.iv), tag: text(made.tag), aad: text(made.aad) };
  };
  const decrypting = async (key: UsableKey, alg: string, body: JsonObject): Promise<JsonObject> => {
    const [iv, aad, tag] = [bytesIn(body, "iv"), bytesIn(body, "aad"), bytesIn(body, "tag")];
    const value = required(bytesIn(body, "value"), "value");
    const sealed = {
      value,
      ...(iv === undefined ? {} : { iv }),
      ...(aad === undefined ? {} : { aad }),
      ...(tag === undefined ? {} : { tag }),
    };
    const opened = await decrypt(key, alg, sealed, means);
    return { value: text(opened) };
  };
  return [
    {
      verb: "encrypt",
      name: "Encrypt",
      operation: "encrypt",
      right: dataActions.encrypt,
      public: true,
      run: encrypting,
    },
    { verb: "decrypt", name: "Decrypt", operation: "decrypt", right: dataActions.decrypt, run: decrypting },
    { verb: "wrapkey", name: "WrapKey", operation: "wrapKey", right: dataActions.wrap, public: true, run: encrypting },
    { verb: "unwrapkey", name: "UnwrapKey", operation: "unwrapKey", right: dataActions.unwrap, run: decrypting },
    {
      verb: "sign",
      name: "Sign",
      operation: "sign",
      right: dataActions.sign,
      run: async (key, alg, body) => ({
        value: text(await sign(key, alg, required(bytesIn(body, "value"), "value"), means)),
      }),
    },
    {
      verb: "verify",
      name: "Verify",
      operation: "verify",
      right: dataActions.verify,
      public: true,
      run: async (key, alg, body) => {
        const digest = required(bytesIn(body, "digest"), "digest");
        return { value: await verify(key, alg, digest, required(bytesIn(body, "value"), "value")) };
      },
    },
  ];
};

export const cryptographyOperations = (engine: Engine, privateRsa: PrivateRsa): readonly VaultOperation[] => {
  const usable = keyCache();
  const isAsymmetric = async (call: VaultCall): Promise<boolean> => {
    const found = await engine.read(call.target.vault.uid).find("keys", nameIn(call), versionIn(call));
    return !textOf(found?.version.open?.["kty"] ?? "oct").startsWith("oct");
  };
  const operation = (work: Work, path: string): VaultOperation =>
    vaultOperation({
      name: work.name,
      method: "POST",
      path: `${path}/${work.verb}`,
      policy: { kind: "keys", anyOf: [work.verb] },
      needs:
        work.public === undefined
          ? { data: work.right }
          : {
              depends: async (call) =>
                (await isAsymmetric(call))
                  ? { any: [{ data: work.right }, { data: dataActions.readKey }] }
                  : { data: work.right },
              says: { any: [{ data: work.right }, { data: dataActions.readKey }] },
            },
      handle: async (call) => {
        const { vault } = call.target;
        const { version } = await requireFound(engine.read(vault.uid), keyShape, nameIn(call), versionIn(call));
        requireUsable(version, work.operation, engine.seconds());
        const body = await readObject(call);
        const alg = required(textIn(body, "alg", 40), "alg");
        const result = await work.run(usable(vault.uid, version), alg, body);
        return json(
          work.verb === "verify" ? result : { kid: objectId(vault, "keys", version.name, version.version), ...result },
        );
      },
    });
  const release = (path: string): VaultOperation =>
    vaultOperation({
      name: "Release",
      method: "POST",
      path,
      since: "7.3",
      policy: { kind: "keys", anyOf: ["release"] },
      needs: { data: dataActions.releaseKey },
      // It takes an attestation of Azure's own hardware; a made-up one would prove nothing.
      handle: () => {
        throw notBuilt("Release Key");
      },
    });
  return [
    ...works({ ids: engine.ids, privateRsa }).flatMap((work) => [
      operation(work, "/keys/:name"),
      operation(work, "/keys/:name/:version"),
    ]),
    release("/keys/:name/release"),
    release("/keys/:name/:version/release"),
    vaultOperation({
      name: "GetRandomBytes",
      method: "POST",
      path: "/rng",
      since: "7.3",
      policy: { kind: "keys", anyOf: ["get"] },
      needs: { data: dataActions.readKey },
      handle: async (call) => {
        const { count } = await readObject(call);
        if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > 128)
          throw vaultFault("invalid", { name: "count", why: "It must be a number from 1 to 128." });
        return json({ value: engine.ids.bytes(count).toString("base64url") });
      },
    }),
  ];
};
