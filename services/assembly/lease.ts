import type { Config } from '../config/schema.ts';
import { readSecret } from '../config/secrets.ts';
import { Lease } from '../lease/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';

/** The lease of two management nodes, with its secrets read; undefined where there is one node. */
export function openLease({ lease }: Config, clock: Clock, log: Log): Lease | undefined {
  if (lease === undefined) return undefined;
  const { password, tls } = lease.mqtt;
  const secrets = {
    ...(password === undefined ? {} : { password: readSecret(password, 'lease.mqtt.password') }),
    ...(tls?.key === undefined ? {} : { tlsKey: readSecret(tls.key, 'lease.mqtt.tls.key') }),
  };
  return new Lease(lease, secrets, { clock, log });
}
