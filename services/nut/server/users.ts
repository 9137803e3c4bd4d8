import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A user of the NUT server and what it may do. */
export interface NutUser {
  readonly user: string;
  readonly upsmon?: 'primary' | 'secondary' | undefined;
  readonly actions: readonly ('set' | 'fsd')[];
  /** Names of instant commands, or `all`. */
  readonly instcmds: readonly string[];
  /** From the order to off, s. */
  readonly needsS: number;
  /** The stage its machines go down with; the last one when absent. */
  readonly stage?: string | undefined;
}

export const mayLogIn = ({ upsmon }: NutUser): boolean => upsmon !== undefined;
export const mayForce = ({ upsmon, actions }: NutUser): boolean => upsmon === 'primary' || actions.includes('fsd');
export const maySet = ({ actions }: NutUser): boolean => actions.includes('set');
export const mayCommand = ({ instcmds }: NutUser, command: string): boolean =>
  instcmds.some((each) => each.toLowerCase() === 'all' || each.toLowerCase() === command);

const digest = (text: string): Buffer => createHash('sha256').update(text, 'latin1').digest();

/** Who is who. Names and passwords compare with case, and a wrong one takes as long as a right one. */
export class Users {
  readonly #known = new Map<string, { readonly user: NutUser; readonly password: Buffer }>();
  readonly #nobody = randomBytes(32);

  /** @param passwords by user name */
  constructor(users: readonly NutUser[], passwords: Readonly<Record<string, string>>) {
    for (const user of users) {
      const password = passwords[user.user];
      if (password !== undefined) this.#known.set(user.user, { user, password: digest(password) });
    }
  }

  all(): readonly NutUser[] {
    return [...this.#known.values()].map(({ user }) => user);
  }

  check(name: string, password: string): NutUser | undefined {
    const known = this.#known.get(name);
    const right = timingSafeEqual(digest(password), known?.password ?? this.#nobody);
    return right ? known?.user : undefined;
  }
}
