/** Deployments as Kudu's JSON shows them (kudu DeployResult, app-service.md 3.3). */
import { type Deployment, type LogEntry, status } from "../deployments.ts";
import { scmHostOf } from "../site.ts";

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

export const isRunning = (deployment: Deployment): boolean => deployment.ended === undefined;

/** @param forced status while the lock is held: Kudu then always says 0 */
export const deploymentView = (deployment: Deployment, site: string, forced?: 0): Record<string, unknown> => {
  const { id, received, ended } = deployment;
  const url = `https://${scmHostOf(site)}/api/deployments/${id}`;
  const complete = !isRunning(deployment);
  return {
    id,
    status: forced ?? deployment.status,
    status_text: deployment.statusText,
    author_email: deployment.authorEmail,
    author: deployment.author,
    deployer: deployment.deployer,
    message: deployment.message,
    progress: complete ? "" : (deployment.log.at(-1)?.message ?? ""),
    received_time: iso(received),
    start_time: iso(received),
    end_time: ended === undefined ? null : iso(ended),
    last_success_end_time: deployment.status === status.success && ended !== undefined ? iso(ended) : null,
    complete,
    active: deployment.active,
    is_temp: false,
    is_readonly: true,
    url,
    log_url: `${url}/log`,
    site_name: site,
    provisioningState: complete ? (deployment.status === status.success ? "Succeeded" : "Failed") : "InProgress",
  };
};

interface LogLineView {
  readonly log_time: string;
  readonly id: string;
  readonly message: string;
  readonly type: number;
  readonly details_url: string | null;
}

const lineView = (entry: Omit<LogEntry, "details">, detailsUrl: string | null): LogLineView => ({
  log_time: iso(entry.time),
  id: entry.id,
  message: entry.message,
  type: entry.type,
  details_url: detailsUrl,
});

export const logView = (deployment: Deployment, site: string): LogLineView[] =>
  deployment.log.map((entry) =>
    lineView(
      entry,
      entry.details.length === 0 ? null : `https://${scmHostOf(site)}/api/deployments/${deployment.id}/log/${entry.id}`,
    ),
  );

export const detailsView = (entry: LogEntry): LogLineView[] => entry.details.map((each) => lineView(each, null));
