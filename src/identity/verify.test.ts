import { generateKeyPairSync } from "node:crypto";
import { SignJWT, UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { openMemoryStore } from "../store/memory.ts";
import { randomIds } from "../kernel/ids.ts";
import { openDirectory } from "./directory.ts";
import type { ServicePrincipal } from "./principals.ts";
import { openSigningKey } from "./signing-keys.ts";
import { openTenantInfo } from "./tenant.ts";
import { tokenIssuer } from "./tokens.ts";
import { type TokenProblem, tokenVerifier } from "./verify.ts";

const principal: ServicePrincipal = {
  kind: "ServicePrincipal",
  objectId: "0b9a0a52-0000-4000-8000-000000000001",
  appId: "0b9a0a52-0000-4000-8000-000000000002",
  displayName: "app",
  servicePrincipalType: "ManagedIdentity",
  resourceId: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/app",
};

const make = async () => {
  const store = openMemoryStore();
  let now = 1_700_000_000_000;
  const clock = { now: () => now, wall: () => now };
  const tenant = await openTenantInfo(store, randomIds);
  const key = await openSigningKey(store);
  const directory = openDirectory(store);
  const issuer = tokenIssuer({ tenant, key, directory, clock, ids: randomIds });
  const verifier = tokenVerifier({ tenant, key, clock, groupsOf: (objectId) => directory.groupsOf(objectId) });
  const problem = async (token: string, audience = "https://x"): Promise<TokenProblem | "none"> => {
    const verification = await verifier.verify(token, (found) => found === audience);
    return verification.ok ? "none" : verification.problem;
  };
  return { tenant, key, directory, issuer, verifier, problem, advance: (seconds: number) => (now += seconds * 1000) };
};

describe("an access token", () => {
  it("names its principal and carries the claims that Entra's do", async () => {
    const { issuer, verifier, tenant } = await make();
    const { token, expiresIn } = await issuer.issue({ principal, audience: "https://x", proof: "managed-identity" });
    const verification = await verifier.verify(token, (audience) => audience === "https://x");
    expect(expiresIn).toBe(86_399);
    expect(verification).toMatchObject({
      ok: true,
      caller: { objectId: principal.objectId, type: "ServicePrincipal", appId: principal.appId },
    });
    if (!verification.ok) throw new Error("unreachable");
    const { claims } = verification.caller;
    expect(claims).toMatchObject({
      iss: `https://sts.windows.net/${tenant.tenantId}/`,
      ver: "1.0",
      idtyp: "app",
      appidacr: "2",
      sub: principal.objectId,
      xms_mirid: principal.resourceId?.replace("resourceGroups", "resourcegroups"),
    });
    expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(86_700);
    expect(claims["nbf"]).toBe(claims["iat"]);
  });

  it("is refused for another audience, after its end and before its beginning", async () => {
    const { issuer, problem, advance } = await make();
    const { token } = await issuer.issue({ principal, audience: "https://x", proof: "secret" });
    expect(await problem(token)).toBe("none");
    expect(await problem(token, "https://x/")).toBe("audience");
    advance(3601);
    expect(await problem(token)).toBe("expired");
    advance(-3601 - 400);
    expect(await problem(token)).toBe("not-yet-valid");
  });

  it("is refused when edited, signed by another key, unsigned, or from another tenant", async () => {
    const { issuer, problem, key } = await make();
    const { token } = await issuer.issue({ principal, audience: "https://x", proof: "secret" });
    const [header = "", payload = "", signature = ""] = token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const edited = Buffer.from(JSON.stringify({ ...claims, oid: "someone-else" })).toString("base64url");
    expect(await problem(`${header}.${edited}.${signature}`)).toBe("signature");
    const foreign = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const sign = (body: Record<string, unknown>, by = foreign) =>
      new SignJWT(body).setProtectedHeader({ alg: "RS256", kid: key.kid }).sign(by);
    expect(await problem(await sign(claims))).toBe("signature");
    expect(await problem(new UnsecuredJWT(claims).encode())).toBe("malformed");
    expect(await problem(`${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`)).toBe("malformed");
    expect(await problem(await sign({ ...claims, tid: "other" }, key.privateKey))).toBe("issuer");
    expect(await problem(await sign({ ...claims, oid: undefined }, key.privateKey))).toBe("claims");
    const hmac = await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256" })
      .sign(key.publicKey.export({ type: "spki", format: "der" }));
    expect(await problem(hmac)).toBe("malformed");
    for (const junk of ["", "a", "a.b.c", "....", `${token}x`]) expect(await problem(junk)).not.toBe("none");
  });

  it("carries transitive groups, and an overage claim beyond 200", async () => {
    const { issuer, directory, verifier } = await make();
    const group = (objectId: string, members: string[]) =>
      directory.put({ kind: "Group", objectId, displayName: objectId, members });
    await group("g1", [principal.objectId]);
    await group("g2", ["g1"]);
    const issue = async () => {
      const { token } = await issuer.issue({ principal, audience: "https://x", proof: "secret" });
      const verification = await verifier.verify(token, () => true);
      if (!verification.ok) throw new Error(verification.problem);
      return verification.caller;
    };
    expect((await issue()).groups).toEqual(["g1", "g2"]);
    for (let index = 0; index < 200; index++) await group(`many-${index}`, [principal.objectId]);
    const caller = await issue();
    // The token names none of them, so they are looked up.
    expect(caller.claims["groups"]).toBeUndefined();
    expect(caller.groups).toHaveLength(202);
    expect(caller.claims["_claim_names"]).toEqual({ groups: "src1" });
  });
});
