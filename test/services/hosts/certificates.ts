import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peer } from '../../peers.ts';

export const openssl = peer('openssl');

/** A certificate and its key, PEM. */
export interface Pair {
  readonly crt: string;
  readonly key: string;
}

export interface Authority {
  readonly ca: string;
  /** A certificate for 127.0.0.1, or for other names, good for a server and for a client. */
  issue(name: string, altNames?: string): Pair;
}

/** An authority of its own, made with openssl in a folder that is gone afterwards; empty texts without openssl. */
export function authority(name: string): Authority {
  if (openssl.skip) return { ca: '', issue: () => ({ crt: '', key: '' }) };
  const dir = mkdtempSync(join(tmpdir(), 'holdover-ca-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const run = (...args: string[]) => execFileSync(openssl.path, args, { cwd: dir, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'];
  run('req', '-x509', ...key, 'ca.key', '-out', 'ca.crt', '-subj', `/CN=${name}`, '-days', '2');
  let serial = 0;
  return {
    ca: readFileSync(join(dir, 'ca.crt'), 'utf8'),
    issue: (subject, altNames = 'IP:127.0.0.1') => {
      serial += 1;
      const file = `leaf${serial}`;
      const ext = ['-addext', `subjectAltName=${altNames}`, '-addext', 'extendedKeyUsage=serverAuth,clientAuth'];
      run('req', ...key, `${file}.key`, '-out', `${file}.csr`, '-subj', `/O=os:operator/CN=${subject}`, ...ext);
      const sign = [
        'x509',
        '-req',
        '-in',
        `${file}.csr`,
        '-CA',
        'ca.crt',
        '-CAkey',
        'ca.key',
        '-copy_extensions',
        'copy',
      ];
      run(...sign, '-set_serial', String(serial), '-days', '2', '-out', `${file}.crt`);
      return {
        crt: readFileSync(join(dir, `${file}.crt`), 'utf8'),
        key: readFileSync(join(dir, `${file}.key`), 'utf8'),
      };
    },
  };
}
