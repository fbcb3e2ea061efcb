import { catalogue } from "../../kernel/fault.ts";
import { accessFaults } from "./faults/access.ts";
import { inputFaults } from "./faults/input.ts";
import { stateFaults } from "./faults/state.ts";

/**
 * Errors of the blob data plane. SDKs key on the codes (storage.md 2, 9); texts as
 * https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes lists them.
 */
export const storageFault = catalogue({ ...accessFaults, ...stateFaults, ...inputFaults });
