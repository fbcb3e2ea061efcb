import { storeContract } from "./contract.test-support.ts";
import { openMemoryStore } from "./memory.ts";

storeContract("memory", async () => openMemoryStore());
