import { XMLParser, XMLValidator } from "fast-xml-parser";
import { storageFault } from "./faults.ts";

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Characters that XML 1.0 cannot hold. */
// eslint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF\r]/;
const everyUnprintable = new RegExp(unprintable, "g");

/** Text for XML content or attributes; what XML cannot hold becomes U+FFFD. */
export const escapeXml = (text: string): string =>
  unprintable.test(text) || /[&<>"]/.test(text)
    ? text.replaceAll(/[&<>"]/g, (found) => entities[found] ?? "").replaceAll(everyUnprintable, "\uFFFD")
    : text;

/** A blob's name in a listing: percent-encoded when XML cannot hold it (storage.md 7.2; both SDKs decode it). */
export const nameElement = (name: string): string =>
  unprintable.test(name)
    ? `<Name Encoded="true">${encodeURIComponent(name)}</Name>`
    : `<Name>${escapeXml(name)}</Name>`;

/** An element with text; nothing for undefined. */
export const element = (name: string, value: string | number | boolean | undefined): string =>
  value === undefined ? "" : `<${name}>${escapeXml(String(value))}</${name}>`;

export const document = (body: string): string => `<?xml version="1.0" encoding="utf-8"?>${body}`;

/** One element of a parsed document. */
export interface XmlNode {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlNode[];
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

type Raw = Readonly<Record<string, readonly Raw[] | string>>;

const nodeOf = (raw: Raw): XmlNode | undefined => {
  const name = Object.keys(raw).find((key) => key !== ":@" && key !== "#text");
  if (name === undefined) return undefined;
  const inner = raw[name];
  const below = Array.isArray(inner) ? (inner as readonly Raw[]) : [];
  const text = below.map((each) => (typeof each["#text"] === "string" ? each["#text"] : "")).join("");
  return { name, text, children: below.map(nodeOf).filter((node) => node !== undefined) };
};

/** Reads a small document without DTD. @throws Fault InvalidXmlDocument, also for another root element */
export const parseXml = (source: string, root: string): XmlNode => {
  const text = source.replace(/^\uFEFF/, "");
  if (/<!(DOCTYPE|ENTITY)/i.test(text) || XMLValidator.validate(text) !== true) throw storageFault("invalidXml");
  let nodes: (XmlNode | undefined)[];
  try {
    nodes = (parser.parse(text) as readonly Raw[]).map(nodeOf);
  } catch {
    throw storageFault("invalidXml");
  }
  const [found, ...others] = nodes.filter((node) => node !== undefined);
  if (found === undefined || others.length > 0 || found.name !== root) throw storageFault("invalidXml");
  return found;
};

export const child = (node: XmlNode | undefined, name: string): XmlNode | undefined =>
  node?.children.find((each) => each.name === name);

export const childText = (node: XmlNode | undefined, name: string): string | undefined =>
  child(node, name)?.text.trim();
