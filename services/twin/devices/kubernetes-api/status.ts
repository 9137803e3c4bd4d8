/** Answers of the API server that are no objects. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

export interface StatusDetails {
  readonly name?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason: string; readonly message: string }[];
  readonly retryAfterSeconds?: number;
}

export const ok = (body: unknown): Reply => ({ status: 200, body });

/** `Status` with `Success`, as an accepted eviction is answered. */
export const success = (status: number): Reply => ({
  status,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: status },
});

export const failure = (status: number, reason: string, message: string, details: StatusDetails = {}): Reply => ({
  status,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code: status },
});

export const notFound = (plural: string, name: string): Reply =>
  failure(404, 'NotFound', `${plural} "${name}" not found`, { name, kind: plural });

export const noSuchPath = (): Reply => failure(404, 'NotFound', 'the server could not find the requested resource');

export const badRequest = (message: string): Reply => failure(400, 'BadRequest', message);

export const methodNotAllowed = (): Reply =>
  failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');

export const conflict = (plural: string, name: string, why: string): Reply =>
  failure(409, 'Conflict', `Operation cannot be fulfilled on ${plural} "${name}": ${why}`, { name, kind: plural });
