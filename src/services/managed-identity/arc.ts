import { Fault } from "../../kernel/fault.ts";
import type { Request } from "../../kernel/message.ts";
import { identityFault } from "./faults.ts";

/**
 * Azure Arc's proof: who can read a file that only the agent's users can read is one of them. A key is made for one
 * resource, is written to its file, works once, and goes with it.
 */
export interface ArcKeys {
  /** Writes a new key for a resource. @returns the file's path */
  issue(resourceId: string): Promise<string>;
  /** Takes a key; true when it was issued to this resource and not yet used. */
  redeem(resourceId: string, key: string): Promise<boolean>;
}

/**
 * Lets a request pass that carries the content of its key file; answers any other with where that file is.
 * @throws Fault 401
 */
export const answerArcChallenge = async (
  request: Request,
  resourceId: string,
  keys: ArcKeys | undefined,
): Promise<void> => {
  if (keys === undefined)
    throw identityFault(
      400,
      "invalid_request",
      "This tenant serves no Azure Arc identities.",
      "`lanyard run --as NAME --identity arc` turns them on.",
    );
  const given = request.header("authorization");
  if (given === undefined)
    throw new Fault({
      status: 401,
      code: "unauthorized_client",
      message: "The request lacks the key of the challenge file.",
      headers: { "WWW-Authenticate": `Basic realm=${await keys.issue(resourceId)}` },
    });
  const key = /^Basic ([\w+/=-]{16,512})$/.exec(given)?.[1];
  if (key === undefined || !(await keys.redeem(resourceId, key)))
    throw identityFault(401, "unauthorized_client", "The key is not that of the challenge file, or was used before.");
};
