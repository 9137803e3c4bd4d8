import { parseDocument } from 'yaml';

/** What the Talos API is spoken to with; PEM texts. */
export interface TalosCredentials {
  readonly ca: string;
  readonly crt: string;
  readonly key: string;
}

/**
 * The credentials of one context of a talosconfig: `contexts.NAME.{ca,crt,key}`, each base64 of PEM.
 * @param context the file's own choice when absent
 * @throws Error that says what is missing, and never what is there
 */
export function talosCredentials(text: string, context?: string): TalosCredentials {
  const file = objectOf(parsed(text));
  const contexts = objectOf(file.contexts);
  const name = context ?? file.context;
  if (typeof name !== 'string' || name === '') throw new Error('the talosconfig chooses no context; name one');
  if (!Object.hasOwn(contexts, name)) {
    const known = Object.keys(contexts).slice(0, 8).join(', ') || 'none at all';
    throw new Error(`the talosconfig has no context ${name}, but ${known}`);
  }
  const chosen = objectOf(contexts[name]);
  if (chosen.crt === undefined && chosen.auth !== undefined)
    throw new Error(
      `context ${name} signs in without a certificate; make one with talosctl config new --roles os:operator`,
    );
  return { ca: pem(chosen, 'ca', name), crt: pem(chosen, 'crt', name), key: pem(chosen, 'key', name) };
}

function parsed(text: string): unknown {
  const document = parseDocument(text);
  // the parser's message quotes the line, which may hold a key
  if (document.errors.length > 0) throw new Error('the talosconfig is not YAML');
  try {
    return document.toJS();
  } catch {
    throw new Error('the talosconfig has an alias that leads nowhere, or too many of them');
  }
}

function pem(context: Readonly<Record<string, unknown>>, field: keyof TalosCredentials, name: string): string {
  const value = context[field];
  if (typeof value !== 'string' || value === '') throw new Error(`context ${name} of the talosconfig has no ${field}`);
  const text = Buffer.from(value, 'base64').toString('utf8');
  if (!text.includes('-----BEGIN ')) throw new Error(`${field} of context ${name} is not base64 of a PEM text`);
  return text;
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
