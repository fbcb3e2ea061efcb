import { isObject, type JsonObject, objectOf, textOf } from "../../arm/record.ts";
import { json } from "../../kernel/message.ts";
import { dataActions } from "./actions.ts";
import type { Engine, Found, VersionRecord } from "./engine.ts";
import { vaultFault } from "./faults.ts";
import { keyShape, newKeyVersion, putExtra } from "./keys.ts";
import { familyOf, type KeyWish, makeKey, readCurve, readType } from "./key-material.ts";
import { addVersion, requireFound } from "./lifecycle.ts";
import { readObject } from "./request.ts";
import { nameIn, objectId, type VaultCall, vaultOperation, type VaultOperation } from "./target.ts";
import { listOf } from "./vault.ts";

/** What a key without a policy shows: a notice 30 days before its end. */
const ordinary: JsonObject = {
  lifetimeActions: [{ trigger: { timeBeforeExpiry: "P30D" }, action: { type: "Notify" } }],
  attributes: {},
};

const shown = (call: VaultCall, name: string, policy: JsonObject): JsonObject => ({
  id: objectId(call.target.vault, "keys", name, "rotationpolicy"),
  ...policy,
});

/** Whole days of an ISO 8601 duration of years, months, weeks and days, as rotation policies have them. */
const daysOf = (duration: string): number | undefined => {
  const found = /^P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?$/.exec(duration);
  if (found === null) return undefined;
  const [, years = "0", months = "0", weeks = "0", days = "0"] = found;
  return Number(years) * 365 + Number(months) * 30 + Number(weeks) * 7 + Number(days);
};

const readDuration = (value: unknown, name: string): string => {
  const text = textOf(value);
  if (daysOf(text) === undefined) throw vaultFault("invalid", { name, why: "It must be a duration such as P90D." });
  return text;
};

const readPolicy = (body: JsonObject, before: JsonObject, now: number): JsonObject => {
  const attributes = objectOf(body["attributes"]);
  const expiry = attributes["expiryTime"] ?? undefined;
  const expiryTime = expiry === undefined ? undefined : readDuration(expiry, "attributes.expiryTime");
  if (expiryTime !== undefined && (daysOf(expiryTime) ?? 0) < 28)
    throw vaultFault("invalid", { name: "attributes.expiryTime", why: "It must be at least 28 days." });
  const lifetimeActions = listOf(body["lifetimeActions"]).map((each) => {
    const trigger = isObject(each) ? objectOf(each["trigger"]) : {};
    const action = isObject(each) ? textOf(objectOf(each["action"])["type"]) : "";
    if (!/^(rotate|notify)$/i.test(action))
      throw vaultFault("invalid", { name: "lifetimeActions.action.type", why: "It must be Rotate or Notify." });
    const [name, other] = ["timeAfterCreate", "timeBeforeExpiry"] as const;
    const [after, before] = [trigger[name] ?? undefined, trigger[other] ?? undefined];
    if ((after === undefined) === (before === undefined))
      throw vaultFault("invalid", {
        name: "lifetimeActions.trigger",
        why: "It takes one of timeAfterCreate and timeBeforeExpiry.",
      });
    return {
      trigger: after === undefined ? { [other]: readDuration(before, other) } : { [name]: readDuration(after, name) },
      action: { type: /^rotate$/i.test(action) ? "Rotate" : "Notify" },
    };
  });
  return {
    lifetimeActions,
    attributes: {
      ...(expiryTime === undefined ? {} : { expiryTime }),
      created: objectOf(before["attributes"])["created"] ?? now,
      updated: now,
    },
  };
};

/** A version like the one before, of new material. */
const wishLike = ({ open = {} }: VersionRecord): KeyWish => {
  const type = readType(open["kty"]);
  const modulus = Buffer.from(textOf(open["n"]), "base64url");
  const size = familyOf(type) === "RSA" ? modulus.length * 8 : undefined;
  return { type, size, exponent: undefined, curve: readCurve(open["crv"]) };
};

