import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { parseDocument } from 'yaml';
import { z } from 'zod';

/** How to reach one API server and who we are there. */
export interface ClusterAccess {
  /** Scheme, host, port and an optional path prefix. */
  readonly server: URL;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Name to expect in the server's certificate, where it differs from the host. */
  readonly tlsServerName?: string;
  readonly skipTlsVerify: boolean;
  readonly token?: { readonly value: string } | { readonly file: string };
}

/** The kubeconfig cannot be used: which file, where in it, why, and what to try. Never shows a value of the file. */
export class KubeconfigError extends Error {
  readonly file: string;
  /** `users[0].user.exec`; empty when the file as a whole is meant. */
  readonly path: string;

  constructor(file: string, path: string, problem: string) {
    super(`kubeconfig ${file}${path === '' ? '' : `: ${path}`}: ${problem}`);
    this.name = 'KubeconfigError';
    this.file = file;
    this.path = path;
  }
}

const MAX_FILE_BYTES = 1024 * 1024;

/** kubectl writes empty strings for what is not set. */
const text = z
  .string()
  .nullish()
  .transform((value) => value || undefined);
const named = <T extends z.ZodType>(key: string, inner: T) =>
  z
    .array(z.looseObject({ name: z.string().min(1), [key]: inner }))
    .nullish()
    .transform((entries) => entries ?? []);

const clusterPart = z.looseObject({
  server: z.string().min(1),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
});
const userPart = z.looseObject({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
});
const contextPart = z.looseObject({ cluster: z.string().min(1), user: text });

const kubeconfigSchema = z.looseObject({
  clusters: named('cluster', z.unknown()),
  users: named('user', z.unknown()),
  contexts: named('context', z.unknown()),
  'current-context': text,
});

/** User fields that change who we are and that this client cannot honour, with what to do instead. */
const STANDALONE_HINT =
  'a shutdown must not depend on another program or service; use a client certificate or a ServiceAccount token ' +
  '(token or tokenFile) instead';
const REFUSED_USER_FIELDS: Readonly<Record<string, string>> = {
  exec: `exec plugins are not run: ${STANDALONE_HINT}`,
  'auth-provider': `auth providers are not supported: ${STANDALONE_HINT}`,
  username: `passwords are no longer accepted by Kubernetes; ${STANDALONE_HINT}`,
  as: 'impersonation is not supported; give the account the rights itself',
};

/** A piece of PEM, still in the kubeconfig or in a file beside it. */
type Material = { readonly pem: string } | { readonly file: string; readonly path: string };

interface Selected {
  readonly server: URL;
  readonly ca?: Material;
  readonly cert?: Material;
  readonly key?: Material;
  readonly tlsServerName?: string;
  readonly skipTlsVerify: boolean;
  readonly token?: { readonly value: string } | { readonly file: string };
  readonly userPath: string;
}

/** Reads a kubeconfig file and the files it names. Rejects with a KubeconfigError. */
export async function loadKubeconfig(file: string, context?: string): Promise<ClusterAccess> {
  const selected = selectContext(await readBounded(file, file, ''), file, context);
  const [ca, cert, key] = await Promise.all(
    [selected.ca, selected.cert, selected.key].map((material) => readMaterial(material, file)),
  );
  if (selected.token && 'file' in selected.token) {
    await readBounded(selected.token.file, file, `${selected.userPath}.tokenFile`);
  }
  const access: ClusterAccess = {
    server: selected.server,
    skipTlsVerify: selected.skipTlsVerify,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(selected.tlsServerName !== undefined && { tlsServerName: selected.tlsServerName }),
    ...(selected.token !== undefined && { token: selected.token }),
  };
  checkKeyPair(access, file, selected.userPath);
  return access;
}

/** The pure half: which server and which credentials the text means. Relative paths are relative to `file`. */
export function selectContext(source: string, file: string, context?: string): Selected {
  const config = check(kubeconfigSchema, parseYaml(source, file), file, '');
  const contextName = context ?? config['current-context'];
  if (contextName === undefined) {
    throw new KubeconfigError(
      file,
      'current-context',
      `is empty; set cluster.context to one of ${names(config.contexts)}`,
    );
  }
  const chosen = pick(config.contexts, 'contexts', 'context', contextName, contextPart, file);
  const cluster = pick(config.clusters, 'clusters', 'cluster', chosen.value.cluster, clusterPart, file);
  if (cluster.value['proxy-url'] !== undefined) {
    throw new KubeconfigError(file, `${cluster.path}.proxy-url`, 'proxies are not supported; name the server directly');
  }
  const server = parseServer(cluster.value.server, file, `${cluster.path}.server`);
  const folder = dirname(resolve(file));
  const ca = material(cluster.value, 'certificate-authority', folder, cluster.path, file);
  const tlsServerName = cluster.value['tls-server-name'];
  const base = {
    server,
    skipTlsVerify: cluster.value['insecure-skip-tls-verify'] ?? false,
    ...(ca !== undefined && { ca }),
    ...(tlsServerName !== undefined && { tlsServerName }),
  };
  if (chosen.value.user === undefined) return { ...base, userPath: 'users' };

  const user = pick(config.users, 'users', 'user', chosen.value.user, userPart, file);
  for (const [field, problem] of Object.entries(REFUSED_USER_FIELDS)) {
    if (user.value[field] !== undefined && user.value[field] !== null) {
      throw new KubeconfigError(file, `${user.path}.${field}`, problem);
    }
  }
  const cert = material(user.value, 'client-certificate', folder, user.path, file);
  const key = material(user.value, 'client-key', folder, user.path, file);
  if ((cert === undefined) !== (key === undefined)) {
    throw new KubeconfigError(file, user.path, 'client-certificate and client-key are needed together');
  }
  const token = tokenOf(user.value, folder);
  if (token !== undefined && server.protocol === 'http:' && !isLoopback(server.hostname)) {
    throw new KubeconfigError(file, `${cluster.path}.server`, 'a token would travel in clear text; use https://');
  }
  return {
    ...base,
    userPath: user.path,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(token !== undefined && { token }),
  };
}

