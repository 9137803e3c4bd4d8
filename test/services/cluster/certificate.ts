import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** A certificate for this machine under an authority of its own, made in `folder` with openssl. */
export async function makeCertificate(openssl: string, folder: string): Promise<Certificate> {
  const run = (command: string) => execFileSync(openssl, command.split(' '), { cwd: folder, stdio: 'ignore' });
  const newKey = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  run(`req -x509 ${newKey} -keyout ca.key -out ca.crt -days 2 -subj /CN=test-ca`);
  run(`req ${newKey} -keyout tls.key -out tls.csr -subj /CN=twin`);
  await writeFile(join(folder, 'ext'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  run('x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out tls.crt -days 2 -extfile ext');
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  return { key: await read('tls.key'), cert: await read('tls.crt'), ca: await read('ca.crt') };
}
