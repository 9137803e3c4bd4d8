import { resolve } from 'node:path';
import { type Driver, loadMappings, loadProfiles, type MappingDriver, ProfileError } from '#bms';
import { UserError } from '../runtime/errors.ts';
import type { Problem } from './inspect.ts';

/**
 * Drivers of the user's own Modbus profiles; none when no folder was named.
 * @throws UserError for a folder that cannot be read, or a broken profile in it
 */
export function ownDrivers(folder: string | undefined): readonly Driver[] {
  return folder === undefined ? [] : loaded(() => loadProfiles(folder));
}

/** The user's own mappings of what others publish, from the same folder. @throws UserError as `ownDrivers` does */
export function ownMappings(folder: string | undefined): readonly MappingDriver[] {
  return folder === undefined ? [] : loaded(() => loadMappings(folder));
}

function loaded<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (error instanceof ProfileError)
      throw new UserError(
        error.message,
        'docs/devices.md tells the form of a profile, docs/inputs.md that of a mapping',
      );
    throw error;
  }
}

/** The same for the check of a configuration: what is wrong with them is a problem of the file. */
export function checkedDrivers(folder: string | undefined): readonly Driver[] | Problem {
  try {
    // A broken mapping is as much a mistake in that folder as a broken profile.
    ownMappings(folder);
    return ownDrivers(folder);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { severity: 'error', path: 'profiles', message };
  }
}

/** A folder named in a configuration counts from where the file lies. */
export function profileFolder(named: string | undefined, configFolder: string | undefined): string | undefined {
  return named === undefined || configFolder === undefined ? named : resolve(configFolder, named);
}
