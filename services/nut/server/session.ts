import { wordsOf } from '../words.ts';
import type { BankUps, Login } from './bank-ups.ts';
import { COMMAND_NAMES } from './descriptions.ts';
import { get, list } from './reading.ts';
import { mayCommand, mayForce, mayLogIn, maySet, type NutUser, type Users } from './users.ts';

/** One client's conversation: what it has said of itself, and the answer to each of its lines. */

/** The version of the protocol, as NUT 2.8 has it. */
const PROTOCOL_VERSION = '1.3';
/** How long an answer to a wrong password is held back, ms. */
const WRONG_PASSWORD_MS = 1_000;

export interface Reply {
  /** With its line end; empty: nothing is sent. */
  readonly text: string;
  readonly next?: 'close' | 'tls';
  readonly delayMs?: number;
}

export interface SessionOptions {
  readonly ups: BankUps;
  readonly users: Users;
  readonly address: string;
  readonly version: string;
  readonly tls: { readonly configured: boolean; readonly required: boolean };
  readonly readers: 'anyone' | 'users';
  readonly monoMs: () => number;
}

type Answer = Reply | Promise<Reply>;

const say = (text: string): Reply => ({ text: `${text}\n` });
const err = (code: string): Reply => say(`ERR ${code}`);

export class Session {
  readonly #options: SessionOptions;
  #name: string | undefined;
  #password: string | undefined;
  #user: NutUser | undefined;
  #login: Login | undefined;
  #tracking = false;
  #secured = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** The connection is in TLS from here on. */
  secured(): void {
    this.#secured = true;
  }

