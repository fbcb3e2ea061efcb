import { constants, generateKeyPairSync, publicDecrypt, publicEncrypt } from "node:crypto";
import { once } from "node:events";
import { expect, it } from "vitest";
import { openRsaPool } from "./rsa-pool.ts";
import { privateRsaHere, type RsaWork } from "./services/key-vault/private-rsa.ts";

const made = generateKeyPairSync("rsa", { modulusLength: 2048 });
const { privateKey: key, publicKey } = made;
const padding = constants.RSA_PKCS1_PADDING;
const signing = (text: string): RsaWork => ({ use: "sign", padding, value: Buffer.from(text) });
const opened = (signature: Buffer | undefined): string => publicDecrypt(publicKey, signature ?? Buffer.of()).toString();

it("does in a thread what the calling thread would do", async () => {
  await using pool = openRsaPool();
  expect(pool.threads()).toHaveLength(0);
  expect(await pool.privateRsa(key, signing("a digest"))).toEqual(privateRsaHere(key, signing("a digest")));
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" };
  const value = publicEncrypt({ key: publicKey, ...oaep }, Buffer.from("a secret"));
  expect((await pool.privateRsa(key, { use: "decrypt", ...oaep, value }))?.toString()).toBe("a secret");
  expect(pool.threads()).toHaveLength(1);
});

it("tells a value that does not fit from a failure, and goes on", async () => {
  await using pool = openRsaPool();
  expect(await pool.privateRsa(key, signing("x".repeat(300)))).toBeUndefined();
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" };
  expect(await pool.privateRsa(key, { use: "decrypt", ...oaep, value: Buffer.alloc(256, 1) })).toBeUndefined();
  expect(opened(await pool.privateRsa(key, signing("next")))).toBe("next");
});

it("gives each of many concurrent callers its own answer, with more than one thread, key and a full queue", async () => {
  await using pool = openRsaPool({ size: 2, longestQueue: 8 });
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const texts = Array.from({ length: 60 }, (_, at) => `digest ${at}`);
  const answers = await Promise.all(
    texts.map((text, at) => pool.privateRsa(at % 2 === 0 ? key : other.privateKey, signing(text))),
  );
  expect(
    answers.map((answer, at) =>
      publicDecrypt(at % 2 === 0 ? publicKey : other.publicKey, answer ?? Buffer.of()).toString(),
    ),
  ).toEqual(texts);
  expect(pool.threads()).toHaveLength(2);
});

it("does again what a thread left undone when it ended, in a new one", async () => {
  await using pool = openRsaPool({ size: 1 });
  await pool.privateRsa(key, signing("first"));
  const [thread] = pool.threads();
  const waiting = Array.from({ length: 20 }, async (_, at) => pool.privateRsa(key, signing(`call ${at}`)));
  await thread?.terminate();
  expect((await Promise.all(waiting)).map(opened)).toEqual(waiting.map((_, at) => `call ${at}`));
  expect(pool.threads()).toHaveLength(1);
  expect(pool.threads()[0]).not.toBe(thread);
});

it("fails the call whose second thread ends as well", async () => {
  await using pool = openRsaPool({ size: 1 });
  const call = pool.privateRsa(key, signing("a digest"));
  const failed = expect(call).rejects.toThrow("The thread for private RSA operations stopped");
  for (let time = 0; time < 2; time++) await pool.threads()[0]?.terminate();
  await failed;
  expect(opened(await pool.privateRsa(key, signing("next")))).toBe("next");
});

it("ends its threads, fails what waits and takes no more once it is closed", async () => {
  const pool = openRsaPool({ size: 1 });
  await pool.privateRsa(key, signing("first"));
  const [thread] = pool.threads();
  const exit = thread === undefined ? undefined : once(thread, "exit");
  const waiting = pool.privateRsa(key, signing("second"));
  const failed = expect(waiting).rejects.toThrow("stopped");
  await pool[Symbol.asyncDispose]();
  await Promise.all([failed, exit]);
  expect(pool.threads()).toHaveLength(0);
  await expect(pool.privateRsa(key, signing("third"))).rejects.toThrow("closed");
});
