import { Fault } from "../../kernel/fault.ts";
import type { Request } from "../../kernel/message.ts";
import { identityFault } from "./faults.ts";

/**
 * Azure Arc's proof: who can read a file that only the agent's users can read is one of them. A key is made for one
 * resource, is written to its file, works once, and goes with it.
 */
export interface ArcKeys {
  /** Writes a new key for a resource. @returns the file's path; undefined when nobody asked for Arc there */
  issue(resourceId: string): Promise<string | undefined>;
  /** Takes a key; true when it was issued to this resource and not yet used. */
  redeem(resourceId: string, key: string): Promise<boolean>;
}

/**
 * Lets a request pass that carries the content of its key file; answers any other with where that file is.
 * @throws Fault 401
 */
export const answerArcChallenge = async (request: Request, resourceId: string, keys: ArcKeys): Promise<void> => {
  const given = request.header("authorization");
  if (given === undefined) {
    const file = await keys.issue(resourceId);
    if (file === undefined)
      throw identityFault(
        400,
        "invalid_request",
        "Azure Arc is not served to this resource.",
        "`lanyard run --as NAME --identity arc` turns it on.",
      );
    throw new Fault({
      status: 401,
      code: "unauthorized_client",
      message: "The request lacks the key of the challenge file.",
      headers: { "WWW-Authenticate": `Basic realm=${file}` },
    });
  }
  const key = /^Basic ([\w+/=-]{16,512})$/.exec(given)?.[1];
  if (key === undefined || !(await keys.redeem(resourceId, key)))
    throw identityFault(401, "unauthorized_client", "The key is not that of the challenge file, or was used before.");
};
