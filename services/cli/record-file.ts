import type { WriteStream } from 'node:fs';
import { messageOf, UserError } from '../runtime/errors.ts';

/** Waits until a file that must be new is open. @throws UserError when it is there already, or cannot be made */
export async function opened(file: WriteStream, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    file.once('open', () => resolve());
    file.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EEXIST' ? 'exists already' : messageOf(error);
      reject(new UserError(`${path} ${why}`, 'name another file with --out'));
    });
  });
}
