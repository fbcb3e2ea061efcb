import type { FaultEntry } from "../../../kernel/fault.ts";

/** How it was asked (storage.md 2, 9). */
export const inputFaults = {
  invalidHeader: {
    status: 400,
    code: "InvalidHeaderValue",
    message: "The value for one of the HTTP headers is not in the correct format.",
  },
  unsupportedHeader: {
    status: 400,
    code: "UnsupportedHeader",
    message: "One of the HTTP headers specified in the request is not supported.",
  },
  missingHeader: {
    status: 400,
    code: "MissingRequiredHeader",
    message: "An HTTP header that's mandatory for this request is not specified.",
  },
  invalidQuery: {
    status: 400,
    code: "InvalidQueryParameterValue",
    message: "Value for one of the query parameters specified in the request URI is invalid.",
  },
  missingQuery: {
    status: 400,
    code: "MissingRequiredQueryParameter",
    message: "A query parameter that's mandatory for this request is not specified.",
  },
  queryOutOfRange: {
    status: 400,
    code: "OutOfRangeQueryParameterValue",
    message: "One of the query parameters specified in the request URI is outside the permissible range.",
  },
  outOfRangeInput: {
    status: 400,
    code: "OutOfRangeInput",
    message: "One of the request inputs is out of range.",
  },
  invalidResourceName: {
    status: 400,
    code: "InvalidResourceName",
    message: "The specified resource name contains invalid characters.",
  },
  invalidUri: {
    status: 400,
    code: "InvalidUri",
    message: "The requested URI does not represent any resource on the server.",
  },
  invalidInput: { status: 400, code: "InvalidInput", message: "One of the request inputs is not valid." },
  invalidMetadata: {
    status: 400,
    code: "InvalidMetadata",
    message: "The metadata specified is invalid. It has characters that are not permitted.",
  },
  emptyMetadataKey: {
    status: 400,
    code: "EmptyMetadataKey",
    message: "The key for one of the metadata key-value pairs is empty.",
  },
  metadataTooLarge: {
    status: 400,
    code: "MetadataTooLarge",
    message: "The size of the specified metadata exceeds the maximum size permitted.",
  },
  invalidXml: {
    status: 400,
    code: "InvalidXmlDocument",
    message: "XML specified is not syntactically valid.",
  },
  invalidXmlValue: {
    status: 400,
    code: "InvalidXmlNodeValue",
    message: "The value for one of the XML nodes is not in the correct format.",
  },
  missingXmlNode: {
    status: 400,
    code: "MissingRequiredXmlNode",
    message: "A required XML node was not specified in the request body.",
  },
  missingLength: {
    status: 411,
    code: "MissingContentLengthHeader",
    message: "Content-Length HTTP header was not specified.",
  },
  incompleteBody: {
    status: 400,
    code: "IncompleteBody",
    message: "The body is shorter than the Content-Length header says.",
  },
  bodyTooLarge: {
    status: 413,
    code: "RequestBodyTooLarge",
    message: "The request body is too large and exceeds the maximum permissible limit.",
  },
  invalidMd5: {
    status: 400,
    code: "InvalidMd5",
    message: "The MD5 value specified in the request is invalid. The MD5 value must be 128 bits and Base64-encoded.",
  },
  md5Mismatch: {
    status: 400,
    code: "Md5Mismatch",
    message: "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
  },
  crcMismatch: {
    status: 400,
    code: "Crc64Mismatch",
    message: "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
  },
  bothChecksums: {
    status: 400,
    code: "BothCrc64AndMd5HeaderPresent",
    message: "Both x-ms-content-crc64 header and Content-MD5 header are present.",
  },
  invalidRange: {
    status: 416,
    code: "InvalidRange",
    message: "The range specified is invalid for the current size of the resource.",
  },
  invalidBlobOrBlock: {
    status: 400,
    code: "InvalidBlobOrBlock",
    message: "The specified blob or block content is invalid.",
  },
  invalidBlockList: { status: 400, code: "InvalidBlockList", message: "The specified block list is invalid." },
  blockListTooLong: {
    status: 400,
    code: "BlockListTooLong",
    message: "The block list may not contain more than 50,000 blocks.",
  },
  blockCountExceeded: {
    status: 409,
    code: "BlockCountExceedsLimit",
    message: "The committed block count cannot exceed the maximum limit of 50,000 blocks.",
  },
  emptyTagName: { status: 400, code: "EmptyTagName", message: "The name of one of the tag key-value pairs is empty." },
  duplicateTags: { status: 400, code: "DuplicateTagNames", message: "The tags specified contain duplicate names." },
  tagsTooLarge: {
    status: 400,
    code: "TagsTooLarge",
    message: "The tags specified exceed the permissible limits.",
  },
  invalidTags: {
    status: 400,
    code: "InvalidTags",
    message: "The tags specified are invalid. They contain characters that are not permitted.",
  },
  tierNotSupported: {
    status: 400,
    code: "AccessTierNotSupportedForBlobType",
    message: "The access tier is not supported for this blob type.",
  },
} as const satisfies Readonly<Record<string, FaultEntry>>;