/** A version of new material like the one before, with the end that the policy wants. Not stored yet. */
const rotated = async (engine: Engine, { object, version }: Found): Promise<VersionRecord> => {
  const wish = wishLike(version);
  const size = wish.type.startsWith("oct") ? Buffer.from(version.value ?? "", "base64").length * 8 : wish.size;
  const material = await makeKey({ ...wish, size }, engine.ids);
  const days = daysOf(textOf(objectOf(objectOf(object.extra?.["rotation"])["attributes"])["expiryTime"]));
  return {
    ...newKeyVersion(engine, object.name, material, listOf(version.open?.["key_ops"]).map(textOf)),
    ...(version.tags === undefined ? {} : { tags: version.tags }),
    ...(days === undefined ? {} : { exp: engine.seconds() + days * 86_400 }),
  };
};

/** When a key is to be rotated by its policy, in seconds; undefined: never. */
export const rotationDue = ({ object, version }: Found): number | undefined => {
  if (object.managed === true || !version.enabled) return undefined;
  const times = listOf(objectOf(object.extra?.["rotation"])["lifetimeActions"]).flatMap((each) => {
    const { trigger, action } = objectOf(each);
    if (objectOf(action)["type"] !== "Rotate") return [];
    const after = daysOf(textOf(objectOf(trigger)["timeAfterCreate"]));
    if (after !== undefined) return [version.created + after * 86_400];
    const before = daysOf(textOf(objectOf(trigger)["timeBeforeExpiry"]));
    return before === undefined || version.exp === undefined ? [] : [version.exp - before * 86_400];
  });
  return times.length === 0 ? undefined : Math.min(...times);
};

/** Rotates a key that is due, unless somebody did so meanwhile. */
export const rotateDue = async (engine: Engine, uid: string, found: Found): Promise<void> => {
  const made = await rotated(engine, found);
  await engine.write(uid, async (shelf) => {
    const now = await shelf.find("keys", found.object.name);
    if (now?.version.version === found.version.version) await addVersion(shelf, keyShape, made);
  });
};

/** Rotation on demand, and the policy that says when keys rotate by themselves (`renewal.ts`). */
export const keyRotationOperations = (engine: Engine): readonly VaultOperation[] => [
  vaultOperation({
    name: "RotateKey",
    method: "POST",
    path: "/keys/:name/rotate",
    since: "7.3",
    policy: { kind: "keys", anyOf: ["rotate"] },
    needs: { data: dataActions.rotateKey },
    handle: async (call) => {
      const { uid } = call.target.vault;
      const made = await rotated(engine, await requireFound(engine.read(uid), keyShape, nameIn(call)));
      const found = await engine.write(uid, (shelf) => addVersion(shelf, keyShape, made));
      return json(keyShape.bundle(call, found));
    },
  }),
  vaultOperation({
    name: "GetKeyRotationPolicy",
    method: "GET",
    path: "/keys/:name/rotationpolicy",
    since: "7.3",
    policy: { kind: "keys", anyOf: ["getrotationpolicy"] },
    needs: { data: dataActions.readRotationPolicy },
    handle: async (call) => {
      const { object } = await requireFound(engine.read(call.target.vault.uid), keyShape, nameIn(call));
      return json(shown(call, object.name, object.extra === undefined ? ordinary : objectOf(object.extra["rotation"])));
    },
  }),
  vaultOperation({
    name: "UpdateKeyRotationPolicy",
    method: "PUT",
    path: "/keys/:name/rotationpolicy",
    since: "7.3",
    policy: { kind: "keys", anyOf: ["setrotationpolicy"] },
    needs: { data: dataActions.writeRotationPolicy },
    handle: async (call) => {
      const body = await readObject(call);
      const policy = await engine.write(call.target.vault.uid, async (shelf) => {
        const { object } = await requireFound(shelf, keyShape, nameIn(call));
        const next = readPolicy(body, objectOf(object.extra?.["rotation"]), engine.seconds());
        await putExtra(shelf, object, { rotation: next });
        return next;
      });
      return json(shown(call, nameIn(call), policy));
    },
  }),
];
