/**
 * What a script finds in its sandbox: `getContext()`, `__`, `console.log`, and `Error` that takes a number first. This text
 * runs inside QuickJS, before the script; the script may change whatever it likes of it, which hurts nobody else: the one
 * door out is `host`, and what passes it is checked outside.
 * @see https://azure.github.io/azure-cosmosdb-js-server/ (server-side API)
 */
const context = `
const setup = JSON.parse(setupText);
const { parse, stringify } = JSON;
const NativeError = Error;
const codedError = (target, args, self) => {
  if (typeof args[0] !== "number" || args.length < 2) return Reflect.construct(target, args, self);
  const error = Reflect.construct(target, [args[1]], self);
  error.number = args[0];
  return error;
};
const CodedError = new Proxy(NativeError, {
  construct: codedError,
  apply: (target, _self, args) => codedError(target, args, target),
});
NativeError.prototype.constructor = CodedError;
globalThis.Error = CodedError;
const fault = (number, message) => new CodedError(number, message);

let log = "";
const shown = (value) => (typeof value === "string" ? value : typeof value === "object" ? stringify(value) : String(value));
globalThis.console = Object.freeze({
  log: (text, ...values) => {
    let next = 0;
    const filled = shown(text).replace(/%([sdifoOj%])/g, (all, kind) =>
      kind === "%" ? "%" : next < values.length ? shown(values[next++]) : all);
    if (log.length < setup.logLimit) log = (log + [filled, ...values.slice(next).map(shown)].join(" ")).slice(0, setup.logLimit);
  },
});

const callbacks = new Map();
const ask = (operation, payload, callback) => {
  const call = host(operation, stringify(payload));
  if (call === 0) return false;
  if (call < 0) throw fault(413, "Request size is too large");
  callbacks.set(call, callback);
  return true;
};
const readArguments = (options, callback) => {
  if (callback === undefined && typeof options === "function") return { options: {}, callback: options };
  if (options !== undefined && options !== null && typeof options !== "object")
    throw fault(400, 'The "options" parameter must be of type "object". Actual type is: "' + typeof options + '".');
  if (callback !== undefined && callback !== null && typeof callback !== "function")
    throw fault(400, 'The "callback" parameter must be of type "function". Actual type is: "' + typeof callback + '".');
  return { options: options ?? {}, callback: callback ?? undefined };
};
const outside = (link) => fault(400, "Function is not allowed to operate on resources outside current collection. Make sure that the link provided, \\"" + link + "\\", belongs to current collection.");
const collectionLink = (link) => {
  if (typeof link !== "string") throw fault(400, 'Invalid collection link: "' + link + '".');
  if (link !== setup.selfLink && link + "/" !== setup.selfLink && link !== setup.altLink && link !== setup.altLink + "/") throw outside(link);
};
const documentLink = (link) => {
  if (typeof link !== "string") throw fault(400, 'Invalid document link: "' + link + '".');
  for (const own of [setup.selfLink + "docs/", setup.altLink + "/docs/"])
    if (link.startsWith(own) && link.length > own.length)
      return { rid: own.startsWith(setup.selfLink), name: link.slice(own.length).replace(/\\/$/, "") };
  throw outside(link);
};
const bodyOf = (body) => {
  if (body === null || (typeof body !== "object" && typeof body !== "string"))
    throw fault(400, "The document body must be an object or a string representing a JSON-serialized object.");
  return typeof body === "string" ? parse(body) : body;
};
const idWanted = (body, options) => !body.id && options.disableAutomaticIdGeneration !== true;
const one = (callback) => callback && ((error, answer) => error ? callback(error) : callback(undefined, answer.resource, answer.options));
const feedOptions = (options) => ({ pageSize: options.pageSize, continuation: options.continuation });

const collection = {
  getSelfLink: () => setup.selfLink,
  getAltLink: () => setup.altLink,
  readDocument: (link, options, callback) => {
    const given = readArguments(options, callback);
    return ask("read", { link: documentLink(link), ifNoneMatch: given.options.ifNoneMatch }, one(given.callback));
  },
  createDocument: (link, body, options, callback) => {
    collectionLink(link);
    const given = readArguments(options, callback);
    const document = bodyOf(body);
    return ask("create", { body: document, newId: idWanted(document, given.options) }, one(given.callback));
  },
  upsertDocument: (link, body, options, callback) => {
    collectionLink(link);
    const given = readArguments(options, callback);
    const document = bodyOf(body);
    return ask("upsert", { body: document, newId: idWanted(document, given.options), etag: given.options.etag }, one(given.callback));
  },
  replaceDocument: (link, body, options, callback) => {
    const given = readArguments(options, callback);
    return ask("replace", { link: documentLink(link), body: bodyOf(body), etag: given.options.etag }, one(given.callback));
  },
  deleteDocument: (link, options, callback) => {
    const given = readArguments(options, callback);
    const done = given.callback;
    return ask("delete", { link: documentLink(link), etag: given.options.etag },
      done && ((error, answer) => error ? done(error) : done(undefined, answer.options)));
  },
  queryDocuments: (link, query, options, callback) => {
    collectionLink(link);
    if (typeof query !== "string" && (typeof query !== "object" || query === null))
      throw fault(400, 'The "filterQuery" parameter must be of type "string" or "object". Actual type is: "' + typeof query + '".');
    const given = readArguments(options, callback);
    const spec = typeof query === "string" ? { query } : query;
    return ask("query", { spec, ...feedOptions(given.options) }, one(given.callback));
  },
  readDocuments: (link, options, callback) => {
    collectionLink(link);
    const given = readArguments(options, callback);
    return ask("feed", feedOptions(given.options), one(given.callback));
  },
};
`;

