import { z } from 'zod';
import { plainPort } from './values.ts';

/** Something for each port by its name; `07` and `7` are the same port. */
export const byPort = <V extends z.ZodType>(value: V, form: string) =>
  z.record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, form), value).transform((given, context) => {
    const ports: Record<string, z.output<V>> = {};
    for (const [name, each] of Object.entries(given)) {
      const port = plainPort(name);
      if (Object.hasOwn(ports, port))
        context.addIssue({ code: 'custom', path: [name], message: `port ${port} is there twice` });
      ports[port] = each as z.output<V>;
    }
    return ports;
  });
