/** What of the set-up is done, by what is there. */

export const STEPS = ["password", "services", "credential", "exporter", "server"] as const;

export type Step = (typeof STEPS)[number];

export interface There {
  /** Whether the password was changed or was said to stay. */
  isPasswordSettled: boolean;
  /** Whether Prometheus answers. */
  isPrometheusWell: boolean;
  credentials: number;
  exporters: number;
  servers: number;
}

/** Whether a step is done. */
export function isDone(step: Step, there: There): boolean {
  return {
    password: there.isPasswordSettled,
    services: there.isPrometheusWell,
    credential: there.credentials > 0,
    exporter: there.exporters > 0,
    server: there.servers > 0,
  }[step];
}

/** The first step that is not done; behind the last when all are. */
export function firstOpen(there: There): number {
  const open = STEPS.findIndex((step) => !isDone(step, there));
  return open === -1 ? STEPS.length : open;
}