/** `__.filter`, `__.chain()...value()`: stages over documents, run here (Azure turns what it can into SQL). */
const javascriptQueries = `
const bySortKey = (key, direction) => (documents) => documents
  .map((document) => ({ document, key: key(document) }))
  .filter((each) => each.key !== undefined)
  .sort((a, b) => (a.key < b.key ? -direction : a.key > b.key ? direction : 0))
  .map((each) => each.document);
const stageOf = {
  filter: (test) => (documents) => documents.filter((document) => test(document)),
  map: (change) => (documents) => documents.map((document) => change(document)).filter((each) => each !== undefined),
  pluck: (name) => stageOf.map((document) => document[name]),
  flatten: (shallow) => (documents) => documents.flat(shallow === true ? 1 : Infinity),
  sortBy: (key) => bySortKey(key, 1),
  sortByDescending: (key) => bySortKey(key, -1),
  unwind: (inner, result) => (documents) => documents.flatMap((document) =>
    result === undefined ? inner(document) : inner(document).map((each) => result(document, each))),
};
const argumentsOf = { flatten: (first) => typeof first === "boolean" ? 1 : 0, unwind: (_first, second) => typeof second === "function" ? 2 : 1 };
const runStages = (stages, sorted, options, callback) => {
  const given = readArguments(options, callback);
  const done = given.callback ?? ((error, result) => {
    if (error) throw error;
    if (response === undefined) throw fault(400, "The callback function must be provided when there is no response object, as in a pre-trigger.");
    response.appendBody(stringify(result));
  });
  const apply = (documents, info) => {
    let result = documents;
    try {
      for (const stage of stages) result = stage(result);
    } catch (thrown) {
      return done(thrown);
    }
    done(undefined, result, info);
  };
  if (!sorted) return { isAccepted: ask("feed", feedOptions(given.options), (error, answer) => error ? done(error) : apply(answer.resource, answer.options)) };
  // What is sorted is all of it, however many pages that is.
  const gather = (found, continuation) => ask("feed", { pageSize: -1, continuation }, (error, answer) => {
    if (error) return done(error);
    const all = found.concat(answer.resource);
    const next = answer.options.continuation;
    if (next === undefined) return apply(all, {});
    if (!gather(all, next)) done(fault(408, "There is no time left to read all documents."));
  });
  return { isAccepted: gather([], undefined) };
};
const chained = (stages, sorted) => {
  const link = { isAccepted: true, value: (options, callback) => runStages(stages, sorted, options, callback) };
  for (const name of Object.keys(stageOf))
    link[name] = (...given) => chained([...stages, stageOf[name](...given)], sorted || name.startsWith("sort"));
  return link;
};
collection.chain = () => chained([], false);
for (const name of Object.keys(stageOf))
  collection[name] = (...given) => {
    if (given[0] === collection || given[0] === undefined) given.shift();
    const own = argumentsOf[name]?.(...given) ?? 1;
    if (!["pluck", "flatten"].includes(name) && typeof given[0] !== "function")
      throw fault(400, "The predicate/transform function must be provided.");
    return runStages([stageOf[name](...given.slice(0, own))], name.startsWith("sort"), given[own], given[own + 1]);
  };
`;

