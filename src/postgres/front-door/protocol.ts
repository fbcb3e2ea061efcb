/**
 * The messages of PostgreSQL's protocol (version 3) that a login needs; pure. Source: "Message Formats" in PostgreSQL's
 * documentation.
 */

export const sslRequest = 80_877_103;
export const gssRequest = 80_877_104;
export const cancelRequest = 80_877_102;

/** PostgreSQL's own limit (MAX_STARTUP_PACKET_LENGTH). */
export const startupLimit = 10_000;

/** Real tokens have up to 30 KB; PostgreSQL's own limit for passwords is 65,535. */
export const passwordLimit = 128 * 1024;

/** An error or notice as clients see it. */
export interface Refusal {
  /** SQLSTATE, five characters. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export interface Startup {
  /** Minor protocol version; 0 for nearly every client. */
  readonly minor: number;
  /** Parameters in the order they came, without `_pq_.` options. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Names of `_pq_.` protocol options. */
  readonly options: readonly string[];
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

const text = (value: string): Buffer => Buffer.from(`${value}\0`, "utf8");

/** A typed message: type, length that counts itself, body. */
export const message = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type, "latin1"), word(body.length + 4), body]);
};

export const fatal = ({ code, message: what, hint }: Refusal): Buffer =>
  message(
    "E",
    text("SFATAL"),
    text("VFATAL"),
    text(`C${code}`),
    text(`M${what}`),
    ...(hint === undefined ? [] : [text(`H${hint}`)]),
    Buffer.alloc(1),
  );

export const askCleartextPassword = message("R", word(3));

/** NegotiateProtocolVersion: we speak 3.0 and know none of the options. */
export const negotiateDown = (options: readonly string[]): Buffer =>
  message("v", word(196_608), word(options.length), ...options.map(text));

export const saslInitialResponse = (mechanism: string, data: string): Buffer => {
  const bytes = Buffer.from(data, "utf8");
  return message("p", text(mechanism), word(bytes.length), bytes);
};

export const saslResponse = (data: string): Buffer => message("p", Buffer.from(data, "utf8"));

/** A StartupMessage of protocol 3.0. */
export const startupMessage = (parameters: ReadonlyMap<string, string>): Buffer => {
  const pairs = [...parameters].flatMap(([name, value]) => [text(name), text(value)]);
  const body = Buffer.concat([word(196_608), ...pairs, Buffer.alloc(1)]);
  return Buffer.concat([word(body.length + 4), body]);
};

/**
 * Reads the body of a StartupMessage, which begins with the protocol version.
 * @returns undefined when it is not one.
 */
export const parseStartup = (body: Buffer): Startup | undefined => {
  if (body.length < 5 || body.readUInt16BE(0) !== 3 || body.at(-1) !== 0) return undefined;
  const strings = body.subarray(4, -1).toString("utf8").split("\0");
  // Every string ends with NUL, so the last piece is empty; the rest are pairs.
  if (strings.pop() !== "" || strings.length % 2 !== 0) return undefined;
  const parameters = new Map<string, string>();
  const options: string[] = [];
  for (let index = 0; index < strings.length; index += 2) {
    const name = strings[index] ?? "";
    if (name === "") return undefined;
    if (name.startsWith("_pq_.")) options.push(name);
    else parameters.set(name, strings[index + 1] ?? "");
  }
  return { minor: body.readUInt16BE(2), parameters, options };
};

/** SQLSTATE and message of an ErrorResponse body, for the record. */
export const parseError = (body: Buffer): Refusal => {
  const fields = body.toString("utf8").split("\0");
  const field = (type: string): string => fields.find((entry) => entry.startsWith(type))?.slice(1) ?? "";
  return { code: field("C"), message: field("M") };
};
