import type { Decoded, Fields } from './driver.ts';

/** The frame was good; these are its values. */
export function decoded(fields: Fields): Decoded {
  return { ok: true, fields };
}

/** The frame was turned down. `code` is a word of the protocol note, `detail` what belongs to it (`{ status: 129 }`). */
export function refused(code: string, message: string, detail?: Fields): Decoded & { readonly ok: false } {
  return { ok: false, error: detail === undefined ? { code, message } : { code, message, detail } };
}
