import { createHash, timingSafeEqual } from 'node:crypto';
import { HttpProblem } from './problem.ts';

/** Who may come in. The secret itself, already read from its file or environment variable. */
export interface AccessToken {
  readonly name: string;
  readonly token: string;
  readonly write: boolean;
}

/** Who a token belongs to. */
export interface Visitor {
  readonly name: string;
  readonly write: boolean;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
const CHALLENGE = { 'www-authenticate': 'Bearer realm="holdover"' };

/** Decides from the Authorization header who may read and who may command. */
export class Access {
  readonly #known: readonly { readonly visitor: Visitor; readonly hash: Buffer }[];
  readonly #readNeedsToken: boolean;

  /** Throws when a token is empty or has characters that no Authorization header can carry. */
  constructor(tokens: readonly AccessToken[], readNeedsToken: boolean) {
    for (const { name, token } of tokens) {
      if (!/^[\x21-\x7e]+$/.test(token)) {
        throw new Error(
          `http token "${name}" is empty or has spaces or special characters; write a new one to its source`,
        );
      }
    }
    this.#known = tokens.map(({ name, token, write }) => ({ visitor: { name, write }, hash: digest(token) }));
    this.#readNeedsToken = readNeedsToken;
  }

  /** The owner of a bearer token. Takes the same time for every token of the same length, known or not. */
  visitor(authorization: string | undefined): Visitor | undefined {
    const given = /^Bearer +([\x21-\x7e]{1,1024})$/i.exec(authorization ?? '')?.[1];
    if (given === undefined) return undefined;
    const hash = digest(given);
    let found: Visitor | undefined;
    for (const entry of this.#known) if (timingSafeEqual(entry.hash, hash)) found = entry.visitor;
    return found;
  }

  /** Returns when reading is allowed, throws a 401 otherwise. */
  mayRead(authorization: string | undefined): void {
    if (!this.#readNeedsToken || this.visitor(authorization)) return;
    throw new HttpProblem(401, this.#missing(authorization, 'Reading needs a token here'), { headers: CHALLENGE });
  }

  /** The visitor when commanding is allowed; throws 401 or 403 otherwise. */
  mayWrite(authorization: string | undefined): Visitor {
    if (this.#known.length === 0) {
      throw new HttpProblem(403, 'no token is configured: nothing can be changed over HTTP');
    }
    const visitor = this.visitor(authorization);
    if (!visitor) {
      throw new HttpProblem(401, this.#missing(authorization, 'Commands need a token'), { headers: CHALLENGE });
    }
    if (!visitor.write)
      throw new HttpProblem(403, `The token "${visitor.name}" may read only; use one with write: true.`);
    return visitor;
  }

  #missing(authorization: string | undefined, what: string): string {
    return authorization === undefined
      ? `${what}: send "Authorization: Bearer <token>".`
      : 'The token is not known here; check that it is the one the configuration points to.';
  }
}
