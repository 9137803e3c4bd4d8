import { readFileSync } from 'node:fs';
import { UserError } from '../runtime/errors.ts';
import type { Secret } from './values.ts';

/** Reads a secret from where the configuration says it is. The value is never part of a message. */
export function readSecret(secret: Secret, path: string): string {
  if ('env' in secret) {
    const value = process.env[secret.env];
    if (value === undefined || value === '')
      throw new UserError(`${path}: environment variable ${secret.env} is not set`, `export ${secret.env}=…`);
    return value;
  }
  try {
    const value = readFileSync(secret.file, 'utf8').replace(/\r?\n$/, '');
    if (value === '') throw new UserError(`${path}: ${secret.file} is empty`, 'write the secret into it');
    return value;
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      `${path}: ${secret.file} cannot be read (${code ?? 'unknown reason'})`,
      'check the path and its owner',
    );
  }
}