const lifecycle = `
const message = (body, writable) => {
  let current = body;
  const accessors = { getBody: () => current, getValue: (name) => (name === "body" ? current : undefined) };
  if (writable) {
    accessors.setBody = (value) => { current = value; };
    accessors.appendBody = (value) => { current = current === undefined || current === null ? value : current + value; };
    const named = (change) => (name, value) => {
      if (name !== "body") throw fault(400, "Cannot set new values: " + name);
      change(value);
    };
    accessors.setValue = named(accessors.setBody);
    accessors.appendValue = named(accessors.appendBody);
  }
  return accessors;
};
const request = message(setup.request, setup.kind === "pre");
request.getOperationType = () => setup.operation;
const response = setup.kind === "pre" ? undefined : message(setup.response, true);
let aborted;
const scriptContext = {
  getCollection: () => collection,
  getRequest: () => request,
  abort: (error) => {
    aborted = { error };
    throw error;
  },
};
if (response !== undefined) scriptContext.getResponse = () => response;
globalThis.getContext = () => scriptContext;
collection.request = request;
collection.response = response;
collection.getContext = globalThis.getContext;
globalThis.__ = collection;
return {
  start: (entry) => void entry(...setup.args),
  deliver: (call, text) => {
    const callback = callbacks.get(call);
    callbacks.delete(call);
    const answer = parse(text);
    if (answer.error === undefined) return void callback?.(undefined, answer);
    const error = fault(answer.error.number, answer.error.message);
    error.body = answer.error.message;
    if (callback === undefined) throw error;
    callback(error);
  },
  finish: () => {
    if (aborted !== undefined) throw aborted.error;
    return stringify({ request: setup.kind === "pre" ? request.getBody() : undefined, response: response?.getBody(), log });
  },
  describe: (error) => {
    const coded = typeof error === "object" && error !== null;
    return stringify({
      name: coded ? String(error.name ?? "Error") : "",
      message: coded && error.message !== undefined ? String(error.message) : coded ? stringify(error) : String(error),
      stack: coded ? String(error.stack ?? "") : "",
      number: coded && Number.isInteger(error.number) ? error.number : undefined,
      log,
    });
  },
};
`;

/** An expression: `(host, setupText) => { start, deliver, finish, describe }`. */
export const prelude = `(function (host, setupText) { "use strict";${context}${javascriptQueries}${lifecycle}})`;

/** An expression: sets the clock of a sandbox to milliseconds since 1970. */
export const clockPrelude = `(function (start) {
  const { now } = Date;
  const ahead = start - now();
  const shifted = () => now() + ahead;
  const make = (target, args, self) => args.length === 0 ? Reflect.construct(target, [shifted()], self) : Reflect.construct(target, args, self);
  const Clock = new Proxy(Date, { construct: make, apply: (target) => make(target, [], target).toString() });
  Date.prototype.constructor = Clock;
  Object.assign(Date, { now: shifted });
  globalThis.Date = Clock;
})`;

/**
 * An expression: makes a user-defined function from texts to texts. Arguments come wrapped, `[[value], []]`, because JSON
 * has no undefined; an undefined result is "".
 */
export const functionPrelude = `(function (entry) {
  const { parse, stringify } = JSON;
  return (text) => stringify(entry(...parse(text).map((wrapped) => wrapped[0]))) ?? "";
})`;
