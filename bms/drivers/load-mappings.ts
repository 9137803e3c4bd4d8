import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { builtInProfiles, isMapping, ProfileError, readProfile, yamlOf } from './load-profiles.ts';
import { type MappingDriver, mappingDriver } from './mapping.ts';
import { mappingSchema } from './mapping-schema.ts';
import { nearNames } from './near.ts';

/** Folder of the built-in mappings: beside the one of the Modbus profiles. */
const builtIn = (): string => join(builtInProfiles(), '..', 'mappings');

let made: ReadonlyMap<string, MappingDriver> | undefined;

/** The built-in mappings by id, read on first use. */
function known(): ReadonlyMap<string, MappingDriver> {
  made ??= new Map(loadMappings(builtIn()).map((driver) => [driver.id, driver]));
  return made;
}

/**
 * Mappings of all `*.yaml` files of a folder, sorted by id; files that are Modbus profiles are passed over.
 * @throws ProfileError for a folder or file that cannot be read, a broken mapping, or one id in two files
 */
export function loadMappings(folder: string): readonly MappingDriver[] {
  if (!existsSync(folder)) throw new ProfileError(folder, 'there is no such folder');
  const drivers = new Map<string, MappingDriver>();
  for (const file of readdirSync(folder).sort()) {
    if (!/\.ya?ml$/.test(file)) continue;
    const path = join(folder, file);
    const text = readProfile(path);
    if (!isMapping(text)) continue;
    const driver = parseMapping(text, path);
    if (drivers.has(driver.id)) throw new ProfileError(path, `mapping: ${driver.id} is in another file already`);
    drivers.set(driver.id, driver);
  }
  return [...drivers.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** A mapping from its text; `file` is for messages. @throws ProfileError */
export function parseMapping(text: string, file: string): MappingDriver {
  const checked = mappingSchema.safeParse(yamlOf(text, file));
  if (!checked.success) throw new ProfileError(file, `\n${z.prettifyError(checked.error)}`);
  try {
    return mappingDriver(checked.data);
  } catch (cause) {
    throw new ProfileError(file, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Ids of all mappings, sorted. `more`: the user's own. */
export const mappingIds = (more: readonly MappingDriver[] = []): readonly string[] =>
  [...new Set([...known().keys(), ...more.map(({ id }) => id)])].sort();

/** The mapping of an id or alias, the user's own first; undefined when nobody knows it. */
export function mappingFor(id: string, more: readonly MappingDriver[] = []): MappingDriver | undefined {
  const all = [...more, ...known().values()];
  return all.find((driver) => driver.id === id) ?? all.find(({ aliases }) => aliases.includes(id));
}

/** Ids that somebody may have meant. */
export const nearMappings = (id: string, more: readonly MappingDriver[] = []): readonly string[] =>
  nearNames(id, mappingIds(more));
