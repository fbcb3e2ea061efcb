"use strict";
/*
 * Preloaded into Node processes (NODE_OPTIONS=--require) by `lanyard run` and `lanyard env`. Sends connections to
 * Azure host names to the local tenant, because @azure/cosmos, pg, fetch and node:https ignore proxy variables.
 * Only the address changes: server name, SNI and certificate checks keep the production name.
 * Configuration: LANYARD_HOOK, see `hookConfiguration` in environment.ts. Plain CommonJS, no dependencies.
 */
const net = require("node:net");

const installed = Symbol.for("lanyard.hook");
const imds = "169.254.169.254";

const configuration = () => {
  try {
    return JSON.parse(process.env.LANYARD_HOOK ?? "null");
  } catch {
    return null;
  }
};

const install = ({ port, tlsPort, hosts, suffixes, passthrough, imdsAccount, postgres }) => {
  // oxlint-disable-next-line typescript/unbound-method -- called below on the socket that it is asked of
  const connect = net.Socket.prototype.connect;
  const fixed = new Set(hosts);
  const excepted = new Set(passthrough);

  /** Where a connection goes instead; undefined leaves it alone. */
  const route = (options) => {
    if (options === null || typeof options !== "object" || options.path || typeof options.host !== "string") return;
    const host = options.host.toLowerCase().replace(/\.$/, "");
    const wanted = Number(options.port);
    if (host === imds) return wanted === 80 ? { host: "127.0.0.1", port, preface: imdsAccount } : undefined;
    if (excepted.has(host)) return;
    if (!fixed.has(host) && !suffixes.some((suffix) => host.endsWith(suffix))) return;
    if (wanted === 443) return { host: "127.0.0.1", port: tlsPort };
    // Clients without a port of their own take PGPORT, which names the front door.
    if (postgres !== undefined && (wanted === 5432 || wanted === postgres.port))
      return { host: postgres.address, port: postgres.port };
    return;
  };

  net.Socket.prototype.connect = function (...args) {
    const first = args[0];
    // Node's own callers pass one array that carries a private symbol; others pass options, or a port and a host.
    const normalised = Array.isArray(first);
    const options = normalised
      ? first[0]
      : typeof first === "object" || typeof args[1] !== "string"
        ? first
        : { port: first, host: args[1] };
    const target = route(options);
    if (target === undefined) return connect.apply(this, args);
    const replaced = { ...options, host: target.host, port: target.port, lookup: undefined };
    let result;
    if (normalised) {
      const copy = [...first];
      for (const symbol of Object.getOwnPropertySymbols(first)) copy[symbol] = first[symbol];
      copy[0] = replaced;
      result = connect.call(this, copy);
    } else {
      const callback = args.find((each) => typeof each === "function");
      result = connect.call(this, replaced, callback);
    }
    // Tells the gateway which app asks IMDS, where no header could: the first line of the connection.
    if (target.preface) this.write(`LANYARD ${target.preface}\r\n`);
    return result;
  };
  Object.defineProperty(net.Socket.prototype, installed, { value: true });
};

if (!net.Socket.prototype[installed]) {
  const found = configuration();
  if (found !== null && typeof found === "object") install(found);
}
