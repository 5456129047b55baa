// Owns: whether a role is alive and ready, as checks with reasons. Does not own: who asks (metrics.ts), what a role checks.

/** Why not, in our own words; undefined where all is well. Cheap: it is asked at every probe. */
export type Check = () => string | undefined;

/** `live`: restart what fails it. `ready`: it works, and there is something that it waits for. */
export type Probe = 'live' | 'ready';

export interface HealthReport {
  readonly ok: boolean;
  /** by check: `ok`, or why not */
  readonly checks: Readonly<Record<string, string>>;
}

export interface Health {
  /** A second one of the same name takes the place of the first. */
  add(probe: Probe, name: string, check: Check): void;
  report(probe: Probe): HealthReport;
}

export function createHealth(): Health {
  const checks: Readonly<Record<Probe, Map<string, Check>>> = { live: new Map(), ready: new Map() };
  return {
    add: (probe, name, check) => void checks[probe].set(name, check),
    report(probe) {
      const found = [...checks[probe]].map(([name, check]) => [name, asked(check)] as const);
      return {
        ok: found.every(([, why]) => why === undefined),
        checks: Object.fromEntries(found.map(([name, why]) => [name, why ?? 'ok'])),
      };
    },
  };
}

/** A check that fails to say has said enough; the probe is answered all the same. */
function asked(check: Check): string | undefined {
  try {
    return check();
  } catch {
    return 'it could not be asked';
  }
}
