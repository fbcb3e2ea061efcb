/** AutoRenew: certificates that this vault issued itself are issued again before they end. */
import { objectOf, textOf } from "../../arm/record.ts";
import { readCertificate, selfSigned } from "./certificate-maker.ts";
import { readPolicy } from "./certificate-policy.ts";
import { addCertificate } from "./certificate-versions.ts";
import type { Engine, Found } from "./engine.ts";
import { makeKey } from "./key-material.ts";
import { listOf } from "./vault.ts";

/**
 * When a certificate is to be renewed by its policy, in seconds; undefined: never. Only the issuer `Self` is at hand; others
 * are asked by somebody else. Source: learn.microsoft.com/azure/key-vault/certificates/overview-renew-certificate
 */
export const renewalDue = ({ object, version }: Found): number | undefined => {
  const policy = objectOf(object.extra?.["policy"]);
  const { nbf, exp, enabled } = version;
  if (textOf(objectOf(policy["issuer"])["name"]).toLowerCase() !== "self" || !enabled) return undefined;
  if (nbf === undefined || exp === undefined) return undefined;
  const times = listOf(policy["lifetime_actions"]).flatMap((each) => {
    const { trigger, action } = objectOf(each);
    if (textOf(objectOf(action)["action_type"]).toLowerCase() !== "autorenew") return [];
    const { lifetime_percentage: percentage, days_before_expiry: days } = objectOf(trigger);
    if (typeof percentage === "number") return [nbf + ((exp - nbf) * percentage) / 100];
    return typeof days === "number" ? [exp - days * 86_400] : [];
  });
  return times.length === 0 ? undefined : Math.min(...times);
};

/** Issues a certificate that is due again, unless somebody did so meanwhile. */
export const renewDue = async (engine: Engine, uid: string, { object, version }: Found): Promise<void> => {
  const kept = objectOf(object.extra?.["policy"]);
  const policy = readPolicy(kept);
  const key = await engine.read(uid).version("keys", object.name, version.version);
  const secret = objectOf(kept["key_props"])["reuse_key"] === true ? key?.value : undefined;
  const pkcs8 = Buffer.from(secret ?? (await makeKey(policy.wish, engine.ids)).secret, "base64");
  const certificate = readCertificate(await selfSigned(pkcs8, policy, engine.clock.now(), engine.ids));
  await engine.write(uid, async (shelf) => {
    const now = await shelf.find("certificates", object.name);
    if (now?.version.version !== version.version) return;
    const { tags } = version;
    await addCertificate(engine, shelf, object.name, { pkcs8, certificate, chain: [], policy, tags, attributes: {} });
  });
};
