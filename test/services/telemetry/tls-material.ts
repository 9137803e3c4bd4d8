import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peer } from '../../peers.ts';
import type { Workshop } from './peers.ts';

export const openssl = peer('openssl');

/** Paths of PEM files: an authority, and certificates with their keys that it has signed. */
export interface TlsMaterial {
  readonly ca: string;
  /** For `localhost` and 127.0.0.1. */
  readonly server: { readonly cert: string; readonly key: string };
  /** Of somebody called `holdover`. */
  readonly client: { readonly cert: string; readonly key: string };
}

export function tlsMaterial(workshop: Workshop): TlsMaterial {
  const folder = workshop.folder();
  const at = (name: string): string => join(folder, name);
  const ssl = (...args: readonly string[]) => execFileSync(openssl.path, [...args], { stdio: 'ignore', cwd: folder });
  const newKey = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj'];
  ssl(...newKey, '/CN=test CA', '-x509', '-days', '2', '-keyout', 'ca.key', '-out', 'ca.pem');
  writeFileSync(at('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const signed = (name: string, subject: string) => {
    const [cert, key] = [`${name}.pem`, `${name}.key`] as const;
    ssl(...newKey, subject, '-keyout', key, '-out', `${name}.csr`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
    ssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', cert);
    for (const file of [cert, key]) chmodSync(at(file), 0o644);
    return { cert: at(cert), key: at(key) };
  };
  const material = {
    ca: at('ca.pem'),
    server: signed('server', '/CN=localhost'),
    client: signed('client', '/CN=holdover'),
  };
  // A broker that was started as root becomes its own user.
  chmodSync(folder, 0o755);
  chmodSync(material.ca, 0o644);
  return material;
}
