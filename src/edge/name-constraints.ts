/** DER of the name constraints extension (RFC 5280, 4.2.1.10), which @peculiar/x509 reads but does not write. */

const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
};

const sequence = 0x30;
const permittedSubtrees = 0xa0;
const dnsName = 0x82;
const ipAddress = 0x87;
const loopback = Buffer.from([127, 0, 0, 0, 255, 0, 0, 0]);

/** Permits the given DNS subtrees and 127.0.0.0/8, and so forbids every other DNS name and IP address, IPv6 included. */
export const nameConstraints = (names: readonly string[]): Buffer =>
  der(
    sequence,
    der(
      permittedSubtrees,
      ...names.map((name) => der(sequence, der(dnsName, Buffer.from(name, "ascii")))),
      der(sequence, der(ipAddress, loopback)),
    ),
  );
