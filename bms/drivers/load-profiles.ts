import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type ProfileDriver, profileDriver } from './modbus-profile.ts';
import { profileSchema } from './modbus-profile-schema.ts';

/** A profile that cannot be used: which file, where in it, what was expected. */
export class ProfileError extends Error {
  readonly file: string;

  constructor(file: string, message: string, options?: { cause?: unknown }) {
    super(`${file}: ${message}`, options);
    this.name = 'ProfileError';
    this.file = file;
  }
}

/** Larger files are not profiles; the biggest known register map needs a tenth of it. */
const MAX_BYTES = 256 * 1024;

/**
 * Folder of the built-in profiles. In the source tree it lies beside this file; in a bundle this code is somewhere under
 * `dist/` and the package ships the profiles at `bms/drivers/profiles`, so it is looked for from there upwards.
 */
export function builtInProfiles(moduleUrl: string = import.meta.url): string {
  const here = dirname(fileURLToPath(moduleUrl));
  const looked: string[] = [];
  for (let folder = here, last = ''; folder !== last; last = folder, folder = dirname(folder)) {
    for (const place of [join(folder, 'profiles'), join(folder, 'bms', 'drivers', 'profiles')]) {
      if (existsSync(join(place, 'sdm230.yaml'))) return place;
      looked.push(place);
    }
  }
  throw new ProfileError(looked[0] ?? here, 'the built-in Modbus profiles are missing; install the package again');
}

/**
 * Drivers of all `*.yaml` files of a folder, sorted by id.
 * @throws ProfileError for a folder or file that cannot be read, a broken profile, or one id in two files
 */
export function loadProfiles(folder: string): readonly ProfileDriver[] {
  const drivers = new Map<string, ProfileDriver>();
  for (const file of listFolder(folder)) {
    const path = join(folder, file);
    const text = readProfile(path);
    if (isMapping(text)) continue;
    const driver = parseProfile(text, path);
    if (drivers.has(driver.id))
      throw new ProfileError(join(folder, file), `profile: ${driver.id} is in another file already`);
    drivers.set(driver.id, driver);
  }
  return [...drivers.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** One profile file. @throws ProfileError */
export function loadProfile(file: string): ProfileDriver {
  return parseProfile(readProfile(file), file);
}

/** Text of a file that a user wrote. @throws ProfileError */
export function readProfile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ProfileError(file, `cannot be read (${reason(cause)})`, { cause });
  }
}

/** Whether the text of a YAML file is a mapping of what somebody publishes, and not a Modbus profile. */
export const isMapping = (text: string): boolean => /^mapping\s*:/m.test(text);

/** A profile from its text; `file` is for messages. @throws ProfileError */
export function parseProfile(text: string, file: string): ProfileDriver {
  const content = yamlOf(text, file);
  const checked = profileSchema.safeParse(content);
  if (!checked.success) throw new ProfileError(file, `\n${z.prettifyError(checked.error)}`);
  try {
    return profileDriver(checked.data);
  } catch (cause) {
    throw new ProfileError(file, reason(cause), { cause });
  }
}

/** Content of a YAML file that a user wrote. @throws ProfileError when it is too large or no YAML */
export function yamlOf(text: string, file: string): unknown {
  if (text.length > MAX_BYTES) throw new ProfileError(file, `is larger than ${MAX_BYTES / 1024} KiB: not a profile`);
  try {
    const document = parseDocument(text, { prettyErrors: true });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS({ maxAliasCount: 20 });
  } catch (cause) {
    throw new ProfileError(file, `is not YAML: ${reason(cause)}`, { cause });
  }
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.ya?ml$/.test(name))
      .sort();
  } catch (cause) {
    throw new ProfileError(folder, `the folder cannot be read (${reason(cause)})`, { cause });
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
