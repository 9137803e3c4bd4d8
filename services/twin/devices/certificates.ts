import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** PEM texts. */
export interface CertificatePair {
  readonly crt: string;
  readonly key: string;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'];
const DAYS = ['-days', '30'];

/**
 * An authority made for this run, with one certificate for an address and one for a client, in a folder of their own.
 * @throws Error when there is no openssl
 */
export async function makeCertificates(
  folder: string,
  address: string,
): Promise<{ readonly ca: string; readonly server: CertificatePair; readonly client: CertificatePair }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const openssl = (...args: readonly string[]): Promise<unknown> =>
    run('openssl', args, { cwd: folder, timeout: 20_000 });
  const pem = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  await openssl('req', '-x509', ...KEY, 'ca.key', '-out', 'ca.crt', '-subj', '/O=holdover emulate', ...DAYS);
  const issue = async (name: string, subject: string): Promise<CertificatePair> => {
    const asked = ['-out', `${name}.csr`, '-subj', subject, '-addext', `subjectAltName=IP:${address}`];
    await openssl('req', ...KEY, `${name}.key`, ...asked);
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copy', ...DAYS];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.crt`);
    return { crt: await pem(`${name}.crt`), key: await pem(`${name}.key`) };
  };
  const server = await issue('server', '/CN=emulated machine');
  return { ca: await pem('ca.crt'), server, client: await issue('client', '/O=os:operator') };
}
