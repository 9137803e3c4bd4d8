import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RestClient } from '../../../services/cluster/rest.ts';

export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly authorization: string | undefined;
}

/** `undefined` leaves the request hanging. */
export type ScriptedReply =
  | {
      readonly status?: number;
      readonly json?: unknown;
      readonly text?: string;
      readonly headers?: Record<string, string>;
    }
  | undefined;

export interface ScriptedApi {
  readonly url: URL;
  readonly requests: readonly ScriptedRequest[];
  readonly rest: RestClient;
  close(): Promise<void>;
}

/** A tiny API server for answers a real one gives rarely. `stream` replies are written by the script itself. */
export async function scriptApi(
  script: (request: ScriptedRequest, response: ServerResponse) => ScriptedReply | 'own',
  timeoutMs = 5_000,
): Promise<ScriptedApi> {
  const requests: ScriptedRequest[] = [];
  const server = createServer((incoming, response) => void serve(incoming, response));
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const url = new URL(incoming.url ?? '/', 'http://api');
    const request = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      body,
      authorization: incoming.headers.authorization,
    };
    requests.push(request);
    const reply = script(request, response);
    if (reply === undefined || reply === 'own') return;
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    response.end(reply.text ?? JSON.stringify(reply.json ?? {}));
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const rest = new RestClient({ server: url, skipTlsVerify: false }, timeoutMs);
  return {
    url,
    requests,
    rest,
    close: async () => {
      rest.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const statusObject = (code: number, reason: string, message: string, details: unknown = {}) => ({
  status: code,
  json: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details },
});

export const listObject = (items: readonly unknown[], resourceVersion = '10') => ({
  kind: 'List',
  apiVersion: 'v1',
  metadata: { resourceVersion },
  items,
});

export const nodeObject = (name: string, changed: { unschedulable?: boolean; mark?: string; ready?: string } = {}) => ({
  metadata: {
    name,
    resourceVersion: '7',
    ...(changed.mark !== undefined && { annotations: { 'holdover.dev/cordoned': changed.mark } }),
  },
  spec: changed.unschedulable === true ? { unschedulable: true } : {},
  status: { conditions: [{ type: 'Ready', status: changed.ready ?? 'True' }] },
});

export const podObject = (name: string, changed: Record<string, unknown> = {}) => ({
  metadata: {
    name,
    namespace: 'web',
    uid: `uid-of-${name}`,
    resourceVersion: '8',
    ownerReferences: [{ kind: 'ReplicaSet', apiVersion: 'apps/v1', name: 'rs', uid: 'rs-uid', controller: true }],
    ...(changed.metadata as object | undefined),
  },
  spec: { nodeName: 'n1', terminationGracePeriodSeconds: 30, ...(changed.spec as object | undefined) },
  status: { phase: 'Running', ...(changed.status as object | undefined) },
});
