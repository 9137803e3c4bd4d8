import { messageOf, UserError } from '../runtime/errors.ts';

const DEADLINE_MS = 20_000;

/** A running service, asked over HTTP. Errors say what to try. */
export interface ServiceClient {
  get<T>(path: string): Promise<T>;
  /** The answer with its status; 409 is a refusal and no error. */
  post<T>(path: string, body: unknown): Promise<{ readonly status: number; readonly body: T }>;
}

/**
 * @param tokenEnv name of the environment variable that holds the token
 * @throws UserError when the address or the variable is none
 */
export function serviceAt(url: string, tokenEnv: string | undefined): ServiceClient {
  const token = tokenEnv === undefined ? undefined : process.env[tokenEnv];
  if (tokenEnv !== undefined && token === undefined)
    throw new UserError(`environment variable ${tokenEnv} is not set`, `export ${tokenEnv}=…`);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new UserError(`${url} is not an address`, '--url http://127.0.0.1:8470');
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    get: async <T>(path: string) => {
      const target = new URL(path, url);
      const response = await reach(target, { headers: authorization });
      if (response.status === 401 || response.status === 403)
        throw new UserError(
          `${target.origin} wants a token for reading`,
          'put it into an environment variable and name that with --token-env',
        );
      if (!response.ok) throw new Error(`${target.origin} answered ${response.status} to ${target.pathname}`);
      return (await response.json()) as T;
    },
    post: async <T>(path: string, body: unknown) => {
      const target = new URL(path, url);
      const response = await reach(target, {
        method: 'POST',
        headers: { ...authorization, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (response.status === 401 || response.status === 403)
        throw new UserError(
          `${target.origin} takes orders only with a token that may write`,
          'put one of http.tokens with write: true into an environment variable and name that with --token-env',
        );
      return { status: response.status, body: (await response.json()) as T };
    },
  };
}

async function reach(target: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(target, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    throw new Error(`no service answers at ${target.origin} (${cause}); is holdover running there?`);
  }
}