  /** The connection is gone. */
  ended(becauseWeStop: boolean): void {
    if (this.#login !== undefined) this.#options.ups.logOut(this.#login, becauseWeStop);
    this.#login = undefined;
  }

  /** The one answer to one line; undefined stands for a line that was too long. */
  answer(line: string | undefined): Answer {
    const words = line === undefined ? undefined : wordsOf(line);
    if (words === undefined) return err('INVALID-ARGUMENT');
    const [verb = '', ...args] = words;
    switch (verb.toUpperCase()) {
      case 'GET':
        return this.#reading(() => this.#get(args));
      case 'LIST':
        return this.#reading(() => this.#list(args));
      case 'VER':
        return say(`Network UPS Tools upsd ${this.#options.version} - holdover`);
      case 'NETVER':
      case 'PROTVER':
        return say(PROTOCOL_VERSION);
      case 'HELP':
        return say('Commands: HELP VER GET LIST SET INSTCMD LOGIN LOGOUT USERNAME PASSWORD STARTTLS');
      case 'STARTTLS':
        return this.#startTls();
      case 'USERNAME':
        return this.#username(args);
      case 'PASSWORD':
        return this.#takePassword(args);
      case 'LOGOUT':
        return args.length > 0 ? err('INVALID-ARGUMENT') : { text: 'OK Goodbye\n', next: 'close' };
      case 'LOGIN':
        return this.#guarded((user) => this.#logIn(user, args));
      case 'PRIMARY':
      case 'MASTER':
        return this.#guarded((user) => this.#primary(user, verb.toUpperCase(), args));
      case 'FSD':
        return this.#guarded((user) => this.#force(user, args));
      case 'SET':
        return this.#guarded((user) => this.#set(user, args));
      case 'INSTCMD':
        return this.#guarded((user) => this.#command(user, args));
      default:
        return err('UNKNOWN-COMMAND');
    }
  }

  #startTls(): Reply {
    const { configured } = this.#options.tls;
    if (this.#secured) return err('ALREADY-SSL-MODE');
    if (!configured) return err('FEATURE-NOT-CONFIGURED');
    return { text: 'OK STARTTLS\n', next: 'tls' };
  }

  #username([name, ...more]: readonly string[]): Reply {
    if (this.#mustSecure()) return err('ACCESS-DENIED');
    if (name === undefined || more.length > 0) return err('INVALID-ARGUMENT');
    if (this.#name !== undefined) return err('ALREADY-SET-USERNAME');
    this.#name = name;
    this.#recognise();
    return say('OK');
  }

  #takePassword([password, ...more]: readonly string[]): Reply {
    if (this.#mustSecure()) return err('ACCESS-DENIED');
    if (password === undefined || more.length > 0) return err('INVALID-ARGUMENT');
    if (this.#password !== undefined) return err('ALREADY-SET-PASSWORD');
    this.#password = password;
    this.#recognise();
    return say('OK');
  }

  #recognise(): void {
    if (this.#name === undefined || this.#password === undefined) return;
    this.#user = this.#options.users.check(this.#name, this.#password);
  }

  #mustSecure(): boolean {
    return this.#options.tls.required && !this.#secured;
  }

  /** Who has not said who it is gets no further, and who said it wrongly waits. */
  #guarded(act: (user: NutUser) => Answer): Answer {
    if (this.#name === undefined) return err('USERNAME-REQUIRED');
    if (this.#password === undefined) return err('PASSWORD-REQUIRED');
    if (this.#user === undefined) return { ...err('ACCESS-DENIED'), delayMs: WRONG_PASSWORD_MS };
    return act(this.#user);
  }

  #reading(act: () => Reply): Answer {
    if (this.#mustSecure() && this.#options.readers === 'users') return err('ACCESS-DENIED');
    return this.#options.readers === 'anyone' ? act() : this.#guarded(act);
  }

  #get(args: readonly string[]): Reply {
    if (args[0]?.toUpperCase() === 'TRACKING') return this.#getTracking(args[1]);
    const text = get(this.#options.ups, args, this.#user, this.#options.version);
    this.#noteForced(text);
    return say(text);
  }

  #list(args: readonly string[]): Reply {
    const text = list(this.#options.ups, args, this.#user);
    this.#noteForced(text);
    return { text };
  }

  #noteForced(text: string): void {
    if (this.#login !== undefined && text.includes('"FSD ')) this.#options.ups.told(this.#login);
  }

  #getTracking(id: string | undefined): Reply {
    if (id === undefined) return say(this.#tracking ? 'ON' : 'OFF');
    if (!this.#tracking) return err('FEATURE-NOT-CONFIGURED');
    return say(this.#options.ups.tracking.look(id, this.#options.monoMs()));
  }

  #logIn(user: NutUser, args: readonly string[]): Reply {
    const { ups, address } = this.#options;
    if (args.length !== 1) return err('INVALID-ARGUMENT');
    if (this.#login !== undefined) return err('ALREADY-LOGGED-IN');
    if (!ups.isCalled(args[0] ?? '')) return err('UNKNOWN-UPS');
    if (!mayLogIn(user)) return err('ACCESS-DENIED');
    this.#login = { user, address };
    ups.logIn(this.#login);
    return say('OK');
  }

  #primary(user: NutUser, verb: string, args: readonly string[]): Reply {
    if (args.length !== 1) return err('INVALID-ARGUMENT');
    if (!this.#options.ups.isCalled(args[0] ?? '')) return err('UNKNOWN-UPS');
    return user.upsmon === 'primary' ? say(`OK ${verb}-GRANTED`) : err('ACCESS-DENIED');
  }

  #force(user: NutUser, args: readonly string[]): Reply {
    if (args.length !== 1) return err('INVALID-ARGUMENT');
    if (!this.#options.ups.isCalled(args[0] ?? '')) return err('UNKNOWN-UPS');
    if (!mayForce(user)) return err('ACCESS-DENIED');
    this.#options.ups.orderDown(user.user);
    return say('OK FSD-SET');
  }

  #set(user: NutUser, [what = '', ...args]: readonly string[]): Reply {
    if (what.toUpperCase() === 'TRACKING') return this.#setTracking(args);
    const [name, variable, value] = args;
    if (what.toUpperCase() !== 'VAR' || name === undefined || variable === undefined || value === undefined)
      return err('INVALID-ARGUMENT');
    const { ups } = this.#options;
    const trouble = this.#upsTrouble(name);
    if (trouble !== undefined) return trouble;
    if (!maySet(user)) return err('ACCESS-DENIED');
    const wanted = variable.toLowerCase();
    if (ups.variable(wanted, user) === undefined) return err('VAR-NOT-SUPPORTED');
    const error = ups.set(wanted, value, user.user);
    return error === undefined ? this.#done('SUCCESS') : err(error);
  }

  #setTracking([wanted, ...more]: readonly string[]): Reply {
    const word = wanted?.toUpperCase();
    if (more.length > 0 || (word !== 'ON' && word !== 'OFF')) return err('INVALID-ARGUMENT');
    this.#tracking = word === 'ON';
    return say('OK');
  }

  #command(user: NutUser, [name, said, parameter]: readonly string[]): Answer {
    const { ups } = this.#options;
    if (name === undefined || said === undefined) return err('INVALID-ARGUMENT');
    const trouble = this.#upsTrouble(name);
    if (trouble !== undefined) return trouble;
    const command = said.toLowerCase();
    if (!COMMAND_NAMES.includes(command)) return err('CMD-NOT-SUPPORTED');
    if (!mayCommand(user, command)) return err('ACCESS-DENIED');
    return ups.run(command, parameter, user.user).then((outcome) => {
      if (outcome === 'done') return this.#done('SUCCESS');
      if (outcome === 'invalid') return err('INVALID-ARGUMENT');
      return this.#tracking ? this.#done('ERR FAILED') : err('INSTCMD-FAILED');
    });
  }

  #done(outcome: 'SUCCESS' | 'ERR FAILED'): Reply {
    if (!this.#tracking) return say('OK');
    return say(`OK TRACKING ${this.#options.ups.tracking.note(outcome, this.#options.monoMs())}`);
  }

  #upsTrouble(name: string): Reply | undefined {
    const { ups } = this.#options;
    if (!ups.isCalled(name)) return err('UNKNOWN-UPS');
    const health = ups.health();
    if (health === 'fresh') return undefined;
    return err(health === 'stale' ? 'DATA-STALE' : 'DRIVER-NOT-CONNECTED');
  }
}
