/** Publishing credentials: the Basic authentication of the SCM host. */
import type { Site } from "./site.ts";
import { hostNameOf, scmHostOf } from "./site.ts";

const attribute = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** `POST publishxml`: one line, no declaration (reported; app-service.md 4.3). */
export const publishProfiles = (site: Site): string => {
  const host = hostNameOf(site.name);
  const scm = `${scmHostOf(site.name)}:443`;
  const { scm: allowed } = site.basicAllowed;
  const password = allowed ? site.publishingPassword : "REDACTED";
  const user = allowed ? `$${site.name}` : "REDACTED";
  const profile = (
    name: string,
    method: string,
    url: string,
    userName: string,
    more: Record<string, string>,
  ): string => {
    const attributes = {
      profileName: `${site.name} - ${name}`,
      publishMethod: method,
      publishUrl: url,
      ...more,
      userName,
      userPWD: password,
      destinationAppUrl: `https://${host}`,
      SQLServerDBConnectionString: "",
      mySQLDBConnectionString: "",
      hostingProviderForumLink: "",
      controlPanelLink: "https://portal.azure.com",
      webSystem: "WebSites",
    };
    const text = Object.entries(attributes).map(([key, value]) => `${key}="${attribute(value)}"`);
    return `<publishProfile ${text.join(" ")}><databases /></publishProfile>`;
  };
  const ftpUser = allowed ? `${site.name}\\$${site.name}` : "REDACTED";
  return [
    "<publishData>",
    profile("Web Deploy", "MSDeploy", scm, user, { msdeploySite: site.name }),
    profile("FTP", "FTP", `ftps://${host}/site/wwwroot`, ftpUser, { ftpPassiveMode: "True" }),
    profile("Zip Deploy", "ZipDeploy", scm, user, {}),
    "</publishData>",
  ].join("");
};

/** `config/publishingcredentials/list`. */
export const publishingCredentials = (site: Site): Record<string, unknown> => {
  const user = `$${site.name}`;
  return {
    id: `${site.id}/config/publishingcredentials`,
    name: site.name,
    type: "Microsoft.Web/sites/config",
    location: site.record.location,
    properties: {
      name: null,
      publishingUserName: user,
      publishingPassword: site.publishingPassword,
      publishingPasswordHash: null,
      publishingPasswordHashSalt: null,
      metadata: null,
      isDeleted: false,
      scmUri: `https://${user}:${site.publishingPassword}@${scmHostOf(site.name)}`,
    },
  };
};
