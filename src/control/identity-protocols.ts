/** Every way in which Azure hands an app its identity. */
export const identityProtocols = ["app-service", "imds", "cloud-shell", "workload", "arc", "azure-ml"] as const;

export type IdentityProtocol = (typeof identityProtocols)[number];

export const isIdentityProtocol = (text: string): text is IdentityProtocol =>
  identityProtocols.some((each) => each === text);
