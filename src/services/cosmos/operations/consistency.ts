/**
 * Consistency that a read asks for. Every read sees every acknowledged write, so nothing is waited for; what the service
 * refuses is refused here: a level above the account's, and a session that this container never had.
 * https://learn.microsoft.com/azure/cosmos-db/consistency-levels
 */
import type { Engine, Place } from "../engine/engine.ts";
import { sawLsn } from "../engine/change-feed.ts";
import { badRequest, cosmosFault } from "../faults.ts";
import type { Reply } from "../../../kernel/message.ts";
import type { CosmosCall, CosmosOperation } from "../target.ts";
import { charge } from "./answers.ts";

/** From weak to strong. */
const levels = ["eventual", "consistentprefix", "session", "boundedstaleness", "strong"];

const rankOf = (level: string): number => levels.indexOf(level.toLowerCase());

const severalReplicas = rankOf("boundedstaleness");

/** The level that holds for a call. @throws 400 */
const levelOf = ({ request, target: { account } }: CosmosCall): number => {
  const standard = rankOf(account.consistency);
  const asked = request.header("x-ms-consistency-level");
  if (asked === undefined || asked === "") return standard;
  const rank = rankOf(asked);
  if (rank < 0) throw badRequest(`The value '${asked.slice(0, 50)}' specified for x-ms-consistency-level is invalid.`);
  if (rank > standard)
    throw badRequest(
      `ConsistencyLevel ${asked} specified in the request is invalid when service is configured with consistency level ${account.consistency}. Ensure the request consistency level is not stronger than the service consistency level.`,
    );
  return rank;
};

/**
 * The LSN that a session token wants to have been reached: `0:-1#12`, `0:-1#12#4=8` with regions, `0:12` of old clients,
 * several ranges with commas. Only range 0 is there. @throws 400
 */
export const sessionLsn = (token: string): number =>
  Math.max(
    0,
    ...token.split(",").map((part) => {
      const found = /^\s*(\d+):(?:-?\d+#)?(\d{1,15})(?:#\d+=-?\d+)*\s*$/.exec(part);
      if (found === null) throw badRequest(`The session token provided '${token.slice(0, 100)}' is invalid.`);
      return found[1] === "0" ? Number(found[2]) : 0;
    }),
  );

const checkSession = async (engine: Engine, call: CosmosCall, level: number): Promise<void> => {
  const { request, target } = call;
  const token = request.header("x-ms-session-token");
  if (token === undefined || token === "" || target.container === undefined) return;
  const lsn = sessionLsn(token);
  if (level !== rankOf("session")) return;
  const place: Place = { account: target.account.uid, container: target.container };
  if (!(await sawLsn(engine, place, lsn)))
    throw cosmosFault("sessionNotAvailable", {}, { detail: { subStatus: 1002 } });
};

/** What reads the content of a container. */
const isRead = ({ path, method, intent }: CosmosOperation): boolean =>
  path.startsWith("/dbs/:db/colls/:coll/docs") && (method === "GET" || intent === "query");

/** Reads of several replicas cost twice as much (learn.microsoft.com/azure/cosmos-db/consistency-levels). */
const doubled = (reply: Reply): Reply => {
  const units = Number(reply.headers?.["x-ms-request-charge"] ?? 1);
  return { ...reply, headers: { ...reply.headers, ...charge(2 * units) } };
};

/** Makes reads keep to the rules above. */
export const consistent =
  (engine: Engine) =>
  (operation: CosmosOperation): CosmosOperation => {
    if (!isRead(operation)) return operation;
    return {
      ...operation,
      handle: (call) => {
        const { request, target } = call;
        const dear = rankOf(target.account.consistency) >= severalReplicas;
        // Most clients send neither header, to an account that asks for neither.
        if (
          !dear &&
          request.header("x-ms-consistency-level") === undefined &&
          request.header("x-ms-session-token") === undefined
        )
          return operation.handle(call);
        const level = levelOf(call);
        const reply = checkSession(engine, call, level).then(() => operation.handle(call));
        return level >= severalReplicas ? reply.then(doubled) : reply;
      },
    };
  };