function parseYaml(source: string, file: string): unknown {
  // prettyErrors would quote the offending line, and that line may be a key.
  const document = parseDocument(source, { prettyErrors: false, logLevel: 'silent' });
  const problem = document.errors[0];
  if (problem) {
    const line = source.slice(0, problem.pos[0]).split('\n').length;
    throw new KubeconfigError(file, '', `line ${line} is not valid YAML (${problem.code})`);
  }
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new KubeconfigError(file, '', 'too many YAML aliases');
  }
}

function check<T extends z.ZodType>(schema: T, value: unknown, file: string, path: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const inner = (issue?.path ?? []).reduce<string>(
    (before, key) => (typeof key === 'number' ? `${before}[${key}]` : `${before}.${String(key)}`),
    path,
  );
  const where = inner.replace(/^\./, '');
  throw new KubeconfigError(file, where, where === '' ? 'is not a kubeconfig' : (issue?.message ?? 'is not valid'));
}

type Entries = readonly Readonly<Record<string, unknown>>[];

function pick<T extends z.ZodType>(entries: Entries, list: string, key: string, name: string, schema: T, file: string) {
  const index = entries.findIndex((entry) => entry.name === name);
  if (index < 0) {
    throw new KubeconfigError(file, list, `has no "${name}"; there is ${names(entries)}`);
  }
  const path = `${list}[${index}].${key}`;
  return { path, value: check(schema, entries[index]?.[key] ?? {}, file, path) };
}

const names = (entries: Entries): string =>
  entries.length === 0 ? 'none' : entries.map((entry) => `"${String(entry.name)}"`).join(', ');

function parseServer(value: string, file: string, path: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new KubeconfigError(file, path, 'expected an address such as https://10.0.0.10:6443');
  }
  if (url.username !== '' || url.password !== '') {
    throw new KubeconfigError(file, path, 'credentials in the address are not supported');
  }
  return url;
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || host.startsWith('127.');

/** `<field>-data` (base64) wins over `<field>` (a path), as in kubectl. */
function material(
  part: Readonly<Record<string, unknown>>,
  field: string,
  folder: string,
  path: string,
  file: string,
): Material | undefined {
  const data = part[`${field}-data`];
  if (typeof data === 'string') {
    const pem = Buffer.from(data, 'base64').toString('utf8');
    if (!pem.includes('-----BEGIN ')) {
      throw new KubeconfigError(file, `${path}.${field}-data`, 'is not base64 of a PEM block');
    }
    return { pem };
  }
  const named = part[field];
  return typeof named === 'string' ? { file: resolve(folder, named), path: `${path}.${field}` } : undefined;
}

function tokenOf(user: z.infer<typeof userPart>, folder: string): Selected['token'] {
  if (user.tokenFile !== undefined) return { file: resolve(folder, user.tokenFile) };
  return user.token !== undefined ? { value: user.token } : undefined;
}

async function readMaterial(source: Material | undefined, file: string): Promise<string | undefined> {
  if (source === undefined || 'pem' in source) return source?.pem;
  const pem = await readBounded(source.file, file, source.path);
  if (!pem.includes('-----BEGIN ')) throw new KubeconfigError(file, source.path, `${source.file} is not a PEM file`);
  return pem;
}

async function readBounded(target: string, file: string, path: string): Promise<string> {
  try {
    const { size } = await stat(target);
    if (size <= MAX_FILE_BYTES) return await readFile(target, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    const hint = code === 'EACCES' ? 'not readable for this user' : code === 'ENOENT' ? 'does not exist' : code;
    throw new KubeconfigError(file, path, target === file ? hint : `${target}: ${hint}`);
  }
  throw new KubeconfigError(file, path, `${target} is larger than 1 MiB`);
}

function checkKeyPair(access: ClusterAccess, file: string, userPath: string): void {
  const { ca, cert, key } = access;
  try {
    createSecureContext({
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    throw new KubeconfigError(file, userPath, `certificate, key or certificate authority is not usable (${code})`);
  }
}
