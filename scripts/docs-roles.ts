/** docs/reference/roles.md: the built-in roles with Azure's GUIDs and what they grant. */
import { builtInRoles } from "../src/access/built-in-roles/all.ts";
import type { Permission, RoleDefinition } from "../src/access/definitions.ts";
import { byText, cell, code, generatedNote, page, table } from "./docs-markdown.ts";

export const rolesPage = (): string => {
  const roles = builtInRoles.toSorted((one, other) => byText(one.roleName, other.roleName));
  return page(
    "# Built-in roles",
    generatedNote,
    `${roles.length} roles, with the names, GUIDs and permissions of Azure. Custom roles can be created beside them. \`actions\` are rights on the management plane, \`dataActions\` on data; neither ever includes the other.`,
    table(
      ["role", "GUID"],
      roles.map((role) => [`[${cell(role.roleName)}](#${anchor(role.roleName)})`, code(role.name)]),
    ),
    ...roles.flatMap(section),
  );
};

/** As GitHub makes anchors of headings. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

const section = (role: RoleDefinition): readonly string[] => [
  `## ${role.roleName}`,
  role.description,
  ...role.permissions.map(grants),
];

const grants = (permission: Permission): string => {
  const lists = (["actions", "notActions", "dataActions", "notDataActions"] as const)
    .filter((kind) => permission[kind].length > 0)
    .map((kind) => [kind, ...permission[kind].map((action) => `  ${action}`)].join("\n"));
  const condition = permission.condition === undefined ? [] : [`condition\n  ${permission.condition}`];
  return `\`\`\`\n${[...lists, ...condition].join("\n")}\n\`\`\``;
};
