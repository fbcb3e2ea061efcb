/**
 * Signatures per second that Node makes with RSA-2048 and SHA-256 in one thread, doing nothing else.
 *
 *   node sign.ts SECONDS
 */
import { generateKeyPairSync, sign } from "node:crypto";

const milliseconds = Number(process.argv[2]) * 1000;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const message = Buffer.alloc(32, 7);

const count = (duration: number): number => {
  const began = performance.now();
  let done = 0;
  while (performance.now() - began < duration) {
    sign("sha256", message, privateKey);
    done += 1;
  }
  return (done / (performance.now() - began)) * 1000;
};

count(300);
console.log(count(milliseconds));
