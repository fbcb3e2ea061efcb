/**
 * Nearly every web app binds 0.0.0.0 (gunicorn with PORT set, Node's `listen(port)`), which is right inside a container
 * and wrong on a laptop: it would answer the whole local network. These hooks, loaded by the app's own interpreter,
 * turn a wildcard bind into a loopback one, and the port that Azure would have given it (8000, 8080) into the one it
 * has here, so that `gunicorn --bind=0.0.0.0:8000` in a start command works for two apps at once. See ADR 6.
 */

/** For NODE_OPTIONS=--require. */
export const nodeHook = `"use strict";
const net = require("node:net");
const wildcard = new Set([undefined, null, "", "0.0.0.0", "::", "[::]"]);
const wanted = Number(process.env.PORT), usual = Number(process.env.LANYARD_USUAL_PORT);
const mapped = (port) => (usual && Number(port) === usual ? wanted : port);
const isPort = (value) => typeof value === "number" || (typeof value === "string" && /^\\d+$/.test(value));
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const first = args[0];
  if (isPort(first)) {
    if (typeof args[1] === "string" && !wildcard.has(args[1])) return listen.apply(this, args);
    const rest = args.slice(1).filter((arg, at) => !(at === 0 && (typeof arg === "string" || arg == null)));
    return listen.call(this, mapped(first), "127.0.0.1", ...rest);
  }
  if (first && typeof first === "object" && isPort(first.port) && wildcard.has(first.host)) {
    return listen.call(this, { ...first, port: mapped(first.port), host: "127.0.0.1" }, ...args.slice(1));
  }
  return listen.apply(this, args);
};
`;

/** sitecustomize.py, first in PYTHONPATH; goes on to load the one that it hides. */
export const pythonHook = `import os, sys, socket
_bind = socket.socket.bind
def _loopback_bind(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple) and len(address) >= 2:
        usual, port = os.environ.get("LANYARD_USUAL_PORT"), address[1]
        if address[0] in ("", "0.0.0.0", "::"):
            if usual and str(port) == usual and self.type & socket.SOCK_STREAM:
                port = int(os.environ["PORT"])
            # An IPv6 socket takes IPv4 clients through the mapped address.
            if self.family == socket.AF_INET6:
                self.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            host = "127.0.0.1" if self.family == socket.AF_INET else "::ffff:127.0.0.1"
            address = (host, port) + tuple(address[2:])
    return _bind(self, address)
socket.socket.bind = _loopback_bind

def _next():
    import importlib.machinery, importlib.util
    here = os.path.dirname(os.path.abspath(__file__))
    rest = [p for p in sys.path if os.path.abspath(p or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
_next()
`;
