import type { Measured } from "./work.ts";

const figure = (value: number | null): string => {
  if (value === null) return "-";
  return value >= 1000 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(3);
};

export const tableText = (rows: readonly Measured[]): string => {
  const cells = [
    ["work: peer", "ours", "peer", "ratio", "target", "", "spread of the ratio"],
    ...rows.map((row) => [
      row.name,
      figure(row.ours),
      figure(row.peer),
      row.ratio === null ? "-" : `${row.ratio.toPrecision(3)}x`,
      row.target,
      row.ok ? "ok" : "MISSED",
      row.spread,
    ]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const pad = (text: string, column: number): string =>
    column >= 1 && column <= 4 ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return cells.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
};
