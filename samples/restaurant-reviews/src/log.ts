/** One line per event, as JSON: App Service's log stream and most collectors read it as it is. */
export type Log = (
  level: "info" | "warn" | "error",
  event: string,
  details?: Readonly<Record<string, unknown>>,
) => void;

export const consoleLog: Log = (level, event, details = {}) => {
  const line = JSON.stringify({ time: new Date().toISOString(), level, event, ...details });
  if (level === "error") console.error(line);
  else console.log(line);
};
