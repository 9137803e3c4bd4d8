import { readFileSync } from 'node:fs';

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/**
 * `namespace/name` of the pod this process runs in; undefined outside a cluster. `POD_NAME` and `POD_NAMESPACE` win,
 * for pods on the host's network, whose host name is that of the node.
 */
export function ownPod(
  env: Readonly<Record<string, string | undefined>> = process.env,
  namespaceFile = NAMESPACE_FILE,
): string | undefined {
  if (env.KUBERNETES_SERVICE_HOST === undefined) return undefined;
  const name = env.POD_NAME ?? env.HOSTNAME;
  const namespace = env.POD_NAMESPACE ?? readNamespace(namespaceFile);
  return name === undefined || namespace === undefined ? undefined : `${namespace}/${name}`;
}

function readNamespace(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
