// Owns: `assay miner vantage`. Does not own: what it answers (doctor/vantage.ts).
import { z } from 'zod';
import { systemParts } from '../assemble.js';
import { integerBetween, loadFlags } from '../config.js';
import { serveVantage } from '../doctor/vantage.js';
import { EXIT, print, printJson } from '../output.js';

const schema = z.strictObject({
  listen: z.string().min(1).max(64).default('127.0.0.1'),
  port: integerBetween(0, 65_535, 'a port').default(8099),
  json: z.boolean().default(false),
});

export async function vantage(flags: Record<string, unknown>, signal: AbortSignal): Promise<number> {
  const { listen: host, port: wanted, json } = loadFlags(schema, flags);
  const { port, closed } = await serveVantage(systemParts, { host, port: wanted }, signal);
  if (json) printJson({ host, port });
  else
    print(
      `listening at ${host}:${port}; elsewhere: assay miner doctor --host --from <this host>:${port} --ports 8091`,
    );
  await closed;
  return EXIT.ok;
}
