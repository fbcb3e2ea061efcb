import { describe, expect, it } from "vitest";
import { effectivePartitionKey } from "./epk.ts";
import type { KeyValues } from "./records.ts";

/** Values that the SDKs compute (cosmos.md 12). */
const table: readonly (readonly [KeyValues[number], string, string])[] = [
  ["", "32E9366E637A71B4E710384B2F4970A0", "05C1CF33970FF80800"],
  ["partitionKey", "013AEFCF77FA271571CF665A58C933F1", "05C1E1B3D9CD2608716273756A756A706F4C667A00"],
  ["é", "007199F104E04116EE25AF912CA4889B", "05C1B3CD91912008C4AA00"],
  [0, "155B95BEDAC4B1E9EC1CDC9BB0DDDE58", "05C1BF6DA115600580"],
  [5.123456789012345, "00EA8D891AECFABBBFB8EE51F89C7E5B", "05C1E729ADC52005C0153F9B6F4DE96FB2"],
  [true, "0E711127C5B5A8E4726AC6DD306A3E59", "05C1D7C5A903D803"],
  [false, "2FE1BE91E90A3439635E0E9E37361EF2", "05C1DB857D857C02"],
  [null, "378867E4430E67857ACE5C908374FE16", "05C1ED45D7475601"],
  [undefined, "11622DAA78F835834610ABE56EFF5CB5", "05C1D529E345DC00"],
];

describe("effective partition keys", () => {
  it("are what the SDKs compute, in both versions", () => {
    for (const [value, second, first] of table) {
      const of = (version: 1 | 2): string => effectivePartitionKey([value], { paths: ["/pk"], kind: "Hash", version });
      expect([value, of(2), of(1)]).toEqual([value, second, first]);
    }
  });

  it("of several levels begin with those of their first levels", () => {
    const definition = { paths: ["/a", "/b"], kind: "MultiHash", version: 2 } as const;
    const full = effectivePartitionKey(["A", "1"], definition);
    expect(full).toBe("14F53A0810CE6727EB1CD722D321216F3C80B1B7310BB39F29CC4EA05BDD461E");
    expect(effectivePartitionKey(["A"], definition)).toBe(full.slice(0, 32));
  });
});
